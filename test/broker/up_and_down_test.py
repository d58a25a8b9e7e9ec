"""./nexus up, status and down: what they promise about the folder, demo.env, the user that things
run as, and that nothing is left."""
import os
import subprocess
import unittest
from pathlib import Path

import harness

NOBODY = 65534


class UpAndDown(unittest.TestCase):
    def demo(self, *options, **more):
        demo = harness.Demo(*options, **more)
        self.addCleanup(demo.close)
        return demo

    def test_demo_env_is_for_a_shell_to_source_and_holds_all_names(self):
        demo = self.demo("--no-sensors")
        demo.up()
        sourced = harness.run("sh", "-c", f". '{demo.directory}/demo.env'; set").stdout
        names = ["BIRMINGHAM_MQTT", "ULSAN_MQTT", "BIRMINGHAM_WS", "ULSAN_WS", "NEXUS_HTTP",
                 "NEXUS_BRIDGE_PID", "NEXUS_BRIDGE_CMD"]
        for city in ("BIRMINGHAM", "ULSAN"):
            names.append(f"{city}_BROKER_PID")
            for role in ("SENSOR", "READER", "OPERATOR"):
                names += [f"{city}_{role}_USER", f"{city}_{role}_PASSWORD"]
        for name in names:
            self.assertRegex(sourced, rf"(?m)^{name}=")
        bridge = Path(f"/proc/{demo.env['NEXUS_BRIDGE_PID']}/exe")
        self.assertEqual(Path(os.readlink(bridge)).name, "nexus-bridge")
        self.assertEqual((demo.directory / "demo.env").stat().st_mode & 0o077, 0)

    def test_down_leaves_nothing_running_and_up_again_reuses_passwords_and_state(self):
        demo = self.demo("--no-sensors")
        demo.up()
        first = demo.env
        twice = harness.run(harness.NEXUS, "up", "--detach", "--dir", demo.directory, "--ports",
                            demo.base)
        self.assertEqual(twice.returncode, 1)
        self.assertIn("already running", twice.stderr)
        demo.down()
        for name, pid in first.items():
            if name.endswith("_PID"):
                self.assertFalse(harness.is_alive(int(pid)), name)
        self.assertEqual(harness.run(harness.NEXUS, "status", "--dir", demo.directory).returncode, 3)
        demo.up()
        kept = {name: value for name, value in first.items() if not name.endswith("_PID")}
        self.assertEqual(kept, {name: demo.env[name] for name in kept})

    def test_a_folder_with_a_space_and_a_relative_one_will_do(self):
        demo = self.demo("--no-sensors")
        demo.directory = Path(demo.temporary) / "two cities"
        demo.up()
        demo.kill_bridge()
        demo.start_bridge()
        demo.status("ulsan", "link-birmingham-ulsan", lambda s: s["state"] == "up")
        done = subprocess.run([harness.NEXUS, "down", "--dir", "two cities"], cwd=demo.temporary,
                              capture_output=True, text=True, timeout=60)
        self.assertIn("stopped:", done.stdout)

    def test_the_sensors_of_both_cities_are_heard_at_both_brokers(self):
        demo = self.demo()
        demo.up()
        for here in harness.CITIES:
            with demo.client(here, "reader") as reader:
                reader.subscribe("nexus/+/air/+/observation")
                for city in harness.CITIES:
                    reader.receive_until(
                        lambda m: m.topic.startswith(f"nexus/{city}/") and not m.retain, 20)
            self.assertEqual(demo.status(here, "plugin")["refused_total"], 0)

    def test_status_prints_processes_and_links(self):
        demo = self.demo("--no-sensors")
        demo.up()
        shown = harness.run(harness.NEXUS, "status", "--dir", demo.directory).stdout
        for expected in ("birmingham", "ulsan", "bridge", "link-birmingham-ulsan",
                         "link-ulsan-birmingham", "_status/plugin"):
            self.assertIn(expected, shown)

    def test_in_the_foreground_an_interrupt_stops_it_all(self):
        demo = self.demo()
        up = subprocess.Popen([harness.NEXUS, "up", "--no-sensors", "--dir", demo.directory,
                               "--ports", str(demo.base)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(up.stdout.close)
        for line in up.stdout:
            if "Ctrl-C" in line:
                break
        demo.env = demo.read_env()
        up.terminate()
        up.wait(timeout=30)
        self.assertIsNone(demo.pid("bridge"))
        self.assertFalse(harness.is_listening(demo.port("birmingham")))

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be another user")
    def test_as_root_brokers_bridge_and_files_are_of_the_brokers_own_user(self):
        demo = self.demo("--no-sensors")
        demo.up()
        user = harness.run("id", "-u", "mosquitto").stdout.strip()
        for name in ("BIRMINGHAM_BROKER_PID", "ULSAN_BROKER_PID", "NEXUS_BRIDGE_PID"):
            self.assertEqual(str(Path(f"/proc/{demo.env[name]}").stat().st_uid), user, name)
        others = [str(path) for path in demo.directory.rglob("*") if str(path.stat().st_uid) != user]
        self.assertEqual(others, [])

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be another user")
    def test_without_root_all_runs_as_the_caller(self):
        demo = self.demo("--no-sensors")
        os.chown(demo.temporary, NOBODY, NOBODY)
        other = {"user": NOBODY, "group": NOBODY, "extra_groups": [],
                 "env": {**os.environ, "HOME": demo.temporary,
                         "NEXUS_BUILD": str(harness.BUILD)}}
        done = harness.run(harness.NEXUS, "up", "--detach", "--no-sensors", "--dir", demo.directory,
                           "--ports", demo.base, timeout=120, **other)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        demo.env = demo.read_env()
        self.assertEqual(Path(f"/proc/{demo.env['NEXUS_BRIDGE_PID']}").stat().st_uid, NOBODY)

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be another user")
    def test_without_root_missing_packages_are_named_with_the_command(self):
        folder = Path(self.demo().temporary)
        (folder / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
        (folder / "dpkg-query").chmod(0o755)
        done = harness.run(harness.ROOT / "tools/packages.sh", "run", "build", user=NOBODY,
                           env={"PATH": f"{folder}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("libwebsockets-dev", done.stderr)
        self.assertIn("apt-get install", done.stderr)


if __name__ == "__main__":
    harness.main()
