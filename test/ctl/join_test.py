"""nexusctl join: the lines that a broker needs to join, and what it finds in a mosquitto.conf."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOOD = """
per_listener_settings false
allow_anonymous false
password_file {folder}/passwords
plugin {folder}/nexus_plugin.so
plugin_opt_config /etc/nexus
plugin_opt_city birmingham
plugin_opt_outside allow
plugin_opt_state /var/lib/mosquitto/nexus.marks
max_queued_messages 1000000000
max_queued_bytes 1073741824
max_inflight_messages 0
max_packet_size 1048576
persistence true
persistence_location /var/lib/mosquitto/
autosave_interval 60
set_tcp_nodelay true
listener 1883
"""


class Join(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        for name in ("passwords", "nexus_plugin.so", "other.so"):
            (self.folder / name).write_text("")
        self.conf = self.folder / "mosquitto.conf"

    def tearDown(self):
        self.temporary.cleanup()

    def run_join(self, *words, city="birmingham"):
        done = subprocess.run([sys.argv[1], "join", "--config", ROOT / "config", "--city", city,
                               *map(str, words)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def mosquitto(self, version):
        """A broker of that version, as far as its help goes."""
        program = self.folder / f"mosquitto-{version}"
        program.write_text(f"#!/bin/sh\necho 'mosquitto version {version}'\nexit 3\n")
        program.chmod(0o755)
        return program

    def check(self, text, version="2.0.11"):
        """The findings in that file: "line: severity: words", the line 0 for the whole file."""
        self.conf.write_text(text.format(folder=self.folder))
        code, out, _ = self.run_join("--check", "--broker-conf", self.conf, "--mosquitto",
                                     self.mosquitto(version))
        findings = []
        for line in out.splitlines()[:-1]:
            place, rest = line.split(": ", 1)
            self.assertTrue(place.startswith(str(self.folder)), line)
            number = place.rsplit(":", 1)
            findings.append(f"{number[1] if len(number) == 2 else 0}: {rest}")
        self.assertEqual(code, int(any(": wrong: " in f for f in findings)), out)
        return findings

    def assert_finds(self, wanted, findings):
        self.assertTrue(any(f.startswith(wanted) for f in findings), (wanted, findings))

    def test_prints_lines_that_are_a_piece_of_mosquitto_conf(self):
        code, out, _ = self.run_join("--mosquitto", self.mosquitto("2.0.18"))
        self.assertEqual(code, 0)
        self.assertIn("Mosquitto 2.0.18", out)
        lines = [line for line in out.splitlines() if line and not line.startswith("#")]
        keys = [line.split()[0] for line in lines]
        self.assertEqual(keys, ["plugin", "plugin_opt_config", "plugin_opt_city",
                                "plugin_opt_outside", "plugin_opt_state",
                                "plugin_opt_state_seconds", "per_listener_settings",
                                "max_queued_messages", "max_queued_bytes", "max_inflight_messages",
                                "max_packet_size", "persistence", "persistence_location",
                                "autosave_interval", "set_tcp_nodelay"])
        self.assertIn(f"plugin_opt_config {ROOT / 'config'}", lines)
        self.assertNotIn("#", "".join(lines))  # the broker takes no comment behind a value
        self.assertTrue(all(len(line) <= 110 for line in out.splitlines() if line[:1] == "#"))

    def test_says_what_each_line_is_for(self):
        out = self.run_join("--mosquitto", self.mosquitto("2.0.11"))[1]
        for line, above in zip(out.splitlines()[1:], out.splitlines()):
            if line and not line.startswith("#"):
                self.assertTrue(above.startswith("# "), line)

    def test_holds_the_marks_back_until_the_broker_has_saved(self):
        values = dict(line.split(" ", 1) for line in self.run_join()[1].splitlines()
                      if line and not line.startswith("#"))
        self.assertEqual(values["plugin_opt_state_seconds"], values["autosave_interval"])
        self.assertEqual(values["plugin_opt_state"], values["persistence_location"] + "nexus.marks")

    def test_says_where_among_other_plugins_the_lines_belong(self):
        for version in ("2.0.11", "2.1.0"):
            out = self.run_join("--mosquitto", self.mosquitto(version))[1]
            place = out.split("\nplugin /")[0]
            self.assertIn("before those of every other plugin", place)
            self.assertIn("Behind dynamic security the plugin does not start", place)
            self.assertNotIn("# Here: ", place)
        self.conf.write_text("acl_file /etc/acl\nplugin /usr/lib/a.so\nplugin /usr/lib/b.so\n")
        out = self.run_join("--broker-conf", self.conf)[1]
        self.assertIn(f"# Here: before `plugin /usr/lib/a.so` ({self.conf}:2).\n", out)

    def test_a_plugin_that_only_checks_passwords_does_not_decide_outside(self):
        self.conf.write_text("plugin /usr/lib/mosquitto_password_file.so\n")
        out = self.run_join("--broker-conf", self.conf)[1]
        self.assertIn("\nplugin_opt_outside allow\n", out)
        self.conf.write_text("plugin /usr/lib/mosquitto_acl_file.so\n")
        out = self.run_join("--broker-conf", self.conf)[1]
        self.assertIn("\nplugin_opt_outside defer\n", out)

    def test_what_it_prints_passes_its_own_check(self):
        code, out, _ = self.run_join("--mosquitto", self.mosquitto("2.0.11"))
        text = out + f"\npassword_file {self.folder}/passwords\nlistener 1883 127.0.0.1\n"
        text = text.replace("plugin /", f"plugin {self.folder}/nexus_plugin.so\n#", 1)
        self.assertEqual(self.check(text.replace("{", "{{").replace("}", "}}")), [])

    def test_what_it_prints_goes_with_the_file_that_it_is_for(self):
        mine = (f"persistence true\npersistence_location {self.folder}\nautosave_interval 300\n"
                f"max_queued_messages 5\npassword_file {self.folder}/passwords\n"
                "listener 1883 127.0.0.1\n")
        self.conf.write_text(mine)
        out = self.run_join("--broker-conf", self.conf)[1].split("# ---")[0]
        lines = dict(line.split(" ", 1) for line in out.splitlines() if line and line[0] != "#")
        self.assertFalse({"persistence", "persistence_location", "autosave_interval"} & set(lines))
        self.assertEqual(lines["plugin_opt_state"], f"{self.folder}/nexus.marks")
        self.assertEqual(lines["plugin_opt_state_seconds"], "300")
        self.assertIn(f"# It is there: `autosave_interval 300` ({self.conf}:3)\n", out)
        self.assertIn(f"# In place of `max_queued_messages 5` ({self.conf}:4), which has to go:\n"
                      "max_queued_messages 1000000000\n", out)
        whole = mine.replace("max_queued_messages 5\n", "") + out
        whole = whole.replace("plugin /", f"plugin {self.folder}/nexus_plugin.so\n#", 1)
        self.assertEqual(self.check(whole.replace("{", "{{").replace("}", "}}")), [])

    def test_a_file_that_loads_the_plugin_keeps_its_marks(self):
        self.conf.write_text(GOOD.format(folder=self.folder).replace("/var/lib/mosquitto/nexus.ma",
                                                                     "/srv/ma"))
        out = self.run_join("--broker-conf", self.conf)[1]
        self.assertIn(f"# In place of the plugin's lines from {self.conf}:5 on", out)
        self.assertIn("\nplugin_opt_state /srv/marks\n", out)

    def test_a_good_file_has_only_a_note(self):
        findings = self.check(GOOD)
        self.assertEqual(len(findings), 1)
        self.assert_finds("18: note: no TLS", findings)

    def test_defer_beside_another_access_control_and_allow_without(self):
        allow, defer = "plugin_opt_outside allow", "plugin_opt_outside defer"
        others = ("acl_file {folder}/acl", "plugin {folder}/other.so")
        for other in others:
            with self.subTest(other):
                text = other + GOOD  # line 1
                self.assert_finds("8: wrong: plugin_opt_outside has to be `defer`",
                                  self.check(text))
                self.assert_finds("1: note:", self.check(text.replace(allow, defer)))
                self.conf.write_text(other.format(folder=self.folder) + "\n")
                out = self.run_join("--broker-conf", self.conf)[1]
                self.assertIn("\n" + defer + "\n", out)
        self.assert_finds("8: wrong: plugin_opt_outside has to be `allow`",
                          self.check(GOOD.replace(allow, defer)))

    def test_the_plugin_comes_before_every_other_one(self):
        other = "plugin {folder}/other.so\nplugin_opt_config_file x\n"
        self.assert_finds("1: wrong: `plugin", self.check(other + GOOD))
        listener = "listener 1883"
        behind = self.check(GOOD.replace(listener, other + listener).replace("outside allow",
                                                                             "outside defer"))
        self.assertFalse([found for found in behind if "wrong" in found])

    def test_each_hazard_is_found_where_it_stands(self):
        cases = [
            ("per_listener_settings false", "per_listener_settings true",
             "2: wrong: per_listener_settings true"),
            ("max_queued_messages 1000000000", "max_queued_messages 0",
             "10: wrong: max_queued_messages 0"),
            ("max_queued_messages 1000000000", "", "0: wrong: no max_queued_messages"),
            ("max_queued_bytes 1073741824", "", "0: advice: no max_queued_bytes"),
            ("max_inflight_messages 0", "max_inflight_messages 20",
             "12: advice: max_inflight_messages 20"),
            ("persistence true", "persistence false", "14: wrong: persistence false"),
            ("autosave_interval 60", "autosave_interval 120",
             "16: wrong: autosave_interval is 120"),
            ("autosave_interval 60", "autosave_interval 30",
             "16: advice: autosave_interval is 30"),
            ("autosave_interval 60", "autosave_interval 0", "16: wrong: autosave_interval is 0"),
            ("autosave_interval 60", "", "0: wrong: autosave_interval is 1800"),
            ("persistence_location /var/lib/mosquitto/", "", "0: advice: no persistence_location"),
            ("listener 1883", "autosave_on_changes true\nlistener 1883",
             "18: advice: autosave_on_changes"),
            ("plugin {folder}/nexus_plugin.so", "plugin /nowhere/nexus_plugin.so",
             "5: wrong: /nowhere/nexus_plugin.so is not there"),
            ("plugin_opt_city birmingham", "plugin_opt_city ulsan",
             "0: wrong: plugin_opt_city is ulsan"),
            ("plugin_opt_city birmingham", "", "0: wrong: plugin_opt_city is missing"),
            ("plugin_opt_outside allow", "plugin_opt_outsid allow",
             "8: wrong: unknown option plugin_opt_outsid"),
            ("plugin_opt_state /var/lib/mosquitto/nexus.marks", "", "0: advice: no plugin_opt_s"),
            ("password_file {folder}/passwords", "", "0: wrong: no password_file"),
            ("password_file {folder}/passwords", "password_file /nowhere",
             "4: wrong: /nowhere is not there"),
            ("allow_anonymous false", "allow_anonymous true", "3: note: clients without"),
            ("listener 1883", "", "0: wrong: no listener"),
            ("listener 1883", "listener 9001\nprotocol websockets",
             "0: wrong: only websockets listeners"),
            ("listener 1883", "listener 1883\nmount_point home/", "19: wrong: mount_point"),
            ("listener 1883", "retain_available false\nlistener 1883",
             "18: wrong: retain_available"),
            ("listener 1883", "listener 1883\nconnection up\naddress x\ntopic # both 1",
             "21: advice: the broker's own bridge brings in `# both 1`"),
            ("listener 1883", "listener 1883\nconnection up\naddress x\ntopic # both 1",
             "21: advice: the broker's own bridge takes out `# both 1`"),
            ("listener 1883", "listener 1883\nconnection up\naddress x\ntopic  nexus/#",
             "21: advice: the broker's own bridge takes out `nexus/#`"),
            ("plugin_opt_state", "plugin {folder}/nexus_plugin.so\nplugin_opt_state",
             "5: wrong: the plugin is loaded 2 times"),
        ]
        for old, new, wanted in cases:
            with self.subTest(wanted):
                self.assertIn(old, GOOD)
                self.assert_finds(wanted, self.check(GOOD.replace(old, new)))

    def test_a_bridge_of_the_brokers_own_is_told_only_of_its_direction(self):
        for topic, found in (("nexus/# out 1 \"\" inbox/", "takes out"), ("house/# both", None),
                             ("nexus/# in 0 \"\" out", "brings in")):
            findings = self.check(GOOD + f"connection up\naddress x\ntopic {topic}\n")
            self.assertEqual([f for f in findings if "own bridge" in f],
                             [f for f in findings if found and found in f], topic)
            self.assertEqual(len(findings), 2 if found else 1, topic)

    def test_a_line_that_mosquitto_takes_once(self):
        for line in ("persistence_location /x/", "password_file {folder}/passwords"):
            self.assert_finds("19: wrong: " + line.split()[0] + " is at ",
                              self.check(GOOD + line + "\n"))
        two = ("listener 1884\npassword_file {folder}/passwords\n")
        each = GOOD.replace("per_listener_settings false", "per_listener_settings true")
        found = self.check(each + two)
        self.assertFalse([f for f in found if "already" in f], found)
        self.assert_finds("21: wrong: password_file is at ",
                          self.check(each + two + "password_file {folder}/passwords\n"))

    def test_an_old_broker_is_told(self):
        self.assert_finds("0: wrong: Mosquitto 2.0.10 is installed", self.check(GOOD, "2.0.10"))
        for version, notes in (("2.0.11", 1), ("2.0.22", 1), ("2.1.2", 3), ("3.0.0", 3)):
            self.assertEqual(len(self.check(GOOD, version)), notes)

    def test_a_setting_that_fills_the_log_of_2_1_is_told(self):
        for version, value, fits in (("2.0.11", "0", True), ("2.1.2", "0", False),
                                     ("2.1.2", "65535", False), ("2.1.2", "65534", True)):
            conf = GOOD.replace("max_inflight_messages 0", f"max_inflight_messages {value}")
            found = [f for f in self.check(conf, version) if "write `max_inflight" in f]
            self.assertEqual(found == [], fits, (version, value, found))
        out = self.run_join("--mosquitto", self.mosquitto("2.1.2"))[1]
        self.assertIn("\nmax_inflight_messages 65534\n", out)

    def test_a_broker_that_serves_no_page_is_told(self):
        page = GOOD + "listener 9001\nprotocol websockets\nhttp_dir {folder}\n"
        for version, notes in (("2.0.11", 0), ("2.1.2", 1)):
            found = self.check(page, version)
            self.assertEqual(len([f for f in found if "serves no files" in f]), notes, found)

    def test_the_lines_are_those_of_the_installed_version(self):
        for version, printed in (("2.0.18", True), ("2.1.0", False)):
            out = self.run_join("--mosquitto", self.mosquitto(version))[1]
            self.assertEqual("\nper_listener_settings false\n" in out, printed)
        self.assertIn("No mosquitto was found",
                      self.run_join("--mosquitto", self.folder / "none")[1])

    def test_included_files_count_with_their_own_lines(self):
        included = self.folder / "conf.d"
        included.mkdir()
        (included / "b.conf").write_text("\nmax_queued_messages 7\n")
        (included / "a.conf").write_text("max_queued_messages 5\n")
        (included / "ignored.txt").write_text("mount_point x/\n")
        self.conf.write_text(GOOD.format(folder=self.folder) + f"include_dir {included}\n")
        code, out, _ = self.run_join("--check", "--broker-conf", self.conf)
        self.assertEqual(code, 1)
        self.assertIn(f"{included}/b.conf:2: wrong: max_queued_messages 7", out)  # the last wins
        self.assertNotIn("mount_point", out)

    def test_wrong_words_and_unreadable_files_are_told(self):
        self.assertEqual(self.run_join(city="paris")[0], 2)
        self.assertEqual(self.run_join("--check")[0], 2)
        self.assertEqual(self.run_join("--broker-conf", self.folder / "none")[0], 2)
        done = subprocess.run([sys.argv[1], "join", "--config", ROOT / "config"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--city takes one of: birmingham ulsan", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
