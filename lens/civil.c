/*
 * civil.c - calendar arithmetic and the fixed-width forms in which cities write time. The
 * arithmetic is Howard Hinnant's days_from_civil (chrono-compatible low-level date algorithms).
 */
#include "lens/civil.h"

#include "core/json_scan.h"

enum { SECONDS_PER_DAY = 86400, FRACTION_DIGITS_MAX = 9 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool nx_civil_exists(const struct nx_civil *c)
{
    return c->year >= 0 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month) && c->hour >= 0 && c->hour <= 23 &&
           c->minute >= 0 && c->minute <= 59 && c->second >= 0 && c->second <= 59;
}

int64_t nx_civil_seconds(const struct nx_civil *c)
{
    int64_t year = c->year - (c->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (c->month + (c->month > 2 ? -3 : 9)) + 2) / 5 + c->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * 146097 + day_of_era - 719468;

    return days * SECONDS_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/* Days since 0000-03-01, which are not negative and fit with room to spare. */
static void put_date(uint32_t days, struct nx_civil *c)
{
    uint32_t era = days / 146097;
    uint32_t day_of_era = days % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_shifted = (5 * day_of_year + 2) / 153;

    c->day = (int)(day_of_year - (153 * month_shifted + 2) / 5 + 1);
    c->month = (int)(month_shifted < 10 ? month_shifted + 3 : month_shifted - 9);
    c->year = (int)(year_of_era + era * 400) + (c->month <= 2);
}

struct nx_civil nx_civil_at(int64_t seconds)
{
    const int64_t era_days = 146097, eras_before = 1000; /* so that the days are not negative */
    int64_t days = seconds / SECONDS_PER_DAY;
    int32_t second_of_day = (int32_t)(seconds % SECONDS_PER_DAY);
    struct nx_civil c;

    if (second_of_day < 0) {
        second_of_day += SECONDS_PER_DAY;
        days--;
    }
    days += 719468 + eras_before * era_days;
    days = days < 0 ? 0 : days > UINT32_MAX ? UINT32_MAX : days; /* beyond all years that we have */
    put_date((uint32_t)days, &c);
    c.year -= (int)eras_before * 400;
    c.hour = second_of_day / 3600;
    c.minute = second_of_day / 60 % 60;
    c.second = second_of_day % 60;
    return c;
}

/* Takes `width` digits off the front of *rest. */
static bool take_digits(struct nx_span *rest, size_t width, int *out)
{
    int value = 0;

    if (rest->len < width) {
        return false;
    }
    for (size_t i = 0; i < width; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (rest->ptr[i] - '0');
    }
    *rest = (struct nx_span){rest->ptr + width, rest->len - width};
    *out = value;
    return true;
}

/* Takes `byte` off the front of *rest. */
static bool take_byte(struct nx_span *rest, char byte)
{
    if (rest->len == 0 || rest->ptr[0] != byte) {
        return false;
    }
    *rest = (struct nx_span){rest->ptr + 1, rest->len - 1};
    return true;
}

static bool take_fraction(struct nx_span *rest, struct nx_span *fraction)
{
    *fraction = (struct nx_span){NULL, 0};
    if (!take_byte(rest, '.')) {
        return true;
    }
    fraction->ptr = rest->ptr;
    while (rest->len > 0 && rest->ptr[0] >= '0' && rest->ptr[0] <= '9') {
        rest->ptr++;
        rest->len--;
        fraction->len++;
    }
    return fraction->len > 0 && fraction->len <= FRACTION_DIGITS_MAX;
}

/* time-offset: "Z" or +hh:mm, in seconds east of UTC. */
static bool take_offset(struct nx_span *rest, int *offset_s)
{
    int sign, hour, minute;

    *offset_s = 0;
    if (take_byte(rest, 'Z') || take_byte(rest, 'z')) {
        return true;
    }
    sign = take_byte(rest, '+') ? 1 : -1;
    if ((sign < 0 && !take_byte(rest, '-')) || !take_digits(rest, 2, &hour) ||
        !take_byte(rest, ':') || !take_digits(rest, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *offset_s = sign * (hour * 3600 + minute * 60);
    return true;
}

static bool take_date_time(struct nx_span *rest, struct nx_civil *c)
{
    return take_digits(rest, 4, &c->year) && take_byte(rest, '-') &&
           take_digits(rest, 2, &c->month) && take_byte(rest, '-') &&
           take_digits(rest, 2, &c->day) && (take_byte(rest, 'T') || take_byte(rest, 't')) &&
           take_digits(rest, 2, &c->hour) && take_byte(rest, ':') &&
           take_digits(rest, 2, &c->minute) && take_byte(rest, ':') &&
           take_digits(rest, 2, &c->second);
}

/* The two digits at `at`, and writes `value` with two. */
static int get_two(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static void put_two(char *at, int value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

/* Nearly all times: 2026-01-31T15:00:00Z, of a day from 1 to 28. False: look closer. */
static bool parse_short(struct nx_span text, struct nx_instant *out)
{
    const char *p = text.ptr;
    struct nx_civil c;

    if (text.len != NX_DATE_TIME_LEN || !nx_scan_date_time(p)) {
        return false;
    }
    c = (struct nx_civil){.year = get_two(p) * 100 + get_two(p + 2),
                          .month = get_two(p + 5),
                          .day = get_two(p + 8),
                          .hour = get_two(p + 11),
                          .minute = get_two(p + 14),
                          .second = get_two(p + 17)};
    *out = (struct nx_instant){.seconds = nx_civil_seconds(&c)};
    return true;
}

enum nx_err nx_instant_parse(struct nx_span text, struct nx_instant *out)
{
    struct nx_civil c;
    int offset_s, leap;

    if (parse_short(text, out)) {
        return NX_OK;
    }
    if (!take_date_time(&text, &c) || !take_fraction(&text, &out->fraction) ||
        !take_offset(&text, &offset_s) || text.len > 0) {
        return NX_ERR_SYNTAX;
    }
    leap = c.second == 60;
    c.second -= leap;
    if (!nx_civil_exists(&c)) {
        return NX_ERR_SYNTAX;
    }
    out->seconds = nx_civil_seconds(&c) + leap - offset_s;
    return NX_OK;
}

/* The number of `width` digits at `at`, 2 or 4; and writes one. */
static int get_digits(const char *at, size_t width)
{
    int value = get_two(at);

    return width == 4 ? value * 100 + get_two(at + 2) : value;
}

static void put_digits(char *at, int value, size_t width)
{
    if (width == 4) {
        put_two(at, value / 100 % 100);
    }
    put_two(at + width - 2, value % 100);
}

enum nx_err nx_instant_format(struct nx_instant instant, char out[NX_CIVIL_TEXT_MAX],
                              struct nx_span *text)
{
    static const char form[] = "0000-00-00T00:00:00";
    struct nx_civil c = nx_civil_at(instant.seconds);
    size_t len = sizeof(form) - 1;

    if (c.year < 0 || c.year > 9999 || instant.fraction.len > FRACTION_DIGITS_MAX) {
        return NX_ERR_LIMIT;
    }
    memcpy(out, form, sizeof(form));
    put_digits(out, c.year, 4);
    put_two(out + 5, c.month);
    put_two(out + 8, c.day);
    put_two(out + 11, c.hour);
    put_two(out + 14, c.minute);
    put_two(out + 17, c.second);
    if (instant.fraction.len > 0) {
        out[len++] = '.';
        memcpy(out + len, instant.fraction.ptr, instant.fraction.len);
        len += instant.fraction.len;
    }
    out[len++] = 'Z';
    out[len] = '\0';
    *text = (struct nx_span){out, len};
    return NX_OK;
}

/* The fields of a pattern: letter, width and place in struct nx_civil. */
static const struct field {
    char letter;
    size_t width;
    size_t place;
    bool needed;
} fields[] = {
    {'y', 4, offsetof(struct nx_civil, year), true},
    {'M', 2, offsetof(struct nx_civil, month), true},
    {'d', 2, offsetof(struct nx_civil, day), true},
    {'H', 2, offsetof(struct nx_civil, hour), true},
    {'m', 2, offsetof(struct nx_civil, minute), false},
    {'s', 2, offsetof(struct nx_civil, second), false},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
_Static_assert(FIELDS == (int)NX_TIME_FIELDS, "each has a place in a pattern");

static const struct field *field_of(char letter)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].letter == letter) {
            return &fields[i];
        }
    }
    return NULL;
}

static int *field_in(const struct field *field, struct nx_civil *civil)
{
    return (int *)(void *)((char *)civil + field->place);
}

/* One piece of a pattern: a field, or a literal byte. */
struct piece {
    const struct field *field; /* NULL: literal */
    char literal;
    size_t len; /* of a field, as the pattern has it */
};

/* Takes the next piece off *rest, following quotes; false at the end. */
static bool next_piece(struct nx_span *rest, bool *quoted, struct piece *piece)
{
    while (rest->len > 0 && rest->ptr[0] == '\'') {
        *quoted = !*quoted;
        *rest = (struct nx_span){rest->ptr + 1, rest->len - 1};
    }
    if (rest->len == 0) {
        return false;
    }
    piece->literal = rest->ptr[0];
    piece->field = *quoted ? NULL : field_of(rest->ptr[0]);
    if (piece->field == NULL) {
        *rest = (struct nx_span){rest->ptr + 1, rest->len - 1};
        return true;
    }
    for (piece->len = 0; piece->len < piece->field->width && rest->len > 0; piece->len++) {
        if (rest->ptr[0] != piece->literal) {
            break;
        }
        *rest = (struct nx_span){rest->ptr + 1, rest->len - 1};
    }
    return true;
}

/* The place of a field in the form; false when it has one already, or is cut short. */
static bool add_field(struct nx_time_pattern *pattern, const struct piece *piece)
{
    uint8_t *place = &pattern->places[piece->field - fields];

    if (*place != 0 || piece->len != piece->field->width) {
        return false;
    }
    *place = (uint8_t)(pattern->len + 1);
    memset(pattern->form + pattern->len, '0', piece->len);
    memset(pattern->room + pattern->len, 0x7F - 9, piece->len);
    pattern->len += piece->len;
    return true;
}

static enum nx_err add_piece(struct nx_time_pattern *pattern, const struct piece *piece,
                             bool quoted, struct nx_diag *diag)
{
    char c = piece->literal;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    if (pattern->len + (piece->field != NULL ? piece->field->width : 1) >= NX_CIVIL_TEXT_MAX) {
        nx_diag_set(diag, "a time pattern writes less than %d bytes", NX_CIVIL_TEXT_MAX);
        return NX_ERR_INVALID;
    }
    if (piece->field != NULL) {
        if (add_field(pattern, piece)) {
            return NX_OK;
        }
        nx_diag_set(diag, "a time pattern holds %zu times '%c' together, and no more",
                    piece->field->width, c);
        return NX_ERR_INVALID;
    }
    if (!quoted && letter) {
        nx_diag_set(diag,
                    "'%c' in a time pattern: expected yyyy MM dd HH mm ss, and other letters in "
                    "'quotes'",
                    c);
        return NX_ERR_INVALID;
    }
    pattern->room[pattern->len] = 0x7F;
    pattern->form[pattern->len++] = c;
    return NX_OK;
}

enum nx_err nx_time_pattern_compile(struct nx_span text, bool midnight_24,
                                    struct nx_time_pattern *out, struct nx_diag *diag)
{
    struct nx_span rest = text;
    struct piece piece;
    bool quoted = false;
    enum nx_err err = NX_OK;

    *out = (struct nx_time_pattern){.text = text, .midnight_24 = midnight_24};
    while (err == NX_OK && next_piece(&rest, &quoted, &piece)) {
        err = add_piece(out, &piece, quoted, diag);
    }
    for (size_t i = 0; i < FIELDS && err == NX_OK; i++) {
        if (fields[i].needed && out->places[i] == 0) {
            nx_diag_set(diag, "a time pattern holds %zu times '%c', this one never",
                        fields[i].width, fields[i].letter);
            err = NX_ERR_INVALID;
        }
    }
    return err;
}

/* 24:00 is the end of its day: 00:00 of the next. Only the full hour exists. */
static enum nx_err settle_midnight(const struct nx_time_pattern *pattern, struct nx_civil *c)
{
    bool midnight = pattern->midnight_24 && c->hour == 24 && c->minute == 0 && c->second == 0;

    if (midnight) {
        c->hour = 0;
    }
    if (!nx_civil_exists(c)) {
        return NX_ERR_INVALID;
    }
    if (midnight) {
        *c = nx_civil_at(nx_civil_seconds(c) + SECONDS_PER_DAY);
    }
    return NX_OK;
}

/*
 * Is the text of the form: a digit at each place of one, else the same bytes? Eight bytes at a
 * time, of which the last may have been looked at before: a form has ten digits at least.
 */
static bool has_form(const struct nx_time_pattern *pattern, const char *text)
{
    const uint64_t highs = 0x8080808080808080u;

    for (size_t at = 0; at < pattern->len; at += 8) {
        size_t i = at + 8 <= pattern->len ? at : pattern->len - 8;
        uint64_t odd = nx_scan_word(text + i) ^ nx_scan_word(pattern->form + i); /* 0 to 9, or 0 */
        if ((((odd & ~highs) + nx_scan_word(pattern->room + i)) | odd) & highs) {
            return false;
        }
    }
    return true;
}

enum nx_err nx_time_pattern_read(const struct nx_time_pattern *pattern, struct nx_span text,
                                 struct nx_civil *out)
{
    *out = (struct nx_civil){0};
    if (text.len != pattern->len || !has_form(pattern, text.ptr)) {
        return NX_ERR_SYNTAX;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (pattern->places[i] != 0) {
            *field_in(&fields[i], out) =
                get_digits(text.ptr + pattern->places[i] - 1, fields[i].width);
        }
    }
    return settle_midnight(pattern, out);
}

void nx_time_pattern_write(const struct nx_time_pattern *pattern, struct nx_civil civil,
                           char out[NX_CIVIL_TEXT_MAX], struct nx_span *text)
{
    if (pattern->midnight_24 && civil.hour == 0 && civil.minute == 0) {
        civil = nx_civil_at(nx_civil_seconds(&civil) - SECONDS_PER_DAY);
        civil.hour = 24;
    }
    memcpy(out, pattern->form, NX_CIVIL_TEXT_MAX);
    for (size_t i = 0; i < FIELDS; i++) {
        if (pattern->places[i] != 0) {
            put_digits(out + pattern->places[i] - 1, *field_in(&fields[i], &civil),
                       fields[i].width);
        }
    }
    *text = (struct nx_span){out, pattern->len};
}
