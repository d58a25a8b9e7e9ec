/*
 * format_rules.h - the checks behind the table in format.c. For format*.c only.
 */
#ifndef NX_FORMAT_RULES_H
#define NX_FORMAT_RULES_H

#include "core/base/span.h"

/* format_time.c: RFC 3339, section 5.6 and appendix A */
bool nx_format_date(struct nx_span text);
bool nx_format_time(struct nx_span text);
bool nx_format_date_time(struct nx_span text);
bool nx_format_duration(struct nx_span text);

/* format_net.c: RFC 1123, 5321, 5890, 6531, 2673, 4291 */
bool nx_format_ipv4(struct nx_span text);
bool nx_format_ipv6(struct nx_span text);
bool nx_format_hostname(struct nx_span text);
bool nx_format_hostname_ascii(struct nx_span text);
bool nx_format_idn_hostname(struct nx_span text);
bool nx_format_email(struct nx_span text);
bool nx_format_idn_email(struct nx_span text);

/* format_uri.c: RFC 3986, 3987, 6570 */
bool nx_format_uri(struct nx_span text);
bool nx_format_uri_reference(struct nx_span text);
bool nx_format_iri(struct nx_span text);
bool nx_format_iri_reference(struct nx_span text);
bool nx_format_uri_template(struct nx_span text);

static inline bool nx_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool nx_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool nx_is_hex(char c)
{
    return nx_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

#endif
