/*
 * codec.h - what carries one kind of value between a dialect and canonical.
 *
 * A codec is one file that ends in one `const struct nx_codec`, and one row in
 * codec.c. It names the options that a lens row may give it; the lens compiler checks them, so a
 * codec sees only options that are there and well-typed. At work it reads its source members and
 * puts its target members; it never sees the rest of the document.
 */
#ifndef NX_CODEC_H
#define NX_CODEC_H

#include "lens/lens.h"

enum {
    NX_CODEC_OPTIONS_MAX = 12,
    NX_LENS_MEMBERS_MAX = 256, /* on either side of a lens, containers included */
    NX_LENS_ROWS_MAX = 128,
};

enum nx_option_kind {
    NX_OPTION_CANONICAL, /* JSON Pointer of a member of canonical */
    NX_OPTION_DIALECT,   /* JSON Pointer of a member of the dialect */
    NX_OPTION_TEXT,
    NX_OPTION_INTEGER, /* 0 to 2^31 - 1 */
    NX_OPTION_BOOLEAN,
    NX_OPTION_JSON, /* any value; `text` holds its JSON */
};

struct nx_codec_option {
    const char *name; /* as in lens.json */
    enum nx_option_kind kind;
    bool required;
    const char *help;
};

/* An option as a row gives it. */
struct nx_option {
    bool given;
    bool truth;             /* BOOLEAN */
    uint16_t member;        /* CANONICAL, DIALECT: index in the lens's table of that side */
    uint32_t source_offset; /* in lens.json, for diagnoses */
    int64_t integer;        /* INTEGER */
    struct nx_span text;    /* TEXT, JSON; for a member its JSON Pointer */
};

struct nx_row {
    const struct nx_codec *codec;
    const void *state; /* what the codec's prepare made of the options, in the lens's arena */
    struct nx_option options[NX_CODEC_OPTIONS_MAX]; /* in the order of codec->options */
};

/* How a dialect says that there is no value, and why (the "quality" part of lens.json). */
struct nx_quality_flag {
    struct nx_span dialect, code;
};
struct nx_quality_missing {
    enum nx_json_type type;
    struct nx_span text; /* a string's or a number's */
    struct nx_span json; /* as it is written */
};
struct nx_quality {
    struct nx_quality_missing *missing; /* what means "no value"; the first is what is written */
    size_t missing_count;
    struct nx_quality_flag *flags; /* none: the dialect writes canonical's codes as they are */
    size_t flags_count;
    struct nx_span no_flag; /* JSON written where there is nothing to flag; empty: no member */
};

/* A row at work on one reading. */
struct nx_call;

struct nx_codec {
    const char *name;
    const char *help;
    const struct nx_codec_option *options;
    size_t options_count;

    /* Checks and digests the options once. NULL: nothing to do. diag: text; the place is set. */
    enum nx_err (*prepare)(struct nx_arena *arena, struct nx_row *row, struct nx_diag *diag);

    enum nx_err (*to_canonical)(struct nx_call *call);
    enum nx_err (*from_canonical)(struct nx_call *call);

    /* The asset that the payload names, or empty. NULL: this codec cannot know. */
    struct nx_span (*identify)(struct nx_call *call, const struct nx_domain *domain);
};

/* The codec of that name, or NULL; and the table, for documentation. */
const struct nx_codec *nx_codec_find(struct nx_span name);
const struct nx_codec *const *nx_codec_table(size_t *count);

/* What a codec may ask and do while it works. `option` is the index in its options table. */

const struct nx_lens_scene *nx_call_scene(const struct nx_call *call);
const struct nx_quality *nx_call_quality(const struct nx_call *call);
const void *nx_call_state(const struct nx_call *call);
const struct nx_option *nx_call_option(const struct nx_call *call, unsigned option);
const struct nx_json *nx_call_source(const struct nx_call *call);

/* The source node of a member option, or 0: absent, or the option was not given. */
uint32_t nx_call_node(const struct nx_call *call, unsigned option);

/* The text of a member option's string; empty: absent, or something else than a string. */
struct nx_span nx_call_text(const struct nx_call *call, unsigned option);

/* Puts JSON or text into a target member; nothing happens when the option was not given. */
enum nx_err nx_call_put(struct nx_call *call, unsigned option, struct nx_span json);
enum nx_err nx_call_put_text(struct nx_call *call, unsigned option, struct nx_span text);

/*
 * Begins to put a value piece by piece: append JSON to the returned buffer, then nx_call_put_end.
 * Between the two no other member may be put.
 */
struct nx_buf *nx_call_put_begin(struct nx_call *call);
enum nx_err nx_call_put_end(struct nx_call *call, unsigned option);

/* Reports a source value that cannot be carried: sets the diagnosis, returns NX_ERR_INVALID. */
enum nx_err nx_call_refuse(struct nx_call *call, unsigned option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Does anybody ask for a receipt? For what is dear to put into words. */
bool nx_call_has_receipt(const struct nx_call *call);

/*
 * Adds a row to the receipt: from and to are member options, or -1. `fmt` gives further members,
 * as `"factor":"%s"`, or is empty.
 */
void nx_call_receipt(struct nx_call *call, int from, int to, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
