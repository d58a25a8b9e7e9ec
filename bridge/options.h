/*
 * options.h - what an operator may tune, as one table: name, range, default, unit, help. The
 * member `tuning` of bridge.json is read by it, `nexus-bridge --help` prints it, and its schema
 * is checked against it by a test. To add an option: a member here, a row in options.c and one
 * in schemas/config/bridge.schema.json.
 */
#ifndef NX_BRIDGE_OPTIONS_H
#define NX_BRIDGE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct nx_tuning {
    uint32_t commit_batch_max;
    uint32_t held_bytes_max;
    uint32_t window;
    uint32_t batch_window;
    uint32_t batch_readings;
    uint32_t batch_bytes;
    uint32_t ask_ms_min;
    uint32_t ask_ms_max;
    uint32_t receive_max;
    uint32_t packet_bytes_max;
    uint32_t output_bytes_max;
    uint32_t backoff_ms_min;
    uint32_t backoff_ms_max;
    uint32_t keepalive_s;
    uint32_t session_expiry_s;
    uint32_t cursor_save_ms;
    uint32_t drain_ms;
    uint32_t status_period_s;
};

struct nx_option {
    const char *name;
    size_t offset;            /* of a uint32_t in struct nx_tuning */
    uint32_t min, max, value; /* `value` is the default */
    const char *unit;
    const char *help;
};

extern const struct nx_option nx_options[];
extern const size_t nx_options_count;

uint32_t *nx_option_at(struct nx_tuning *tuning, const struct nx_option *option);
void nx_tuning_defaults(struct nx_tuning *tuning);

#endif
