"""harness.py - a demo of two cities for one test class, and what the tests ask of it.

Drives what a newcomer drives: ./nexus up, demo.env, nexusctl. NEXUS_BUILD (the build folder whose
programs are tested), NEXUS_BROKER_PRELOAD and the sanitizers' options come from CMake and pass
through to ./nexus up. All is on loopback, in a folder of its own, which NEXUS_TEST_KEEP=1 keeps;
what runs is ended by process identifier.
"""
import atexit
import functools
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timezone
from pathlib import Path

import mqtt

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NEXUS_BUILD", ROOT / "build/release"))
NEXUS = str(ROOT / "nexus")
CITIES = ("birmingham", "ulsan")
PORT_OFFSETS = (0, 1, 10, 11, 20, 21)
SKIPPED = 77
SANITIZER_FAULT = re.compile(r"ERROR: (Address|Thread|Memory)Sanitizer|runtime error:")
LEAK = re.compile(r"^(?:Direct|Indirect) leak of .*?(?=^$)", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"nexus|<unknown module>")  # a plugin that the broker has unloaded is unknown


def sanitizer_faults(text):
    """What a sanitizer wrote to a log. The broker's own leaks are not ours: 2.0.11 has some."""
    leaks = [leak for leak in LEAK.findall(text) if OURS.search(leak)]
    other = SANITIZER_FAULT.search(text)
    return leaks + ([text[other.start() : other.start() + 6000]] if other else [])


def free_base():
    """A BASE whose ports are free now; below the ephemeral range, so that no client takes them."""
    for _ in range(200):
        base = random.randrange(10000, 32000, 25)
        try:
            for offset in PORT_OFFSETS:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


def wait_until(condition, what, seconds=15):
    """Polls `condition` until it gives something true, which is returned."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"within {seconds} s: {what}")


def run(*command, input=None, timeout=60, **options):
    return subprocess.run([str(part) for part in command], input=input, timeout=timeout,
                          capture_output=True, text=True, **options)


PATH = os.environ["PATH"] + ":/usr/sbin"  # there Debian has the broker


def mosquitto_program():
    """The broker under test."""
    return shutil.which("mosquitto", path=PATH) or "/usr/sbin/mosquitto"


def mosquitto_root():
    """What belongs to it: tools/other_mosquitto.sh has a root beside its bin/."""
    beside = Path(mosquitto_program()).parents[1] / "root"
    return beside if beside.is_dir() else Path("/")


@functools.cache
def mosquitto_version():
    """(2, 0, 11)"""
    said = run(mosquitto_program(), "-h").stdout
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)\.(\d+)", said).groups()))


def nexusctl(*arguments, input=None):
    return run(BUILD / "nexusctl", *arguments, input=input)


def example(city, name=None, kind="valid"):
    """The bytes of a shipped example of that city's air dialect."""
    folder = ROOT / "schemas" / city / "air/examples" / kind
    path = folder / name if name else sorted(folder.glob("*.json"))[0]
    return path.read_bytes()


def utc_now():
    """As the federation writes it; sorts as text."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")[:-4] + "Z"


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def limit_file_size(pid, limit):
    """How large that process may make a file ("unlimited" or bytes): a disk that is full."""
    owner = Path(f"/proc/{pid}").stat()
    other = {} if os.getuid() else {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    done = run("prlimit", "--pid", pid, f"--fsize={limit}:", **other)
    assert done.returncode == 0, done.stderr


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Demo:
    """One ./nexus up in a folder of its own."""

    def __init__(self, *options, directory=None):
        self.temporary = tempfile.mkdtemp(prefix="nexus-test-")
        os.chmod(self.temporary, 0o755)  # so that the brokers' own user can reach it
        self.directory = Path(directory or Path(self.temporary) / "demo")
        self.base = free_base()
        self.options = options
        self.bridges = []  # what the test itself started
        self.brokers = []
        self.since = ""  # when something was killed last
        self.env = {}
        atexit.register(self.close)  # also where the test itself is ended

    def up(self, *options):
        done = run(NEXUS, "up", "--dir", self.directory, "--ports", self.base, "--detach",
                   *self.options, *options, timeout=240)
        if done.returncode != 0:
            raise AssertionError(f"./nexus up: {done.returncode}\n{done.stdout}{done.stderr}")
        self.env = self.read_env()
        return done

    def read_env(self):
        pairs = (line.split("=", 1) for line in (self.directory / "demo.env").read_text()
                 .splitlines() if "=" in line and not line.startswith("#"))
        return {name: "".join(shlex.split(value)) for name, value in pairs}

    def down(self):
        run(NEXUS, "down", "--dir", self.directory, start_new_session=True)
        for broker in self.brokers:
            broker.terminate()
        for process in self.bridges + self.brokers:
            process.wait(timeout=10)

    def close(self):
        """Stops all, removes the folder; gives the faults that a sanitizer wrote to a log."""
        atexit.unregister(self.close)
        self.down()
        faults = [f"{log.name}: {fault}" for log in sorted(self.directory.glob("log/*.log"))
                  for fault in sanitizer_faults(log.read_text(errors="replace"))]
        if not os.environ.get("NEXUS_TEST_KEEP"):
            shutil.rmtree(self.temporary, ignore_errors=True)
        return faults

    # --- clients ------------------------------------------------------------------------------

    def port(self, city):
        return int(self.env[f"{city.upper()}_MQTT"].rsplit(":", 1)[1])

    def password(self, city, identity):
        return (self.directory / "secrets" / city / identity).read_text()

    def client(self, city, role, **options):
        """A client as CITY-ROLE at CITY's broker, or as the identity `role` when it has a '-'."""
        identity = role if "-" in role else f"{city}-{role}"
        return mqtt.Client(self.port(city), identity, self.password(city, identity), **options)

    def status(self, city, component, wanted=lambda payload: True, seconds=20, fresh=False):
        """The first status of `component` at that city's broker for which `wanted` holds. What is
        older than the last kill does not count, nor with `fresh` what is retained."""
        def counts(message):
            status = json.loads(message.payload)
            at = status.get("at", status.get("time", self.since))
            return at >= self.since and not (fresh and message.retain) and wanted(status)

        with self.client(city, "operator") as operator:
            operator.subscribe(f"nexus/+/_status/{component}")
            message = operator.receive_until(counts, seconds)
        return json.loads(message.payload)

    # --- processes ----------------------------------------------------------------------------

    def pid(self, name):
        """The live process of that name, as ./nexus status tells."""
        shown = run(NEXUS, "status", "--dir", self.directory).stdout
        found = re.findall(rf"^  {name} +pid (\d+)$", shown, re.MULTILINE)
        return int(found[-1]) if found else None

    def kill_bridge(self):
        pid = self.bridges[-1].pid if self.bridges else int(self.env["NEXUS_BRIDGE_PID"])
        os.kill(pid, signal.SIGKILL)
        if self.bridges:
            self.bridges[-1].wait(timeout=10)
        self.since = utc_now()
        wait_until(lambda: not is_alive(pid), "the killed bridge is gone")

    def start_bridge(self):
        self.bridges.append(subprocess.Popen(shlex.split(self.env["NEXUS_BRIDGE_CMD"])))

    def stop_broker(self, city):
        """Ends the broker of `city`; gives what start_broker takes to start it again."""
        pid = int(self.env[f"{city.upper()}_BROKER_PID"])
        proc = Path(f"/proc/{pid}")
        owner = proc.stat()
        pairs = (pair.split("=", 1) for pair in (proc / "environ").read_text().split("\0") if pair)
        again = {"args": (proc / "cmdline").read_text().split("\0")[:-1], "env": dict(pairs)}
        if os.getuid() == 0:
            again |= {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), f"the broker of {city} has ended")
        self.since = utc_now()
        return again

    def start_broker(self, city, again):
        with open(self.directory / "log" / f"{city}.log", "ab") as log:
            self.brokers.append(subprocess.Popen(stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                 **again))
        wait_until(lambda: is_listening(self.port(city)), f"the broker of {city} listens")


class DemoTest(unittest.TestCase):
    """One demo for all tests of the class, without sensors."""

    options = ("--no-sensors",)

    @classmethod
    def setUpClass(cls):
        cls.demo = Demo(*cls.options)
        try:
            cls.demo.up()
        except BaseException:
            cls.demo.close()
            raise

    @classmethod
    def tearDownClass(cls):
        faults = cls.demo.close()
        if faults:
            raise AssertionError("a sanitizer found faults:\n" + "\n".join(faults))


def give_up(number, _):
    """Out of time, or told to end: whatever was started is still ended first."""
    for again in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(again, signal.SIG_IGN)
    print(f"ended by {signal.Signals(number).name}", file=sys.stderr, flush=True)
    sys.exit(1)


def main():
    """Runs the tests of the calling file; 77 when every one of them was skipped."""
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, give_up)
    signal.alarm(int(os.environ.get("NEXUS_TEST_SECONDS", "0")))
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if result.wasSuccessful() and result.testsRun == len(result.skipped):
        sys.exit(SKIPPED)
    sys.exit(not result.wasSuccessful())
