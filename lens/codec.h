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

#include "lens/decimal.h"
#include "lens/lens.h"

enum {
    NX_CODEC_OPTIONS_MAX = 12,
    NX_LENS_ROWS_MAX = 128,
    NX_LENS_PADDING = 16, /* readable behind JSON that is copied sixteen bytes at a time */
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
    bool preset;       /* it puts a constant: without a receipt nothing is left to do */
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

/*
 * A row at work on one reading. Codecs ask the functions below, which are inline because a reading
 * takes some two hundred such questions; the members are theirs and lens.c's.
 */
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

    /*
     * The JSON that a row puts whatever the reading says, and the option of its member: put once
     * for all readings. The two functions above then matter to receipts alone. NULL: never so.
     */
    struct nx_span (*preset)(const struct nx_row *row, unsigned *option);

    /* The asset that the payload names, or empty. NULL: this codec cannot know. */
    struct nx_span (*identify)(struct nx_call *call, const struct nx_domain *domain);
};

/* The codec of that name, or NULL; and the table, for documentation. */
const struct nx_codec *nx_codec_find(struct nx_span name);
const struct nx_codec *const *nx_codec_table(size_t *count);

/* What was put into a target member. */
struct nx_lens_value {
    const char *ptr;  /* outlives the call; NULL: at `at` in nx_call.text */
    uint32_t at, len; /* len 0: not put */
};

struct nx_call {
    const struct nx_lens *lens;
    const struct nx_lens_scene *scene;
    const struct nx_quality *quality;
    const struct nx_json *in;
    const struct nx_json_node *tape; /* of `in` */
    const char *bytes;               /* of its source */
    const struct nx_row *row;        /* the one at work */
    bool to_canonical;
    const struct nx_side *source, *target;
    struct nx_buf *text; /* the JSON of what was put */
    size_t text_from;    /* where the value in progress begins */
    struct nx_receipt *receipt;
    struct nx_diag *diag;
    const uint32_t *nodes;                            /* by source member */
    struct nx_lens_value values[NX_LENS_MEMBERS_MAX]; /* by target member */
};

/* What a codec may ask and do while it works. `option` is the index in its options table. */

static inline const struct nx_lens_scene *nx_call_scene(const struct nx_call *call)
{
    return call->scene;
}

static inline const struct nx_quality *nx_call_quality(const struct nx_call *call)
{
    return call->quality;
}

static inline const void *nx_call_state(const struct nx_call *call)
{
    return call->row->state;
}

static inline const struct nx_option *nx_call_option(const struct nx_call *call, unsigned option)
{
    return &call->row->options[option];
}

static inline const struct nx_json *nx_call_source(const struct nx_call *call)
{
    return call->in;
}

/* The source node of a member option, or 0: absent, or the option was not given. */
static inline uint32_t nx_call_node(const struct nx_call *call, unsigned option)
{
    const struct nx_option *given = &call->row->options[option];

    return given->given ? call->nodes[given->member] : 0;
}

/* A source node's type, and the text of its string or number, as nx_json_text gives it. */
static inline enum nx_json_type nx_call_type_at(const struct nx_call *call, uint32_t node)
{
    return (enum nx_json_type)call->tape[node].type;
}

static inline struct nx_span nx_call_text_at(const struct nx_call *call, uint32_t node)
{
    const struct nx_json_node *n = &call->tape[node];

    if ((n->type != NX_JSON_STRING && n->type != NX_JSON_NUMBER) || n->flags & NX_JSON_DECODED) {
        return nx_json_text(call->in, node);
    }
    return (struct nx_span){call->bytes + n->text, n->length};
}

/* The text of a member option's string; empty: absent, or something else than a string. */
static inline struct nx_span nx_call_text(const struct nx_call *call, unsigned option)
{
    uint32_t node = nx_call_node(call, option);

    if (node == 0 || nx_call_type_at(call, node) != NX_JSON_STRING) {
        return (struct nx_span){NULL, 0};
    }
    return nx_call_text_at(call, node);
}

/* Puts JSON or text into a target member; nothing happens when the option was not given. */
enum nx_err nx_call_put(struct nx_call *call, unsigned option, struct nx_span json);
enum nx_err nx_call_put_text(struct nx_call *call, unsigned option, struct nx_span text);

/* Puts ASCII text that needs no escapes, such as digits. */
enum nx_err nx_call_put_quoted(struct nx_call *call, unsigned option, struct nx_span text);

/* Puts the source's string or number at `node`, unchanged. */
enum nx_err nx_call_put_node(struct nx_call *call, unsigned option, uint32_t node);

/*
 * Puts JSON that outlives the reading, such as a row's own: it is not copied. NX_LENS_PADDING bytes
 * behind it can be read.
 */
static inline enum nx_err nx_call_put_constant(struct nx_call *call, unsigned option,
                                               struct nx_span json)
{
    const struct nx_option *given = &call->row->options[option];

    if (given->given) {
        call->values[given->member] = (struct nx_lens_value){json.ptr, 0, (uint32_t)json.len};
    }
    return NX_OK;
}

/* Puts a decimal, as a number or in quotes. */
enum nx_err nx_call_put_decimal(struct nx_call *call, unsigned option, struct nx_decimal value,
                                bool quoted);

/*
 * Begins to put a value piece by piece: append JSON to the returned buffer, then nx_call_put_end.
 * Between the two no other member may be put.
 */
static inline struct nx_buf *nx_call_put_begin(struct nx_call *call)
{
    call->text_from = call->text->len;
    return call->text;
}

static inline enum nx_err nx_call_put_end(struct nx_call *call, unsigned option)
{
    const struct nx_option *given = &call->row->options[option];

    if (given->given) {
        call->values[given->member] = (struct nx_lens_value){
            NULL, (uint32_t)call->text_from, (uint32_t)(call->text->len - call->text_from)};
    }
    return nx_buf_error(call->text);
}

/* Reports a source value that cannot be carried: sets the diagnosis, returns NX_ERR_INVALID. */
enum nx_err nx_call_refuse(struct nx_call *call, unsigned option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Does anybody ask for a receipt? For what is dear to put into words. */
static inline bool nx_call_has_receipt(const struct nx_call *call)
{
    return call->receipt != NULL;
}

/*
 * Adds a row to the receipt: from and to are member options, or -1. The format gives further
 * members, as `"factor":"%s"`, or is empty. A macro, so that nothing is prepared for a receipt that
 * nobody asks for.
 */
#define nx_call_receipt(call, ...)                                                                 \
    do {                                                                                           \
        if (nx_call_has_receipt(call)) {                                                           \
            nx_call_tell((call), __VA_ARGS__);                                                     \
        }                                                                                          \
    } while (false)

void nx_call_tell(struct nx_call *call, int from, int to, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
