/*
 * compat_test.c - pairs of schemas, and what changes between them mean: by the rule that they
 * show. Each row is one test, in all three modes.
 */
#include "test/unit/compat/pairs.h"

#define C NX_COMPATIBLE
#define I NX_INCOMPATIBLE
#define U NX_COMPAT_UNKNOWN

struct row {
    const char *name;
    const char *old_text;
    const char *new_text;
    enum nx_compat_answer backward;
    enum nx_compat_answer forward;
};

#define CLOSED(properties)                                                                         \
    "{\"type\":\"object\",\"properties\":{" properties "},"                                        \
    "\"additionalProperties\":false}"
#define DRAFT_07(keywords) "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"," keywords "}"
#define DRAFT_04(keywords) "{\"$schema\":\"http://json-schema.org/draft-04/schema#\"," keywords "}"
#define OPEN(properties)   "{\"type\":\"object\",\"properties\":{" properties "}}"

static const struct row rows[] = {
    /* words that refuse nothing */
    {"the same schema in another order", "{\"type\":\"string\",\"minLength\":1}",
     "{\"minLength\":1.0,\"type\":[\"string\"]}", C, C},
    {"title, description, default and examples changed",
     "{\"title\":\"a\",\"description\":\"b\",\"default\":1}",
     "{\"examples\":[2],\"$comment\":\"x\"}", C, C},
    {"true is the empty schema", "true", "{}", C, C},
    {"false is within everything", "false", "{\"type\":\"null\"}", C, I},
    {"not true is false", "{\"not\":{}}", "false", C, C},
    {"a keyword of somebody else's is not understood", "{\"type\":\"integer\"}",
     "{\"type\":\"integer\",\"widget\":1}", U, C},
    {"a keyword that begins with x- is an annotation", "{\"type\":\"integer\"}",
     "{\"type\":\"integer\",\"x-widget\":1}", C, C},

    /* type */
    {"integer widened to number", "{\"type\":\"integer\"}", "{\"type\":\"number\"}", C, I},
    {"a type added to a list", "{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}", C, I},
    {"a type taken away", "{\"type\":[\"string\",\"number\"]}", "{\"type\":\"string\"}", I, C},
    {"all types are no restriction",
     "{\"type\":[\"null\",\"boolean\",\"number\",\"string\",\"array\",\"object\"]}", "true", C, C},
    {"a number that is a multiple of 1 is an integer", "{\"type\":\"number\",\"multipleOf\":1}",
     "{\"type\":\"integer\"}", C, C},
    {"a keyword for another type is nothing", "{\"type\":\"string\"}",
     "{\"type\":\"string\",\"minimum\":5,\"required\":[\"a\"],\"items\":false}", C, C},

    /* numbers */
    {"maximum raised", "{\"type\":\"number\",\"maximum\":10}",
     "{\"type\":\"number\",\"maximum\":11}", C, I},
    {"minimum removed", "{\"type\":\"number\",\"minimum\":0}", "{\"type\":\"number\"}", C, I},
    {"1 and 1.0 and 10e-1 are one bound", "{\"minimum\":1,\"maximum\":10}",
     "{\"minimum\":1.0,\"maximum\":1e1}", C, C},
    {"exclusive and inclusive bound of numbers", "{\"type\":\"number\",\"exclusiveMinimum\":0}",
     "{\"type\":\"number\",\"minimum\":0}", C, I},
    {"exclusive and inclusive bound of integers", "{\"type\":\"integer\",\"exclusiveMinimum\":0}",
     "{\"type\":\"integer\",\"minimum\":1}", C, C},
    {"bounds beyond the precision of a double",
     "{\"type\":\"integer\",\"maximum\":9007199254740992}",
     "{\"type\":\"integer\",\"maximum\":9007199254740993}", C, I},
    {"a bound in decimals", "{\"type\":\"number\",\"maximum\":0.1}",
     "{\"type\":\"number\",\"maximum\":0.10000000000000000001}", C, I},
    {"multipleOf reduced to a divisor", "{\"type\":\"number\",\"multipleOf\":0.06}",
     "{\"type\":\"number\",\"multipleOf\":0.02}", C, I},
    {"multipleOf that does not divide", "{\"type\":\"integer\",\"multipleOf\":4}",
     "{\"type\":\"integer\",\"multipleOf\":6}", I, I},
    {"every integer is a multiple of 0.5", "{\"type\":\"integer\"}",
     "{\"type\":\"integer\",\"multipleOf\":0.5}", C, C},
    {"bounds that leave no number", "{\"type\":\"number\",\"minimum\":2,\"maximum\":1}",
     "{\"type\":\"string\"}", C, I},

    /* strings */
    {"minLength lowered", "{\"type\":\"string\",\"minLength\":3}",
     "{\"type\":\"string\",\"minLength\":2}", C, I},
    {"maxLength removed", "{\"type\":\"string\",\"maxLength\":3}", "{\"type\":\"string\"}", C, I},
    {"lengths are in code points", "{\"const\":\"\xEC\x9A\xB8\xEC\x82\xB0\"}",
     "{\"type\":\"string\",\"maxLength\":2}", C, I},
    {"a length that is not in code points", "{\"enum\":[\"\xF0\x9F\x98\x80\"]}",
     "{\"minLength\":2}", I, I},
    {"pattern removed", "{\"type\":\"string\",\"pattern\":\"(?=a)\"}", "{\"type\":\"string\"}", C,
     I},
    {"pattern widened", "{\"type\":\"string\",\"pattern\":\"^[0-9]{4,8}$\"}",
     "{\"type\":\"string\",\"pattern\":\"^[0-9]{2,}$\"}", C, I},
    {"the same language in another pattern", "{\"type\":\"string\",\"pattern\":\"^(a|b)+$\"}",
     "{\"type\":\"string\",\"pattern\":\"^[ab][ab]*$\"}", C, C},
    {"a pattern that is searched and one that is anchored",
     "{\"type\":\"string\",\"pattern\":\"^ab$\"}", "{\"type\":\"string\",\"pattern\":\"b\"}", C, I},
    {"a dot does not match a line feed", "{\"type\":\"string\"}",
     "{\"type\":\"string\",\"pattern\":\"^.*$\"}", I, C},
    {"a pattern implies a length", "{\"type\":\"string\",\"pattern\":\"^[a-z]{2,5}$\"}",
     "{\"type\":\"string\",\"minLength\":2,\"maxLength\":5}", C, I},
    {"a pattern with look-ahead is beyond us", "{\"type\":\"string\",\"pattern\":\"^a(?=b)\"}",
     "{\"type\":\"string\",\"pattern\":\"^a(?=b|b)\"}", U, U},
    {"format is an annotation", "{\"type\":\"string\"}",
     "{\"type\":\"string\",\"format\":\"date\"}", C, C},

    /* values */
    {"enum extended", "{\"enum\":[\"ok\",\"failed\"]}", "{\"enum\":[\"ok\",\"failed\",\"new\"]}", C,
     I},
    {"enum in another order", "{\"enum\":[1,\"a\"]}", "{\"enum\":[\"a\",1.0]}", C, C},
    {"const is an enum of one", "{\"const\":\"a\"}", "{\"enum\":[\"a\"]}", C, C},
    {"const among an enum", "{\"const\":2}", "{\"enum\":[1,2.0,3]}", C, I},
    {"const 1 and const 1.0", "{\"const\":1}", "{\"const\":1.0}", C, C},
    {"false is not 0", "{\"const\":false}", "{\"const\":0}", I, I},
    {"an enum within a range", "{\"enum\":[1,5]}",
     "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", C, I},
    {"a value of an enum that its type never allowed", "{\"type\":\"string\",\"enum\":[\"a\",1]}",
     "{\"const\":\"a\"}", C, C},
    {"boolean is false and true", "{\"type\":\"boolean\"}", "{\"enum\":[true,false]}", C, C},
    {"null is a value", "{\"type\":\"null\"}", "{\"const\":null}", C, C},
    {"an object among an enum", "{\"enum\":[{\"a\":1,\"b\":[2]}]}",
     OPEN("\"a\":{\"type\":\"integer\"}"), C, I},

    /* objects */
    {"a typed property added to an open model", OPEN("\"a\":{\"type\":\"string\"}"),
     OPEN("\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"integer\"}"), I, C},
    {"a typed property added to a closed model", CLOSED("\"a\":{\"type\":\"string\"}"),
     CLOSED("\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"integer\"}"), C, I},
    {"an untyped property added to an open model", OPEN(""), OPEN("\"b\":{\"title\":\"b\"}"), C, C},
    {"a property removed from an open model", OPEN("\"a\":{\"type\":\"string\"}"), OPEN(""), C, I},
    {"a property removed from a closed model", CLOSED("\"a\":{},\"b\":{}"), CLOSED("\"a\":{}"), I,
     C},
    {"a property forbidden by false", CLOSED("\"a\":{},\"b\":false"), CLOSED("\"a\":{}"), C, C},
    {"a property widened", CLOSED("\"a\":{\"maximum\":1}"), CLOSED("\"a\":{\"maximum\":2}"), C, I},
    {"a model closed", OPEN("\"a\":{}"), CLOSED("\"a\":{}"), I, C},
    {"an open model that allows numbers gets a number",
     "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}}", C, I},
    {"required added", "{\"type\":\"object\"}", "{\"type\":\"object\",\"required\":[\"a\"]}", I, C},
    {"required added with a default", OPEN("\"a\":{\"default\":1}"),
     "{\"type\":\"object\",\"properties\":{\"a\":{\"default\":1}},\"required\":[\"a\"]}", I, C},
    {"required in another order", "{\"required\":[\"a\",\"b\"]}", "{\"required\":[\"b\",\"a\"]}", C,
     C},
    {"required of what cannot be",
     "{\"type\":\"object\",\"properties\":{\"a\":false},\"required\":[\"a\"]}", "false", C, C},
    {"two required members are two properties", "{\"type\":\"object\",\"required\":[\"a\",\"b\"]}",
     "{\"type\":\"object\",\"minProperties\":2}", C, I},
    {"a closed model has as many properties as it names", CLOSED("\"a\":{},\"b\":{}"),
     "{\"type\":\"object\",\"maxProperties\":2}", C, I},
    {"maxProperties raised", "{\"type\":\"object\",\"maxProperties\":1}",
     "{\"type\":\"object\",\"maxProperties\":2}", C, I},
    {"a pattern of names instead of names", CLOSED("\"x1\":{\"type\":\"integer\"}"),
     "{\"type\":\"object\",\"patternProperties\":{\"^x\":{\"type\":\"integer\"}},"
     "\"additionalProperties\":false}",
     C, I},
    {"a pattern of names added to an open model", "{\"type\":\"object\"}",
     "{\"type\":\"object\",\"patternProperties\":{\"^x\":{\"type\":\"integer\"}}}", I, C},
    {"a pattern of names widened",
     "{\"type\":\"object\",\"patternProperties\":{\"^x[0-9]$\":{}},\"additionalProperties\":false}",
     "{\"type\":\"object\",\"patternProperties\":{\"^x\":{}},\"additionalProperties\":false}", C,
     I},
    {"additional properties of a pattern's names",
     "{\"type\":\"object\",\"patternProperties\":{\"^x\":{}},\"additionalProperties\":false}",
     CLOSED("\"x\":{}"), I, C},
    {"names that match patterns of both",
     "{\"type\":\"object\",\"patternProperties\":{\"^a\":{\"type\":\"string\"}},"
     "\"additionalProperties\":false}",
     "{\"type\":\"object\",\"patternProperties\":{\"b$\":{\"type\":\"integer\"}}}", I, I},
    {"names restricted", "{\"type\":\"object\"}",
     "{\"type\":\"object\",\"propertyNames\":{\"maxLength\":3}}", I, C},
    {"names that a closed model has anyway", CLOSED("\"a\":{},\"bc\":{}"),
     "{\"type\":\"object\",\"propertyNames\":{\"maxLength\":2}}", C, I},
    {"dependentRequired added", CLOSED("\"a\":{},\"b\":{}"),
     "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false,"
     "\"dependentRequired\":{\"a\":[\"b\"]}}",
     I, C},
    {"dependentRequired of a member that is required anyway",
     "{\"type\":\"object\",\"required\":[\"b\"]}",
     "{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}}", C, I},
    {"dependentSchemas widened",
     "{\"type\":\"object\",\"dependentSchemas\":{\"a\":{\"required\":[\"b\",\"c\"]}}}",
     "{\"type\":\"object\",\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}}}", C, I},
    {"unevaluatedProperties is not understood unless it is the same",
     "{\"allOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false,\"type\":"
     "\"object\"}",
     "{\"allOf\":[{\"properties\":{\"a\":{},\"b\":{}}}],\"unevaluatedProperties\":false,"
     "\"type\":\"object\"}",
     U, I},
    {"unevaluatedProperties that is the same, in another place of the document",
     CLOSED("\"p\":{\"allOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false}"),
     CLOSED("\"q\":{},\"p\":{\"allOf\":[{\"properties\":{\"a\":{}}}],"
            "\"unevaluatedProperties\":false}"),
     C, I},

    /* arrays */
    {"items widened", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
     "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}", C, I},
    {"maxItems raised", "{\"type\":\"array\",\"maxItems\":2}",
     "{\"type\":\"array\",\"maxItems\":3}", C, I},
    {"a prefix is items one by one",
     "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"integer\"}],"
     "\"maxItems\":2}",
     "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", C, I},
    {"items false is maxItems", "{\"type\":\"array\",\"prefixItems\":[{}],\"items\":false}",
     "{\"type\":\"array\",\"maxItems\":1}", C, C},
    {"an item behind the prefix was open",
     "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"}]}",
     "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"},{\"type\":\"null\"}]}", I, C},
    {"uniqueItems added", "{\"type\":\"array\"}", "{\"type\":\"array\",\"uniqueItems\":true}", I,
     C},
    {"uniqueItems of one item", "{\"type\":\"array\",\"maxItems\":1}",
     "{\"type\":\"array\",\"uniqueItems\":true,\"maxItems\":1}", C, C},
    {"contains widened", "{\"type\":\"array\",\"contains\":{\"const\":1}}",
     "{\"type\":\"array\",\"contains\":{\"type\":\"integer\"}}", C, I},
    {"contains with a greater minimum", "{\"type\":\"array\",\"contains\":{\"const\":1}}",
     "{\"type\":\"array\",\"contains\":{\"const\":1},\"minContains\":2}", I, C},
    {"at most one of something wider",
     "{\"type\":\"array\",\"contains\":{\"const\":1},\"maxContains\":1}",
     "{\"type\":\"array\",\"contains\":{\"type\":\"integer\"},\"maxContains\":1}", I, I},
    {"what contains is not empty", "{\"type\":\"array\",\"contains\":{}}",
     "{\"type\":\"array\",\"minItems\":1}", C, C},

    /* in place */
    {"anyOf extended", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
     "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"},{\"type\":\"integer\"}]}", C, I},
    {"anyOf of types is a list of types", "{\"type\":[\"string\",\"null\"]}",
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", C, C},
    {"anyOf of integers and fractions is numbers", "{\"type\":\"number\"}",
     "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", C, C},
    {"oneOf relaxed to anyOf",
     "{\"oneOf\":[{\"minimum\":1,\"type\":\"number\"},{\"type\":\"integer\"}]}",
     "{\"anyOf\":[{\"minimum\":1,\"type\":\"number\"},{\"type\":\"integer\"}]}", C, I},
    {"oneOf of types that are apart is anyOf",
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
     "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", C, C},
    {"oneOf told apart by a constant",
     "{\"anyOf\":[{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":1}}},"
     "{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":2}}}]}",
     "{\"oneOf\":[{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":1}}},"
     "{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":2}}}]}",
     C, C},
    {"oneOf extended by a branch that overlaps", "{\"oneOf\":[{\"type\":\"integer\"}]}",
     "{\"oneOf\":[{\"type\":\"integer\"},{\"const\":3}]}", I, C},
    {"allOf is what it lists", "{\"allOf\":[{\"type\":\"integer\"},{\"minimum\":0}]}",
     "{\"type\":\"integer\",\"minimum\":0}", C, C},
    {"allOf narrowed", "{\"allOf\":[{\"type\":\"integer\"},{\"minimum\":0}]}",
     "{\"allOf\":[{\"type\":\"integer\"}]}", C, I},
    {"not of another type", "{\"type\":\"string\"}", "{\"not\":{\"type\":\"integer\"}}", C, I},
    {"not of something narrower", "{\"not\":{\"type\":\"number\"}}",
     "{\"not\":{\"type\":\"integer\"}}", C, I},
    {"if with the same condition",
     "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\",\"c\"]},\"type\":\"object\"}",
     "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},\"type\":\"object\"}", C, I},
    {"if whose branches hold anyway", "{\"type\":\"object\",\"required\":[\"b\"]}",
     "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]}}", C, I},
    {"branches of an old if are told apart",
     "{\"type\":\"object\",\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},"
     "\"else\":{\"required\":[\"c\"]}}",
     "{\"anyOf\":[{\"required\":[\"b\"]},{\"required\":[\"c\"]}]}", C, I},

    /* references */
    {"a reference is what it names",
     "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"integer\"}}}", "{\"type\":\"integer\"}",
     C, C},
    {"the same reference to another definition",
     "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"number\"}}}",
     "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"integer\"}}}", I, C},
    {"a reference by anchor and one by pointer",
     "{\"$ref\":\"#a\",\"$defs\":{\"x\":{\"$anchor\":\"a\",\"type\":\"null\"}}}",
     "{\"$ref\":\"#/$defs/y\",\"$defs\":{\"y\":{\"type\":\"null\"}}}", C, C},
    {"a reference through the schema's own $id",
     "{\"$id\":\"urn:a:b\",\"$ref\":\"urn:a:b#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}}",
     "{\"const\":null}", C, C},
    {"a keyword beside a reference counts",
     "{\"$ref\":\"#/$defs/a\",\"maximum\":3,\"$defs\":{\"a\":{\"type\":\"integer\"}}}",
     "{\"type\":\"integer\",\"maximum\":4}", C, I},
    {"a list that holds itself, widened",
     "{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":" CLOSED(
         "\"v\":{\"maximum\":3},\"next\":{\"$ref\":\"#/$defs/n\"}") "}}",
     "{\"$ref\":\"#/$defs/m\",\"$defs\":{\"m\":" CLOSED(
         "\"v\":{\"maximum\":4},\"next\":{\"$ref\":\"#/$defs/m\"}") "}}",
     C, I},
    {"a tree that holds itself, narrowed deep down",
     "{\"type\":\"object\",\"properties\":{\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}"
     ","
     "\"n\":{\"type\":\"number\"}},\"additionalProperties\":false}",
     "{\"type\":\"object\",\"properties\":{\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}"
     ","
     "\"n\":{\"type\":\"integer\"}},\"additionalProperties\":false}",
     I, C},
    {"a resource within the schema that nothing refers to",
     "{\"type\":\"integer\",\"$defs\":{\"a\":{\"$id\":\"urn:x:y\"}}}", "{\"type\":\"number\"}", C,
     I},
    {"a reference to a resource within the schema, by its $id",
     "{\"$id\":\"http://x.test/root\",\"$ref\":\"item#/$defs/n\",\"$defs\":{\"i\":{\"$id\":"
     "\"item\",\"$defs\":{\"n\":{\"type\":\"integer\"}}},\"n\":{\"type\":\"null\"}}}",
     "{\"type\":\"integer\"}", C, C},
    {"a resource within the schema has references of its own",
     "{\"$id\":\"http://x.test/"
     "root\",\"$ref\":\"item\",\"$defs\":{\"i\":{\"$id\":\"item\",\"$ref\":"
     "\"#/$defs/n\",\"$defs\":{\"n\":{\"type\":\"integer\"}}},\"n\":{\"type\":\"null\"}}}",
     "{\"type\":\"number\"}", C, I},
    {"a dynamic reference that one anchor only can answer",
     "{\"$id\":\"http://x.test/root\",\"$dynamicRef\":\"#n\",\"$defs\":{\"i\":{\"$id\":\"item\"},"
     "\"n\":{\"$dynamicAnchor\":\"n\",\"type\":\"null\"}}}",
     "{\"type\":\"null\"}", C, C},
    {"a dynamic reference that several anchors can answer",
     "{\"$id\":\"http://x.test/root\",\"$ref\":\"item\",\"$defs\":{\"i\":{\"$id\":\"item\","
     "\"$dynamicRef\":\"#n\",\"$defs\":{\"n\":{\"$dynamicAnchor\":\"n\"}}},"
     "\"n\":{\"$dynamicAnchor\":\"n\",\"type\":\"null\"}}}",
     "{\"type\":\"null\"}", U, U},

    /* drafts */
    {"draft 2019-09 where it says the same",
     "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"type\":\"array\","
     "\"contains\":{\"const\":1},\"minContains\":2,\"items\":[{\"type\":\"integer\"}],"
     "\"additionalItems\":{\"type\":\"number\"}}",
     "{\"type\":\"array\",\"contains\":{\"const\":1},\"minContains\":2,"
     "\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{\"type\":\"number\"}}",
     C, C},
    {"$recursiveRef in a single resource",
     "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$recursiveAnchor\":true,"
     "\"type\":\"array\",\"items\":{\"$recursiveRef\":\"#\"}}",
     "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", C, C},
    {"unevaluatedItems of draft 2019-09 is beyond us",
     "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"type\":\"array\","
     "\"unevaluatedItems\":{}}",
     "{\"type\":\"array\"}", U, U},
    {"beside a $ref draft 07 ignores all",
     DRAFT_07("\"$ref\":\"#/definitions/a\",\"maximum\":3,"
              "\"definitions\":{\"a\":{\"type\":\"integer\"}}"),
     "{\"type\":\"integer\"}", C, C},
    {"items and additionalItems of draft 07",
     DRAFT_07("\"type\":\"array\",\"items\":[{\"type\":\"null\"}],\"additionalItems\":false"),
     "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"}],\"items\":false}", C, C},
    {"additionalItems of draft 07 beside one schema in items is nothing",
     DRAFT_07("\"type\":\"array\",\"items\":{\"type\":\"null\"},\"additionalItems\":false"),
     "{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", C, C},
    {"dependencies of draft 07",
     DRAFT_07("\"type\":\"object\",\"dependencies\":{\"a\":[\"b\"],\"c\":{\"required\":[\"d\"]}}"),
     "{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]},"
     "\"dependentSchemas\":{\"c\":{\"required\":[\"d\"]}}}",
     C, C},
    {"an $id that is an anchor in draft 07",
     DRAFT_07("\"$ref\":\"#n\",\"definitions\":{\"a\":{\"$id\":\"#n\",\"type\":\"null\"}}"),
     "{\"type\":\"null\"}", C, C},
    {"a keyword that its draft does not have", "{\"type\":\"object\"}",
     DRAFT_07("\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}"), U, C},
    {"one draft 07 widened to another", DRAFT_07("\"type\":\"integer\",\"minimum\":1"),
     DRAFT_07("\"type\":\"integer\",\"minimum\":0"), C, I},
    {"draft 06 has no if", "{\"type\":\"integer\"}",
     "{\"$schema\":\"http://json-schema.org/draft-06/schema#\",\"type\":\"integer\","
     "\"if\":true,\"then\":false}",
     U, C},
    {"an exclusive bound of draft 04 is a flag",
     DRAFT_04("\"type\":\"number\",\"minimum\":1,\"exclusiveMinimum\":true,\"maximum\":2,"
              "\"exclusiveMaximum\":false"),
     "{\"type\":\"number\",\"exclusiveMinimum\":1,\"maximum\":2}", C, C},
    {"draft 04 takes 1.0 for no integer", DRAFT_04("\"type\":\"integer\""),
     "{\"type\":\"integer\"}", C, I},
    {"integers of draft 04 widened", DRAFT_04("\"type\":\"integer\",\"minimum\":1"),
     DRAFT_04("\"type\":\"integer\",\"minimum\":0"), C, I},
    {"a listed 1 may be written 1.0, which draft 04 takes for no integer",
     "{\"type\":\"array\",\"items\":{\"enum\":[1,2]}}",
     DRAFT_04("\"type\":\"array\",\"items\":{\"type\":\"integer\"}"), U, I},
    {"what is no integer in draft 04", DRAFT_04("\"enum\":[1],\"not\":{\"type\":\"integer\"}"),
     "false", I, C},
};

static void answers_as_the_row_says(void **state)
{
    const struct row *row = *state;
    const struct pair_options options = {.seed = 1};
    struct nx_span old_text = nx_span_from(row->old_text);
    struct nx_span new_text = nx_span_from(row->new_text);
    enum nx_compat_answer backward = ask(old_text, new_text, &options, NX_COMPAT_OLD);
    enum nx_compat_answer forward = ask(old_text, new_text, &options, NX_COMPAT_NEW);

    assert_string_equal(nx_compat_answer_name(backward), nx_compat_answer_name(row->backward));
    assert_string_equal(nx_compat_answer_name(forward), nx_compat_answer_name(row->forward));
    assert_int_equal(ask_full(backward, forward), ask_full(row->backward, row->forward));
    assert_int_equal(ask(old_text, old_text, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
}

static void an_asserted_format_refuses(void **state)
{
    const struct pair_options options = {.assert_format = true, .seed = 1};
    struct nx_span plain = NX_SPAN("{\"type\":\"string\"}");
    struct nx_span date = NX_SPAN("{\"type\":\"string\",\"format\":\"date\"}");
    struct nx_span titled = NX_SPAN("{\"type\":\"string\",\"format\":\"date\",\"title\":\"t\"}");
    (void)state;

    assert_int_equal(ask(plain, date, &options, NX_COMPAT_OLD), NX_INCOMPATIBLE);
    assert_int_equal(ask(date, plain, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
    assert_int_equal(ask(date, titled, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
}

static enum nx_err one_document(void *ctx, struct nx_span uri, struct nx_span *document)
{
    (void)ctx;
    *document = NX_SPAN("{\"type\":\"integer\"}");
    return nx_span_is(uri, "urn:else:where") ? NX_OK : NX_ERR_NOT_FOUND;
}

static void a_reference_into_another_document_is_followed(void **state)
{
    const struct pair_options options = {.resolve = one_document, .seed = 1};
    struct nx_span out = NX_SPAN("{\"$ref\":\"urn:else:where\"}");
    struct nx_span same = NX_SPAN("{ \"$ref\": \"urn:else:where\" }");
    struct nx_span integer = NX_SPAN("{\"type\":\"integer\"}");
    struct nx_span text = NX_SPAN("{\"type\":\"string\"}");
    (void)state;

    assert_int_equal(ask(integer, out, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
    assert_int_equal(ask(out, integer, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
    assert_int_equal(ask(out, same, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
    assert_int_equal(ask(out, text, &options, NX_COMPAT_OLD), NX_INCOMPATIBLE);
}

/* A tree whose nodes and lists are in two documents, the second one of draft 07. */
static enum nx_err two_documents(void *ctx, struct nx_span uri, struct nx_span *document)
{
    (void)ctx;
    *document = nx_span_is(uri, "http://x.test/list")
                    ? NX_SPAN("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
                              "\"type\":\"array\",\"items\":{\"$ref\":\"node\",\"not\":{}}}")
                    : NX_SPAN("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},"
                              "\"kids\":{\"$ref\":\"list\"}},\"additionalProperties\":false}");
    return nx_span_is(uri, "http://x.test/list") || nx_span_is(uri, "http://x.test/node")
               ? NX_OK
               : NX_ERR_NOT_FOUND;
}

static void documents_refer_to_each_other_in_a_circle(void **state)
{
    const struct pair_options options = {.resolve = two_documents, .seed = 1};
    struct nx_span apart = NX_SPAN("{\"$ref\":\"http://x.test/node\"}");
    struct nx_span wider = NX_SPAN(
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\"},\"kids\":{\"type\":"
        "\"array\",\"items\":{\"$ref\":\"#\"}}},\"additionalProperties\":false}");
    (void)state;

    assert_int_equal(ask(apart, wider, &options, NX_COMPAT_OLD), NX_COMPATIBLE);
    assert_int_equal(ask(apart, wider, &options, NX_COMPAT_NEW), NX_INCOMPATIBLE);
}

static void places_in_other_documents_are_named(void **state)
{
    const struct nx_span texts[2] = {
        NX_SPAN("{\"$ref\":\"urn:else:where\"}"),
        NX_SPAN("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"definitions\":"
                "{\"t\":{\"type\":\"string\"}},\"allOf\":[{\"$ref\":\"#/definitions/t\"}]}")};
    static const char *const files[2] = {"old", "new"};
    const struct nx_compat_options options = {.resolve = one_document, .seed = 1};
    struct nx_compat_result result;
    struct nx_compat *compat = NULL;
    (void)state;

    assert_int_equal(nx_compat_new(texts, files, &options, &compat, NULL), NX_OK);
    nx_compat_result_init(&result);
    assert_int_equal(nx_compat_decide(compat, NX_COMPAT_OLD, &result), NX_OK);
    assert_int_equal(result.answer, NX_INCOMPATIBLE);
    assert_string_equal(result.from_pointer, "urn:else:where#/type");
    assert_string_equal(result.to_pointer, "/definitions/t/type");
    nx_compat_result_fini(&result);
    nx_compat_free(compat);
}

static void what_is_no_schema_is_refused_with_its_place(void **state)
{
    const struct nx_span texts[2] = {NX_SPAN("{}"), NX_SPAN("{\n\"type\":\"no\"}")};
    static const char *const files[2] = {"old.json", "new.json"};
    const struct nx_compat_options options = {.seed = 1};
    struct nx_compat *compat = NULL;
    struct nx_diag diag = {0};
    (void)state;

    assert_int_equal(nx_compat_new(texts, files, &options, &compat, &diag), NX_ERR_INVALID);
    assert_string_equal(diag.file, "new.json");
    assert_int_equal(diag.line, 2);
    assert_null(compat);
}

/* What was asked, in its words: witness, places, keyword. */
static void the_witness_is_small_and_its_places_are_named(void **state)
{
    const struct nx_span texts[2] = {
        NX_SPAN("{\"type\":\"object\",\"properties\":{\"s\":{\"enum\":[\"ok\",\"bad\"]}},"
                "\"required\":[\"s\",\"t\"]}"),
        NX_SPAN("{\"properties\":{\"s\":{\"$ref\":\"#/$defs/s\"}},"
                "\"$defs\":{\"s\":{\"enum\":[\"ok\"]}}}")};
    static const char *const files[2] = {"old", "new"};
    const struct nx_compat_options options = {.seed = 1};
    struct nx_compat_result result;
    struct nx_compat *compat = NULL;
    (void)state;

    assert_int_equal(nx_compat_new(texts, files, &options, &compat, NULL), NX_OK);
    nx_compat_result_init(&result);
    assert_int_equal(nx_compat_decide(compat, NX_COMPAT_OLD, &result), NX_OK);
    assert_int_equal(result.answer, NX_INCOMPATIBLE);
    assert_true(result.witness.len <= sizeof("{\"s\":\"bad\",\"t\":null}"));
    assert_string_equal(result.instance, "/s");
    assert_string_equal(result.from_pointer, "/properties/s/enum");
    assert_string_equal(result.to_pointer, "/$defs/s/enum");
    assert_string_equal(result.keyword, "enum");
    nx_compat_result_fini(&result);
    nx_compat_free(compat);
}

static void a_recorded_document_is_a_witness_or_it_is_not(void **state)
{
    const struct nx_span texts[2] = {NX_SPAN("{\"type\":\"number\"}"),
                                     NX_SPAN("{\"type\":\"integer\"}")};
    static const char *const files[2] = {"old", "new"};
    const struct nx_compat_options options = {.seed = 1};
    struct nx_compat_verdict verdict;
    struct nx_compat_result result;
    struct nx_compat *compat = NULL;
    (void)state;

    assert_int_equal(nx_compat_new(texts, files, &options, &compat, NULL), NX_OK);
    nx_compat_result_init(&result);
    assert_int_equal(nx_compat_witness(compat, NX_COMPAT_OLD, NX_SPAN("2.0"), &result),
                     NX_ERR_INVALID);
    assert_int_equal(nx_compat_witness(compat, NX_COMPAT_OLD, NX_SPAN("2."), &result),
                     NX_ERR_INVALID);
    assert_int_equal(nx_compat_witness(compat, NX_COMPAT_NEW, NX_SPAN("2.5"), &result),
                     NX_ERR_INVALID);
    assert_int_equal(nx_compat_witness(compat, NX_COMPAT_OLD, NX_SPAN("2.5"), &result), NX_OK);
    assert_true(nx_span_is(nx_buf_view(&result.witness), "2.5"));
    nx_compat_judge(compat, NX_SPAN("[1,]"), &verdict, NULL);
    assert_int_equal(verdict.parsed, NX_ERR_SYNTAX);
    nx_compat_judge(compat, NX_SPAN("2.5"), &verdict, NULL);
    assert_int_equal(verdict.valid[NX_COMPAT_OLD], NX_OK);
    assert_int_equal(verdict.valid[NX_COMPAT_NEW], NX_ERR_INVALID);
    nx_compat_result_fini(&result);
    nx_compat_free(compat);
}

int main(void)
{
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    static struct CMUnitTest tests[ROWS];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(an_asserted_format_refuses),
        cmocka_unit_test(a_reference_into_another_document_is_followed),
        cmocka_unit_test(documents_refer_to_each_other_in_a_circle),
        cmocka_unit_test(places_in_other_documents_are_named),
        cmocka_unit_test(what_is_no_schema_is_refused_with_its_place),
        cmocka_unit_test(the_witness_is_small_and_its_places_are_named),
        cmocka_unit_test(a_recorded_document_is_a_witness_or_it_is_not),
    };
    int failed;

    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = answers_as_the_row_says,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    failed = cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("compat", others, NULL, NULL);
}
