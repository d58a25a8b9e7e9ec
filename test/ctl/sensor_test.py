"""nexusctl sensor and nexusctl identity: a sensor's identity, asset and password in one step, files
as the operator wrote them, all or nothing; and what an identity may do, with the rule for it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HASHER = shutil.which("mosquitto_passwd")


class Folder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        shutil.copytree(ROOT / "config", self.folder / "config")
        shutil.copytree(ROOT / "schemas", self.folder / "schemas")
        self.city = self.folder / "config/birmingham/city.json"
        self.assets = self.folder / "config/birmingham/assets.json"
        self.passwords = self.folder / "passwords"
        self.passwords.write_text("somebody:$7$101$c29tZQ==$aGFzaA==\n")

    def tearDown(self):
        self.temporary.cleanup()

    def run_ctl(self, *words, **options):
        done = subprocess.run([sys.argv[1], *map(str, words), "--config", self.folder / "config",
                               "--city", "birmingham"], capture_output=True, text=True,
                              timeout=60, **options)
        return done.returncode, done.stdout + done.stderr

    def add(self, *words):
        return self.run_ctl("sensor", "add", *words)

    def remove(self, *words):
        return self.run_ctl("sensor", "remove", *words)

    def contents(self):
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


class Sensor(Folder):
    def test_adds_one_row_and_leaves_every_other_byte(self):
        city, assets = self.city.read_text(), self.assets.read_text()
        code, words = self.add("--name", "lamp-7", "--asset", "air/L7", "--position=-1.9,52.48",
                               "--title", 'Lamp "7" Ü')
        self.assertEqual(code, 0, words)
        row = '        "lamp-7": { "role": "sensor", "assets": ["air/L7"] }\n'
        old = '        "birmingham-bridge":   { "role": "bridge" }\n'
        self.assertEqual(self.city.read_text(), city.replace(old, old[:-1] + ",\n" + row))
        row = '        "L7": { "name": "Lamp \\"7\\" Ü", "position": [-1.9, 52.48] }\n'
        old = assets.splitlines(keepends=True)[6]
        self.assertEqual(self.assets.read_text(), assets.replace(old, old[:-1] + ",\n" + row))
        self.assertIn("nexus/birmingham/air/L7/observation", words)

    def test_removing_it_gives_the_files_back_as_they_were(self):
        before = self.contents()
        for name, asset in (("lamp-7", "air/L7"), ("lamp-8", "air/L8")):
            self.assertEqual(self.add("--name", name, "--asset", asset)[0], 0)
        for name, asset in (("lamp-7", "air/L7"), ("lamp-8", "air/L8")):
            self.assertEqual(self.remove("--name", name, "--asset", asset)[0], 0)
        self.assertEqual(self.contents(), before)

    def test_comments_and_odd_layouts_survive(self):
        head = self.city.read_text().split('    "identities": {')[0]
        layouts = {
            '"identities": {}\n}\n':
                '"identities": {\n    "n": ROW\n}\n}\n',
            '"identities": { /* none yet */ }\n}\n':
                '"identities": { /* none yet */\n    "n": ROW\n}\n}\n',
            '"identities": { "a": { "role": "reader" } } }\n':
                '"identities": { "a": { "role": "reader" }, "n": ROW } }\n',
            '"identities": {\n  "a": { "role": "reader" } // x, y: {\n  /* } */ }\n}\n':
                '"identities": {\n  "a": { "role": "reader" }, // x, y: {\n  "n": ROW\n  /* } */ }\n}\n',
            '"identities": {\n  "a": { "role": "reader" } /* over\n two */\n}\n}\n':
                '"identities": {\n  "a": { "role": "reader" }, /* over\n two */\n  "n": ROW\n}\n}\n',
            '"identities": {\n\t"a":\n\t{ "role": "reader" }\n}}':
                '"identities": {\n\t"a":\n\t{ "role": "reader" },\n\t"n": ROW\n}}',
        }
        for before, after in layouts.items():
            with self.subTest(before=before):
                self.city.write_text(head + before)
                code, words = self.add("--name", "n", "--asset", "air/BMLD")
                self.assertEqual(code, 0, words)
                row = '{ "role": "sensor", "assets": ["air/BMLD"] }'
                self.assertEqual(self.city.read_text(), head + after.replace("ROW", row))

    def test_removes_from_any_place_in_any_layout(self):
        head = self.city.read_text().split('    "identities": {')[0]
        row = '{ "role": "sensor", "assets": ["air/BMLD"] }'
        layouts = {
            f'"identities": {{ "n": {row} }} }}': '"identities": {  } }',
            f'"identities": {{ "n": {row}, "a": {row} }} }}': f'"identities": {{ "a": {row} }} }}',
            f'"identities": {{ "a": {row}, "n": {row} }} }}':
                f'"identities": {{ "a": {row}  }} }}',
            f'"identities": {{\n  "a": {row}, // first\n  "n": {row} // mine\n}}\n}}':
                f'"identities": {{\n  "a": {row} // first\n}}\n}}',
            f'"identities": {{\n  "n": {row}, // mine\n  "a": {row}\n}}\n}}':
                f'"identities": {{\n  "a": {row}\n}}\n}}',
        }
        for before, after in layouts.items():
            with self.subTest(before=before):
                self.city.write_text(head + before)
                code, words = self.remove("--name", "n")
                self.assertEqual(code, 0, words)
                self.assertEqual(self.city.read_text(), head + after)

    def test_two_at_once_do_not_undo_each_other(self):
        names = [f"lamp-{number}" for number in range(4)]
        running = [subprocess.Popen([sys.argv[1], "sensor", "add", "--config",
                                     self.folder / "config", "--city", "birmingham", "--name", name,
                                     "--asset", f"air/{name}"], stdout=subprocess.DEVNULL)
                   for name in names]
        self.assertEqual([process.wait(timeout=60) for process in running], [0] * 4)
        for name in names:
            self.assertIn(f'"{name}": {{ "role"', self.city.read_text())
            self.assertIn(f'"{name}": {{ "name"', self.assets.read_text())

    def test_an_identity_that_has_the_asset_already_is_left_as_it_is(self):
        before = self.city.read_bytes()
        code, words = self.add("--name", "air-NEW1", "--asset", "air/NEW1")
        self.assertEqual(code, 0, words)
        self.assertIn('"air-{asset}" gives it air/NEW1 already', words)
        self.assertEqual(self.city.read_bytes(), before)

    def test_a_second_asset_goes_to_the_same_identity(self):
        self.assertEqual(self.add("--name", "van", "--asset", "air/V1")[0], 0)
        self.assertEqual(self.add("--name", "van", "--asset", "air/V2")[0], 0)
        self.assertIn('"van": { "role": "sensor", "assets": ["air/V1", "air/V2"] }',
                      self.city.read_text())

    def test_a_second_asset_leaves_what_a_shared_row_gave(self):
        shared = '"air-{asset}":         { "role": "sensor", "assets": ["air/{asset}"]'
        text = self.city.read_text()
        self.assertIn(shared, text)
        self.city.write_text(text.replace(shared, shared + ', "limits": { "assets": 3 }'))
        self.assertEqual(self.add("--name", "air-Q1", "--asset", "air/Q1")[0], 0)
        code, words = self.add("--name", "air-Q1", "--asset", "air/Q2")
        self.assertEqual(code, 0, words)
        self.assertIn('with what "air-{asset}" gave it', words)
        self.assertIn('"air-Q1": { "role": "sensor", "assets": ["air/Q1", "air/Q2"], '
                      '"limits": { "assets": 3 } }', self.city.read_text())

    def test_of_several_assets_the_named_one_is_removed_alone(self):
        for asset in ("air/V1", "air/V2"):
            self.assertEqual(self.add("--name", "van", "--asset", asset)[0], 0)
        self.passwords.write_text("van:$7$101$c29tZQ==$aGFzaA==\n")
        remove = ("--name", "van", "--passwords", self.passwords, "--asset")
        code, words = self.remove(*remove, "air/V1")
        self.assertEqual(code, 0, words)
        self.assertIn('"van": { "role": "sensor", "assets": ["air/V2"] }', self.city.read_text())
        self.assertNotIn('"V1"', self.assets.read_text())
        self.assertIn("van:", self.passwords.read_text())
        self.assertNotIn("password is gone", words)
        self.assertEqual(self.remove(*remove, "air/V2")[0], 0)
        self.assertNotIn("van", self.city.read_text() + self.passwords.read_text())

    def test_nothing_is_removed_that_is_not_the_sensors(self):
        self.assertEqual(self.add("--name", "van", "--asset", "air/V1")[0], 0)
        self.passwords.write_text(self.passwords.read_text() + "air-Q1:$7$101$c29tZQ==$aGFzaA==\n")
        before = self.contents()
        for name, asset, why in (
                ("somebody", None, "no row of city.json is it"),  # the city's own affair
                ("somebody", "air/BMLD", "no row of city.json is it"),
                ("van", "air/BMLD", "its row does not name this asset"),
                ("birmingham-sensor", "air/BMLD", "its row does not name this asset"),
                ("air-Q1", "air/BMLD", "this asset is not its own"),
                ("birmingham-reader", None, "it is no sensor")):
            with self.subTest(name=name, asset=asset):
                code, words = self.remove("--name", name, "--passwords", self.passwords,
                                          *(("--asset", asset) if asset else ()))
                self.assertEqual(code, 1, words)
                self.assertIn(why, words)
                self.assertEqual(self.contents(), before)
        self.assertEqual(self.remove("--name", "air-Q1", "--passwords", self.passwords)[0], 0)

    def test_what_would_not_hold_changes_nothing(self):
        self.city.write_text(self.city.read_text().replace(
            '"identities": {', '"identities": { "view-{n}": { "role": "reader" },'))
        before = self.contents()
        refused = {
            "swapped axes": ["--name", "n", "--asset", "air/X", "--position", "52.48,-1.9"],
            "a taken title": ["--name", "n", "--asset", "air/X", "--title", "Birmingham Ladywood"],
            "no such domain": ["--name", "n", "--asset", "noise/X"],
            "a name of a row for readers": ["--name", "view-1", "--asset", "air/X"],
            "a reader's name": ["--name", "birmingham-reader", "--asset", "air/X"],
            "a new place for an old asset": ["--name", "n", "--asset", "air/BMLD",
                                             "--position=-1.9,52.4"],
        }
        for what, words in refused.items():
            with self.subTest(what):
                code, told = self.add(*words, "--passwords", self.passwords)
                self.assertEqual(code, 1, told)
                self.assertEqual(self.contents(), before)

    def test_wrong_words_are_told(self):
        for words in (["--name", "a:b", "--asset", "air/X"], ["--name", "a", "--asset", "air"],
                      ["--name", "a/b", "--asset", "air/X"], ["--name", "a"],
                      ["--name", "a", "--asset", "air/X", "--position", "1"],
                      ["--name", "a", "--asset", "air/X", "--position", '1,2], "y": [3'],
                      ["--name", "a", "--asset", "air/X", "--passwords", "/nowhere/at/all"]):
            with self.subTest(words=words):
                self.assertEqual(self.add(*words)[0], 2)
        self.assertEqual(self.remove("--name", "nobody-here")[0], 1)

    @unittest.skipUnless(HASHER, "mosquitto_passwd is not installed")
    def test_the_password_is_hashed_told_once_and_nobody_elses_line_moves(self):
        os.chmod(self.passwords, 0o640)
        old = self.passwords.read_text()
        code, words = self.add("--name", "lamp-7", "--asset", "air/L7", "--passwords",
                               self.passwords)
        self.assertEqual(code, 0, words)
        told = words.split("told this once: ")[1].split()[0]
        self.assertEqual(len(told), 24)
        new = self.passwords.read_text()
        self.assertTrue(new.startswith(old))
        self.assertRegex(new[len(old):], r"^lamp-7:\$\d\$[^\n]+\n$")
        self.assertNotIn(told, new)
        self.assertEqual(self.passwords.stat().st_mode & 0o777, 0o640)
        code, words = self.add("--name", "lamp-7", "--asset", "air/L8", "--passwords",
                               self.passwords)
        self.assertEqual((code, self.passwords.read_text()), (0, new), words)
        self.assertEqual(self.remove("--name", "lamp-7", "--passwords", self.passwords)[0], 0)
        self.assertEqual(self.passwords.read_text(), old)

    @unittest.skipUnless(HASHER, "mosquitto_passwd is not installed")
    def test_a_given_password_is_not_told(self):
        given = self.folder / "given"
        given.write_text("correct horse\nsecond line\n")
        code, words = self.add("--name", "lamp-7", "--asset", "air/L7", "--passwords",
                               self.passwords, "--password-file", given)
        self.assertEqual(code, 0, words)
        self.assertNotIn("correct horse", words + self.passwords.read_text())

    def test_without_mosquitto_passwd_nothing_is_changed_and_it_says_so(self):
        before = self.contents()
        code, words = self.run_ctl("sensor", "add", "--name", "n", "--asset", "air/X",
                                   "--passwords", self.passwords,
                                   env={**os.environ, "PATH": "/nowhere"})
        self.assertEqual(code, 1)
        self.assertIn("mosquitto_passwd cannot be run", words)
        self.assertEqual(self.contents(), before)

    def test_a_file_that_cannot_be_replaced_leaves_all_as_they_were(self):
        blocker = self.city.with_name("city.json.nexusctl")  # as a crash would leave it
        blocker.write_text("another one's")
        before = self.contents()
        code, words = self.add("--name", "n", "--asset", "air/X")
        self.assertEqual(code, 1)
        self.assertIn("city.json.nexusctl: cannot be made", words)
        self.assertEqual(self.contents(), before)


class Identity(Folder):
    def test_shows_what_a_sensor_may_do(self):
        code, words = self.run_ctl("identity", "air-BMLD")
        self.assertEqual(code, 0)
        for part in ('"air-{asset}"', "role: sensor", "nexus/birmingham/air/BMLD/observation",
                     "nexus/birmingham/_rejected/air/BMLD", "birmingham-air@1, strict"):
            self.assertIn(part, words)

    def test_an_unknown_identity_has_no_rights(self):
        code, words = self.run_ctl("identity", "nobody")
        self.assertEqual(code, 1)
        self.assertIn("no rights below nexus/", words)

    def test_explains_one_decision_with_its_rule(self):
        own = "nexus/birmingham/air/BMLD/observation"
        cases = [
            ("air-BMLD", ["--topic", own], 0, "rule: birmingham/city.json / identities / "
             "air-{asset} / assets: air/{asset} gives " + own),
            ("air-BIRR", ["--topic", own], 1, "reason: asset: the asset 'BMLD'"),
            ("nobody", ["--topic", own], 1, "reason: identity:"),
            ("birmingham-reader", ["--topic", own], 1, "publishes nothing below nexus/"),
            ("birmingham-reader", ["--topic", own, "--access", "receive"], 0,
             "role reader gives nexus/+/+/+/observation"),
            ("birmingham-reader", ["--topic", "nexus/_link/#", "--access", "subscribe"], 1,
             "takes nothing that this identity may receive"),
            ("birmingham-operator", ["--topic", "$CONTROL/nexus/v1"], 0, "an operator asks"),
            ("anybody", ["--topic", "house/lamp"], 0,
             "outside: publish house/lamp as anybody\nreason: outside: it is not below nexus/:"),
        ]
        for name, words, code, told in cases:
            with self.subTest(name=name, words=words):
                done = self.run_ctl("identity", name, *words)
                self.assertEqual(done[0], code, done[1])
                self.assertIn(told, done[1])

    def test_judges_a_payload_as_the_gate_does(self):
        example = next((ROOT / "schemas/birmingham/air/examples/valid").glob("*.json"))
        own = ["--topic", "nexus/birmingham/air/BMLD/observation", "--payload"]
        self.assertEqual(self.run_ctl("identity", "air-BMLD", *own, example)[0], 0)
        bad = self.folder / "bad.json"
        bad.write_text('{"site": 7}')
        code, words = self.run_ctl("identity", "air-BMLD", *own, bad)
        self.assertEqual(code, 1)
        self.assertIn("of birmingham-air@1", words)

    def test_says_where_a_payload_is_no_json(self):
        payload = self.folder / "reading.json"
        payload.write_text('{\n "site": "BMLD",}')
        code, words = self.run_ctl("identity", "birmingham-sensor", "--payload", payload,
                                   "--topic", "nexus/birmingham/air/BMLD/observation")
        self.assertEqual(code, 1)
        self.assertIn("reason: json: expected a member name in quotes, found '}'\n"
                      "payload: line 2, column 17\n", words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
