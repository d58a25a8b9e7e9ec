"""nexusctl validates and translates without a broker, on the same core as the gate and the bridge."""
import json
import tempfile
import unittest
from pathlib import Path

import harness
import readings

CONFIG = harness.ROOT / "config"
TOPIC = "nexus/birmingham/air/BMLD/observation"


class NexusctlWorksOffline(unittest.TestCase):
    def validate(self, payload, *arguments):
        done = harness.nexusctl("validate", *arguments, "-", input=payload)
        return done.returncode, done.stdout + done.stderr

    def translate(self, payload, *arguments):
        done = harness.nexusctl("translate", "--domain", "air", "--config", CONFIG, *arguments, "-",
                                input=payload)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_a_valid_reading_satisfies_the_schema_of_its_topic(self):
        payload = json.dumps(readings.birmingham())
        self.assertEqual(self.validate(payload, "--topic", TOPIC, "--config", CONFIG)[0], 0)

    def test_an_invalid_one_is_told_with_pointer_keyword_and_schema_pointer_and_exit_code_1(self):
        payload = json.dumps(readings.birmingham(no2="high"))
        code, told = self.validate(payload, "--topic", TOPIC, "--config", CONFIG)
        self.assertEqual(code, 1)
        for part in ("/no2", "type", "/properties/no2/type"):
            self.assertIn(part, told)

    def test_what_is_not_json_is_invalid_not_unreadable(self):
        code, told = self.validate("{'single': 'quotes'}", "--topic", TOPIC, "--config", CONFIG)
        self.assertEqual(code, 1, told)

    def test_any_schema_file_will_do(self):
        with tempfile.TemporaryDirectory() as folder:
            schema = Path(folder, "schema.json")
            schema.write_text('{"type": "object", "required": ["a"]}')
            self.assertEqual(self.validate('{"a": 1}', "--schema", schema)[0], 0)
            self.assertEqual(self.validate('{"b": 1}', "--schema", schema)[0], 1)
            schema.write_text('{"type": 7}')
            self.assertEqual(self.validate("{}", "--schema", schema)[0], 2)
            self.assertEqual(self.validate("{}", "--schema", Path(folder, "none.json"))[0], 2)

    def test_0_022_ppm_of_no2_is_42_1_micrograms_at_birmingham_and_the_receipt_says_why(self):
        done = self.translate(json.dumps(readings.ulsan(no2Value="0.022")), "--from", "ulsan",
                              "--to", "birmingham", "--asset", "sinjeong-dong", "--explain")
        self.assertEqual(json.loads(done.stdout)["no2"], 42.1)
        self.assertRegex(done.stderr, "factor")
        self.assertRegex(done.stderr, "20")

    def test_the_way_there_and_back_gives_an_airkorea_record_with_the_same_values(self):
        there = self.translate(json.dumps(readings.ulsan()), "--from", "ulsan", "--to", "canonical",
                               "--asset", "sinjeong-dong").stdout
        back = json.loads(self.translate(there, "--from", "canonical", "--to", "ulsan", "--asset",
                                         "sinjeong-dong").stdout)
        for name, text in readings.ulsan().items():
            if name != "mangName":  # canonical has no place for the network
                with self.subTest(member=name):
                    self.assertEqual(back[name], text)

    def test_lines_of_documents_are_translated_one_by_one(self):
        lines = "\n".join(json.dumps(readings.birmingham(seq=n)) for n in (1, 2, 3)) + "\n"
        done = self.translate(lines, "--from", "birmingham", "--to", "ulsan", "--asset", "BMLD",
                              "--jsonl")
        self.assertEqual(len([json.loads(line) for line in done.stdout.splitlines()]), 3)

    def test_the_shipped_configuration_schemas_lenses_and_examples_have_no_fault(self):
        done = harness.nexusctl("check", "--config", CONFIG)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
