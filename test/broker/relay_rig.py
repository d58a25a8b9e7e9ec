"""relay_rig.py - a demo whose bridge reaches Ulsan's broker through a proxy that can be cut, a
publisher at Birmingham, and an oracle at Ulsan.

nexus-bridge-points is the bridge with named points at which it ends as by a crash (bridge/points.h).
"""
import itertools
import json
import os
import shutil
import subprocess
import threading
import time

import cutter
import harness
import readings

STATIONS = ("BMLD", "BIRR")
RATE = 800  # readings a second
MORE_MAX = 100000  # numbers left free behind each publisher's


class Publisher(threading.Thread):
    """Publishes `count` readings a station, numbered on from `first`, and on while `more()` holds; at
    QoS 1, each acknowledged. When the broker goes away it comes back and goes on; what was not
    acknowledged goes again."""

    def __init__(self, demo, first, count, rate, more):
        super().__init__(daemon=True)
        self.demo, self.rate, self.more = demo, rate, more
        self.client = demo.client("birmingham", "sensor")
        self.numbers = range(first, first + count)
        self.acknowledged = 0
        self.doubtful = set()  # (station, seq): sent twice, because the broker went away in between
        self.start()

    def publish(self, station, seq):
        topic = f"nexus/birmingham/air/{station}/observation"
        payload = readings.encode(readings.birmingham(seq=seq))
        while True:
            try:
                return self.client.publish(topic, payload) < 0x80
            except OSError:
                self.doubtful.add((station, seq))
                self.client.close()
            try:
                self.client = self.demo.client("birmingham", "sensor")
            except OSError:
                time.sleep(0.05)

    def run(self):
        numbers = itertools.count(self.numbers.start)
        for seq in numbers:
            for station in STATIONS:
                self.acknowledged += self.publish(station, seq)
                time.sleep(1 / self.rate)
            if seq >= self.numbers[-1] and not self.more():
                break
        self.numbers = range(self.numbers.start, seq + 1)
        self.client.disconnect()


class Oracle(threading.Thread):
    """A subscriber at Ulsan with a session of its own, which misses nothing: what came out, message
    by message. A snapshot is a preview and is kept apart."""

    names = itertools.count()

    def __init__(self, demo):
        super().__init__(daemon=True)
        self.demo = demo
        self.client_id = f"oracle-{os.getpid()}-{next(self.names)}"
        self.connect()
        self.client.subscribe("nexus/birmingham/air/+/observation", "nexus/birmingham/air/+/original")
        self.seen = {"observation": [], "original": []}  # (station, (EPOCH, N))
        self.numbers = []  # (station, the sensor's own seq), of originals
        self.replays = []  # (channel, N, "history" or "snapshot"), in order; None: live
        self.snapshots = []  # the sensor's own seq, of originals
        self.ended = False
        self.start()

    def connect(self):
        self.client = self.demo.client("ulsan", "reader", client_id=self.client_id, clean=False,
                                       expiry=600)

    def take(self, message):
        _, _, _, station, channel = message.topic.split("/")
        epoch, number = message.properties["nexus-seq"].split(".")
        key = (station, (epoch, int(number)))
        replay = message.properties.get("nexus-replay")
        seq = json.loads(message.payload or b"{}").get("seq") if channel == "original" else None
        self.replays.append((channel, int(number), replay))
        if replay == "snapshot":
            self.snapshots += [seq] if seq else []
            return
        if message.dup and key in self.seen[channel]:
            return  # our acknowledgement did not reach the broker before it went
        self.seen[channel].append(key)
        if channel == "original":
            self.numbers.append((station, seq))

    def run(self):
        while not self.ended:
            try:
                message = self.client.receive(0.2)
                if message is not None and not message.retain:
                    self.take(message)
            except OSError:
                self.client.close()
                time.sleep(0.05)
                try:
                    self.connect()
                except OSError:
                    pass

    def end(self):
        if self.ended:
            return
        self.ended = True
        self.join(timeout=5)
        self.client.disconnect(forget=True)  # else the broker goes on keeping messages for it


class Rig(harness.DemoTest):
    delivery = "batches"
    link = {}  # further members of the link to Ulsan

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.next = 1
        cls.cutter = cutter.Cutter(cls.demo.port("ulsan"))
        cls.addClassCleanup(cls.cutter.close)
        cls.demo.kill_bridge()
        path = cls.demo.directory / "config/bridge.json"
        text = path.read_text()
        text = text.replace(f'"port": {cls.demo.port("ulsan")}', f'"port": {cls.cutter.port}')
        members = json.dumps({"delivery": cls.delivery} | cls.link)[1:-1]
        text = text.replace('"to": "ulsan"', f'"to": "ulsan", {members}')
        text = text.rstrip().removesuffix("}") + \
            ', "tuning": {"backoff_ms_min": 20, "backoff_ms_max": 200, "ask_ms_min": 200,' \
            ' "ask_ms_max": 1000, "status_period_s": 1} }'
        path.write_text(text)
        script = (cls.demo.directory / "bin/bridge").read_text()
        cls.points = cls.demo.directory / "bin/bridge-points"
        cls.points.write_text(script.replace("/nexus-bridge ", "/nexus-bridge-points "))
        cls.points.chmod(0o755)
        cls.demo.start_bridge()

    def setUp(self):
        self.before = self.status(self.is_idle)
        self.oracle = Oracle(self.demo)
        self.addCleanup(self.oracle.end)

    def start_at(self, point, count):
        """Starts a bridge that ends at that point; the demo knows it as its bridge."""
        environment = os.environ | {"NEXUS_POINT": f"{point}:{count}"}
        self.demo.bridges.append(subprocess.Popen([self.points], env=environment))

    @staticmethod
    def is_idle(status):
        return status["state"] == "up" and status.get("waiting") == 0

    def status(self, wanted, city="ulsan"):
        status = self.demo.status(city, "link-birmingham-ulsan", wanted, fresh=True)
        self.assertEqual(status["stored"], status["sent"] + status["filtered"] + status["dead"]
                         + status["waiting"], "the counters balance")
        return status

    def restart_ulsan(self, change):
        """Restarts Ulsan's broker with another mosquitto.conf; gives what undoes it."""
        path = self.demo.directory / "ulsan/mosquitto.conf"
        before = path.read_text()
        again = self.demo.stop_broker("ulsan")
        path.write_text(change(before))
        self.demo.start_broker("ulsan", again)
        self.demo.env["ULSAN_BROKER_PID"] = str(self.demo.brokers[-1].pid)
        return lambda _: before

    def refuse_at_ulsan(self, pm10):
        """Ulsan's plugin, and it alone, gets a schema that refuses that value; gives what undoes it."""
        strict = self.demo.directory / "strict"
        for folder in ("config", "schemas"):
            shutil.copytree(self.demo.directory / folder, strict / folder, dirs_exist_ok=True)
        path = strict / "schemas/ulsan/air/schema.json"
        schema = json.loads(path.read_text())
        schema["not"] = {"required": ["pm10Value"],
                         "properties": {"pm10Value": {"const": str(pm10)}}}
        path.write_text(json.dumps(schema))
        config = str(self.demo.directory / "config")
        return self.restart_ulsan(lambda conf: conf.replace(config, str(strict / "config")))

    def publish(self, count, rate=RATE, more=lambda: False):
        first, type(self).next = self.next, self.next + count + MORE_MAX
        return Publisher(self.demo, first, count, rate, more)

    def publish_all(self, count):
        """As fast as it goes; when it returns all is acknowledged."""
        publisher = self.publish(count, rate=10000)
        publisher.join(timeout=60)
        return publisher

    def follow(self, publisher, seconds=30):
        """Until all that was published has come out; gives the link's status then."""
        publisher.join(timeout=60)
        expected = [(station, seq) for seq in publisher.numbers for station in STATIONS]
        self.assertEqual(publisher.acknowledged, len(expected))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and \
                min(map(len, self.oracle.seen.values())) < len(expected):
            time.sleep(0.02)
        status = self.status(self.is_idle)
        time.sleep(0.2)  # for what should not come
        self.oracle.end()
        return expected, status

    def check(self, publisher, seconds=30):
        """Lost, duplicated, unexpected, reordered: all 0. What a sensor had to send twice, because
        its broker went away before the acknowledgement, may be two readings."""
        expected, status = self.follow(publisher, seconds)
        twice = [key for key in publisher.doubtful if self.oracle.numbers.count(key) == 2]
        self.assertEqual(sorted(self.oracle.numbers), sorted(expected + twice), "by payload")
        for channel, seen in self.oracle.seen.items():
            self.assertEqual(len(seen), len(set(seen)), f"{channel}: duplicated")
            self.assertEqual(len(seen), len(expected + twice), f"{channel}: lost or unexpected")
            for station in STATIONS:
                numbers = [number for at, number in seen if at == station]
                self.assertEqual(numbers, sorted(numbers), f"{channel} of {station}: reordered")
        self.assertEqual(set(self.oracle.seen["observation"]), set(self.oracle.seen["original"]))
        for name in ("dead", "filtered"):
            self.assertEqual(status[name], self.before[name], name)
        self.assertEqual(status["delivery"], self.delivery)
        return status
