/*
 * identity_test.c - finding identities and what they own by hashing says the same as walking the
 * lists, which is what the words of city.json mean.
 */
#include "test/unit/unit.h"

#include "core/identity.h"
#include "core/topic.h"

#include <stdio.h>

enum { IDENTITIES = 40, PATTERNS = 6, ROUNDS = 400, QUESTIONS = 200, TEXT_SIZE = 64 };

struct world {
    struct nx_arena arena;
    struct nx_city city;
    struct nx_identity identities[IDENTITIES];
    struct nx_asset_pattern patterns[IDENTITIES][PATTERNS];
    char names[IDENTITIES][TEXT_SIZE];
    char assets[IDENTITIES][PATTERNS][TEXT_SIZE];
    unsigned seed;
};

static unsigned roll(struct world *w, unsigned below)
{
    w->seed = w->seed * 1103515245u + 12345u;
    return (w->seed >> 16) % below;
}

/* A short word of few letters, so that many coincide and overlap. */
static const char *word(struct world *w, char out[TEXT_SIZE])
{
    unsigned len = roll(w, 4);

    for (unsigned i = 0; i < len; i++) {
        out[i] = "ab-"[roll(w, 3)];
    }
    out[len] = '\0';
    return out;
}

/* A word, in some cases with a capture in the middle. */
static void braced(struct world *w, char out[TEXT_SIZE], bool capture)
{
    char head[TEXT_SIZE], tail[TEXT_SIZE];

    (void)snprintf(out, TEXT_SIZE, "%.20s%s%.20s", word(w, head), capture ? "{x}" : "a",
                   word(w, tail));
}

static void make_identity(struct world *w, size_t i)
{
    static const char *const domains[] = {"air", "weather", "+"};
    struct nx_identity *identity = &w->identities[i];
    bool capture = roll(w, 3) > 0;

    braced(w, w->names[i], capture);
    *identity = (struct nx_identity){.name = nx_span_from(w->names[i]),
                                     .role = NX_ROLE_SENSOR,
                                     .assets = w->patterns[i],
                                     .assets_count = roll(w, PATTERNS)};
    nx_map_init(&identity->owned, 100, 3);
    for (size_t k = 0; k < identity->assets_count; k++) {
        const char *domain = domains[roll(w, 3)];

        if (roll(w, 6) == 0) {
            (void)snprintf(w->assets[i][k], TEXT_SIZE, "+");
        } else {
            braced(w, w->assets[i][k], capture && roll(w, 2) == 0);
        }
        w->patterns[i][k] =
            (struct nx_asset_pattern){nx_span_from(domain), nx_span_from(w->assets[i][k])};
    }
}

static void world_make(struct world *w, unsigned seed)
{
    *w = (struct world){.seed = seed};
    nx_arena_init(&w->arena, 1024 * 1024);
    nx_map_init(&w->city.identities_by_name, 100, 3);
    nx_map_init(&w->city.identities_by_capture, 100, 3);
    w->city.identities = w->identities;
    w->city.identities_count = IDENTITIES;
    for (size_t i = 0; i < IDENTITIES; i++) {
        make_identity(w, i);
        while (nx_map_get(&w->city.identities_by_name, w->identities[i].name) != NULL) {
            nx_map_fini(&w->identities[i].owned);
            make_identity(w, i); /* a JSON object has no name twice */
        }
        assert_int_equal(nx_identity_index(&w->arena, &w->city, &w->identities[i]), NX_OK);
    }
}

static void world_free(struct world *w)
{
    for (size_t i = 0; i < IDENTITIES; i++) {
        nx_map_fini(&w->identities[i].owned);
    }
    nx_map_fini(&w->city.identities_by_name);
    nx_map_fini(&w->city.identities_by_capture);
    nx_arena_fini(&w->arena);
}

/* --- the same by walking ------------------------------------------------------------------- */

/* Does `pattern` take `text`, its braces standing for an asset name? */
static bool takes(struct nx_span pattern, struct nx_span text, struct nx_span *capture)
{
    struct nx_span tail = pattern, head = nx_span_cut(&tail, '{');

    *capture = (struct nx_span){NULL, 0};
    if (tail.ptr == NULL) {
        return nx_span_eq(pattern, text);
    }
    (void)nx_span_cut(&tail, '}');
    if (text.len <= head.len + tail.len || !nx_span_starts(text, head) ||
        memcmp(text.ptr + text.len - tail.len, tail.ptr, tail.len) != 0) {
        return false;
    }
    *capture = (struct nx_span){text.ptr + head.len, text.len - head.len - tail.len};
    return nx_name_is_asset(*capture);
}

static const struct nx_identity *walk(const struct world *w, struct nx_span username,
                                      struct nx_span *capture)
{
    for (unsigned captures = 0; captures < 2; captures++) {
        for (size_t i = 0; i < IDENTITIES; i++) {
            bool braces = memchr(w->names[i], '{', strlen(w->names[i])) != NULL;

            if (braces == (captures == 1) && takes(w->identities[i].name, username, capture)) {
                return &w->identities[i];
            }
        }
    }
    *capture = (struct nx_span){NULL, 0};
    return NULL;
}

static bool walk_owns(const struct nx_identity *identity, struct nx_span capture,
                      struct nx_span domain, struct nx_span asset)
{
    for (size_t k = 0; k < identity->assets_count; k++) {
        const struct nx_asset_pattern *p = &identity->assets[k];
        char text[TEXT_SIZE * 2];
        struct nx_span tail = p->asset, head = nx_span_cut(&tail, '{');
        struct nx_span whole = p->asset;

        if (tail.ptr != NULL) {
            (void)nx_span_cut(&tail, '}');
            (void)snprintf(text, sizeof(text), "%.*s%.*s%.*s", NX_SPAN_ARG(head),
                           NX_SPAN_ARG(capture), NX_SPAN_ARG(tail));
            whole = nx_span_from(text);
        }
        if ((domain.ptr == NULL || nx_span_is(p->domain, "+") || nx_span_eq(p->domain, domain)) &&
            (asset.ptr == NULL || nx_span_is(whole, "+") || nx_span_eq(whole, asset))) {
            return true;
        }
    }
    return false;
}

/* --- tests --------------------------------------------------------------------------------- */

static void check_owned(struct world *w, const struct nx_identity *identity, struct nx_span capture)
{
    static const char *const domains[] = {"air", "weather", "noise"};
    char text[TEXT_SIZE];

    for (unsigned i = 0; i < 20; i++) {
        struct nx_span domain = nx_span_from(domains[roll(w, 3)]), asset;
        struct nx_span none = {NULL, 0};

        braced(w, text, false);
        asset = nx_span_from(text);
        if (roll(w, 5) == 0) {
            domain = none;
        } else if (roll(w, 5) == 0) {
            asset = none;
        }
        if (nx_identity_owns(identity, capture, domain, asset) !=
            walk_owns(identity, capture, domain, asset)) {
            fail_msg("%.*s (%.*s) on %.*s/%.*s", NX_SPAN_ARG(identity->name), NX_SPAN_ARG(capture),
                     NX_SPAN_ARG(domain), NX_SPAN_ARG(asset));
        }
    }
}

static void what_is_found_by_hashing_is_what_walking_finds(void **state)
{
    static struct world w;
    unsigned found = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        world_make(&w, round + 1);
        for (unsigned i = 0; i < QUESTIONS; i++) {
            char text[TEXT_SIZE];
            struct nx_span capture, walked;
            const struct nx_identity *identity;

            braced(&w, text, false);
            identity = nx_identity_find(&w.city, nx_span_from(text), &capture);
            assert_ptr_equal(identity, walk(&w, nx_span_from(text), &walked));
            assert_true(nx_span_eq(capture, walked));
            if (identity != NULL) {
                check_owned(&w, identity, capture);
                found++;
            }
        }
        world_free(&w);
    }
    assert_true(found > ROUNDS); /* the questions are no empty ones */
}

static void names_longer_than_any_rule_find_nothing(void **state)
{
    static char name[70000];
    static struct world w;
    struct nx_span capture;

    (void)state;
    world_make(&w, 1);
    memset(name, 'a', sizeof(name));
    assert_null(nx_identity_find(&w.city, (struct nx_span){name, sizeof(name)}, &capture));
    assert_null(nx_identity_find(&w.city, (struct nx_span){name, 1000}, &capture));
    for (size_t i = 0; i < IDENTITIES; i++) {
        (void)nx_identity_owns(&w.identities[i], (struct nx_span){name, 64},
                               (struct nx_span){name, 60000}, (struct nx_span){name, 60000});
    }
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_by_hashing_is_what_walking_finds),
        cmocka_unit_test(names_longer_than_any_rule_find_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
