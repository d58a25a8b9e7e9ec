/*
 * hostile_inputs.h - families of inputs that are made to be slow to judge, and their schemas.
 */
#ifndef NX_BENCH_HOSTILE_INPUTS_H
#define NX_BENCH_HOSTILE_INPUTS_H

#include "bench/bench.h"

/* An input is `open`, then units with `separator` between them, then `close`. */
struct hostile {
    const char *name;
    const char *schema; /* with ' for "; NULL: `make_schema` writes it */
    void (*make_schema)(struct nx_buf *out);
    const char *open;
    const char *unit; /* repeated; NULL: `make_unit` writes the one with the number `index` */
    void (*make_unit)(struct nx_buf *out, uint32_t index);
    const char *separator;
    const char *close;
    bool mirrored;  /* each unit is answered by one `close`, around a 0 */
    uint32_t bytes; /* of the smallest input; 0: HOSTILE_BYTES */
    bool explained; /* a refusal is told in words as well */
};

enum { HOSTILE_BYTES = 32 * 1024 };

extern const struct hostile hostile_inputs[];
extern const unsigned hostile_inputs_count;

/* The family's schema, and its input of about `bytes`. Exits with 2 when memory is out. */
void hostile_schema(const struct hostile *family, struct nx_buf *out);
void hostile_input(const struct hostile *family, size_t bytes, struct nx_buf *out);

#endif
