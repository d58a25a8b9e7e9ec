"""The connection between the cities is cut again and again while readings stream: nothing that was
acknowledged is lost, nothing arrives twice, nothing out of order. The proxy of bench/ does the
cutting, its load counts. NEXUS_TEST_READINGS and NEXUS_TEST_CUT_MS make it longer (soak)."""
import os
import sys
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "bench"))
import relay  # noqa: E402

READINGS = int(os.environ.get("NEXUS_TEST_READINGS", "8000"))
CUT_MS = int(os.environ.get("NEXUS_TEST_CUT_MS", "400"))
RATE = 4000


def stream(subject, kind, rate=RATE, count=READINGS):
    proxy = ("--cut-every", CUT_MS, "--cut", kind, "--rtt", 5)
    with relay.Bed(harness.BUILD, subject, proxy=proxy) as bed:
        found = bed.load(count=count, rate=rate, filter="nexus/birmingham/air/+/original",
                         **{"linger-ms": 3 * CUT_MS})
        status = bed.status(lambda status: status["stored"] >= count and status["waiting"] == 0)
    return found, status


class ALinkThatIsCut(unittest.TestCase):
    def check(self, found, status, exactly=True):
        self.assertEqual(found["acknowledged"], found["published"])
        self.assertEqual(found["lost"], 0, found)
        self.assertEqual(found["reordered"], 0, found)
        self.assertEqual(found["unexpected"], 0, found)
        if exactly:
            self.assertEqual(found["duplicated"], 0, found)
        self.assertEqual(status["stored"], status["sent"] + status["filtered"] + status["dead"] +
                         status["waiting"], status)
        self.assertEqual(status["dead"], 0, status)

    def test_by_resets_delivers_batches_exactly_once(self):
        self.check(*stream("batches", "reset"))

    def test_by_the_peer_closing_delivers_batches_exactly_once(self):
        self.check(*stream("batches", "close"))

    def test_by_half_closing_delivers_batches_exactly_once(self):
        self.check(*stream("batches", "half"))

    def test_by_resets_delivers_qos_2_exactly_once(self):
        self.check(*stream("qos2", "reset", rate=1500, count=READINGS // 2))

    def test_by_resets_delivers_qos_1_at_least_once_and_in_order(self):
        self.check(*stream("qos1", "reset", rate=2000, count=READINGS // 2), exactly=False)


if __name__ == "__main__":
    harness.main()
