/*
 * hostile_inputs.c - inputs that are made to be slow to judge: a table of them.
 *
 * Each aims at one mechanism: the reader's search for repeated names, the table of properties, the
 * hashes of uniqueItems and enum, the exact numbers, the expressions, the marks of unevaluated*,
 * the formats. An input may be refused; what counts is what the refusal costs.
 */
#include "bench/hostile_inputs.h"

enum {
    INPUT_BYTES_MAX = 8 * 1024 * 1024,
    ENUM_VALUES = 4096,
    PAIRS = 12, /* of eight-byte words in a name; see name_of_equal_hash */
};

__extension__ typedef unsigned __int128 u128;

/* ---- units that differ from each other --------------------------------------------------- */

/* The same first and last eight bytes, the same length. */
static void name_alike(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "\"measured%08xbyStation\":1", index);
}

static void name_repeated(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "\"n%08x\":1", index + 1);
}

/*
 * Bit `j` of the index flips bit 62 of one word and what that becomes in the next, so that for
 * half of all seeds (per j) a multiplicative hash does not tell the two apart.
 */
static void name_of_equal_hash(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_byte(out, '"');
    for (unsigned j = 0; j < PAIRS; j++) {
        char c = (index >> j & 1) != 0 ? 'q' : '1';
        (void)nx_buf_printf(out, "nameabc%cabc%cabc%c", c, c, c);
    }
    if (index >> PAIRS != 0) {
        (void)nx_buf_printf(out, "%08x", index >> PAIRS);
    }
    (void)nx_buf_str(out, "\":1");
}

/* An object of 32 members, which all fall into one class of the reader's filter. */
static void object_of_one_class(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_byte(out, '{');
    for (unsigned i = 0; i < 32; i++) {
        (void)nx_buf_printf(out, "%s\"%0100u%03ummmmmmm\":1", i > 0 ? "," : "", index, i);
    }
    (void)nx_buf_byte(out, '}');
}

static void word_alike(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "\"urn:ngsi-ld:AirQualityObserved:%08x:measured\"", index);
}

static void word_of_enum(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "\"urn:ngsi-ld:AirQualityObserved:%08x:measured\"",
                        index % ENUM_VALUES);
}

static void digits(struct nx_buf *out, u128 value)
{
    char text[40];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + (unsigned)(value % 10));
        value /= 10;
    } while (value > 0);
    (void)nx_buf_add(out, text + at, sizeof(text) - at);
}

/* Different numbers that are equal modulo 2^64. */
static void number_modulo(struct nx_buf *out, uint32_t index)
{
    digits(out, ((u128)1 << 64) * (index + 1) + 1);
}

/* The same with 480 digits, of which the first 440 are equal. */
static void number_modulo_long(struct nx_buf *out, uint32_t index)
{
    for (unsigned i = 0; i < 44; i++) {
        (void)nx_buf_str(out, "1234567891");
    }
    digits(out, ((u128)1 << 64) * ((u128)1000000000000000000u + index) + 1);
}

static void number_long(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "%u.", index % 10);
    for (unsigned i = 0; i < 50; i++) {
        (void)nx_buf_str(out, "9000000001");
    }
}

static void number_exponent(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "%u.0000000000000000000000001e%s%u", index % 9 + 1,
                        index % 2 ? "-" : "", 100 + index % 200);
}

/* One of two equal objects with their members the other way round. */
static void object_turned(struct nx_buf *out, uint32_t index)
{
    enum { MEMBERS = 700 };

    (void)nx_buf_byte(out, '{');
    for (unsigned i = 0; i < MEMBERS; i++) {
        unsigned member = index % 2 == 0 ? i : MEMBERS - 1 - i;
        bool differs = member == 0; /* so that every pair is compared to its end */
        (void)nx_buf_printf(out, "%s\"measured%08xbyStation\":%u", i > 0 ? "," : "", member,
                            differs ? index : 1);
    }
    (void)nx_buf_byte(out, '}');
}

static void pattern_of_depth(struct nx_buf *out, uint32_t index)
{
    (void)nx_buf_printf(out, "\"^((((((((((a|b)*c|d)*e|f)*g|h)*%u)))))))$\"", index);
}

/* ---- schemas that are written by a loop -------------------------------------------------- */

static void schema_of_enum(struct nx_buf *out)
{
    (void)nx_buf_str(out, "{'items':{'enum':[");
    for (uint32_t i = 0; i < ENUM_VALUES; i++) {
        (void)nx_buf_str(out, i > 0 ? "," : "");
        word_of_enum(out, i);
    }
    (void)nx_buf_str(out, "]}}");
}

static void schema_of_names(struct nx_buf *out)
{
    (void)nx_buf_str(out, "{'additionalProperties':{'type':'integer'},'properties':{");
    for (uint32_t i = 0; i < 200; i++) {
        (void)nx_buf_printf(out, "%s'measured%08xbyStation':{'minimum':0}", i > 0 ? "," : "", i);
    }
    (void)nx_buf_str(out, "}}");
}

/* ---- the table --------------------------------------------------------------------------- */

#define LIST                .open = "[", .separator = ",", .close = "]"
#define OBJECT              .open = "{", .separator = ",", .close = "}"
#define TEXT(end)           .open = "\"", .separator = "", .close = end "\""
#define PATTERN(expression) .schema = "{'pattern':'" expression "'}"
#define FORMAT(name)        .schema = "{'format':'" name "'}"
#define NESTED(text, answer)                                                                       \
    .open = "", .unit = text, .separator = "", .close = answer, .mirrored = true

const struct hostile hostile_inputs[] = {
    /* nesting */
    {"nesting to the limit, side by side", .schema = "{'items':{'$ref':'#'}}", LIST,
     .bytes = 16 * 1024,
     .unit = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"},
    {"objects to the limit, side by side",
     .schema = "{'additionalProperties':{'$ref':'#'},"
               "'items':{'$ref':'#'}}",
     LIST,
     .unit = "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1"
             "}}}}}}}}}}}}"},
    {"nesting without end", .schema = "true", .open = "", .unit = "[", .separator = "",
     .close = ""},
    {"by depth: anyOf, both branches recur",
     .schema = "{'anyOf':[{'items':{'$ref':'#'},'not':true},{'items':{'$ref':'#'}}]}",
     NESTED("[", "]"), .bytes = 6},
    {"by depth: oneOf, both branches recur",
     .schema = "{'oneOf':[{'items':{'$ref':'#'},'not':{'type':'array'}},{'type':'array',"
               "'items':{'$ref':'#'}}]}",
     NESTED("[", "]"), .bytes = 6},
    {"by depth: uniqueItems at every level", .schema = "{'uniqueItems':true,'items':{'$ref':'#'}}",
     NESTED("[1,2,3,4,5,6,7,8,", "]"), .bytes = 128},
    {"by depth: unevaluatedItems at every level",
     .schema = "{'anyOf':[{'prefixItems':[{'$ref':'#'}]}],'unevaluatedItems':false}",
     NESTED("[", "]"), .bytes = 14},
    /* names */
    {"names alike", .make_schema = schema_of_names, OBJECT, .make_unit = name_alike},
    {"names whose hashes agree", .schema = "true", OBJECT, .make_unit = name_of_equal_hash},
    {"names of one filter class", .schema = "true", LIST, .make_unit = object_of_one_class},
    {"a name repeated at the end", .schema = "true", .open = "{", .separator = ",",
     .make_unit = name_repeated, .close = ",\"n00000001\":1}"},
    {"unknown members, refused", .schema = "{'additionalProperties':false}", OBJECT,
     .make_unit = name_alike},
    {"unknown members, all explained", .schema = "{'additionalProperties':false}", OBJECT,
     .make_unit = name_alike, .explained = true},
    {"patternProperties and propertyNames",
     .schema = "{'patternProperties':{'[0-9]+x?by':{'type':'number'},'(a|b)+c':false,'z$':false},"
               "'propertyNames':{'pattern':'^[a-z0-9]+(by)?S','maxLength':64}}",
     OBJECT, .make_unit = name_alike},
    {"unevaluatedProperties over four branches",
     .schema = "{'anyOf':[{'minProperties':1},{'patternProperties':{'0by':true}},"
               "{'properties':{'a':true}},{'patternProperties':{'[1-9a-f]by':true}}],"
               "'unevaluatedProperties':false}",
     OBJECT, .make_unit = name_alike},
    {"dependentSchemas and if",
     .schema = "{'dependentSchemas':{'measured00000000byStation':{'maxProperties':1000000},"
               "'measured00000001byStation':{'additionalProperties':{'type':'number'}}},"
               "'if':{'propertyNames':{'minLength':3}},"
               "'then':{'additionalProperties':{'minimum':1}}}",
     OBJECT, .make_unit = name_alike},
    /* strings and expressions */
    {"a string of escapes", .schema = "{'maxLength':9000000}", TEXT(""), .unit = "\\u00e9\\n\\\""},
    {"a string of surrogate halves", PATTERN("^[^a]*$"), TEXT(""), .unit = "\\ud800"},
    {"a string of four-byte characters", .schema = "{'minLength':1}", TEXT(""),
     .unit = "\xF0\x9F\x98\x80"},
    {"(a+)+$ on a...ab", PATTERN("(a+)+$"), TEXT("b"), .unit = "a"},
    {"^(a|aa)+$ on a...ab", PATTERN("^(a|aa)+$"), TEXT("b"), .unit = "a"},
    {"^(a*)*b on a...ac", PATTERN("^(a*)*b"), TEXT("c"), .unit = "a"},
    {"a*[bc] on a...a", PATTERN("a*[bc]"), TEXT(""), .unit = "a"},
    {"(.*)(.*)(.*)[xy] on a...a", PATTERN("(.*)(.*)(.*)[xy]"), TEXT(""), .unit = "a"},
    {"^(a{0,30}){0,30}$ on a...a", PATTERN("^(a{0,30}){0,30}$"), TEXT("b"), .unit = "a"},
    {"(?=.*a.*b.*[cd])[abx] (lookahead)", PATTERN("(?=.*a.*b.*[cd])[abx]"), TEXT(""), .unit = "ab",
     .bytes = 512},
    {"(a*)\\1[cd] on a...a (backreference)", PATTERN("(a*)\\\\1[cd]"), TEXT(""), .unit = "a",
     .bytes = 128},
    {"(a+)+$ on many short strings", .schema = "{'items':{'pattern':'^(a+)+$'}}", LIST,
     .unit = "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""},
    /* numbers */
    {"numbers of 500 digits", .schema = "{'items':{'minimum':-1,'maximum':1e9}}", LIST,
     .make_unit = number_long},
    {"numbers of 500 digits, multipleOf", .schema = "{'items':{'multipleOf':1e-300}}", LIST,
     .make_unit = number_long},
    {"exponents, multipleOf", .schema = "{'items':{'multipleOf':0.00123457}}", LIST,
     .make_unit = number_exponent},
    {"an exponent beyond the limit", .schema = "{'items':{'minimum':0}}", LIST,
     .unit = "1e999999999"},
    /* sets */
    {"uniqueItems, strings alike", .schema = "{'uniqueItems':true}", LIST, .make_unit = word_alike},
    {"uniqueItems, numbers equal mod 2^64", .schema = "{'uniqueItems':true}", LIST,
     .make_unit = number_modulo, .bytes = 4 * 1024},
    {"uniqueItems, long ones equal mod 2^64", .schema = "{'uniqueItems':true}", LIST,
     .make_unit = number_modulo_long, .bytes = 16 * 1024},
    {"uniqueItems, objects turned round", .schema = "{'uniqueItems':true}", LIST,
     .make_unit = object_turned},
    {"enum of 4096, strings alike", .make_schema = schema_of_enum, LIST, .make_unit = word_of_enum},
    {"contains that nothing satisfies",
     .schema = "{'contains':{'const':'x'},'minContains':1000000}", LIST, .make_unit = word_alike},
    /* formats */
    {"format uri", FORMAT("uri"), .open = "\"http://h/", .separator = "", .close = "\"",
     .unit = "%2F/.."},
    {"format iri-reference", FORMAT("iri-reference"), TEXT(""), .unit = "/\xC3\xA9"},
    {"format uri-template", FORMAT("uri-template"), TEXT(""), .unit = "{+a,b*}"},
    {"format email", FORMAT("email"), .open = "\"", .separator = ".", .close = "@example.org\"",
     .unit = "a"},
    {"format hostname", FORMAT("hostname"), TEXT(""), .unit = "a."},
    {"format idn-hostname", FORMAT("idn-hostname"), TEXT(""), .unit = "\xC3\xA9."},
    {"format idn-hostname, many", .schema = "{'items':{'format':'idn-hostname'}}", LIST,
     .unit = "\"xn--bcher-kva.b\xC3\xBC"
             "cher.example\""},
    {"format ipv6", FORMAT("ipv6"), TEXT(""), .unit = "1:"},
    {"format date-time", FORMAT("date-time"), .open = "\"2026-11-22T07:45:00.", .separator = "",
     .close = "Z\"", .unit = "0"},
    {"format duration", FORMAT("duration"), .open = "\"P1", .separator = "", .close = "D\"",
     .unit = "1"},
    {"format json-pointer", FORMAT("json-pointer"), TEXT(""), .unit = "/~0~1"},
    {"format regex, many", .schema = "{'items':{'format':'regex'}}", LIST,
     .make_unit = pattern_of_depth},
    {"format regex, long", FORMAT("regex"), TEXT(""), .unit = "(a|b)*", .bytes = 2 * 1024},
};

const unsigned hostile_inputs_count = sizeof(hostile_inputs) / sizeof(hostile_inputs[0]);

/* ---- writing ----------------------------------------------------------------------------- */

static void written(const struct nx_buf *out, const struct hostile *family)
{
    if (nx_buf_error(out) != NX_OK) {
        bench_die("%s: too long, or out of memory", family->name);
    }
}

void hostile_schema(const struct hostile *family, struct nx_buf *out)
{
    nx_buf_init(out, INPUT_BYTES_MAX);
    if (family->make_schema != NULL) {
        family->make_schema(out);
    } else {
        (void)nx_buf_str(out, family->schema);
    }
    written(out, family);
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] == '\'') {
            out->data[i] = '"';
        }
    }
}

void hostile_input(const struct hostile *family, size_t bytes, struct nx_buf *out)
{
    uint32_t units = 0;

    nx_buf_init(out, INPUT_BYTES_MAX);
    (void)nx_buf_str(out, family->open);
    while ((family->mirrored ? out->len + units * strlen(family->close) : out->len) < bytes &&
           nx_buf_error(out) == NX_OK) {
        (void)nx_buf_str(out, units > 0 ? family->separator : "");
        if (family->unit != NULL) {
            (void)nx_buf_str(out, family->unit);
        } else {
            family->make_unit(out, units);
        }
        units++;
    }
    if (family->mirrored) {
        (void)nx_buf_byte(out, '0');
    }
    for (uint32_t i = 0; i < (family->mirrored ? units : 1); i++) {
        (void)nx_buf_str(out, family->close);
    }
    written(out, family);
}
