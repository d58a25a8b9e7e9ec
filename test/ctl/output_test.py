"""nexusctl validate --output: one document for each input, in the formats of JSON Schema."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCHEMA = {
    "$id": "https://example.com/polygon",
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"},
                                                         "y": {"type": "number"}},
                        "additionalProperties": False, "required": ["x", "y"]}},
    "type": "array", "items": {"$ref": "#/$defs/point"}, "minItems": 3,
}
INVALID = [{"x": 2.5, "y": 1.3}, {"x": 1, "z": 6.7}]
VALID = [{"x": 1, "y": 2}] * 3


class Output(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.schema = self.write("schema.json", json.dumps(SCHEMA))

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(text)
        return path

    def validate(self, *arguments, text=""):
        done = subprocess.run([sys.argv[1], "validate", *map(str, arguments)], input=text,
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    def output(self, form, instance, schema=None):
        code, out, err = self.validate("--schema", schema or self.schema, "--output", form, "-",
                                       text=json.dumps(instance))
        document = json.loads(out)
        self.assertEqual(code, 0 if document["valid"] else 1, err)
        return document

    def test_flag(self):
        self.assertEqual(self.output("flag", INVALID), {"valid": False})
        self.assertEqual(self.output("flag", VALID), {"valid": True})

    def test_basic_lists_path_absolute_location_and_place_of_each_error(self):
        document = self.output("basic", INVALID)
        units = {(u["keywordLocation"], u["absoluteKeywordLocation"], u["instanceLocation"])
                 for u in document["errors"]}
        base = SCHEMA["$id"] + "#"
        self.assertEqual(units, {
            ("/minItems", base + "/minItems", ""),
            ("/items/$ref/required", base + "/$defs/point/required", "/1"),
            ("/items/$ref/additionalProperties", base + "/$defs/point/additionalProperties",
             "/1/z")})
        for unit in document["errors"]:
            self.assertTrue(unit["error"])
            self.assertIs(unit["valid"], False)

    def test_detailed_nests_what_one_reference_led_to(self):
        document = self.output("detailed", INVALID)
        nested = [u for u in document["errors"] if "errors" in u]
        self.assertEqual([u["keywordLocation"] for u in nested], ["/items/$ref"])
        self.assertEqual({u["keywordLocation"] for u in nested[0]["errors"]},
                         {"/items/$ref/required", "/items/$ref/additionalProperties"})

    def test_a_schema_without_id_is_located_by_its_file(self):
        schema = self.write("a b.json", '{"type": "null"}')
        location = self.output("detailed", 1, schema)["absoluteKeywordLocation"]
        self.assertEqual(location, schema.resolve().as_uri() + "#/type")

    def test_each_line_and_each_file_has_its_document_in_order(self):
        lines = self.write("lines.jsonl", json.dumps(VALID) + "\n\n" + "{\n" + "[]\n")
        one = self.write("one.json", json.dumps(INVALID, indent=2))
        code, out, _ = self.validate("--schema", self.schema, "--output", "basic", "--jsonl", lines)
        self.assertEqual((code, [json.loads(line)["valid"] for line in out.splitlines()]),
                         (1, [True, False, False]))
        code, out, _ = self.validate("--schema", self.schema, "--output", "flag", one, one)
        self.assertEqual((code, out), (1, '{"valid":false}\n' * 2))

    def test_what_is_not_json_has_a_document_that_says_where(self):
        code, out, _ = self.validate("--schema", self.schema, "--output", "detailed", "-",
                                     text='[1,\n x]')
        self.assertEqual(code, 1)
        self.assertRegex(json.loads(out)["error"], "^not JSON: line 2, column 2: ")

    def test_annotations_of_a_schema_over_many_lines_stay_on_one(self):
        schema = self.write("annotated.json", '{"default": {\n "a": [1,\r\n 2]},\n "title": "t"}')
        code, out, _ = self.validate("--schema", schema, "--output", "basic", "-", text="1")
        self.assertEqual((code, out.count("\n")), (0, 1))
        self.assertEqual([u["annotation"] for u in json.loads(out)["annotations"]],
                         [{"a": [1, 2]}, "t"])

    def test_without_output_each_fault_is_a_line_as_before(self):
        code, out, _ = self.validate("--schema", self.schema, "-", text=json.dumps(INVALID))
        self.assertEqual(code, 1)
        self.assertIn('stdin: /1: required: /$defs/point/required: required member "y" is missing',
                      out)

    def test_a_format_that_does_not_exist_is_refused_with_those_that_do(self):
        code, out, err = self.validate("--schema", self.schema, "--output", "verbose", "-")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("flag, basic or detailed", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
