"""interop.py - the bridge between a Mosquitto without our plugin and another broker, for each broker
that it must get along with.

A broker is a class with start, stop, kill, close, `port` and USER, PASSWORD; InteropTest has the
tests, a file names the broker. All is on loopback in a folder of its own, and every process is
ended by its identifier.
"""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import harness
import mqtt
import readings

USER, PASSWORD = "interop", "interop-secret"
HERE = "nexus/birmingham/air/BMLD"
THERE = "nexus/ulsan/air/534111"
BATCH = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missing(*programs):
    """The first program that is not installed, or None."""
    path = harness.PATH + ":/usr/lib/rabbitmq/bin"
    return next((program for program in programs if not shutil.which(program, path=path)), None)


class Broker:
    """One process that listens on `port`; a subclass says how it is started."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(mode=0o755)
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def options(self):
        return {}

    def start(self, seconds=20):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, **self.options())
        harness.wait_until(self.answers, f"{type(self).__name__} listens", seconds)

    def answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()[-2000:]
        return harness.is_listening(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def client(self, **options):
        return mqtt.Client(self.port, USER, PASSWORD, level=4, **options)


class Mosquitto(Broker):
    """As Debian has it, without our plugin."""

    def command(self):
        passwords = self.directory / "passwords"
        harness.run("mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD)
        passwords.chmod(0o644)  # started as root, the broker reads it as another user
        (self.directory / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            "max_queued_messages 0\nset_tcp_nodelay true\n"
            f"persistence true\npersistence_location {self.directory}/\n")
        if os.getuid() == 0:
            shutil.chown(self.directory, "mosquitto")
        return [harness.mosquitto_program(), "-c", str(self.directory / "mosquitto.conf")]


class Cutter:
    """A TCP proxy in front of a broker whose connections can all be cut at once."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.frozen = set()  # of these connections nothing comes through any more
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                if source not in self.frozen:
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def freeze(self):
        """As when a router forgets them: both ends stay open and hear nothing."""
        self.frozen.update(end for pair in self.pairs for end in pair)

    def cut(self):
        while self.pairs:
            for end in self.pairs.pop():
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self.listener.close()
        self.cut()


class Bridge:
    """nexus-bridge with a node at each of two brokers and a link each way."""

    def __init__(self, directory, home_port, peer_port, *, home_version="5", peer_version="3.1.1",
                 password=PASSWORD, qos=1, delivery="qos1", node=None, tuning=None):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.log = self.directory / "log"
        (self.directory / "password").write_text(password)
        (self.directory / "home-password").write_text(PASSWORD)
        common = {"host": "127.0.0.1", "username": USER, "qos": qos}
        link = {"delivery": delivery}
        (self.directory / "bridge.json").write_text(json.dumps({
            "config_dir": str(harness.ROOT / "config"), "state_dir": "state",
            "nodes": [common | {"city": "birmingham", "port": home_port, "mqtt_version": home_version,
                              "password_file": "home-password"},
                      common | {"city": "ulsan", "port": peer_port, "mqtt_version": peer_version,
                              "password_file": "password"} | (node or {})],
            "links": [link | {"from": "birmingham", "to": "ulsan"},
                      link | {"from": "ulsan", "to": "birmingham"}],
            "tuning": {"backoff_ms_min": 50, "backoff_ms_max": 500} | (tuning or {})}))
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(harness.BUILD / "nexus-bridge"), "--config",
                 str(self.directory / "bridge.json")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=10)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
        return harness.sanitizer_faults(self.log.read_text()) if self.log.exists() else []

    def says(self, words, seconds=15, count=1):
        def said():
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            return self.log.read_text().count(words) >= count

        try:
            harness.wait_until(said, f"the bridge says {words!r}", seconds)
        except AssertionError as fault:
            raise AssertionError(f"{fault}; it says {self.log.read_text()[-2000:]}") from None


def birmingham(number):
    return readings.encode(readings.birmingham(seq=number))


def ulsan(number):
    return readings.encode(readings.ulsan(no2Value=f"0.{number:03d}"))


def take(client, topic, payloads, seconds=20):
    """Receives on `topic` until each of `payloads` came; in which order they came first."""
    wanted, order = set(payloads), []
    until = time.monotonic() + seconds
    while wanted and time.monotonic() < until:
        message = client.receive(max(0.01, until - time.monotonic()))
        if message and message.topic == topic and message.payload in wanted:
            wanted.remove(message.payload)
            order.append(message.payload)
    assert not wanted, f"{len(wanted)} of {len(payloads)} did not come on {topic}: {list(wanted)[:2]}"
    return order


class InteropTest:
    """The tests; `Peer` is the broker. What differs between brokers is said by the file."""

    Peer = None
    PEER_VERSION = "3.1.1"
    QOS = 1
    DELIVERY = "qos1"
    RESTARTS = True  # quickly enough for every run

    @classmethod
    def setUpClass(cls):
        cls.temporary = Path(tempfile.mkdtemp(prefix="nexus-interop-"))
        cls.temporary.chmod(0o755)
        cls.things = []
        atexit.register(cls.tearDownClass)  # also where the test itself is ended
        try:
            cls.home = cls.keep(Mosquitto(cls.temporary / "home"))
            cls.peer = cls.keep(cls.Peer(cls.temporary / "peer"))
            cls.home.start()
            cls.peer.start()
            cls.cutter = cls.keep(Cutter(cls.peer.port))
            cls.bridge = cls.keep(Bridge(cls.temporary / "bridge", cls.home.port, cls.cutter.port,
                                         home_version=cls.PEER_VERSION,
                                         peer_version=cls.PEER_VERSION, qos=cls.QOS,
                                         delivery=cls.DELIVERY))
            cls.bridge.start()
            cls.bridge.says("connected to ", count=2)
            cls.wait_for_streams()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def keep(cls, thing):
        cls.things.append(thing)
        return thing

    @classmethod
    def tearDownClass(cls):
        atexit.unregister(cls.tearDownClass)
        faults = [fault for thing in reversed(cls.things) for fault in thing.close() or []]
        cls.things = []
        if not os.environ.get("NEXUS_TEST_KEEP"):
            shutil.rmtree(cls.temporary, ignore_errors=True)
        assert not faults, "a sanitizer found faults:\n" + "\n".join(faults)

    @classmethod
    def wait_for_streams(cls):
        """Until a reading crosses each way: then both subscriptions stand."""
        for source, near, sink, far, make in ((cls.home, HERE, cls.peer, HERE, birmingham),
                                              (cls.peer, THERE, cls.home, THERE, ulsan)):
            with sink.client() as reader, source.client() as sensor:
                reader.subscribe(f"{far}/original")
                for number in range(900, 960):
                    sensor.publish(f"{near}/observation", make(number))
                    if reader.receive(0.5):
                        break
                else:
                    raise AssertionError("nothing crosses: " + cls.bridge.log.read_text()[-3000:])

    def test_readings_cross_both_ways_in_order_and_in_the_other_citys_format(self):
        with self.peer.client() as there, self.home.client() as here:
            there.subscribe(f"{HERE}/original", f"{HERE}/observation")
            here.subscribe(f"{THERE}/original")
            sent = [birmingham(number) for number in range(100, 100 + BATCH)]
            back = [ulsan(number) for number in range(100, 100 + BATCH)]
            with self.home.client() as sensor:
                for payload in sent:
                    sensor.publish(f"{HERE}/observation", payload, qos=self.QOS)
            with self.peer.client() as sensor:
                for payload in back:
                    sensor.publish(f"{THERE}/observation", payload, qos=self.QOS)
            self.assertEqual(take(there, f"{HERE}/original", sent), sent)
            self.assertEqual(take(here, f"{THERE}/original", back), back)
        with self.peer.client() as late:  # retained, and translated
            late.subscribe(f"{HERE}/observation")
            message = late.receive_until(lambda m: m.topic == f"{HERE}/observation")
            self.assertTrue(message.retain)
            self.assertEqual(json.loads(message.payload)["no2Value"], "0.022")

    def test_what_came_while_the_bridge_was_away_arrives(self):
        sent = [birmingham(number) for number in range(200, 200 + BATCH)]
        back = [ulsan(number) for number in range(200, 200 + BATCH)]
        with self.peer.client() as there, self.home.client() as here:
            there.subscribe(f"{HERE}/original")
            here.subscribe(f"{THERE}/original")
            self.bridge.kill()
            with self.home.client() as sensor:
                for payload in sent:
                    sensor.publish(f"{HERE}/observation", payload, qos=self.QOS)
            with self.peer.client() as sensor:
                for payload in back:
                    sensor.publish(f"{THERE}/observation", payload, qos=self.QOS)
            self.bridge.start()
            self.assertEqual(take(there, f"{HERE}/original", sent), sent)
            take(here, f"{THERE}/original", back)
        self.assertIn("kept session", self.bridge.log.read_text())

    def test_cuts_lose_nothing(self):
        sent = [birmingham(number) for number in range(300, 300 + 5 * BATCH)]
        back = [ulsan(number) for number in range(300, 300 + 5 * BATCH)]
        connected = f"connected to 127.0.0.1:{self.cutter.port}"
        connects = self.bridge.log.read_text().count(connected)
        with self.peer.client() as there, self.home.client() as here, \
                self.home.client() as near, self.peer.client() as far:
            there.subscribe(f"{HERE}/original")
            here.subscribe(f"{THERE}/original")
            for at, (one, other) in enumerate(zip(sent, back)):
                near.publish(f"{HERE}/observation", one, qos=self.QOS)
                far.publish(f"{THERE}/observation", other, qos=self.QOS)
                if at % BATCH == BATCH // 2:
                    self.cutter.cut()
                    connects += 1
                    self.bridge.says(connected, count=connects)
            take(there, f"{HERE}/original", sent, 30)
            take(here, f"{THERE}/original", back, 30)

    def test_a_restart_of_the_other_broker_loses_nothing(self):
        if not self.RESTARTS:
            self.skipTest("it takes too long to start")
        sent = [birmingham(number) for number in range(500, 500 + BATCH)]
        self.peer.stop()
        with self.home.client() as sensor:
            for payload in sent:
                sensor.publish(f"{HERE}/observation", payload, qos=self.QOS)
        self.peer.start()
        with self.peer.client() as late:
            late.subscribe(f"{HERE}/original")
            late.receive_until(lambda m: m.payload == sent[-1], 20)

    def refused(self, words, **options):
        name = f"refused-{options.get('peer_version', 'password')}"
        bridge = self.keep(Bridge(self.temporary / name, self.home.port, self.peer.port, **options))
        bridge.start()
        bridge.says(words)
        self.assertIsNone(bridge.process.poll())
        bridge.close()

    def test_a_wrong_password_is_told(self):
        self.refused(self.BAD_PASSWORD, password="wrong", peer_version=self.PEER_VERSION,
                     home_version=self.PEER_VERSION)
