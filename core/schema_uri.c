/*
 * schema_uri.c - RFC 3986, section 5.2, to the letter. Purely lexical: nothing is normalised
 * beyond what the algorithm does, and nothing is fetched.
 */
#include "core/schema_uri.h"

/* A component whose ptr is NULL is undefined, which is not the same as empty. */
struct uri {
    struct nx_span scheme;
    struct nx_span authority;
    struct nx_span path;
    struct nx_span query;
    struct nx_span fragment;
};

static bool is_scheme_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    return letter || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

/* Cuts "scheme:" off the front of *rest. */
static struct nx_span cut_scheme(struct nx_span *rest)
{
    size_t len = 0;

    while (len < rest->len && is_scheme_char(rest->ptr[len], len == 0)) {
        len++;
    }
    if (len == 0 || len >= rest->len || rest->ptr[len] != ':') {
        return (struct nx_span){NULL, 0};
    }
    struct nx_span scheme = {rest->ptr, len};
    rest->ptr += len + 1;
    rest->len -= len + 1;
    return scheme;
}

/* Cuts what is behind the first `separator` off the end of *rest. */
static struct nx_span cut_tail(struct nx_span *rest, char separator)
{
    const char *at = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct nx_span tail = {NULL, 0};

    if (at != NULL) {
        tail = (struct nx_span){at + 1, rest->len - (size_t)(at - rest->ptr) - 1};
        rest->len = (size_t)(at - rest->ptr);
    }
    return tail;
}

/* RFC 3986, appendix B. */
static struct uri uri_split(struct nx_span text)
{
    struct uri uri = {0};

    uri.fragment = cut_tail(&text, '#');
    uri.query = cut_tail(&text, '?');
    uri.scheme = cut_scheme(&text);
    if (nx_span_starts(text, NX_SPAN("//"))) {
        const char *slash;
        text.ptr += 2;
        text.len -= 2;
        slash = memchr(text.ptr, '/', text.len);
        uri.authority =
            (struct nx_span){text.ptr, slash != NULL ? (size_t)(slash - text.ptr) : text.len};
        text.ptr += uri.authority.len;
        text.len -= uri.authority.len;
    }
    uri.path = text;
    return uri;
}

/* Drops the last segment of what was written since `start`, with its slash. */
static void drop_segment(struct nx_buf *out, size_t start)
{
    while (out->len > start && out->data[out->len - 1] != '/') {
        out->len--;
    }
    if (out->len > start) {
        out->len--;
    }
}

/* RFC 3986, section 5.2.4: appends `path` without its "." and ".." segments. */
static void remove_dot_segments(struct nx_span path, struct nx_buf *out)
{
    size_t start = out->len;
    bool absolute = path.len > 0 && path.ptr[0] == '/';

    if (absolute) {
        path.ptr++;
        path.len--;
    }
    bool slash = absolute; /* a '/' is due before the next segment */
    while (path.ptr != NULL) {
        struct nx_span segment = nx_span_cut(&path, '/');
        bool last = path.ptr == NULL;
        if (nx_span_is(segment, ".") || nx_span_is(segment, "..")) {
            if (segment.len == 2) {
                drop_segment(out, start);
            }
            slash = absolute || out->len > start;
            if (last && slash) {
                (void)nx_buf_byte(out, '/');
            }
            continue;
        }
        if (slash) {
            (void)nx_buf_byte(out, '/');
        }
        (void)nx_buf_span(out, segment);
        slash = true;
    }
}

/* RFC 3986, section 5.2.3: the reference's path in the folder of the base's. */
static enum nx_err merge_paths(const struct uri *base, struct nx_span path, struct nx_buf *out)
{
    struct nx_buf merged;
    size_t folder = base->path.len;
    enum nx_err err;

    nx_buf_init(&merged, out->max);
    if (base->authority.ptr != NULL && base->path.len == 0) {
        (void)nx_buf_byte(&merged, '/');
    } else {
        while (folder > 0 && base->path.ptr[folder - 1] != '/') {
            folder--;
        }
        (void)nx_buf_add(&merged, base->path.ptr, folder);
    }
    (void)nx_buf_span(&merged, path);
    err = nx_buf_error(&merged);
    if (err == NX_OK) {
        remove_dot_segments(nx_buf_view(&merged), out);
    }
    nx_buf_fini(&merged);
    return err;
}

static void add_part(struct nx_buf *out, const char *before, struct nx_span part, const char *after)
{
    if (part.ptr != NULL) {
        (void)nx_buf_str(out, before);
        (void)nx_buf_span(out, part);
        (void)nx_buf_str(out, after);
    }
}

enum nx_err nx_uri_resolve(struct nx_span base_text, struct nx_span reference, struct nx_buf *out)
{
    struct uri base = uri_split(base_text);
    struct uri ref = uri_split(reference);
    enum nx_err err = NX_OK;
    bool same_path = ref.scheme.ptr == NULL && ref.authority.ptr == NULL && ref.path.len == 0;

    add_part(out, "", ref.scheme.ptr != NULL ? ref.scheme : base.scheme, ":");
    if (ref.scheme.ptr != NULL || ref.authority.ptr != NULL) {
        add_part(out, "//", ref.authority, "");
        remove_dot_segments(ref.path, out);
    } else {
        add_part(out, "//", base.authority, "");
        if (same_path) {
            (void)nx_buf_span(out, base.path);
        } else if (ref.path.ptr[0] == '/') {
            remove_dot_segments(ref.path, out);
        } else {
            err = merge_paths(&base, ref.path, out);
        }
    }
    add_part(out, "?", same_path && ref.query.ptr == NULL ? base.query : ref.query, "");
    add_part(out, "#", ref.fragment, "");
    return err != NX_OK ? err : nx_buf_error(out);
}

struct nx_span nx_uri_without_fragment(struct nx_span uri, struct nx_span *fragment)
{
    *fragment = cut_tail(&uri, '#');
    return uri;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum nx_err nx_uri_unescape(struct nx_span text, struct nx_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high;
        int low;
        if (text.ptr[i] != '%') {
            (void)nx_buf_byte(out, (uint8_t)text.ptr[i]);
            continue;
        }
        high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return NX_ERR_INVALID;
        }
        (void)nx_buf_byte(out, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return nx_buf_error(out);
}
