"""The bridge is killed in mid-stream, a link is cut, a broker is away: what a broker acknowledged to
a sensor arrives at the other side, in the order of its stream."""
import itertools
import json
import os
import signal
import threading
import time

import harness
import readings

# How often the bridge is killed, and how many readings are on their way meanwhile.
KILLS = int(os.environ.get("NEXUS_TEST_KILLS", "4"))
READINGS_PER_KILL = 300
RATE = 400  # readings a second
# How long a broker is away; readings go on meanwhile.
AWAY_S = int(os.environ.get("NEXUS_TEST_AWAY_S", "1"))
STATIONS = ("BMLD", "BIRR")


class Publisher(threading.Thread):
    """Publishes readings numbered by their `seq`, in turn for each station, at RATE."""

    def __init__(self, demo, count, rate=RATE):
        super().__init__()
        self.client = demo.client("birmingham", "sensor")
        self.count, self.rate = count, rate
        self.acknowledged = []  # (station, seq)
        self.sent = threading.Semaphore(0)
        self.start()

    def run(self):
        for seq in range(1, self.count + 1):
            for station in STATIONS:
                topic = f"nexus/birmingham/air/{station}/observation"
                if self.client.publish(topic, readings.encode(readings.birmingham(seq=seq))) < 0x80:
                    self.acknowledged.append((station, seq))
                self.sent.release()
                time.sleep(1 / self.rate)
        self.client.disconnect()


class Follower:
    """A subscriber at Ulsan with a session of its own, so that it misses nothing."""

    numbers = itertools.count()

    def __init__(self, demo):
        self.demo = demo
        self.client_id = f"follower-{os.getpid()}-{next(self.numbers)}"
        self.connect()
        self.client.subscribe("nexus/birmingham/air/+/original")
        self.order = {station: [] for station in STATIONS}  # first occurrences
        self.sequence = {}  # (station, seq) -> nexus-seq
        self.faults = []

    def connect(self):
        self.client = self.demo.client("ulsan", "reader", client_id=self.client_id, clean=False,
                                       expiry=86400)

    def take(self, message):
        station = message.topic.split("/")[3]
        seq = json.loads(message.payload).get("seq")
        if message.retain or seq is None:
            return
        key, number = (station, seq), message.properties["nexus-seq"]
        if key not in self.sequence:
            self.order[station].append(seq)
            self.sequence[key] = number
        elif self.sequence[key] != number:
            self.faults.append(f"{key} came as {self.sequence[key]} and as {number}")

    def follow_until(self, expected, seconds):
        until = time.monotonic() + seconds
        while not set(expected) <= set(self.sequence) and time.monotonic() < until:
            message = self.client.receive(1)
            if message:
                self.take(message)
        while message := self.client.receive(0.5):
            self.take(message)


class NothingAcknowledgedIsLost(harness.DemoTest):
    def setUp(self):
        self.follower = Follower(self.demo)
        self.addCleanup(self.follower.client.disconnect)

    def check(self, acknowledged, seconds=60):
        self.follower.follow_until(acknowledged, seconds)
        missing = sorted(set(acknowledged) - set(self.follower.sequence))
        self.assertEqual(missing, [], f"of {len(acknowledged)} acknowledged readings")
        for station in STATIONS:
            order = self.follower.order[station]
            self.assertEqual(order, sorted(order), f"order of {station}")
        self.assertEqual(self.follower.faults, [], "a repetition must carry the same nexus-seq")

    def test_the_bridge_killed_in_mid_stream_loses_nothing_and_keeps_the_order(self):
        publisher = Publisher(self.demo, KILLS * READINGS_PER_KILL // len(STATIONS))
        for _ in range(KILLS):
            for _ in range(READINGS_PER_KILL // 2):
                publisher.sent.acquire()
            self.demo.kill_bridge()
            time.sleep(0.1)
            self.demo.start_bridge()
            for _ in range(READINGS_PER_KILL // 2):
                publisher.sent.acquire()
        publisher.join()
        self.assertEqual(len(publisher.acknowledged), publisher.count * len(STATIONS))
        self.check(publisher.acknowledged)

    def test_readings_that_come_while_the_bridge_is_away_arrive_when_it_is_back(self):
        self.demo.kill_bridge()
        publisher = Publisher(self.demo, 100)
        publisher.join()
        self.assertEqual(self.follower.order["BMLD"], [])
        self.demo.start_bridge()
        self.check(publisher.acknowledged)

    def test_a_link_that_stalls_catches_up_in_order(self):
        broker = int(self.demo.env["ULSAN_BROKER_PID"])
        os.kill(broker, signal.SIGSTOP)
        try:
            publisher = Publisher(self.demo, 200)
            publisher.join()
        finally:
            os.kill(broker, signal.SIGCONT)
        self.check(publisher.acknowledged)

    def test_a_second_bridge_on_the_same_state_is_kept_out(self):
        self.demo.status("birmingham", "link-ulsan-birmingham", lambda s: s["state"] == "up")
        self.demo.start_bridge()
        second = self.demo.bridges.pop()
        self.assertNotEqual(second.wait(timeout=10), 0)
        log = (self.demo.directory / "log/bridge.log").read_text()
        self.assertRegex(log.splitlines()[-1] + log.splitlines()[-2], "(?i)lock|already|another")
        publisher = Publisher(self.demo, 5)
        publisher.join()
        self.check(publisher.acknowledged)


class ABrokerThatWasAway(harness.DemoTest):
    def test_a_peers_broker_that_restarts_gets_what_it_missed_in_order(self):
        follower = Follower(self.demo)
        follower.client.disconnect()  # its session stays, in the broker's persistence
        again = self.demo.stop_broker("ulsan")
        self.demo.status("birmingham", "link-birmingham-ulsan", lambda s: s["state"] != "up")
        publisher = Publisher(self.demo, 100 * AWAY_S, rate=200)
        publisher.join()
        self.demo.start_broker("ulsan", again)
        follower.connect()
        self.assertTrue(follower.client.session_present)
        follower.follow_until(publisher.acknowledged, 60 + AWAY_S)
        follower.client.disconnect()
        for station in STATIONS:
            self.assertEqual(follower.order[station], list(range(1, publisher.count + 1)))


if __name__ == "__main__":
    harness.main()
