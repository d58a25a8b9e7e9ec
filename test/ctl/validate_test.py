"""nexusctl validate: which draft a schema is in, and where its relative references lead."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest


class Validate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, document):
        path = pathlib.Path(self.folder.name, name).resolve()
        path.write_text(json.dumps(document))
        return path

    def validate(self, schema, instance, *arguments):
        done = subprocess.run([sys.argv[1], "validate", "--schema", str(schema),
                               *map(str, arguments), "-"], input=json.dumps(instance),
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def test_draft_is_that_of_a_schema_without_a_dialect(self):
        pair = self.write("pair.json", {"items": [{"type": "string"}]})
        self.assertEqual(self.validate(pair, [1])[0], 2)  # no schema of 2020-12
        self.assertEqual(self.validate(pair, [1], "--draft", "07")[0], 1)
        self.assertEqual(self.validate(pair, ["a"], "--draft", "4")[0], 0)

    def test_dollar_schema_goes_before_the_draft(self):
        tuple_2020 = self.write("t.json", {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [False]})
        self.assertEqual(self.validate(tuple_2020, [1], "--draft", "04")[0], 1)

    def test_an_unknown_draft_is_told(self):
        code, words = self.validate(self.write("s.json", {}), 1, "--draft", "3")
        self.assertEqual(code, 2)
        self.assertIn("expected 2020-12, 2019-09, 07, 06 or 04", words)

    def test_a_relative_reference_is_opened_where_a_map_says_so_and_not_else(self):
        self.write("part.json", {"type": "integer"})
        root = self.write("root.json", {"items": {"$ref": "part.json"}})
        code, words = self.validate(root, [1])
        self.assertEqual(code, 2)
        self.assertIn(f'nothing is known at "file://{root.parent}/part.json"', words)
        mapped = f"file://{root.parent}/={root.parent}"
        self.assertEqual(self.validate(root, [1], "--map", mapped)[0], 0)
        self.assertEqual(self.validate(root, ["1"], "--map", mapped)[0], 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
