/*
 * format_time.c - dates, times and durations of RFC 3339. Only their form: nothing is converted.
 */
#include "core/format_rules.h"
#include "core/json_scan.h"

enum { NOT_DIGITS = 100 };

/* The number of two digits at `p`, or NOT_DIGITS. */
static inline unsigned two_digits(const char *p)
{
    unsigned tens = (unsigned char)p[0] - (unsigned)'0';
    unsigned ones = (unsigned char)p[1] - (unsigned)'0';

    return tens > 9 || ones > 9 ? NOT_DIGITS : tens * 10 + ones;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Ten bytes: "2026-01-31". */
static inline bool is_date(const char *p)
{
    unsigned century = two_digits(p);
    unsigned year = two_digits(p + 2);
    unsigned month = two_digits(p + 5);
    unsigned day = two_digits(p + 8);

    if (p[4] != '-' || p[7] != '-' || century == NOT_DIGITS || year == NOT_DIGITS || month < 1 ||
        month > 12 || day < 1) {
        return false;
    }
    return day <= 28 || day <= days_in_month(century * 100 + year, month);
}

bool nx_format_date(struct nx_span text)
{
    return text.len == 10 && is_date(text.ptr);
}

/* "Z" or "+hh:mm" at the end of a time; *minutes is its offset from UTC. */
static bool read_zone(struct nx_span zone, int *minutes)
{
    unsigned hour;
    unsigned minute;

    *minutes = 0;
    if (zone.len == 1) {
        return zone.ptr[0] == 'Z' || zone.ptr[0] == 'z';
    }
    if (zone.len != 6 || (zone.ptr[0] != '+' && zone.ptr[0] != '-') || zone.ptr[3] != ':') {
        return false;
    }
    hour = two_digits(zone.ptr + 1);
    minute = two_digits(zone.ptr + 4);
    *minutes = (int)(hour * 60 + minute) * (zone.ptr[0] == '-' ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

/* Behind the seconds: a point and digits, or nothing; SIZE_MAX when the digits are missing. */
static inline size_t skip_fraction(struct nx_span text, size_t at)
{
    size_t first = at + 1;

    if (text.ptr[at] != '.') {
        return at;
    }
    at = first;
    while (at < text.len && nx_is_digit(text.ptr[at])) {
        at++;
    }
    return at > first ? at : SIZE_MAX;
}

bool nx_format_time(struct nx_span text)
{
    enum { SECONDS_END = 8 };
    unsigned hour;
    unsigned minute;
    unsigned second;
    int offset;
    size_t at;

    if (text.len <= SECONDS_END || text.ptr[2] != ':' || text.ptr[5] != ':') {
        return false;
    }
    hour = two_digits(text.ptr);
    minute = two_digits(text.ptr + 3);
    second = two_digits(text.ptr + 6);
    at = skip_fraction(text, SECONDS_END);
    if (hour > 23 || minute > 59 || second > 60 || at == SIZE_MAX ||
        !read_zone((struct nx_span){text.ptr + at, text.len - at}, &offset)) {
        return false;
    }
    /* a leap second ends a day of UTC (RFC 3339, section 5.7) */
    return second < 60 || ((int)(hour * 60 + minute) - offset + 2 * 1440) % 1440 == 1439;
}

bool nx_format_date_time(struct nx_span text)
{
    if (text.len == NX_DATE_TIME_LEN && nx_scan_date_time(text.ptr)) {
        return true;
    }
    return text.len > 11 && (text.ptr[10] == 'T' || text.ptr[10] == 't') && is_date(text.ptr) &&
           nx_format_time((struct nx_span){text.ptr + 11, text.len - 11});
}

/*
 * Numbers with units in the order of `units`, none left out between the first and the last: the
 * grammar of appendix A has "P1Y2M3D" and "P2M3D", but no "P1Y3D". Returns how many there were,
 * or -1.
 */
static int read_units(struct nx_span text, size_t *at, const char *units)
{
    const char *unit = NULL;
    int count = 0;

    while (*at < text.len && text.ptr[*at] != 'T') {
        size_t first = *at;
        const char *found;
        while (*at < text.len && nx_is_digit(text.ptr[*at])) {
            (*at)++;
        }
        if (*at == first || *at >= text.len || text.ptr[*at] == '\0') {
            return -1;
        }
        found = strchr(units, text.ptr[*at]);
        if (found == NULL || (unit != NULL && found != unit + 1)) {
            return -1;
        }
        unit = found;
        (*at)++;
        count++;
    }
    return count;
}

bool nx_format_duration(struct nx_span text)
{
    size_t at = 1;
    int days;
    int hours;

    if (text.len < 3 || text.ptr[0] != 'P') {
        return false;
    }
    if (text.ptr[text.len - 1] == 'W') {
        return read_units(text, &at, "W") == 1 && at == text.len;
    }
    days = read_units(text, &at, "YMD");
    if (days < 0 || at == text.len) {
        return days > 0;
    }
    at++; /* the T */
    hours = read_units(text, &at, "HMS");
    return hours > 0 && at == text.len;
}
