"""What links deliver in batches, when the receiving broker is stopped, or dies, in the middle.

Mosquitto keeps what a plugin publishes in memory until its next turn, and drops it when there is no
next turn: a batch that was acknowledged can be lost by an orderly stop. The marks know that, and
the link, by its rules (ask, then go on behind the mark), repeats exactly what was lost.
"""
import os
import random
import signal
import time
import unittest

import batches
import gate
import harness
from batches import encode, readings

EPOCH = "0199c8a1b2c3d4e5f607"
KEPT = {"client_id": "keeper", "clean": False, "expiry": 3600}
BATCH = 20
KILLS = int(os.environ.get("NEXUS_TEST_KILLS", "2"))


class Restarts(unittest.TestCase):
    autosave = 60

    def setUp(self):
        self.site = gate.Site()
        self.addCleanup(self.site.remove)
        self.state = self.site.folder / "marks"
        stored = self.site.folder / "stored"
        stored.mkdir()
        security = ["allow_anonymous false", f"password_file {self.site.passwords}",
                    *self.site.plugin_lines(state=self.state, state_seconds=self.autosave)]
        self.broker = gate.Broker(self.site, security, settings=[
            "set_tcp_nodelay true", "persistence true", f"persistence_location {stored}/",
            f"autosave_interval {self.autosave}", "max_queued_messages 1000000"])
        self.store = stored / "mosquitto.db"
        self.broker.start()
        self.addCleanup(self.close_broker)
        with self.broker.client("reader", **KEPT) as keeper:
            keeper.subscribe("nexus/ulsan/#", qos=1)

    def close_broker(self):
        if self.broker.process.poll() is None:
            self.broker.close()

    def kept(self):
        """The numbers that came to the kept session, in their order."""
        with self.broker.client("reader", **KEPT) as keeper:
            self.assertTrue(keeper.session_present)
            keeper.ping()
            messages = keeper.take_all()
            while (message := keeper.receive(0.3)) is not None:
                messages.append(message)
        return [int(m.properties["nexus-seq"].split(".")[1]) for m in messages]

    def save(self):
        """Keeps the reader's session on disk."""
        os.kill(self.broker.process.pid, signal.SIGUSR1)
        harness.wait_until(self.store.exists, "the broker has saved its sessions")

    def send_and_stop(self, link, after, how):
        """Sends batches behind `after` and ends the broker once one of them is acknowledged, while
        others are on their way. The last number that was acknowledged."""
        sent = {}
        for start in range(after, after + 40 * BATCH, BATCH):
            batch = encode(EPOCH, start, start + BATCH, readings(start, start + BATCH))
            sent[link.client.send_publish(batches.DELIVER, batch)] = start + BATCH
        acknowledged = after
        try:
            while True:
                packet_id, reason = link.client.wait_puback()
                if link.was_taken(reason):  # else too much for a turn, and the gap behind it
                    acknowledged = max(acknowledged, sent[packet_id])
                if how is not None:
                    os.kill(self.broker.process.pid, how)
                    how = None
        except (ConnectionError, EOFError, OSError):
            pass
        link.close()
        self.broker.process.wait(timeout=30)
        return acknowledged


class DeliverRestart(Restarts):
    def test_the_mark_outlives_a_restart(self):
        link = batches.Link(self.broker, EPOCH)
        link.send(0, 5)
        for _ in range(3):
            link.client.ping()  # each is a turn of the broker's loop
        link.close()
        self.broker.stop()
        self.broker.start()
        link = batches.Link(self.broker, EPOCH)
        self.assertEqual(link.ask(), 5)
        link.send(0, 7)
        link.close()
        self.assertEqual(self.kept(), [1, 2, 3, 4, 5, 6, 7])

    def test_a_stop_right_behind_a_batch_neither_loses_nor_repeats(self):
        mark, behind = 0, 0
        for _ in range(6):
            link = batches.Link(self.broker, EPOCH)
            acknowledged = self.send_and_stop(link, mark, signal.SIGTERM)
            self.assertEqual(self.broker.process.returncode, 0)
            self.broker.start()
            link = batches.Link(self.broker, EPOCH)
            mark = link.ask() or 0
            link.close()
            self.assertLessEqual(mark, acknowledged + 40 * BATCH)
            behind += mark < acknowledged
        link = batches.Link(self.broker, EPOCH)
        self.assertTrue(link.was_taken(link.send(mark, mark + 1)))
        link.close()
        self.assertEqual(self.kept(), list(range(1, mark + 2)))
        print(f"{mark} readings, six stops; acknowledged but not kept at {behind} of them")

    def test_a_broker_that_dies_loses_nothing_that_a_link_can_repeat(self):
        self.save()
        link = batches.Link(self.broker, EPOCH)
        self.assertTrue(link.was_taken(link.send(100, 104)))
        time.sleep(1.2)  # long enough for a mark in the file that must not be believed
        self.assertTrue(link.was_taken(link.send(104, 105)))
        time.sleep(0.3)
        acknowledged = self.send_and_stop(link, 105, signal.SIGKILL)
        self.broker.start()
        link = batches.Link(self.broker, EPOCH)
        mark = link.ask()
        self.assertEqual(mark, 100)  # what came since, autosave had not kept
        while mark < acknowledged:
            until = min(mark + BATCH, acknowledged)
            self.assertTrue(link.was_taken(link.send(mark, until)))
            mark = until
        link.close()
        self.assertEqual(self.kept(), list(range(101, acknowledged + 1)))


class DeliverThroughKills(Restarts):
    """Ends at random, of both kinds, with saves in between: nothing is lost."""

    autosave = 1

    def test_what_was_acknowledged_is_kept_whatever_ends_the_broker(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        draw = random.Random(seed)
        self.save()
        acknowledged = 0
        backwards = 0
        for _ in range(KILLS):
            link = batches.Link(self.broker, EPOCH)
            mark = link.ask() or 0
            backwards += mark < acknowledged
            until = time.monotonic() + draw.uniform(0, 6)
            while time.monotonic() < until or mark == 0:
                self.assertTrue(link.was_taken(link.send(mark, mark + BATCH)))
                mark += BATCH
                time.sleep(0.005)
            how = draw.choice((signal.SIGTERM, signal.SIGKILL))
            acknowledged = max(acknowledged, self.send_and_stop(link, mark, how))
            self.broker.start()
        link = batches.Link(self.broker, EPOCH)
        mark = link.ask()
        self.assertTrue(mark is not None)
        while mark < acknowledged:
            self.assertTrue(link.was_taken(link.send(mark, mark + BATCH)))
            mark += BATCH
        link.close()
        kept = self.kept()
        lost = set(range(1, mark + 1)) - set(kept)
        self.assertFalse(lost, f"{len(lost)} lost, of {mark}; the first is {min(lost, default=0)}")
        print(f"{mark} readings, {KILLS} ends, {backwards} times taken again; "
              f"{len(kept) - len(set(kept))} repetitions")


del Restarts

if __name__ == "__main__":
    harness.main()
