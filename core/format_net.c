/*
 * format_net.c - addresses and names of hosts, and mailboxes.
 *
 * Internationalised names are judged by libidn2: a U-label is valid when it can be registered
 * (IDNA 2008, RFC 5891, section 4), an A-label when it is what its U-label gives.
 */
#include "core/format_rules.h"

#include "core/utf8.h"

#include <idn2.h>

enum {
    LABEL_BYTES_MAX = 63, /* RFC 1035, section 2.3.4 */
    NAME_BYTES_MAX = 253,
    U_LABEL_BYTES_MAX = 255,
    LOCAL_BYTES_MAX = 64, /* RFC 5321, section 4.5.3.1.1 */
};

/* ---- addresses ----------------------------------------------------------------------------- */

bool nx_format_ipv4(struct nx_span text)
{
    int parts = 0;

    if (text.len == 0) {
        return false;
    }
    while (text.ptr != NULL) {
        struct nx_span part = nx_span_cut(&text, '.');
        int value = 0;
        if (part.len < 1 || part.len > 3 || (part.len > 1 && part.ptr[0] == '0')) {
            return false;
        }
        for (size_t i = 0; i < part.len; i++) {
            if (!nx_is_digit(part.ptr[i])) {
                return false;
            }
            value = value * 10 + (part.ptr[i] - '0');
        }
        if (value > 255) {
            return false;
        }
        parts++;
    }
    return parts == 4;
}

static bool is_group(struct nx_span part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (!nx_is_hex(part.ptr[i])) {
            return false;
        }
    }
    return part.len >= 1 && part.len <= 4;
}

/* The groups of one side of "::", an IPv4 address counting as two; -1 when malformed. */
static int count_groups(struct nx_span side, bool may_end_in_ipv4)
{
    int groups = 0;

    if (side.len == 0) {
        return 0;
    }
    while (side.ptr != NULL) {
        struct nx_span part = nx_span_cut(&side, ':');
        if (is_group(part)) {
            groups++;
        } else if (side.ptr == NULL && may_end_in_ipv4 && nx_format_ipv4(part)) {
            groups += 2;
        } else {
            return -1;
        }
    }
    return groups;
}

bool nx_format_ipv6(struct nx_span text)
{
    const char *gap = NULL;
    struct nx_span before;
    struct nx_span after;
    int left;
    int right;

    for (size_t i = 0; i + 1 < text.len && gap == NULL; i++) {
        if (text.ptr[i] == ':' && text.ptr[i + 1] == ':') {
            gap = text.ptr + i;
        }
    }
    if (gap == NULL) {
        return count_groups(text, true) == 8;
    }
    before = (struct nx_span){text.ptr, (size_t)(gap - text.ptr)};
    after = (struct nx_span){gap + 2, text.len - before.len - 2};
    left = count_groups(before, false);
    right = count_groups(after, true);
    return left >= 0 && right >= 0 && left + right <= 7;
}

/* ---- names of hosts ------------------------------------------------------------------------ */

static bool is_ascii(struct nx_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Letters, digits and hyphens, no hyphen at either end. */
static bool is_ldh_label(struct nx_span label)
{
    if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        if (!nx_is_letter(label.ptr[i]) && !nx_is_digit(label.ptr[i]) && label.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

/* RFC 5890, section 2.3.1: two hyphens in the third place are for A-labels. */
static bool is_reserved_shape(struct nx_span label)
{
    return label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-';
}

static bool is_a_label_shape(struct nx_span label)
{
    return label.len > 4 && (label.ptr[0] | 0x20) == 'x' && (label.ptr[1] | 0x20) == 'n' &&
           label.ptr[2] == '-' && label.ptr[3] == '-';
}

/* "xn--...": its U-label must be one, and give this A-label back. */
static bool is_a_label(struct nx_span label)
{
    char ascii[LABEL_BYTES_MAX + 1];
    char *unicode = NULL;
    uint8_t *again = NULL;
    bool valid = false;

    if (!nx_span_copy(label, ascii, sizeof(ascii))) {
        return false;
    }
    for (size_t i = 0; ascii[i] != '\0'; i++) {
        if (ascii[i] >= 'A' && ascii[i] <= 'Z') {
            ascii[i] = (char)(ascii[i] | 0x20);
        }
    }
    if (idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK && unicode[0] != '-' &&
        idn2_register_u8((const uint8_t *)unicode, NULL, &again, IDN2_NFC_INPUT) == IDN2_OK) {
        valid = strcmp((const char *)again, ascii) == 0;
    }
    idn2_free(unicode);
    idn2_free(again);
    return valid;
}

/* The length of the label's A-label, 0 when it is no U-label. `flags` are libidn2's. */
static size_t u_label_length(struct nx_span label, int flags)
{
    char unicode[U_LABEL_BYTES_MAX + 1];
    uint8_t *ascii = NULL;
    size_t len = 0;

    if (label.len == 0 || !nx_span_copy(label, unicode, sizeof(unicode)) || unicode[0] == '-' ||
        unicode[label.len - 1] == '-') {
        return 0;
    }
    for (size_t i = 0; i < label.len; i++) { /* other ASCII is in no label */
        char c = unicode[i];
        if ((unsigned char)c < 0x80 && !nx_is_letter(c) && !nx_is_digit(c) && c != '-') {
            return 0;
        }
    }
    if (idn2_register_u8((const uint8_t *)unicode, NULL, &ascii, flags) == IDN2_OK) {
        len = strlen((const char *)ascii);
    }
    idn2_free(ascii);
    return len <= LABEL_BYTES_MAX ? len : 0;
}

bool nx_format_hostname(struct nx_span text)
{
    if (text.len == 0 || text.len > NAME_BYTES_MAX) {
        return false;
    }
    while (text.ptr != NULL) {
        struct nx_span label = nx_span_cut(&text, '.');
        if (is_a_label_shape(label) ? !is_a_label(label)
                                    : !is_ldh_label(label) || is_reserved_shape(label)) {
            return false;
        }
    }
    return true;
}

/* Up to draft 06: RFC 1123, section 2.1, which knows nothing of A-labels. */
bool nx_format_hostname_ascii(struct nx_span text)
{
    if (text.len == 0 || text.len > NAME_BYTES_MAX) {
        return false;
    }
    while (text.ptr != NULL) {
        if (!is_ldh_label(nx_span_cut(&text, '.'))) {
            return false;
        }
    }
    return true;
}

/* ---- internationalised names --------------------------------------------------------------- */

/* The directions of writing that a label's characters have (RFC 5893, section 2). */
struct bidi {
    bool right_to_left;
    bool european_digits;
    bool arabic_digits;
    bool starts_with_digit;
};

/* Blocks of Unicode whose letters are of bidirectional class R or AL. */
static bool is_right_to_left(uint32_t code)
{
    return (code >= 0x0590 && code <= 0x08FF) || (code >= 0xFB1D && code <= 0xFDFF) ||
           (code >= 0xFE70 && code <= 0xFEFF) || (code >= 0x10800 && code <= 0x10FFF) ||
           (code >= 0x1E800 && code <= 0x1EFFF);
}

static void add_bidi(struct bidi *bidi, struct nx_span label)
{
    const char *p = label.ptr;
    const char *end = label.ptr + label.len;

    bidi->starts_with_digit |= label.len > 0 && nx_is_digit(label.ptr[0]);
    while (p < end) {
        uint32_t code = nx_utf8_next(&p, end);
        bool european = (code >= '0' && code <= '9') || (code >= 0x06F0 && code <= 0x06F9);
        bool arabic = code >= 0x0660 && code <= 0x0669;
        bidi->european_digits |= european;
        bidi->arabic_digits |= arabic;
        bidi->right_to_left |= !european && !arabic && is_right_to_left(code);
    }
}

/* The bytes that a label takes in the DNS, 0 when it is none. */
static size_t label_length(struct nx_span label, int flags)
{
    if (is_a_label_shape(label)) {
        return is_a_label(label) ? label.len : 0;
    }
    if (!is_ascii(label)) {
        return u_label_length(label, flags);
    }
    return is_ldh_label(label) && !is_reserved_shape(label) ? label.len : 0;
}

/* The length of the full stop at `p`: RFC 3490, section 3.1 has three more of them. */
static size_t dot_length(const char *p, const char *end)
{
    static const char *const dots[] = {".", "\u3002", "\uFF0E", "\uFF61"};

    for (size_t i = 0; i < sizeof(dots) / sizeof(dots[0]); i++) {
        size_t len = strlen(dots[i]);
        if ((size_t)(end - p) >= len && memcmp(p, dots[i], len) == 0) {
            return len;
        }
    }
    return 0;
}

static struct nx_span cut_label(const char **p, const char *end)
{
    const char *first = *p;

    while (*p < end && dot_length(*p, end) == 0) {
        (*p)++;
    }
    return (struct nx_span){first, (size_t)(*p - first)};
}

/*
 * libidn2 judges each label alone; what concerns the name as a whole is added: in a name with a
 * right-to-left label none begins with a digit (RFC 5893, section 2, rule 1), and such a label has
 * digits of one kind (rule 4).
 */
static bool is_international_name(struct nx_span text, int flags)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;
    struct bidi name = {0};
    size_t total = 0;

    if (text.len == 0 || text.len > 4 * NAME_BYTES_MAX) {
        return false;
    }
    for (;;) {
        struct nx_span label = cut_label(&p, end);
        size_t len = label_length(label, flags);
        struct bidi own = {0};
        add_bidi(&own, label);
        total += len + 1;
        if (len == 0 || total > NAME_BYTES_MAX + 1 ||
            (own.right_to_left && own.european_digits && own.arabic_digits)) {
            return false;
        }
        name.right_to_left |= own.right_to_left;
        name.starts_with_digit |= own.starts_with_digit;
        if (p >= end) {
            return !name.right_to_left || !name.starts_with_digit;
        }
        p += dot_length(p, end);
    }
}

bool nx_format_idn_hostname(struct nx_span text)
{
    return is_international_name(text, 0);
}

/* ---- mailboxes ----------------------------------------------------------------------------- */

static bool is_atom_char(char c, bool international)
{
    return nx_is_letter(c) || nx_is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c)) ||
           (international && (unsigned char)c >= 0x80);
}

/* RFC 5321, section 4.1.2: Dot-string. */
static bool is_dot_string(struct nx_span local, bool international)
{
    for (size_t i = 0; i < local.len; i++) {
        bool dot = local.ptr[i] == '.';
        if (dot ? i == 0 || i + 1 == local.len || local.ptr[i - 1] == '.'
                : !is_atom_char(local.ptr[i], international)) {
            return false;
        }
    }
    return local.len > 0;
}

/* Quoted-string. */
static bool is_quoted_string(struct nx_span local, bool international)
{
    if (local.len < 2 || local.ptr[0] != '"' || local.ptr[local.len - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i + 1 < local.len; i++) {
        unsigned char c = (unsigned char)local.ptr[i];
        if (c == '\\') {
            i++;
            if (i + 1 >= local.len) {
                return false;
            }
            c = (unsigned char)local.ptr[i];
        } else if (c == '"') {
            return false;
        }
        if (c < 0x20 || c == 0x7F || (c >= 0x80 && !international)) {
            return false;
        }
    }
    return true;
}

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" */
static bool is_address_literal(struct nx_span domain)
{
    struct nx_span inside;

    if (domain.len < 2 || domain.ptr[0] != '[' || domain.ptr[domain.len - 1] != ']') {
        return false;
    }
    inside = (struct nx_span){domain.ptr + 1, domain.len - 2};
    if (nx_span_starts(inside, NX_SPAN("IPv6:"))) {
        return nx_format_ipv6((struct nx_span){inside.ptr + 5, inside.len - 5});
    }
    return nx_format_ipv4(inside);
}

static bool is_mailbox(struct nx_span text, bool international)
{
    struct nx_span local = text;
    struct nx_span domain;

    while (local.len > 0 && local.ptr[local.len - 1] != '@') { /* the last '@': none in a domain */
        local.len--;
    }
    if (local.len == 0) {
        return false;
    }
    domain = (struct nx_span){text.ptr + local.len, text.len - local.len};
    local.len--;
    if (local.len > LOCAL_BYTES_MAX ||
        (!is_dot_string(local, international) && !is_quoted_string(local, international))) {
        return false;
    }
    return is_address_literal(domain) ||
           (international ? is_international_name(domain, IDN2_NFC_INPUT)
                          : nx_format_hostname(domain));
}

bool nx_format_email(struct nx_span text)
{
    return is_mailbox(text, false);
}

bool nx_format_idn_email(struct nx_span text)
{
    return is_mailbox(text, true);
}
