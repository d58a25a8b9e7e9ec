/*
 * federation.h - the shipped configuration, schemas and lenses, loaded for a test.
 */
#ifndef NX_TEST_LENS_FEDERATION_H
#define NX_TEST_LENS_FEDERATION_H

#include "lens/exchange.h"

struct federation {
    struct nx_config *config;
    struct nx_exchange *exchange;
    struct nx_json *json; /* for the test's own use */
    struct nx_check *check;
};

/* cmocka group fixtures: *state becomes a struct federation. */
int federation_open(void **state);
int federation_close(void **state);

/* Reads a file of the source tree into `out` (initialised here). */
void federation_file(const char *path, struct nx_buf *out);

/*
 * Calls `visit` with the path and the bytes of every file in <source>/schemas/<of>/air/examples/
 * <kind>. Fails the test when there are fewer than `at_least`.
 */
void federation_examples(const char *of, const char *kind, size_t at_least,
                         void (*visit)(struct federation *f, const char *of, const char *path,
                                       struct nx_span bytes),
                         struct federation *f);

/* Translations that must succeed; `asset` may be NULL. `out` is initialised here. */
void must_to_canonical(struct federation *f, const char *city, const char *asset,
                       struct nx_span payload, struct nx_buf *out);
void must_from_canonical(struct federation *f, const char *city, struct nx_span canonical,
                         struct nx_buf *out);

/* The buffer's text is exactly `expected`. */
void assert_text(const struct nx_buf *out, const char *expected);

#endif
