/*
 * format.c - the table of formats, and the short ones among them.
 */
#include "core/format.h"

#include "core/format_rules.h"
#include "core/pattern.h"

/* RFC 4122, section 3. */
static bool is_uuid(struct nx_span text)
{
    if (text.len != 36) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.ptr[i] != '-' : !nx_is_hex(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* RFC 6901, section 3. */
static bool is_json_pointer(struct nx_span text)
{
    if (text.len > 0 && text.ptr[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '~' &&
            (i + 1 >= text.len || (text.ptr[i + 1] != '0' && text.ptr[i + 1] != '1'))) {
            return false;
        }
    }
    return true;
}

/* Moves over digits without a leading zero; false when there are none. */
static bool skip_integer(struct nx_span text, size_t *at)
{
    size_t first = *at;

    while (*at < text.len && nx_is_digit(text.ptr[*at])) {
        (*at)++;
    }
    return *at > first && (text.ptr[first] != '0' || *at == first + 1);
}

/* draft-bhutton-relative-json-pointer-00, section 3. */
static bool is_relative_json_pointer(struct nx_span text)
{
    size_t at = 0;

    if (!skip_integer(text, &at)) {
        return false;
    }
    if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
        at++;
        if (at >= text.len || text.ptr[at] == '0' || !skip_integer(text, &at)) {
            return false;
        }
    }
    text.ptr += at;
    text.len -= at;
    return nx_span_is(text, "#") || is_json_pointer(text);
}

static const struct nx_format formats[] = {
    {"date-time", 4, nx_format_date_time, "a date and time such as 2026-01-31T15:00:00Z"},
    {"date", 7, nx_format_date, "a date such as 2026-01-31"},
    {"time", 7, nx_format_time, "a time with its zone such as 15:00:00Z"},
    {"duration", 2019, nx_format_duration, "a duration such as PT1H"},
    {"email", 4, nx_format_email, "an e-mail address"},
    {"idn-email", 7, nx_format_idn_email, "an e-mail address"},
    {"hostname", 4, nx_format_hostname_ascii, "a host name"},
    {"hostname", 7, nx_format_hostname, "a host name"},
    {"idn-hostname", 7, nx_format_idn_hostname, "a host name"},
    {"ipv4", 4, nx_format_ipv4, "an IPv4 address such as 192.0.2.1"},
    {"ipv6", 4, nx_format_ipv6, "an IPv6 address such as 2001:db8::1"},
    {"uri", 4, nx_format_uri, "a URI with its scheme"},
    {"uri-reference", 6, nx_format_uri_reference, "a URI or a relative reference"},
    {"iri", 7, nx_format_iri, "an IRI with its scheme"},
    {"iri-reference", 7, nx_format_iri_reference, "an IRI or a relative reference"},
    {"uuid", 2019, is_uuid, "a UUID of 36 characters"},
    {"uri-template", 6, nx_format_uri_template, "a URI template"},
    {"json-pointer", 6, is_json_pointer, "a JSON Pointer such as /a/0"},
    {"relative-json-pointer", 7, is_relative_json_pointer, "a relative JSON Pointer such as 1/a"},
    {"regex", 7, nx_pattern_valid, "a regular expression of ECMA-262"},
};

const struct nx_format *nx_format_find(struct nx_span name, unsigned draft)
{
    const struct nx_format *found = NULL;

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (nx_span_is(name, formats[i].name) && formats[i].since <= draft) {
            found = &formats[i];
        }
    }
    return found;
}
