/*
 * sim_world.c - chance, and what bridge/state.h asks of the operating system.
 */
#include "bridge/state.h"
#include "test/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct sim_world *sim_world;

/* SplitMix64 (Steele, Lea, Flood 2014): every seed is as good as any other. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t sim_draw(struct sim_random *random, uint64_t bound)
{
    return bound > 0 ? draw(&random->state) % bound : 0;
}

bool sim_chance(struct sim_random *random, unsigned percent)
{
    return sim_draw(random, 100) < percent;
}

void sim_say(const char *format, ...)
{
    va_list args;

    if (!sim_world->verbose) {
        return;
    }
    (void)fprintf(stderr, "%12.6f ", (double)sim_world->now_us / 1e6);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

enum nx_err nx_state_lock(const char *dir, int *lock, struct nx_diag *diag)
{
    (void)dir;
    (void)diag;
    *lock = -1;
    return NX_OK;
}

enum nx_err nx_state_client_id(const char *dir, const char *city, char out[NX_CLIENT_ID_SIZE],
                               struct nx_diag *diag)
{
    (void)dir;
    (void)diag;
    (void)snprintf(out, NX_CLIENT_ID_SIZE, "nexus-bridge-%s-0123456789abcdef", city);
    return NX_OK;
}

enum nx_err nx_state_random(uint64_t *out)
{
    *out = draw(&sim_world->draws_state);
    return NX_OK;
}
