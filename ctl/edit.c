/*
 * edit.c - the reader's tape says where values begin and end; what lies between them is white
 * space, commas and comments, walked here by the few rules that those have.
 */
#include "ctl/edit.h"

enum { INDENT = 4 };

/* An item as it lies in the source: offsets of its first byte (an object's key) and behind it. */
struct item {
    size_t begin, end;
    bool found;
};

static size_t offset_of(const struct nx_json *json, uint32_t node)
{
    uint32_t count;

    return nx_json_nodes(json, &count)[node].offset;
}

static struct item item_of(const struct nx_json *json, uint32_t key, uint32_t value)
{
    return (struct item){.begin = offset_of(json, key != 0 ? key : value),
                         .end = offset_of(json, value) + nx_json_raw(json, value).len,
                         .found = true};
}

static struct item last_of(const struct nx_json *json, uint32_t container)
{
    uint32_t at = 0, key, value;
    struct item item = {0};

    while (nx_json_each(json, container, &at, &key, &value)) {
        item = item_of(json, key, value);
    }
    return item;
}

static bool at_text(struct nx_span source, size_t at, const char *text)
{
    struct nx_span rest = {source.ptr + at, source.len - at};

    return nx_span_starts(rest, nx_span_from(text));
}

static size_t find_from(struct nx_span source, size_t at, const char *text)
{
    while (at < source.len && !at_text(source, at, text)) {
        at++;
    }
    return at;
}

/* Behind the comment that begins at `at`, or `at` itself when there is none. */
static size_t skip_comment(struct nx_span source, size_t at)
{
    if (at_text(source, at, "//")) {
        return find_from(source, at, "\n");
    }
    if (at_text(source, at, "/*")) {
        size_t end = find_from(source, at + 2, "*/");

        return end < source.len ? end + 2 : end;
    }
    return at;
}

/* The first byte from `at` on that is neither white space nor of a comment. */
static size_t skip_blank(struct nx_span source, size_t at)
{
    size_t before;

    do {
        before = at;
        while (at < source.len && memchr(" \t\r\n", source.ptr[at], 4) != NULL) {
            at++;
        }
        at = skip_comment(source, at);
    } while (at != before);
    return at;
}

/* The end of the line with the comments that stand on it; stops before any other text. */
static size_t line_rest(struct nx_span source, size_t at)
{
    size_t before;

    do {
        before = at;
        while (at < source.len && memchr(" \t\r", source.ptr[at], 3) != NULL) {
            at++;
        }
        at = skip_comment(source, at);
    } while (at != before);
    return at;
}

static size_t line_begin(struct nx_span source, size_t at)
{
    while (at > 0 && source.ptr[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* The white space before `at`, when there is nothing else before it on its line. */
static bool indent_of(struct nx_span source, size_t at, struct nx_span *indent)
{
    size_t begin = line_begin(source, at);

    *indent = (struct nx_span){source.ptr + begin, at - begin};
    for (size_t i = begin; i < at; i++) {
        if (source.ptr[i] != ' ' && source.ptr[i] != '\t') {
            return false;
        }
    }
    return true;
}

static void copy(struct nx_buf *out, struct nx_span source, size_t from, size_t to)
{
    (void)nx_buf_add(out, source.ptr + from, to - from);
}

/* Into an empty container: on a line of its own, one step further in than the container's. */
static void add_first(struct nx_span source, size_t open, struct nx_span item, struct nx_buf *out)
{
    size_t begin = line_begin(source, open);
    size_t inner = open + 1, close = skip_blank(source, inner);
    size_t indent = 0;

    while (source.ptr[begin + indent] == ' ' || source.ptr[begin + indent] == '\t') {
        indent++;
    }
    while (close > inner && memchr(" \t\r\n", source.ptr[close - 1], 4) != NULL) {
        close--; /* the comments in it stay before the new item */
    }
    copy(out, source, 0, close);
    (void)nx_buf_byte(out, '\n');
    copy(out, source, begin, begin + indent);
    (void)nx_buf_printf(out, "%*s%.*s\n", INDENT, "", NX_SPAN_ARG(item));
    copy(out, source, begin, begin + indent);
    copy(out, source, skip_blank(source, inner), source.len);
}

enum nx_err nx_edit_add(const struct nx_json *json, uint32_t container, struct nx_span item,
                        struct nx_buf *out)
{
    struct nx_span source = nx_json_source(json);
    struct item last = last_of(json, container);
    struct nx_span indent;
    size_t rest;

    nx_buf_reset(out);
    if (!last.found) {
        add_first(source, offset_of(json, container), item, out);
        return nx_buf_error(out);
    }
    copy(out, source, 0, last.end);
    (void)nx_buf_byte(out, ',');
    rest = line_rest(source, last.end);
    if (indent_of(source, last.begin, &indent) && at_text(source, rest, "\n")) {
        copy(out, source, last.end, rest);
        (void)nx_buf_printf(out, "\n%.*s%.*s", NX_SPAN_ARG(indent), NX_SPAN_ARG(item));
        copy(out, source, rest, source.len);
    } else {
        (void)nx_buf_printf(out, " %.*s", NX_SPAN_ARG(item));
        copy(out, source, last.end, source.len);
    }
    return nx_buf_error(out);
}

/* Cuts [item.begin, end of its comma or of itself), and its line when nothing else is on it. */
static void cut(struct nx_span source, struct item item, size_t *from, size_t *to)
{
    size_t comma = skip_blank(source, item.end);
    struct nx_span indent;
    size_t rest;

    *from = item.begin;
    *to = at_text(source, comma, ",") ? comma + 1 : item.end;
    rest = line_rest(source, *to);
    if (indent_of(source, item.begin, &indent) && at_text(source, rest, "\n")) {
        *from = item.begin - indent.len;
        *to = rest + 1;
        return;
    }
    while (*to < source.len && source.ptr[*to] == ' ' && at_text(source, comma, ",")) {
        (*to)++;
    }
}

enum nx_err nx_edit_remove(const struct nx_json *json, uint32_t container, uint32_t value,
                           struct nx_buf *out)
{
    struct nx_span source = nx_json_source(json);
    struct item before = {0}, item = {0};
    uint32_t at = 0, key, node;
    size_t from, to, comma;
    bool is_last = true;

    while (nx_json_each(json, container, &at, &key, &node)) {
        if (item.found) {
            is_last = false;
            break;
        }
        if (node == value) {
            item = item_of(json, key, node);
        } else {
            before = item_of(json, key, node);
        }
    }
    nx_buf_reset(out);
    if (!item.found) {
        return NX_ERR_NOT_FOUND;
    }
    cut(source, item, &from, &to);
    comma = before.found && is_last ? skip_blank(source, before.end) : from;
    copy(out, source, 0, comma);
    if (comma < from) { /* the one before is the last now: without its comma */
        copy(out, source, comma + 1, from);
    }
    copy(out, source, to, source.len);
    return nx_buf_error(out);
}
