/*
 * schema_output.c - writes a verdict as the specification's output (2020-12 core, section 12):
 * from the trace of a check to one JSON document.
 *
 * Section 12.4.3 shapes `detailed`: a unit with a single unit below it gives its place to that
 * one. (Units that have none below and say nothing, which it removes too, are not in a trace.)
 */
#include "core/schema_output.h"

#include "core/schema_trace.h"

#include <stdlib.h>

enum { LOCATION_BYTES_MAX = 1024 * 1024, WORDS_BYTES_MAX = 384 };

struct writer {
    const struct nx_schema *schema;
    const struct nx_check *check; /* as the last check left it: for the words */
    const struct nx_json *instance;
    const struct nx_trace *trace;
    struct nx_span base;
    struct nx_buf location; /* the one that is being made */
    struct nx_buf scratch;
    struct nx_buf *out;
    enum nx_err error; /* of location or scratch, at any time */
};

/* ---- locations ----------------------------------------------------------------------------- */

/* May this byte stand in the fragment of a URI as it is (RFC 3986, section 3.5)? */
static bool is_fragment_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@/?", c) != NULL);
}

static void add_fragment(struct nx_buf *out, struct nx_span pointer)
{
    for (size_t i = 0; i < pointer.len; i++) {
        if (is_fragment_byte(pointer.ptr[i])) {
            (void)nx_buf_byte(out, (uint8_t)pointer.ptr[i]);
        } else {
            (void)nx_buf_printf(out, "%%%02X", (unsigned)(unsigned char)pointer.ptr[i]);
        }
    }
}

/* Does it begin with a scheme (RFC 3986, section 3.1)? */
static bool is_absolute(struct nx_span uri)
{
    const char *colon = uri.len > 0 ? memchr(uri.ptr, ':', uri.len) : NULL;
    const char *slash = uri.len > 0 ? memchr(uri.ptr, '/', uri.len) : NULL;

    return colon != NULL && colon != uri.ptr && (slash == NULL || colon < slash);
}

/* Remembers that a location is not whole. */
static void note_error(struct writer *w, const struct nx_buf *buf)
{
    if (w->error == NX_OK) {
        w->error = nx_buf_error(buf);
    }
}

static const struct nx_json *document_of(const struct writer *w, const struct unit *unit)
{
    return w->schema->documents[unit->plan->document].json;
}

/* Adds to the location what the pointer of `to` has and that of `from`, a node above it, has not. */
static void add_below(struct writer *w, const struct nx_json *json, uint32_t from, uint32_t to)
{
    size_t above;

    nx_buf_reset(&w->scratch);
    (void)nx_json_pointer(json, from, &w->scratch);
    above = w->scratch.len;
    nx_buf_reset(&w->scratch);
    (void)nx_json_pointer(json, to, &w->scratch);
    if (w->scratch.len > above) {
        (void)nx_buf_add(&w->location, w->scratch.data + above, w->scratch.len - above);
    }
    note_error(w, &w->scratch);
}

/* From the unit's plan, or from `from` above it, to the unit's own place in the schema. */
static void add_place(struct writer *w, const struct unit *unit, uint32_t from)
{
    if (unit->at != 0 || unit->plan->node == 0) {
        add_below(w, document_of(w, unit), from, unit->at);
    }
    if (unit->at == 0 && unit->keyword != KW_NONE) {
        (void)nx_buf_printf(&w->location, "/%s", nx_keyword_name(unit->keyword));
    }
}

/* keywordLocation: from the root to the unit, each part below its parent or behind a reference. */
static void add_path(struct writer *w, uint32_t at)
{
    uint32_t way[2 * NX_CHECK_DEPTH_MAX + 4]; /* two units for each subschema, and the fault's */
    uint32_t count = 0;

    for (; at != 0; at = w->trace->units[at].parent) {
        way[count++] = at;
    }
    while (count-- > 0) {
        const struct unit *unit = &w->trace->units[way[count]];

        if (!unit->referred) {
            add_place(w, unit, w->trace->units[unit->parent].at);
        }
    }
}

/*
 * "absoluteKeywordLocation": the resource's URI and the pointer from its root; or, where its $id
 * is not absolute, where the document was read and the pointer from the document's.
 */
static void add_absolute(struct writer *w, const struct unit *unit)
{
    const struct resource *resource = &w->schema->resources[unit->plan->resource];
    bool absolute = is_absolute(resource->uri);
    struct nx_span uri = absolute ? resource->uri : w->base;

    if (uri.len == 0 || (!absolute && unit->plan->document != 0)) {
        return;
    }
    nx_buf_reset(&w->location);
    add_place(w, unit, absolute ? resource->node : 0);
    (void)nx_buf_str(w->out, ",\"absoluteKeywordLocation\":");
    (void)nx_json_quote(w->out, uri);
    if (nx_buf_error(w->out) == NX_OK) {
        w->out->len--; /* the closing quote: a fragment follows, whose bytes need no escapes */
    }
    (void)nx_buf_byte(w->out, '#');
    add_fragment(w->out, nx_buf_view(&w->location));
    (void)nx_buf_byte(w->out, '"');
    note_error(w, &w->location);
}

/* ---- units --------------------------------------------------------------------------------- */

/* A value of the schema document, its line breaks as blanks: they stand between tokens only. */
static void add_value(struct writer *w, const struct unit *unit)
{
    struct nx_span raw = nx_json_raw(document_of(w, unit), unit->at);

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        (void)nx_buf_byte(w->out, (uint8_t)(c == '\n' || c == '\r' ? ' ' : c));
    }
}

/* Everything of a unit but its message, the units below it and its closing brace. */
static void open_unit(struct writer *w, uint32_t at)
{
    const struct unit *unit = &w->trace->units[at];

    nx_buf_reset(&w->location);
    add_path(w, at);
    (void)nx_buf_printf(
        w->out, "{\"valid\":%s,\"keywordLocation\":", w->trace->annotations ? "true" : "false");
    (void)nx_json_quote(w->out, nx_buf_view(&w->location));
    note_error(w, &w->location);
    add_absolute(w, unit);
    nx_buf_reset(&w->location);
    (void)nx_json_pointer(w->instance, unit->instance, &w->location);
    (void)nx_buf_str(w->out, ",\"instanceLocation\":");
    (void)nx_json_quote(w->out, nx_buf_view(&w->location));
    note_error(w, &w->location);
}

/* What the unit itself has to say. */
static void add_message(struct writer *w, uint32_t at)
{
    const struct unit *unit = &w->trace->units[at];
    char words[WORDS_BYTES_MAX];

    switch (unit->says) {
    case SAYS_NOTHING:
        break;
    case SAYS_ERROR:
        nx_check_words(w->check, unit->plan, unit->keyword, unit->instance, unit->detail, words,
                       sizeof(words));
        (void)nx_buf_str(w->out, ",\"error\":");
        (void)nx_json_quote(w->out, nx_span_from(words));
        break;
    case SAYS_ANNOTATION:
        (void)nx_buf_str(w->out, ",\"annotation\":");
        add_value(w, unit);
        break;
    }
}

/* Before the first unit of a list the list's name, before the others a comma. */
static void next_in_list(struct writer *w, bool *first)
{
    if (*first) {
        (void)nx_buf_printf(w->out, ",\"%s\":[", w->trace->annotations ? "annotations" : "errors");
    } else {
        (void)nx_buf_byte(w->out, ',');
    }
    *first = false;
}

/* The root, and in one list below it every unit that has something to say. */
static void write_basic(struct writer *w)
{
    bool first = true;

    open_unit(w, 0);
    for (uint32_t i = 0; i < w->trace->count; i++) {
        if (w->trace->units[i].says != SAYS_NOTHING) {
            next_in_list(w, &first);
            open_unit(w, i);
            add_message(w, i);
            (void)nx_buf_byte(w->out, '}');
        }
    }
    (void)nx_buf_str(w->out, first ? "}" : "]}");
}

/* The first unit below `parent` from `from` on; the trace's count when there is none. */
static uint32_t next_below(const struct nx_trace *trace, uint32_t parent, uint32_t from)
{
    while (from < trace->count && trace->units[from].parent != parent) {
        from++;
    }
    return from;
}

/* As deep as the check was: bounded by NX_CHECK_DEPTH_MAX, two units for each subschema. */
static void write_detailed(struct writer *w, uint32_t at)
{
    const struct nx_trace *trace = w->trace;
    bool first = true;

    while (trace->units[at].children == 1) {
        at = next_below(trace, at, at + 1);
    }
    open_unit(w, at);
    add_message(w, at);
    for (uint32_t i = next_below(trace, at, at + 1); i < trace->count;
         i = next_below(trace, at, i + 1)) {
        next_in_list(w, &first);
        write_detailed(w, i);
    }
    (void)nx_buf_str(w->out, first ? "}" : "]}");
}

/* ---- the whole ----------------------------------------------------------------------------- */

static bool ignore_fault(void *ctx, const struct nx_fault *fault)
{
    (void)ctx;
    (void)fault;
    return true;
}

/* Runs the check once more, with somebody who takes notes. */
static enum nx_err follow(struct nx_check *check, const struct nx_schema *schema,
                          const struct nx_json *instance, struct nx_trace *trace)
{
    enum nx_err err;

    check->trace = trace;
    err = nx_schema_explain(schema, check, instance, UINT32_MAX, ignore_fault, NULL);
    check->trace = NULL;
    nx_trace_prune(trace);
    if (trace->count == 0) {
        trace->units[trace->count++] =
            (struct unit){.plan = schema->root, .at = schema->root->node};
    }
    return err == NX_ERR_INVALID ? NX_OK : err;
}

/* The units of a verdict that is known. NX_OK: they are in `out`. */
static enum nx_err write_units(struct nx_check *check, enum nx_output form, struct writer *w,
                               bool valid)
{
    struct nx_trace *trace = calloc(1, sizeof(*trace));

    if (trace == NULL) {
        return NX_ERR_NOMEM;
    }
    trace->annotations = valid;
    w->error = follow(check, w->schema, w->instance, trace);
    w->trace = trace;
    w->check = check;
    nx_buf_init(&w->location, LOCATION_BYTES_MAX);
    nx_buf_init(&w->scratch, LOCATION_BYTES_MAX);
    if (w->error == NX_OK && form == NX_OUTPUT_BASIC) {
        write_basic(w);
    } else if (w->error == NX_OK) {
        write_detailed(w, 0);
    }
    nx_buf_fini(&w->location);
    nx_buf_fini(&w->scratch);
    free(trace);
    return w->error;
}

/* A verdict whose faults or annotations do not fit into the limits: the verdict alone. */
static void write_verdict(enum nx_output form, bool valid, struct nx_buf *out)
{
    if (valid) {
        (void)nx_buf_str(out,
                         "{\"valid\":true,\"keywordLocation\":\"\",\"instanceLocation\":\"\"}");
    } else {
        (void)nx_output_refusal(
            form, NX_SPAN("invalid; to name each fault would take more than the limits allow"),
            out);
    }
}

enum nx_err nx_schema_output(const struct nx_schema *schema, struct nx_check *check,
                             const struct nx_json *instance, enum nx_output form,
                             struct nx_span base, struct nx_buf *out)
{
    struct writer w = {.schema = schema, .instance = instance, .base = base, .out = out};
    enum nx_err err = nx_schema_check(schema, check, instance);
    size_t start = out->len;
    enum nx_err written = NX_OK;

    if (err != NX_OK && err != NX_ERR_INVALID) {
        return err;
    }
    if (form == NX_OUTPUT_FLAG) {
        (void)nx_buf_printf(out, "{\"valid\":%s}", err == NX_OK ? "true" : "false");
    } else {
        written = write_units(check, form, &w, err == NX_OK);
    }
    if (written == NX_ERR_LIMIT) {
        out->len = start;
        write_verdict(form, err == NX_OK, out);
    } else if (written != NX_OK) {
        return written;
    }
    return nx_buf_error(out) != NX_OK ? nx_buf_error(out) : err;
}

enum nx_err nx_output_refusal(enum nx_output form, struct nx_span text, struct nx_buf *out)
{
    static const char unit[] =
        "{\"valid\":false,\"keywordLocation\":\"\",\"instanceLocation\":\"\"";

    if (form == NX_OUTPUT_FLAG) {
        return nx_buf_str(out, "{\"valid\":false}");
    }
    if (form == NX_OUTPUT_BASIC) {
        (void)nx_buf_printf(out, "%s,\"errors\":[", unit);
    }
    (void)nx_buf_printf(out, "%s,\"error\":", unit);
    (void)nx_json_quote(out, text);
    return nx_buf_str(out, form == NX_OUTPUT_BASIC ? "}]}" : "}");
}
