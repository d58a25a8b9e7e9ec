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

#include "core/json_token.h"
#include "lens/codec.h"

enum {
    NX_LENS_DEPTH_MAX = 8,           /* levels of a JSON Pointer */
    NX_LENS_BYTES_MAX = 1024 * 1024, /* of memory of one compiled lens */
    NX_LENS_BUCKETS = 64,            /* in which a side's members are found by name */
};

/* One member; index 0 is the root, so 0 also says "none". */
struct nx_member {
    struct nx_span name; /* decoded */
    struct nx_span key;  /* as JSON, between comma and colon: ,"no2": */
    struct nx_span pointer;
    struct token token;           /* "no2": */
    uint16_t parent, child, next; /* in their order of output: leaves first, then containers */
    uint16_t in_bucket;           /* the next of the same bucket */
    bool leaf;                    /* a row puts it */
};

struct nx_side {
    struct nx_member *members;
    struct nx_lens_value *presets; /* by member: what every reading puts */
    uint16_t count;
    uint16_t buckets[NX_LENS_BUCKETS]; /* the first member of each */
};

/* The bucket of a name: its length and its ends tell nearly all names of a side apart. */
static inline unsigned nx_side_bucket(struct nx_span name)
{
    unsigned first = name.len > 0 ? (unsigned char)name.ptr[0] : 0;
    unsigned last = name.len > 0 ? (unsigned char)name.ptr[name.len - 1] : 0;

    return (first + last * 5 + (unsigned)name.len * 9) % NX_LENS_BUCKETS;
}

/* The child of `parent` called `name`, or 0. */
static inline uint16_t nx_side_child(const struct nx_side *side, uint16_t parent,
                                     struct nx_span name)
{
    uint16_t at = side->buckets[nx_side_bucket(name)];

    while (at != 0 &&
           (side->members[at].parent != parent || !nx_span_eq(side->members[at].name, name))) {
        at = side->members[at].in_bucket;
    }
    return at;
}

struct nx_lens {
    struct nx_arena arena;
    struct nx_span name; /* "ulsan-air@1" */
    struct nx_quality quality;
    struct nx_row *rows;
    size_t rows_count;
    struct nx_side canonical, dialect;
    uint16_t observed_at; /* canonical's member dateObserved, or 0 */
    uint16_t id;          /* canonical's member id, or 0 */
};

/* receipt.c: one more object in the array; `lens` and the pointers may be empty. */
void nx_receipt_row(struct nx_receipt *receipt, struct nx_span lens, struct nx_span from,
                    struct nx_span to, const char *codec, const char *fmt, va_list args)
    __attribute__((format(printf, 6, 0)));

#endif
