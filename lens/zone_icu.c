/*
 * zone_icu.c - the one file that knows ICU: reads a zone's transitions into our own table, once,
 * when lenses are loaded.
 */
#include "lens/zone.h"

#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum {
    ZONE_NAME_MAX = 64,
    ZONE_SPANS_MAX = 1024, /* two changes a year over the table's 230 years, and some to spare */
};

static int32_t offset_now(UCalendar *calendar, UErrorCode *status)
{
    int32_t zone_ms = ucal_get(calendar, UCAL_ZONE_OFFSET, status);
    int32_t dst_ms = ucal_get(calendar, UCAL_DST_OFFSET, status);

    return (zone_ms + dst_ms) / 1000;
}

/* Walks the transitions from NX_ZONE_BEGIN on; returns how many spans were filled. */
static size_t read_spans(UCalendar *calendar, struct nx_zone_span *spans, UErrorCode *status)
{
    UDate at = (UDate)NX_ZONE_BEGIN * 1000;
    size_t count = 0;

    while (count < ZONE_SPANS_MAX) {
        ucal_setMillis(calendar, at, status);
        spans[count].utc_from = (int64_t)(at / 1000);
        spans[count].offset_s = offset_now(calendar, status);
        count++;
        if (!ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &at, status) ||
            U_FAILURE(*status) || at >= (UDate)NX_ZONE_END * 1000) {
            break;
        }
    }
    return count;
}

/* ICU takes an unknown name for GMT without a word, so the name is looked up first. */
static bool is_known(const UChar *name)
{
    UChar canonical[ZONE_NAME_MAX];
    UBool system_id = 0;
    UErrorCode status = U_ZERO_ERROR;

    (void)ucal_getCanonicalTimeZoneID(name, -1, canonical, ZONE_NAME_MAX, &system_id, &status);
    return U_SUCCESS(status) && system_id;
}

enum nx_err nx_zone_load(struct nx_span name, struct nx_zone **out, struct nx_diag *diag)
{
    char text[ZONE_NAME_MAX];
    UChar wide[ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar = NULL;
    struct nx_zone_span *spans = NULL;
    size_t count;
    enum nx_err err = NX_ERR_NOT_FOUND;

    *out = NULL;
    if (!nx_span_copy(name, text, sizeof(text)) ||
        u_strFromUTF8(wide, ZONE_NAME_MAX, NULL, text, -1, &status) == NULL || U_FAILURE(status) ||
        !is_known(wide)) {
        nx_diag_set(diag, "no such time zone: '%.*s' (expected an IANA name, like Europe/London)",
                    NX_SPAN_ARG(name));
        goto out;
    }
    err = NX_ERR_NOMEM;
    spans = calloc(ZONE_SPANS_MAX, sizeof(*spans));
    if (spans == NULL) {
        goto out;
    }
    calendar = ucal_open(wide, -1, "en_US_POSIX", UCAL_GREGORIAN, &status);
    count = calendar != NULL ? read_spans(calendar, spans, &status) : 0;
    if (U_FAILURE(status)) {
        nx_diag_set(diag, "time zone '%s': %s", text, u_errorName(status));
        err = NX_ERR_IO;
        goto out;
    }
    *out = nx_zone_new(spans, count);
    err = *out != NULL ? NX_OK : NX_ERR_NOMEM;
out:
    ucal_close(calendar);
    free(spans);
    return err;
}
