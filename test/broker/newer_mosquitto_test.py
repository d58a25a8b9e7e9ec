"""The tests of this folder on newer brokers than the installed one: on Debian's next stable release and
on its next after that. tools/other_mosquitto.sh fetches them; what cannot be had is skipped."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent
SECONDS_MAX = 240

LEFT_OUT = {"newer_mosquitto_test.py", "upstream_test.py"}  # which is of the installed version


class NewerMosquitto(unittest.TestCase):
    def on_broker_of(self, suite):
        fetched = harness.run(harness.ROOT / "tools/other_mosquitto.sh", suite, timeout=600)
        if fetched.returncode != 0:
            self.skipTest(fetched.stderr.strip())
        programs = harness.ROOT / "build/mosquitto" / suite / "bin"
        version = (programs.parent / "version").read_text().split("\n")[0]
        environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}",
                           NEXUS_TEST_SECONDS=str(SECONDS_MAX))
        for test in sorted(HERE.glob("*_test.py")):
            if test.name not in LEFT_OUT:
                with self.subTest(f"{version}: {test.stem}"):
                    print(f"{version}: {test.stem}", file=sys.stderr, flush=True)
                    done = subprocess.run([sys.executable, test], env=environment, text=True,
                                          capture_output=True, timeout=SECONDS_MAX + 30)
                    self.assertIn(done.returncode, (0, harness.SKIPPED), done.stderr[-6000:])

    def test_of_the_next_stable_release(self):
        self.on_broker_of("trixie")

    def test_of_the_release_after_that(self):
        self.on_broker_of("forky")


if __name__ == "__main__":
    harness.main()
