"""Mosquitto's own broker tests, from the source of the installed version, on the installed broker as
it is and with the plugin loaded: each ends the same way.

The scripts start "../../src/mosquitto", connect, and compare packets byte for byte; none of them knows
of nexus/. Here that program is this file, which starts the broker with the same arguments and, in one
of the two runs, with the lines by which a broker joins (docs/joining.md) in the script's own
mosquitto.conf. tools/upstream.sh fetches the source; without it the test is skipped. Nothing of it is
part of NEXUS.
"""
import collections
import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import gate
import harness

SOURCE = harness.ROOT / "build/upstream/mosquitto"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
NEIGHBOUR = harness.BUILD / "test/broker/neighbour.so"
AT_ONCE = 8  # they mostly sleep
SECONDS_MAX = 90
TRIES = 5  # of one whose outcomes differ

# The one difference, which docs/plugin.md tells: a plugin that may refuse logins is loaded, so a name
# that nobody checks is refused. These scripts log in by such names. They pass with a neighbour that
# takes every name, as the broker alone does ...
UNCHECKED = {"04-retain-check-source-persist.py", "04-retain-check-source-persist-diff-port.py",
             "09-acl-access-variants.py", "09-acl-change.py"}
# ... and this one expects both, that names are checked and that they are not.
DIFFERS = {"01-connect-uname-or-anon.py"}


# --- as the broker ------------------------------------------------------------------------------

def plugin_lines(block):
    """For that part of a mosquitto.conf: as docs/plugin.md says of `allow` and `defer`."""
    others = re.search(r"^(acl_file|plugin|auth_plugin)\s", block, re.MULTILINE)
    lines = [os.environ["UPSTREAM_LINES"], f"plugin_opt_outside {'defer' if others else 'allow'}"]
    if os.environ.get("UPSTREAM_NAMES"):
        lines += [f"plugin {NEIGHBOUR}", "plugin_opt_accept_names true"]
    return "\n".join(lines) + "\n"


def joined(text):
    """A mosquitto.conf with the plugin's lines: once, or for each listener where that is the way."""
    settings = re.compile(r"^per_listener_settings\s+(\w+)\n", re.MULTILINE)
    found = settings.search(text)
    blocks = [settings.sub("", text)]
    if found and found[1] == "true":
        blocks = re.split(r"^(?=listener\s)", blocks[0], flags=re.MULTILINE)
    out = [found[0] if found else ""]
    for number, block in enumerate(blocks):
        first, rest = ("", block) if number == 0 else re.match(r"(.*\n)([^\0]*)", block).groups()
        out += [first, plugin_lines(block), rest]
    return "".join(out)


def become_the_broker(arguments):
    """Without a -c the broker serves this machine alone and lets everybody in."""
    if "UPSTREAM_LINES" in os.environ:
        if "-c" not in arguments:
            plain = Path(f"plain-{os.getpid()}.conf")
            plain.write_text("allow_anonymous true\n")
            arguments = ["-c", str(plain), *arguments]
        at = arguments.index("-c") + 1
        conf = Path(arguments[at])
        arguments[at] = f"{conf.stem}.joined.conf"
        Path(arguments[at]).write_text(joined(conf.read_text()))
    os.execvp("mosquitto", ["mosquitto", *arguments])


# --- the comparison -----------------------------------------------------------------------------

class Tree:
    """As much of a Mosquitto that was built as its tests need, made of the installed one."""

    def __init__(self, folder, environment, certificates):
        self.folder = folder
        self.environment = dict(os.environ, PATH=harness.PATH, **environment)
        for name in ("test", "include"):
            shutil.copytree(SOURCE / name, folder / name)
        shutil.copytree(certificates, folder / "test/ssl", dirs_exist_ok=True)
        security = folder / "plugins/dynamic-security"
        for place in (folder / "src", folder / "lib", security):
            place.mkdir(parents=True)
        program = folder / "src/mosquitto"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).resolve()} broker "$@"\n')
        program.chmod(0o755)
        (folder / "lib/libmosquitto.so.1").symlink_to(LIBRARIES / "libmosquitto.so.1")
        (security / gate.SECURITY_PLUGIN.name).symlink_to(gate.SECURITY_PLUGIN)
        self.scripts = folder / "test/broker"
        made = harness.run("make", "-k", "-C", self.scripts / "c", "CFLAGS=-I../../../include -w")
        assert made.returncode == 0, made.stderr
        for place, _, _ in os.walk(folder):
            os.chmod(place, 0o777)  # the broker's own user writes its databases there

    def run(self, script, ports, **environment):
        """Its exit status and what it said; None: it took too long."""
        process = subprocess.Popen([sys.executable, script, *map(str, ports)], cwd=self.scripts,
                                   env=self.environment | environment, text=True,
                                   errors="replace", start_new_session=True, umask=0,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _ = process.communicate(timeout=SECONDS_MAX)
            return process.returncode, said
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # the script and the broker that it started
            return None, process.communicate()[0]


def fresh_certificates(folder):
    """Those in the source have expired; it has what makes them anew."""
    shutil.copytree(SOURCE / "test/ssl", folder)
    made = harness.run("sh", "gen.sh", cwd=folder)
    assert made.returncode == 0, made.stderr
    for key in folder.glob("*.key"):
        key.chmod(0o644)  # the broker's own user reads it
    return folder


def free_ports():
    while True:
        base = harness.free_base()
        yield from range(base, base + 24)


@unittest.skipUnless((SOURCE / "test/broker").is_dir(),
                     "no source of the installed Mosquitto: tools/upstream.sh fetches it")
class Upstream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = gate.Site()
        lines = {"UPSTREAM_LINES": "\n".join(cls.site.plugin_lines())}
        certificates = fresh_certificates(cls.site.folder / "ssl")
        cls.trees = [Tree(cls.site.folder / "bare", {}, certificates),
                     Tree(cls.site.folder / "joined", lines, certificates)]
        cls.ports, cls.ports_lock = free_ports(), threading.Lock()

    @classmethod
    def tearDownClass(cls):
        cls.site.remove()

    def take_ports(self, count):
        with self.ports_lock:  # of all threads
            return list(itertools.islice(self.ports, count))

    def outcomes(self, job, **environment):
        """Of the script on the broker as it is, and with the plugin."""
        count, script = job
        return [tree.run(script, self.take_ports(count), **environment)
                for tree in self.trees]

    def alone(self, job, **environment):
        """Until both have ended the same way once: some end now so, now so, on any broker."""
        seen = set(), set()
        for _ in range(TRIES):
            (bare, _), (joined_, said) = self.outcomes(job, **environment)
            seen[0].add(bare)
            seen[1].add(joined_)
            if seen[0] & seen[1]:
                bare = joined_ = 0 if 0 in seen[0] & seen[1] else 1
                break
        return bare, joined_, said

    def again(self, job, wanted):
        """Alone, until it ends so: where much is going on a broker starts too late for its script."""
        for _ in range(TRIES):
            (bare, _), (joined_, said) = self.outcomes(job)
            if (bare, joined_) == wanted:
                break
        return bare, joined_, said

    def test_each_script_ends_the_same_with_and_without_the_plugin(self):
        listed = re.findall(r"^ *\((\d), '\./(\S+\.py)'\)", (SOURCE / "test/broker/test.py")
                            .read_text(), re.MULTILINE)
        jobs = [(int(count), name) for count, name in listed
                if (SOURCE / "test/broker" / name).exists()]
        self.assertGreater(len(jobs), 150)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(self.outcomes, jobs))
        tally = collections.Counter()
        for job, ((bare, _), (joined_, said)) in zip(jobs, outcomes):
            with self.subTest(job[1]):
                if job[1] in DIFFERS | UNCHECKED:
                    if (bare, joined_) != (0, 1):
                        bare, joined_, said = self.again(job, (0, 1))
                    self.assertEqual((bare, joined_), (0, 1), said)
                    self.assertIn("(0, 5)", said, "a login is refused")
                if job[1] in UNCHECKED:
                    bare, joined_, said = self.alone(job, UPSTREAM_NAMES="1")
                elif job[1] not in DIFFERS and bare != joined_:
                    bare, joined_, said = self.alone(job)
                if job[1] not in DIFFERS:
                    self.assertEqual(bare, joined_, said)
                tally["passed" if bare == joined_ == 0 else "differs" if bare == 0 else
                      "fails without the plugin too"] += 1
        print(f"{len(jobs)} scripts: {dict(tally)}", file=sys.stderr)
        self.assertGreater(tally["passed"], 150)


if __name__ == "__main__":
    if sys.argv[1:2] == ["broker"]:
        become_the_broker(sys.argv[2:])
    harness.main()
