/*
 * lens_internal.h - a compiled lens, shared by lens_compile.c (which makes it) and lens.c (which
 * runs it). Immutable once compiled.
 *
 * Each side of a lens is a tree of members, named by the JSON Pointers of the rows. A reading is
 * walked once along its side's tree, which gives every row its source nodes; the target is written
 * by walking the other tree, leaving out what no row has put and containers left empty.
 */
#ifndef NX_LENS_INTERNAL_H
#define NX_LENS_INTERNAL_H

#include "lens/codec.h"

enum {
    NX_LENS_DEPTH_MAX = 8,           /* levels of a JSON Pointer */
    NX_LENS_BYTES_MAX = 1024 * 1024, /* of memory of one compiled lens */
};

/* One member; index 0 is the root, so 0 also says "none". */
struct nx_member {
    struct nx_span name; /* decoded */
    struct nx_span key;  /* as JSON with its colon: "no2": */
    struct nx_span pointer;
    uint16_t parent, child, next; /* in their order of output: leaves first, then containers */
    bool leaf;                    /* a row puts it */
};

struct nx_side {
    struct nx_member *members;
    uint16_t count;
};

struct nx_lens {
    struct nx_arena arena;
    struct nx_span name; /* "ulsan-air@1" */
    struct nx_quality quality;
    struct nx_row *rows;
    size_t rows_count;
    struct nx_side canonical, dialect;
};

/* The members of one reading, as found in the source or put for the target. */
struct nx_lens_value {
    uint32_t at, len; /* in nx_call.text; len 0: not put */
};

struct nx_call {
    const struct nx_lens *lens;
    const struct nx_lens_scene *scene;
    const struct nx_json *in;
    const struct nx_row *row; /* the one at work */
    bool to_canonical;
    const struct nx_side *source, *target;
    uint32_t nodes[NX_LENS_MEMBERS_MAX];              /* by source member */
    struct nx_lens_value values[NX_LENS_MEMBERS_MAX]; /* by target member */
    struct nx_buf text;                               /* the JSON of what was put */
    size_t text_from;                                 /* where the value in progress begins */
    struct nx_receipt *receipt;
    struct nx_diag *diag;
};

/* receipt.c: one more object in the array; `lens` and the pointers may be empty. */
void nx_receipt_row(struct nx_receipt *receipt, struct nx_span lens, struct nx_span from,
                    struct nx_span to, const char *codec, const char *fmt, va_list args)
    __attribute__((format(printf, 6, 0)));

#endif
