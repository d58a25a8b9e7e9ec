/*
 * format_time.c - dates, times and durations of RFC 3339. Only their form: nothing is converted.
 */
#include "core/format_rules.h"

/* Two digits at `at`, or -1. */
static int two_digits(struct nx_span text, size_t at)
{
    if (at + 2 > text.len || !nx_is_digit(text.ptr[at]) || !nx_is_digit(text.ptr[at + 1])) {
        return -1;
    }
    return (text.ptr[at] - '0') * 10 + (text.ptr[at + 1] - '0');
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

bool nx_format_date(struct nx_span text)
{
    int century = two_digits(text, 0);
    int year = two_digits(text, 2);
    int month = two_digits(text, 5);
    int day = two_digits(text, 8);

    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' || century < 0 || year < 0) {
        return false;
    }
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days_in_month(century * 100 + year, month);
}

/* "Z" or "+hh:mm" at the end of a time; *minutes is its offset from UTC. */
static bool read_zone(struct nx_span zone, int *minutes)
{
    int hour;
    int minute;

    *minutes = 0;
    if (zone.len == 1) {
        return zone.ptr[0] == 'Z' || zone.ptr[0] == 'z';
    }
    hour = two_digits(zone, 1);
    minute = two_digits(zone, 4);
    if (zone.len != 6 || (zone.ptr[0] != '+' && zone.ptr[0] != '-') || zone.ptr[3] != ':' ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59) {
        return false;
    }
    *minutes = (hour * 60 + minute) * (zone.ptr[0] == '-' ? -1 : 1);
    return true;
}

bool nx_format_time(struct nx_span text)
{
    int hour = two_digits(text, 0);
    int minute = two_digits(text, 3);
    int second = two_digits(text, 6);
    int offset;
    size_t at = 8;

    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
        text.ptr[2] != ':' || text.ptr[5] != ':') {
        return false;
    }
    if (at < text.len && text.ptr[at] == '.') {
        size_t first = ++at;
        while (at < text.len && nx_is_digit(text.ptr[at])) {
            at++;
        }
        if (at == first) {
            return false;
        }
    }
    if (!read_zone((struct nx_span){text.ptr + at, text.len - at}, &offset)) {
        return false;
    }
    /* a leap second ends a day of UTC (RFC 3339, section 5.7) */
    return second < 60 || (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
}

bool nx_format_date_time(struct nx_span text)
{
    return text.len > 11 && (text.ptr[10] == 'T' || text.ptr[10] == 't') &&
           nx_format_date((struct nx_span){text.ptr, 10}) &&
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
