"""Broken configuration, wrong passwords, peers and disks that are away: each is told in words that
name the place, and what can pass is tried again."""
import json
import os
import signal
import socket
import tempfile
import unittest
from pathlib import Path

import harness
import readings

TOPIC = "nexus/birmingham/air/BMLD/observation"


def break_city(directory, city="birmingham"):
    """Puts a fault at a known place into DIR/config; gives the file and the text that undoes it."""
    path = directory / "config" / city / "city.json"
    good = path.read_text()
    lines = good.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if '"time_zone"' in line)
    lines[at] = '    "time_zon": "Europe/London",\n'
    path.write_text("".join(lines))
    return path, good, rf"birmingham/city\.json:{at + 1}:[0-9]+"


class ABrokenConfiguration(unittest.TestCase):
    def setUp(self):
        self.demo = harness.Demo("--no-sensors", "--no-bridge")
        self.addCleanup(self.demo.close)

    def test_keeps_the_broker_from_starting_and_says_file_line_and_column(self):
        self.demo.up()
        self.demo.down()
        path, good, place = break_city(self.demo.directory)
        with self.assertRaises(AssertionError) as failed:
            self.demo.up()
        self.assertRegex(str(failed.exception), place)
        self.assertIn("time_zon", str(failed.exception))
        self.assertFalse(harness.is_listening(self.demo.base + 10), "what had started was stopped")
        path.write_text(good)
        self.demo.up()

    def test_on_a_reload_is_refused_the_old_one_kept_and_the_next_good_one_taken(self):
        self.demo.up()
        broker = int(self.demo.env["BIRMINGHAM_BROKER_PID"])
        before = self.demo.status("birmingham", "plugin")
        path, good, place = break_city(self.demo.directory)
        os.kill(broker, signal.SIGHUP)
        status = self.demo.status("birmingham", "plugin", lambda s: s["reloads_refused"] == 1)
        self.assertEqual(status["generation"], before["generation"])
        self.assertRegex((self.demo.directory / "log/birmingham.log").read_text(), place)
        with self.demo.client("birmingham", "air-BMLD") as sensor:
            self.assertLess(sensor.publish(TOPIC, readings.encode(readings.birmingham())), 0x80)
            self.assertEqual(sensor.publish(TOPIC.replace("BMLD", "BIRR"), b"{}"), 0x87)
        path.write_text(good)
        os.kill(broker, signal.SIGHUP)
        self.demo.status("birmingham", "plugin", lambda s: s["generation"] > before["generation"])

    def test_of_the_bridge_keeps_it_from_starting_and_says_where(self):
        self.demo.up()
        path = self.demo.directory / "config/bridge.json"
        path.write_text(path.read_text().replace('"state_dir"', '"state_dri"', 1))
        done = harness.run(harness.BUILD / "nexus-bridge", "--config", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr + done.stdout, r"bridge\.json:[0-9]+:[0-9]+")
        done = harness.run(harness.BUILD / "nexus-bridge", "--config", "/nonexistent/bridge.json")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/bridge.json", done.stderr + done.stdout)


class WhatIsAwayMayComeBack(harness.DemoTest):
    def link(self, wanted, city="birmingham", seconds=30):
        return self.demo.status(city, "link-birmingham-ulsan", wanted, seconds)

    def carry(self, payload):
        """Publishes at Birmingham, waits for it at Ulsan."""
        with self.demo.client("ulsan", "reader") as reader:
            reader.subscribe("nexus/birmingham/air/BMLD/original")
            with self.demo.client("birmingham", "sensor") as sensor:
                self.assertLess(sensor.publish(TOPIC, payload), 0x80)
            reader.receive_until(lambda m: m.payload == payload, 30)

    def test_a_wrong_password_shows_in_the_status_and_the_right_one_mends_it(self):
        path = self.demo.directory / "secrets/ulsan/ulsan-bridge"
        good = path.read_text()
        self.demo.kill_bridge()
        path.write_text("wrong")
        self.demo.start_bridge()
        status = self.link(lambda s: s["state"] != "up" and "last_error" in s)
        self.assertRegex(status["last_error"]["text"], "(?i)user ?name|password|authori[sz]ed")
        path.write_text(good)
        self.demo.kill_bridge()
        self.demo.start_bridge()
        self.link(lambda s: s["state"] == "up")
        self.carry(readings.encode(readings.birmingham(no2=10.1)))

    def test_a_peer_that_is_down_shows_in_the_status_and_is_dialled_until_it_is_back(self):
        again = self.demo.stop_broker("ulsan")
        status = self.link(lambda s: s["state"] != "up")
        self.assertEqual((status["from"], status["to"]), ("birmingham", "ulsan"))
        self.demo.start_broker("ulsan", again)
        self.link(lambda s: s["state"] == "up")
        self.carry(readings.encode(readings.birmingham(no2=10.2)))

    def test_a_full_disk_stops_the_acknowledging_not_the_bridge_and_loses_nothing(self):
        self.demo.kill_bridge()
        self.demo.start_bridge()
        self.link(lambda s: s["state"] == "up")
        pid = self.demo.bridges[-1].pid
        harness.limit_file_size(pid, 4096)
        payload = readings.encode(readings.birmingham(no2=10.3))
        with self.demo.client("ulsan", "reader") as reader:
            reader.subscribe("nexus/birmingham/air/BMLD/original")
            with self.demo.client("birmingham", "sensor") as sensor:
                self.assertLess(sensor.publish(TOPIC, payload), 0x80)
            self.demo.status("birmingham", "bridge",
                             lambda s: any(alarm["name"] == "cache" for alarm in s.get("alarms", [])))
            self.assertTrue(harness.is_alive(pid))
            harness.limit_file_size(pid, "unlimited")
            reader.receive_until(lambda m: m.payload == payload, 60)


class UpSaysWhatIsInTheWay(unittest.TestCase):
    def up(self, *options, **more):
        return harness.run(harness.NEXUS, "up", "--detach", "--no-sensors", *options, timeout=120,
                           **more)

    def test_a_port_in_use_is_named_before_anything_starts(self):
        base = harness.free_base()
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", base + 10)):
            done = self.up("--dir", f"{folder}/demo", "--ports", base)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"port in use .*{base + 10}")
            self.assertFalse(Path(folder, "demo").exists())

    def test_a_folder_that_cannot_be_made_is_named(self):
        done = self.up("--dir", "/proc/demo", "--ports", harness.free_base())
        self.assertEqual(done.returncode, 1)
        self.assertIn("/proc/demo", done.stderr)

    def test_two_bridges_are_said_to_be_not_available(self):
        done = self.up("--two-bridges")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not available in this version", done.stderr)

    def test_an_unknown_option_is_told(self):
        done = self.up("--prots", "1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--prots", done.stderr)

    def test_bench_without_a_name_lists_what_there_is(self):
        self.assertEqual(harness.run(harness.NEXUS, "bench").returncode, 2)


if __name__ == "__main__":
    harness.main()
