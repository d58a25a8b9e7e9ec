/*
 * codec_time.c - when the value was observed, never when it arrived.
 *
 * Canonical is RFC 3339 in UTC. A dialect writes RFC 3339 too, or the civil time of its city by a
 * pattern; then the city's zone decides, a time that clocks skipped is refused, and one that they
 * showed twice is taken as the first of the two and says so. Where the dialect's time is the end
 * of a period, canonical also says begin and end, as long as the time lies on a whole period: of
 * any other the begin is not known.
 */
#include "lens/codec_table.h"

#include "lens/civil.h"
#include "lens/quality.h"

enum { CANONICAL, DIALECT, FORMAT, MIDNIGHT_24, PERIOD_S, BEGIN, END, QUALITY };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "the time in RFC 3339"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, true, "the member that holds the time"},
    [FORMAT] = {"format", NX_OPTION_TEXT, true, "rfc3339, or a pattern like yyyy-MM-dd HH:mm"},
    [MIDNIGHT_24] = {"midnight_24", NX_OPTION_BOOLEAN, false,
                     "midnight is 24:00 of the day that ends"},
    [PERIOD_S] = {"period_s", NX_OPTION_INTEGER, false, "seconds of the period that ends then"},
    [BEGIN] = {"begin", NX_OPTION_CANONICAL, false, "the period's begin"},
    [END] = {"end", NX_OPTION_CANONICAL, false, "the period's end"},
    [QUALITY] = {"quality", NX_OPTION_CANONICAL, false, "says that the time was ambiguous"},
};

static bool is_rfc3339(const struct nx_row *row)
{
    return nx_span_is(row->options[FORMAT].text, "rfc3339");
}

static enum nx_err prepare(struct nx_arena *arena, struct nx_row *row, struct nx_diag *diag)
{
    struct nx_time_pattern *pattern;

    if (is_rfc3339(row)) {
        return NX_OK;
    }
    pattern = nx_arena_alloc(arena, sizeof(*pattern));
    if (pattern == NULL) {
        return NX_ERR_NOMEM;
    }
    row->state = pattern;
    return nx_time_pattern_compile(row->options[FORMAT].text, row->options[MIDNIGHT_24].truth,
                                   pattern, diag);
}

/* The source's text; refused when it is not one. */
static enum nx_err read_text(struct nx_call *call, unsigned option, struct nx_span *text)
{
    uint32_t node = nx_call_node(call, option);

    if (node == 0 || nx_call_type_at(call, node) != NX_JSON_STRING) {
        return nx_call_refuse(call, option, "expected a time, as a string");
    }
    *text = nx_call_text_at(call, node);
    return NX_OK;
}

/* The instant, and its text as it was written. */
static enum nx_err read_rfc3339(struct nx_call *call, unsigned option, struct nx_instant *out,
                                struct nx_span *text)
{
    enum nx_err err = read_text(call, option, text);

    if (err == NX_OK && nx_instant_parse(*text, out) != NX_OK) {
        err = nx_call_refuse(call, option, "expected a time like 2026-01-31T15:00:00Z");
    }
    return err;
}

/* A civil time of the city, to its instant. */
static enum nx_err resolve(struct nx_call *call, const struct nx_civil *civil,
                           struct nx_instant *out, bool *ambiguous)
{
    const struct nx_zone *zone = nx_call_scene(call)->zone;
    struct nx_span name = nx_call_scene(call)->city->time_zone;

    if (zone == NULL) {
        return nx_call_refuse(call, DIALECT, "the time names no zone, and its city has none");
    }
    switch (nx_zone_resolve(zone, nx_civil_seconds(civil), &out->seconds)) {
    case NX_ZONE_ONCE:
        return NX_OK;
    case NX_ZONE_FOLD:
        *ambiguous = true;
        return NX_OK;
    case NX_ZONE_GAP:
        return nx_call_refuse(call, DIALECT, "clocks in %.*s skipped this time", NX_SPAN_ARG(name));
    case NX_ZONE_OUTSIDE:
        break;
    }
    return nx_call_refuse(call, DIALECT, "expected a time from 1970 to 2199");
}

static enum nx_err read_civil(struct nx_call *call, struct nx_instant *out, bool *ambiguous)
{
    const struct nx_time_pattern *pattern = nx_call_state(call);
    struct nx_civil civil;
    struct nx_span text;
    enum nx_err err = read_text(call, DIALECT, &text);

    if (err != NX_OK) {
        return err;
    }
    if (nx_time_pattern_read(pattern, text, &civil) != NX_OK) {
        return nx_call_refuse(call, DIALECT, "expected a time that exists, written as %.*s%s",
                              NX_SPAN_ARG(pattern->text),
                              pattern->midnight_24 ? ", midnight as 24:00" : "");
    }
    *out = (struct nx_instant){0};
    return resolve(call, &civil, out, ambiguous);
}

/*
 * Would we write the time just so? In UTC by Z, with its T, and no leap second: then its text is
 * ours.
 */
static bool is_ours(struct nx_span rfc3339)
{
    return rfc3339.len > 0 && rfc3339.ptr[rfc3339.len - 1] == 'Z' && rfc3339.ptr[10] == 'T' &&
           rfc3339.ptr[17] != '6';
}

/* The instant as RFC 3339; `written` is how the source has it, or empty. */
static enum nx_err format(struct nx_call *call, struct nx_instant instant, struct nx_span written,
                          char out[NX_CIVIL_TEXT_MAX], struct nx_span *text)
{
    if (is_ours(written)) {
        *text = written;
        return NX_OK;
    }
    if (nx_instant_format(instant, out, text) != NX_OK) {
        return nx_call_refuse(call, DIALECT, "expected a time in the years 0 to 9999");
    }
    return NX_OK;
}

static enum nx_err put_instant(struct nx_call *call, unsigned option, struct nx_instant instant,
                               struct nx_span written)
{
    char out[NX_CIVIL_TEXT_MAX];
    struct nx_span text;
    enum nx_err err = format(call, instant, written, out, &text);

    return err == NX_OK ? nx_call_put_quoted(call, option, text) : err;
}

/* Begin and end, where the time (and its text) is the end of a whole period of the city's clock. */
static enum nx_err put_period(struct nx_call *call, struct nx_instant end, struct nx_span text)
{
    const struct nx_zone *zone = nx_call_scene(call)->zone;
    int64_t period_s = nx_call_option(call, PERIOD_S)->integer;
    int64_t local = end.seconds + (zone != NULL ? nx_zone_offset(zone, end.seconds) : 0);
    enum nx_err err;

    if (period_s == 0) {
        return NX_OK;
    }
    if (local % period_s != 0 || end.fraction.len > 0) {
        nx_call_receipt(call, DIALECT, BEGIN, "\"reason\":\"not known: not at a whole period\"");
        return NX_OK;
    }
    err = nx_call_put_quoted(call, END, text);
    end.seconds -= period_s;
    return err == NX_OK ? put_instant(call, BEGIN, end, NX_SPAN("")) : err;
}

/* The time, and what else it says; `written` as for format(). */
static enum nx_err put_time(struct nx_call *call, struct nx_instant instant, struct nx_span written)
{
    char out[NX_CIVIL_TEXT_MAX];
    struct nx_span text;
    enum nx_err err = format(call, instant, written, out, &text);

    if (err == NX_OK) {
        err = nx_call_put_quoted(call, CANONICAL, text);
    }
    return err == NX_OK ? put_period(call, instant, text) : err;
}

static enum nx_err to_canonical(struct nx_call *call)
{
    struct nx_span zone = NX_SPAN("UTC"), written = {NULL, 0};
    struct nx_instant instant;
    bool ambiguous = false;
    enum nx_err err;

    if (nx_call_state(call) != NULL) {
        zone = nx_call_scene(call)->city->time_zone;
        err = read_civil(call, &instant, &ambiguous);
    } else {
        err = read_rfc3339(call, DIALECT, &instant, &written);
    }
    if (err != NX_OK) {
        return err;
    }
    nx_call_receipt(call, DIALECT, CANONICAL, "\"zone\":\"%.*s\"%s", NX_SPAN_ARG(zone),
                    ambiguous ? ",\"reason\":\"shown twice by clocks: the first\"" : "");
    err = put_time(call, instant, written);
    if (err == NX_OK && ambiguous) {
        err = nx_call_put_text(call, QUALITY, NX_QUALITY_AMBIGUOUS_TIME);
    }
    return err;
}

/* Which time was written, and that clocks show it twice where they do. */
static void tell_civil(struct nx_call *call, int64_t local)
{
    const struct nx_lens_scene *scene = nx_call_scene(call);
    int64_t again;
    bool fold = nx_zone_resolve(scene->zone, local, &again) == NX_ZONE_FOLD;

    nx_call_receipt(call, CANONICAL, DIALECT, "\"zone\":\"%.*s\"%s",
                    NX_SPAN_ARG(scene->city->time_zone),
                    fold ? ",\"reason\":\"clocks there show this time twice\"" : "");
}

static enum nx_err put_civil(struct nx_call *call, struct nx_instant instant)
{
    const struct nx_zone *zone = nx_call_scene(call)->zone;
    char out[NX_CIVIL_TEXT_MAX];
    struct nx_span text;
    int64_t local;

    if (zone == NULL || instant.seconds < NX_ZONE_BEGIN || instant.seconds >= NX_ZONE_END) {
        return nx_call_refuse(call, CANONICAL, "expected a time from 1970 to 2199");
    }
    local = instant.seconds + nx_zone_offset(zone, instant.seconds);
    nx_time_pattern_write(nx_call_state(call), nx_civil_at(local), out, &text);
    if (nx_call_has_receipt(call)) {
        tell_civil(call, local);
    }
    return nx_call_put_text(call, DIALECT, text);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    struct nx_instant instant;
    struct nx_span written;
    enum nx_err err = read_rfc3339(call, CANONICAL, &instant, &written);

    if (err != NX_OK) {
        return err;
    }
    if (nx_call_state(call) != NULL) {
        return put_civil(call, instant);
    }
    nx_call_receipt(call, CANONICAL, DIALECT, "\"zone\":\"UTC\"");
    return put_instant(call, DIALECT, instant, written);
}

const struct nx_codec nx_codec_time = {
    .name = "time",
    .help = "when it was observed: RFC 3339, or a civil time in the city's zone",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .prepare = prepare,
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
