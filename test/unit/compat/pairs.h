/*
 * pairs.h - asks about one pair of schemas and checks what can be checked of any answer.
 */
#ifndef NX_TEST_COMPAT_PAIRS_H
#define NX_TEST_COMPAT_PAIRS_H

#include "core/compat.h"
#include "test/unit/unit.h"

struct pair_options {
    bool assert_format;
    enum nx_err (*resolve)(void *ctx, struct nx_span uri, struct nx_span *document);
    uint64_t seed;
    unsigned candidates_max;
};

/*
 * The answer for FROM = old or new. A witness is confirmed here by schemas that were compiled for
 * that alone. Fails the test when a schema does not compile.
 */
enum nx_compat_answer ask(struct nx_span old_text, struct nx_span new_text,
                          const struct pair_options *options, enum nx_compat_side from);

/* 'C', 'I' or 'U' for both directions at once, as mode full has it. */
enum nx_compat_answer ask_full(enum nx_compat_answer backward, enum nx_compat_answer forward);

#endif
