/*
 * format_uri.c - URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570).
 *
 * One walk serves both: an IRI is a URI in which more characters stand for themselves.
 */
#include "core/format_rules.h"

#include "core/utf8.h"

/* Where a character may stand. */
enum part { PART_USER, PART_HOST, PART_SEGMENT, PART_QUERY, PART_FRAGMENT };

/* RFC 3987, section 2.2: ucschar. */
static bool is_ucschar(uint32_t code)
{
    return (code >= 0xA0 && code <= 0xD7FF) || (code >= 0xF900 && code <= 0xFDCF) ||
           (code >= 0xFDF0 && code <= 0xFFEF) ||
           (code >= 0x10000 && code <= 0xEFFFD && (code & 0xFFFF) <= 0xFFFD &&
            (code < 0xE0000 || code >= 0xE1000));
}

/* iprivate: in queries only. */
static bool is_iprivate(uint32_t code)
{
    return (code >= 0xE000 && code <= 0xF8FF) ||
           (code >= 0xF0000 && code <= 0x10FFFD && (code & 0xFFFF) <= 0xFFFD);
}

static bool is_unreserved(char c)
{
    return nx_is_letter(c) || nx_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static bool is_sub_delimiter(char c)
{
    return c != '\0' && strchr("!$&'()*+,;=", c) != NULL;
}

static bool is_ascii_of_part(char c, enum part part)
{
    if (is_unreserved(c) || is_sub_delimiter(c)) {
        return true;
    }
    switch (part) {
    case PART_HOST:
        return false;
    case PART_USER:
        return c == ':';
    case PART_SEGMENT:
        return c == ':' || c == '@' || c == '/';
    case PART_QUERY:
    case PART_FRAGMENT:
        return c == ':' || c == '@' || c == '/' || c == '?';
    }
    return false;
}

/* Every character of `text` may stand in `part`; a '%' has its two digits. */
static bool is_part(struct nx_span text, enum part part, bool international)
{
    const char *p = text.len > 0 ? text.ptr : "";
    const char *end = p + text.len;

    while (p < end) {
        if (*p == '%') {
            if (end - p < 3 || !nx_is_hex(p[1]) || !nx_is_hex(p[2])) {
                return false;
            }
            p += 3;
        } else if ((unsigned char)*p < 0x80) {
            if (!is_ascii_of_part(*p++, part)) {
                return false;
            }
        } else {
            uint32_t code = nx_utf8_next(&p, end);
            if (!international ||
                (!is_ucschar(code) && !(part == PART_QUERY && is_iprivate(code)))) {
                return false;
            }
        }
    }
    return true;
}

/* "[...]" of RFC 3986, section 3.2.2: an IPv6 address or one of the future. */
static bool is_ip_literal(struct nx_span inside)
{
    size_t at = 1;

    if (inside.len < 4 || (inside.ptr[0] | 0x20) != 'v') {
        return nx_format_ipv6(inside);
    }
    while (at < inside.len && nx_is_hex(inside.ptr[at])) {
        at++;
    }
    if (at == 1 || at + 1 >= inside.len || inside.ptr[at] != '.') {
        return false;
    }
    for (at++; at < inside.len; at++) {
        if (!is_ascii_of_part(inside.ptr[at], PART_USER)) {
            return false;
        }
    }
    return true;
}

static bool are_digits(struct nx_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!nx_is_digit(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* The host with its port. */
static bool is_host_port(struct nx_span text, bool international)
{
    struct nx_span host;

    if (text.len > 0 && text.ptr[0] == '[') {
        const char *close = memchr(text.ptr, ']', text.len);
        if (close == NULL ||
            !is_ip_literal((struct nx_span){text.ptr + 1, (size_t)(close - text.ptr) - 1})) {
            return false;
        }
        text.len -= (size_t)(close + 1 - text.ptr);
        text.ptr = close + 1;
        return text.len == 0 ||
               (text.ptr[0] == ':' && are_digits((struct nx_span){text.ptr + 1, text.len - 1}));
    }
    host = nx_span_cut(&text, ':');
    return is_part(host, PART_HOST, international) && are_digits(text);
}

static bool is_authority(struct nx_span text, bool international)
{
    const char *at = text.len > 0 ? memchr(text.ptr, '@', text.len) : NULL;

    if (at != NULL) {
        struct nx_span user = {text.ptr, (size_t)(at - text.ptr)};
        if (!is_part(user, PART_USER, international)) {
            return false;
        }
        text.len -= user.len + 1;
        text.ptr = at + 1;
    }
    return is_host_port(text, international);
}

/* The length of "scheme", or 0: there is none. */
static size_t scheme_length(struct nx_span text)
{
    size_t len = 0;

    while (len < text.len && (nx_is_letter(text.ptr[len]) ||
                              (len > 0 && (nx_is_digit(text.ptr[len]) || text.ptr[len] == '+' ||
                                           text.ptr[len] == '-' || text.ptr[len] == '.')))) {
        len++;
    }
    return len < text.len && text.ptr[len] == ':' ? len : 0;
}

/* What is behind the first `separator`, cut off the end of *text. */
static struct nx_span cut_tail(struct nx_span *text, char separator)
{
    struct nx_span rest = *text;

    *text = nx_span_cut(&rest, separator);
    return rest;
}

static bool is_identifier(struct nx_span text, bool international, bool with_scheme)
{
    struct nx_span fragment = cut_tail(&text, '#');
    struct nx_span query = cut_tail(&text, '?');
    size_t scheme = scheme_length(text);

    if (!is_part(fragment, PART_FRAGMENT, international) ||
        !is_part(query, PART_QUERY, international) || (with_scheme && scheme == 0)) {
        return false;
    }
    if (scheme > 0) {
        text.ptr += scheme + 1;
        text.len -= scheme + 1;
    }
    if (nx_span_starts(text, NX_SPAN("//"))) {
        struct nx_span authority = {text.ptr + 2, text.len - 2};
        const char *slash = authority.len > 0 ? memchr(authority.ptr, '/', authority.len) : NULL;
        if (slash != NULL) {
            authority.len = (size_t)(slash - authority.ptr);
        }
        text.ptr += 2 + authority.len;
        text.len -= 2 + authority.len;
        return is_authority(authority, international) && is_part(text, PART_SEGMENT, international);
    }
    if (scheme == 0) { /* the first segment of a relative path has no colon (section 4.2) */
        struct nx_span rest = text;
        struct nx_span first = nx_span_cut(&rest, '/');
        if (first.len > 0 && memchr(first.ptr, ':', first.len) != NULL) {
            return false;
        }
    }
    return is_part(text, PART_SEGMENT, international);
}

bool nx_format_uri(struct nx_span text)
{
    return is_identifier(text, false, true);
}

bool nx_format_uri_reference(struct nx_span text)
{
    return is_identifier(text, false, false);
}

bool nx_format_iri(struct nx_span text)
{
    return is_identifier(text, true, true);
}

bool nx_format_iri_reference(struct nx_span text)
{
    return is_identifier(text, true, false);
}

/* ---- templates ----------------------------------------------------------------------------- */

/* RFC 6570, section 2.3: one variable with its modifier. */
static bool is_variable(struct nx_span text)
{
    size_t at = 0;
    size_t first;
    bool dot = true; /* a dot may not come now */

    while (at < text.len && text.ptr[at] != ':' && text.ptr[at] != '*') {
        if (text.ptr[at] == '%') {
            if (text.len - at < 3 || !nx_is_hex(text.ptr[at + 1]) || !nx_is_hex(text.ptr[at + 2])) {
                return false;
            }
            at += 3;
            dot = false;
        } else if (nx_is_letter(text.ptr[at]) || nx_is_digit(text.ptr[at]) || text.ptr[at] == '_') {
            at++;
            dot = false;
        } else if (text.ptr[at] == '.' && !dot) {
            at++;
            dot = true;
        } else {
            return false;
        }
    }
    if (at == 0 || dot) {
        return false;
    }
    if (at == text.len) {
        return true;
    }
    if (text.ptr[at] == '*') {
        return at + 1 == text.len;
    }
    first = ++at;
    while (at < text.len && nx_is_digit(text.ptr[at])) {
        at++;
    }
    return at == text.len && at > first && at - first <= 4 && text.ptr[first] != '0';
}

/* The inside of "{...}". */
static bool is_expression(struct nx_span text)
{
    if (text.len > 0 && strchr("+#./;?&=,!@|", text.ptr[0]) != NULL && text.ptr[0] != '\0') {
        text.ptr++;
        text.len--;
    }
    if (text.len == 0) {
        return false;
    }
    while (text.ptr != NULL) {
        if (!is_variable(nx_span_cut(&text, ','))) {
            return false;
        }
    }
    return true;
}

/* Section 2.1, with erratum 6937, which admits the apostrophe: characters that stand for themselves. */
static bool is_literal(uint32_t code)
{
    if (code < 0x80) {
        return code > 0x20 && code != 0x7F && strchr("\"<>\\^`{|}", (int)code) == NULL;
    }
    return is_ucschar(code) || is_iprivate(code);
}

bool nx_format_uri_template(struct nx_span text)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;

    while (p < end) {
        if (*p == '{') {
            const char *close = memchr(p, '}', (size_t)(end - p));
            if (close == NULL || !is_expression((struct nx_span){p + 1, (size_t)(close - p) - 1})) {
                return false;
            }
            p = close + 1;
        } else if (*p == '%') {
            if (end - p < 3 || !nx_is_hex(p[1]) || !nx_is_hex(p[2])) {
                return false;
            }
            p += 3;
        } else if (!is_literal(nx_utf8_next(&p, end))) {
            return false;
        }
    }
    return true;
}
