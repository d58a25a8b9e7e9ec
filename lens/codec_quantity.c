/*
 * codec_quantity.c - how much of a substance the air holds.
 *
 * Canonical states it in ug/m3 (UN/CEFACT GQ), gases at 20 degrees Celsius and 101.325 kPa. A
 * dialect in ppm or ppb needs no reference state. A dialect in ug/m3 or mg/m3 is stated at its
 * city's declared reference, so gases are rescaled where that is another; particles never are.
 *
 * Rounding is half away from zero, in decimals throughout. Towards canonical to the row's
 * `decimals`. Towards the dialect to the fewest decimals, from `dialect_decimals` to
 * `dialect_decimals_max`, that read back as the same canonical value: 0.022 ppm comes back as
 * "0.022", and 40.0 ug/m3 of NO2 becomes "0.0209" and not "0.021", which would read as 40.2.
 *
 * A missing value stays missing, with its reason (lens/quality.h).
 */
#include "lens/codec_table.h"

#include "core/json_scan.h"
#include "lens/quality.h"
#include "lens/substance.h"

enum {
    CANONICAL,
    QUALITY,
    DIALECT,
    FLAG,
    SUBSTANCE,
    UNIT,
    AS_TEXT,
    OPTIONAL,
    DECIMALS,
    DIALECT_DECIMALS,
    DIALECT_DECIMALS_MAX,
};

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "the concentration in ug/m3"},
    [QUALITY] = {"quality", NX_OPTION_CANONICAL, true, "why it is missing or degraded"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, true, "the member of the dialect"},
    [FLAG] = {"flag", NX_OPTION_DIALECT, false, "the dialect's reason"},
    [SUBSTANCE] = {"substance", NX_OPTION_TEXT, true, "NO2, O3, SO2, CO or particles"},
    [UNIT] = {"unit", NX_OPTION_TEXT, true, "of the dialect: ppm, ppb, ug/m3 or mg/m3"},
    [AS_TEXT] = {"as_text", NX_OPTION_BOOLEAN, false, "the dialect writes numbers in strings"},
    [OPTIONAL] = {"optional", NX_OPTION_BOOLEAN, false,
                  "the dialect leaves out what is not measured"},
    [DECIMALS] = {"decimals", NX_OPTION_INTEGER, true, "of canonical"},
    [DIALECT_DECIMALS] = {"dialect_decimals", NX_OPTION_INTEGER, true, "of the dialect"},
    [DIALECT_DECIMALS_MAX] = {"dialect_decimals_max", NX_OPTION_INTEGER, false,
                              "as many where fewer would not read back the same"},
};

enum { DECIMALS_MAX = 6 };

/* A unit as a multiple of ppm (a mixing ratio) or of ug/m3. */
static const struct unit {
    const char *name;
    bool mixing_ratio;
    struct nx_ratio size;
} units[] = {
    {"ppm", true, {1, 1}},
    {"ppb", true, {1, 1000}},
    {"ug/m3", false, {1, 1}},
    {"mg/m3", false, {1000, 1}},
};

struct quantity {
    const struct nx_substance *substance;
    const struct unit *unit;
    struct nx_ratio per_unit; /* of a mixing ratio: ug/m3 in one unit */
    int decimals, dialect_decimals, dialect_decimals_max;
};

static const struct unit *find_unit(struct nx_span name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (nx_span_is(name, units[i].name)) {
            return &units[i];
        }
    }
    return NULL;
}

static enum nx_err prepare_decimals(const struct nx_option *given, struct quantity *q,
                                    struct nx_diag *diag)
{
    const struct nx_option *max = &given[DIALECT_DECIMALS_MAX];

    q->decimals = (int)given[DECIMALS].integer;
    q->dialect_decimals = (int)given[DIALECT_DECIMALS].integer;
    q->dialect_decimals_max = max->given ? (int)max->integer : q->dialect_decimals;
    if (q->decimals > DECIMALS_MAX || q->dialect_decimals_max > DECIMALS_MAX ||
        q->dialect_decimals > q->dialect_decimals_max) {
        nx_diag_set(diag,
                    "expected 0 to %d decimals, and dialect_decimals_max not below "
                    "dialect_decimals",
                    DECIMALS_MAX);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err prepare(struct nx_arena *arena, struct nx_row *row, struct nx_diag *diag)
{
    struct quantity *q = nx_arena_alloc(arena, sizeof(*q));

    if (q == NULL) {
        return NX_ERR_NOMEM;
    }
    row->state = q;
    q->substance = nx_substance_find(row->options[SUBSTANCE].text);
    q->unit = find_unit(row->options[UNIT].text);
    if (q->substance == NULL || q->unit == NULL) {
        nx_diag_set(diag, "expected 'substance' %s, 'unit' %s", options[SUBSTANCE].help,
                    options[UNIT].help);
        return NX_ERR_INVALID;
    }
    if (q->unit->mixing_ratio && q->substance->molar_mass_e4 == 0) {
        nx_diag_set(diag, "particles have no mixing ratio: expected 'unit' ug/m3 or mg/m3");
        return NX_ERR_INVALID;
    }
    if (q->unit->mixing_ratio) {
        struct nx_ratio per_ppm = nx_substance_per_ppm(q->substance, nx_state_canonical);
        q->per_unit = nx_ratio(per_ppm.num * q->unit->size.num, per_ppm.den * q->unit->size.den);
    }
    return prepare_decimals(row->options, q, diag);
}

/* The state at which the dialect states this quantity. */
static struct nx_state dialect_state(const struct nx_call *call, const struct quantity *q)
{
    if (q->unit->mixing_ratio || q->substance->molar_mass_e4 == 0) {
        return nx_state_canonical;
    }
    return nx_state_of(&nx_call_scene(call)->city->reference);
}

/* What a value of the dialect is multiplied by to be canonical's. */
static struct nx_ratio factor(const struct nx_call *call, const struct quantity *q)
{
    const struct nx_reference *reference = &nx_call_scene(call)->city->reference;
    struct nx_ratio change;

    if (q->unit->mixing_ratio) {
        return q->per_unit;
    }
    if (q->substance->molar_mass_e4 == 0 || nx_reference_is_canonical(reference)) {
        return q->unit->size;
    }
    change = nx_state_change(nx_state_of(reference), nx_state_canonical);
    return nx_ratio(change.num * q->unit->size.num, change.den * q->unit->size.den);
}

/* What was done, with the factor to six decimals; the state only where one was involved. */
static void tell(struct nx_call *call, const struct quantity *q, int from, int to,
                 const char *factor_name, struct nx_ratio by, int decimals)
{
    struct nx_state state;
    char by_text[NX_DECIMAL_TEXT_MAX], celsius[NX_DECIMAL_TEXT_MAX], kpa[NX_DECIMAL_TEXT_MAX];
    struct nx_span by_span, celsius_span, kpa_span;
    struct nx_decimal by_decimal;

    if (nx_decimal_multiply((struct nx_decimal){1, 0}, by, DECIMALS_MAX, &by_decimal) != NX_OK) {
        return;
    }
    by_span = nx_decimal_format(by_decimal, by_text);
    if (q->substance->molar_mass_e4 == 0) {
        nx_call_receipt(call, from, to,
                        "\"unit\":\"%s\",\"%s\":%s,\"rounding\":\"half away from zero\","
                        "\"decimals\":%d",
                        q->unit->name, factor_name, by_span.ptr, decimals);
        return;
    }
    state = dialect_state(call, q);
    celsius_span = nx_decimal_format((struct nx_decimal){state.kelvin_e2 - 27315, 2}, celsius);
    kpa_span = nx_decimal_format((struct nx_decimal){state.pascal, 3}, kpa);
    nx_call_receipt(call, from, to,
                    "\"unit\":\"%s\",\"%s\":%s,\"temperature_celsius\":%s,"
                    "\"pressure_kpa\":%s,\"rounding\":\"half away from zero\",\"decimals\":%d",
                    q->unit->name, factor_name, by_span.ptr, celsius_span.ptr, kpa_span.ptr,
                    decimals);
}

/* A missing or degraded value's reason, in the receipt. */
static void tell_quality(struct nx_call *call, int from, int to, struct nx_span code)
{
    enum { CODE_MAX = 128 };
    struct nx_buf quoted;

    if (!nx_call_has_receipt(call)) {
        return;
    }
    nx_buf_init(&quoted, CODE_MAX);
    if (nx_json_quote(&quoted, code) == NX_OK) {
        nx_call_receipt(call, from, to, "\"quality\":%.*s", NX_SPAN_ARG(nx_buf_view(&quoted)));
    }
    nx_buf_fini(&quoted);
}

/*
 * Nearly all numbers: short, and of one decimal, or in strings of three to five. The reader knows
 * what a number is worth; of one in a string NX_SCAN_PADDING bytes can be read. False: look closer.
 */
static bool read_short(const struct nx_call *call, uint32_t node, enum nx_json_type wanted,
                       struct nx_decimal *out)
{
    const struct nx_json_node *n = &call->tape[node];
    struct nx_nano nano;

    if (n->type != wanted) {
        return false;
    }
    if (wanted == NX_JSON_NUMBER) {
        bool known = (n->flags & NX_JSON_NANO) != 0 && n->nano % 100000000 == 0;
        *out = (struct nx_decimal){known ? n->nano / 100000000 : 0, 1};
        return known;
    }
    if ((n->flags & NX_JSON_DECODED) != 0) {
        return false;
    }
    nano = nx_scan_nano_short(call->bytes + n->text);
    if (nano.end != call->bytes + n->text + n->length) {
        return false;
    }
    if (nano.value % 1000000 == 0) {
        *out = (struct nx_decimal){nano.value / 1000000, 3};
        return true;
    }
    *out = (struct nx_decimal){nano.value / 10000, 5};
    return nano.value % 10000 == 0;
}

static enum nx_err read_number(struct nx_call *call, unsigned option, bool as_text,
                               struct nx_decimal *out)
{
    uint32_t node = nx_call_node(call, option);
    enum nx_json_type wanted = as_text ? NX_JSON_STRING : NX_JSON_NUMBER;
    struct nx_span text = nx_call_text_at(call, node);

    if (read_short(call, node, wanted, out)) {
        return NX_OK;
    }
    if (nx_call_type_at(call, node) != wanted) {
        return nx_call_refuse(call, option, "expected %s, found %s",
                              as_text ? "a number in a string" : "a number",
                              nx_json_type_name(nx_call_type_at(call, node)));
    }
    switch (nx_decimal_parse(text, out)) {
    case NX_OK:
        return NX_OK;
    case NX_ERR_LIMIT:
        return nx_call_refuse(call, option, "the number is too large");
    default:
        return nx_call_refuse(call, option, "expected a number, found '%.*s'", NX_SPAN_ARG(text));
    }
}

static enum nx_err value_to_canonical(struct nx_call *call)
{
    const struct quantity *q = nx_call_state(call);
    struct nx_ratio by = factor(call, q);
    struct nx_decimal value;
    enum nx_err err = read_number(call, DIALECT, nx_call_option(call, AS_TEXT)->truth, &value);

    if (err != NX_OK) {
        return err;
    }
    if (nx_decimal_multiply(value, by, q->decimals, &value) != NX_OK) {
        return nx_call_refuse(call, DIALECT, "the number is too large");
    }
    if (nx_call_has_receipt(call)) {
        tell(call, q, DIALECT, CANONICAL, "factor", by, q->decimals);
    }
    return nx_call_put_decimal(call, CANONICAL, value, false);
}

static enum nx_err to_canonical(struct nx_call *call)
{
    struct nx_quality_state state;
    enum nx_err err = nx_quality_of_dialect(call, DIALECT, FLAG, &state);

    if (err == NX_OK && state.has_value) {
        err = value_to_canonical(call);
    }
    if (err == NX_OK && state.code.len > 0) {
        tell_quality(call, DIALECT, QUALITY, state.code);
        err = nx_call_put_text(call, QUALITY, state.code);
    }
    return err;
}

static enum nx_err value_from_canonical(struct nx_call *call)
{
    const struct quantity *q = nx_call_state(call);
    struct nx_ratio by = factor(call, q);
    struct nx_decimal canonical, value;
    enum nx_err err = read_number(call, CANONICAL, false, &canonical);

    if (err != NX_OK) {
        return err;
    }
    if (nx_decimal_divide(canonical, q->decimals, by, q->dialect_decimals, q->dialect_decimals_max,
                          &value) != NX_OK) {
        return nx_call_refuse(call, CANONICAL, "the number is too large");
    }
    if (nx_call_has_receipt(call)) {
        tell(call, q, CANONICAL, DIALECT, "divisor", by, value.scale);
    }
    return nx_call_put_decimal(call, DIALECT, value, nx_call_option(call, AS_TEXT)->truth);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    struct nx_quality_state state;
    enum nx_err err = NX_OK;

    nx_quality_of_canonical(call, CANONICAL, QUALITY, &state);
    if (state.has_value) {
        err = value_from_canonical(call);
    }
    if (err == NX_OK && state.code.len > 0) {
        tell_quality(call, QUALITY, DIALECT, state.code);
    }
    if (err == NX_OK) {
        err = nx_quality_to_dialect(call, DIALECT, FLAG, &state,
                                    nx_call_option(call, OPTIONAL)->truth);
    }
    return err;
}

const struct nx_codec nx_codec_quantity = {
    .name = "quantity",
    .help = "an amount of a substance in the air, across units, reference states and decimals",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .prepare = prepare,
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
