"""nexusctl bowtie: the protocol, line by line, and what happens to lines that are none."""
import sys
import unittest

from harness import Harness, valid

DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
VALID, INVALID = {"valid": True}, {"valid": False}


class Protocol(unittest.TestCase):
    def setUp(self):
        self.harness = Harness()
        self.started = self.harness.start()

    def tearDown(self):
        self.assertEqual(self.harness.stop(), 0)

    def test_start_names_the_implementation_and_its_dialects(self):
        self.assertEqual(self.started["version"], 1)
        about = self.started["implementation"]
        self.assertEqual((about["name"], about["language"]), ("nexus", "c"))
        self.assertIn(DRAFT_2020_12, about["dialects"])
        for key in ("version", "homepage", "issues", "source", "os"):
            self.assertIsInstance(about[key], str)

    def test_every_dialect_that_is_named_is_judged_by_its_schema_keyword(self):
        for dialect in self.started["implementation"]["dialects"]:
            answer = self.harness.run({"$schema": dialect, "type": "integer"}, [1, "1"])
            self.assertEqual(answer["results"], [VALID, INVALID], dialect)

    def test_a_dialect_that_is_not_named_is_skipped_with_a_reason(self):
        answer = self.harness.run({"$schema": "https://example.com/dialect", "type": "integer"}, [1])
        self.assertEqual((answer["seq"], answer["skipped"]), (1, True))
        self.assertIn("https://example.com/dialect", answer["message"])

    def test_the_implicit_dialect_is_acknowledged_when_it_can_be_had(self):
        self.assertEqual(self.harness.ask({"cmd": "dialect", "dialect": DRAFT_2020_12}),
                         {"ok": True})
        self.assertEqual(self.harness.ask({"cmd": "dialect", "dialect": "urn:unheard-of"}),
                         {"ok": False})
        self.assertTrue(self.harness.run({"type": "integer"}, [1])["skipped"])
        self.assertEqual(valid(self.harness.run({"$schema": DRAFT_2020_12}, [1])), [True])

    def test_a_schema_without_schema_keyword_is_of_the_implicit_dialect(self):
        schema = {"prefixItems": [False]}
        self.assertEqual(valid(self.harness.run(schema, [[1]])), [False])
        self.assertEqual(self.harness.ask({"cmd": "dialect", "dialect": DRAFT_7}), {"ok": True})
        self.assertEqual(valid(self.harness.run(schema, [[1]])), [True])

    def test_a_case_is_answered_in_the_order_of_its_tests(self):
        answer = self.harness.run({"const": 37}, [{}, 37, [37], 37.0], seq=12)
        self.assertEqual(answer, {"seq": 12, "results": [INVALID, VALID, INVALID, VALID]})

    def test_seq_comes_back_as_it_was_written(self):
        self.assertIn(b'"seq":18446744073709551616,', self.harness.ask_raw(
            b'{"cmd":"run","seq":18446744073709551616,"case":{"schema":true,"tests":[]}}'))

    def test_a_registry_resolves_references(self):
        registry = {"http://example.com/text": {"type": "string"},
                    "http://example.com/old#": {"$ref": "text"}}
        answer = self.harness.run({"$ref": "http://example.com/old"}, ["a", 1], registry=registry)
        self.assertEqual(valid(answer), [True, False])

    def test_a_reference_outside_the_registry_is_an_error_that_names_it(self):
        answer = self.harness.run({"$ref": "http://example.com/absent"}, [1], registry={})
        self.assertTrue(answer["errored"])
        self.assertIn("http://example.com/absent", answer["context"]["message"])

    def test_integers_beyond_2_to_the_53_are_kept_apart(self):
        self.assertEqual(valid(self.harness.run({"const": 2 ** 53 + 1},
                                                [2 ** 53, 2 ** 53 + 1, 2 ** 53 + 2])),
                         [False, True, False])
        self.assertIn(b'[{"valid":true},{"valid":false}]', self.harness.ask_raw(
            b'{"cmd":"run","seq":1,"case":{"schema":{"maximum":1e400},'
            b'"tests":[{"instance":1e400},{"instance":1.1e400}]}}'))

    def test_nul_in_names_and_values_is_a_character_like_another(self):
        schema = {"properties": {"a\0b": {"const": "\0"}}, "additionalProperties": False}
        self.assertEqual(valid(self.harness.run(schema, [{"a\0b": "\0"}, {"a": "\0"},
                                                         {"a\0b": ""}, {"a\0c": "\0"}])),
                         [True, False, False, False])

    def test_a_schema_that_is_none_is_an_error_of_the_case(self):
        answer = self.harness.run({"type": "nothing"}, [1], seq="s")
        self.assertEqual((answer["seq"], answer["errored"]), ("s", True))
        self.assertIn("type", answer["context"]["message"])

    def test_format_is_an_annotation(self):
        self.assertEqual(valid(self.harness.run({"format": "date"}, ["soon"])), [True])

    def test_a_test_without_an_instance_is_an_error_of_that_test_only(self):
        answer = self.harness.ask({"cmd": "run", "seq": 1, "case": {
            "schema": True, "tests": [{"instance": 1}, {}, {"instance": 2}]}})
        self.assertEqual(valid(answer), [True, None, True])
        self.assertTrue(answer["results"][1]["errored"])

    def test_lines_that_are_no_request_are_answered_and_the_next_one_is_judged(self):
        for line in (b"", b"{", b"nothing", b"null", b'"start"', b"[1]", b"{}", b"\xff\x00",
                     b'{"cmd":"fly"}', b'{"cmd":1}', b'{"cmd":"run"}', b'{"cmd":"run","seq":1}',
                     b'{"cmd":"run","seq":1,"case":[]}',
                     b'{"cmd":"run","seq":1,"case":{"schema":{},"tests":{}}}',
                     b'{"cmd":"run","case":{"schema":{},"tests":[]}}',
                     b'{"cmd":"run","seq":1,"case":{"schema":7,"tests":[]}}',
                     b'{"cmd":"dialect"}', b'{"cmd":"dialect","dialect":1}',
                     b'{"cmd":"start","version":2}', b'{"cmd":"start"}',
                     b"[" * 5000, b'{"cmd":"run","cmd":"run"}'):
            answer = self.harness.ask(line)
            self.assertTrue(answer["errored"], line)
            self.assertTrue(answer["context"]["message"], line)
        self.assertEqual(valid(self.harness.run(True, [1])), [True])

    def test_a_line_beyond_16_mib_is_refused_and_the_next_one_is_judged(self):
        answer = self.harness.ask(b'{"cmd":"' + b"x" * (16 << 20) + b'"}')
        self.assertIn("16 MiB", answer["context"]["message"])
        self.assertEqual(valid(self.harness.run(False, [1])), [False])


class Ends(unittest.TestCase):
    def test_nothing_is_judged_before_start(self):
        harness = Harness()
        self.assertTrue(harness.run(True, [1])["errored"])
        self.assertTrue(harness.ask({"cmd": "dialect", "dialect": DRAFT_2020_12})["errored"])
        self.assertEqual(harness.stop(), 0)

    def test_an_input_that_ends_without_stop_is_told_by_the_exit_status(self):
        self.assertEqual(Harness().end(), 1)

    def test_options_assert_formats_and_name_a_homepage(self):
        harness = Harness("--assert-format", "--homepage", "https://example.com/nexus")
        about = harness.start()["implementation"]
        self.assertEqual(about["homepage"], "https://example.com/nexus")
        self.assertEqual(valid(harness.run({"format": "date"}, ["soon", "2026-01-31"])),
                         [False, True])
        self.assertEqual(harness.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
