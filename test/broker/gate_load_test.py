"""The gate under load: a flood of one sensor takes nothing from the others, and reloads under fire
leave each message to one generation of the configuration. Times are printed, never judged."""
import json
import random
import signal
import socket
import statistics
import threading
import time
import unittest
from itertools import cycle

import gate
import harness
import mqtt

SITE, PLACE = b'{"site":"x","n":%d}', b'{"place":"x","n":%d}'  # what v1 admits, what v2 admits
BOTH, NEITHER = b'{"site":"x","place":"x","n":%d}', b'{"n":%d}'
OTHERS = ("air-o1", "air-o2", "air-o3", "air-o4")
ROUNDS = 300  # messages of each of the others in one measurement
RELOAD_SECONDS = 2.5
STORM_SECONDS = 3


class Flood(threading.Thread):
    """One sensor that sends as fast as the broker takes, until it is told to stop."""

    def __init__(self, broker, payload, qos):
        super().__init__(daemon=True)
        self.client = broker.client("air-flood", timeout=30)
        self.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        one = mqtt.publish_packet(gate.topic("flood"), payload, qos=qos)
        self.bulk, self.bulk_count = one * 100, 100
        self.sent, self.ends = 0, threading.Event()

    def run(self):
        while not self.ends.is_set():
            self.client.send(self.bulk)
            self.sent += self.bulk_count

    def stop(self):
        self.ends.set()
        self.join(30)
        self.client.ping()  # all that was sent has been judged
        self.client.close()


class AFloodOfOneSensor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = gate.Site([*gate.USERS, "air-flood", *OTHERS])
        cls.addClassCleanup(cls.site.remove)
        cls.broker = gate.Broker(cls.site, [f"password_file {cls.site.passwords}",
                                            *cls.site.plugin_lines()]).start()
        cls.addClassCleanup(cls.broker.close)

    def latencies_ms(self):
        """Of every message of the others, from publish to a reader; all have to come."""
        with self.broker.client("reader") as reader:
            reader.subscribe(*[gate.topic(name.removeprefix("air-")) for name in OTHERS], qos=1)
            clients = {name: self.broker.client(name) for name in OTHERS}
            found = []
            for number in range(ROUNDS):
                for name, client in clients.items():
                    payload = SITE % number
                    begin = time.perf_counter()
                    self.assertLess(client.publish(gate.topic(name.removeprefix("air-")), payload),
                                    0x80)
                    message = reader.receive(20)
                    found.append((time.perf_counter() - begin) * 1000)
                    self.assertIsNotNone(message, "the others lose nothing")
                    self.assertEqual(message.payload, payload)
            for client in clients.values():
                client.close()
        return found

    def measured(self, what, payload=None, qos=0):
        flood = Flood(self.broker, payload, qos) if payload else None
        if flood:
            flood.start()
        begin = time.monotonic()
        found = sorted(self.latencies_ms())
        if flood:
            flood.stop()
        rate = flood.sent / (time.monotonic() - begin) if flood else 0
        print(f"  {what}: p50 {statistics.median(found):.2f} ms, p99 "
              f"{found[int(len(found) * 0.99)]:.2f} ms, flood {rate:.0f} msg/s", flush=True)

    def test_the_others_lose_nothing_while_it_sends_what_is_admitted_or_refused(self):
        print()
        self.measured("quiet             ")
        self.measured("flood, admitted   ", SITE % 1)
        self.measured("flood, refused    ", NEITHER % 1)
        self.measured("flood, not JSON   ", b'{"site":"x",' + b" " * 2000)
        self.measured("quiet again       ")


class Fire:
    """One publisher: each message has its number, its kind and what the broker answered."""

    def __init__(self, broker, name):
        self.name = name
        self.client = broker.client(name, timeout=30)
        self.answers = {}

    def volley(self, first, count=40):
        kinds = (SITE, PLACE, BOTH, NEITHER)
        numbers = range(first, first + count)
        self.client.send(*[mqtt.publish_packet(gate.topic(self.name.removeprefix("air-")),
                                               kinds[number % 4] % number, qos=1,
                                               packet_id=1 + number % 65535)
                           for number in numbers])
        for number in numbers:
            packet_id, reason = self.client.wait_puback()
            assert packet_id == 1 + number % 65535
            self.answers[number] = reason < 0x80


class ReloadsUnderFire(unittest.TestCase):
    def setUp(self):
        self.site = gate.Site([*gate.USERS, *OTHERS])
        self.addCleanup(self.site.remove)
        self.broker = gate.Broker(self.site, [f"password_file {self.site.passwords}",
                                              *self.site.plugin_lines(status_seconds=1)]).start()

    def reload_for(self, seconds):
        """SIGHUP every 50 ms: one schema, a broken file, the other schema, a broken file."""
        steps = cycle((lambda: self.site.write_schema("v2"), self.site.break_city,
                       lambda: (self.site.write_city(), self.site.write_schema("v1")),
                       self.site.break_city, self.site.write_city))
        until, count = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            next(steps)()
            self.broker.process.send_signal(signal.SIGHUP)
            count += 1
            time.sleep(0.05)
        return count

    def test_each_message_is_judged_by_one_generation_and_nothing_leaks(self):
        observer = gate.Observer(self.broker)
        fires = [Fire(self.broker, name) for name in OTHERS]
        for _ in range(2):  # the first time there are two configurations at once
            self.broker.hang_up()
        before_kib = self.broker.memory_kib()
        reloads = []
        thread = threading.Thread(target=lambda: reloads.append(self.reload_for(RELOAD_SECONDS)))
        thread.start()
        came, first = [], 0
        while thread.is_alive():
            for fire in fires:
                fire.volley(first)
            first += 40
            came += observer.collect()
        thread.join()
        came += observer.collect()
        self.judge(fires, came)
        self.site.write_city()
        self.site.write_schema("v1")
        self.broker.hang_up()
        with self.broker.client("air-A") as client:
            self.assertLess(client.publish(gate.topic("A"), SITE % 1), 0x80)
            self.assertEqual(client.publish(gate.topic("A"), PLACE % 1), mqtt.NOT_AUTHORIZED)
        grown = self.broker.memory_kib() - before_kib
        said = self.broker.said()
        good, kept = said.count("configuration reloaded"), said.count("stays in use")
        print(f"\n  {first * len(fires)} messages, {reloads[0]} signals: {good} reloads, {kept} "
              f"kept; memory {grown:+} KiB", flush=True)
        self.assertGreater(good, 5)
        self.assertGreater(kept, 5)
        if not gate.SANITIZED:
            self.assertLess(grown, 4096)
        observer.close()
        for fire in fires:
            fire.client.close()
        self.broker.close()

    def judge(self, fires, came):
        delivered = {(message.topic.split("/")[3], json.loads(message.payload)["n"])
                     for message in came if message.topic.endswith("/observation")}
        reports = {(report["topic"].split("/")[3], json.loads(report["payload_excerpt"])["n"]):
                   report["schema"] for report in map(gate.report_of, came) if report}
        outcomes = set()
        for fire in fires:
            asset = fire.name.removeprefix("air-")
            for number, admitted in fire.answers.items():
                kind = number % 4
                self.assertEqual(admitted, (asset, number) in delivered, "answer and delivery")
                if kind >= 2:
                    self.assertEqual(admitted, kind == 2, "both admit BOTH, none NEITHER")
                schema = reports.get((asset, number))
                if schema and kind < 2:
                    self.assertEqual(schema, ("birmingham-air@2", "birmingham-air@1")[kind])
                    self.assertFalse(admitted)
                outcomes.add((kind, admitted))
        self.assertEqual(len(outcomes), 6, "both schemas were met in both states")


class AStormOfClients(unittest.TestCase):
    def test_that_come_go_offend_and_take_each_other_over_while_reloads_rain_leaves_all_well(self):
        names = [f"air-s{number}" for number in range(30)]
        site = gate.Site([*gate.USERS, *names])
        self.addCleanup(site.remove)
        broker = gate.Broker(site, [f"password_file {site.passwords}", *site.plugin_lines(
            status_seconds=1, disconnect_refusals=5)], websocket=True).start()
        luck, live, lost = random.Random(1), [], 0
        until, count = time.monotonic() + STORM_SECONDS, 0
        while time.monotonic() < until:
            try:
                live.append(self.visit(broker, luck, luck.choice(names)))
            except ConnectionError:  # an offender, or taken over
                lost += 1
            while len(live) > 20:
                live.pop(0).close()
            count += 1
            if count % 50 == 0:
                broker.process.send_signal(signal.SIGHUP)
        for client in live:
            client.close()
        self.assertGreater(lost, 0, "offenders are disconnected")
        with broker.client("air-A") as client:
            self.assertLess(client.publish(gate.topic("A"), SITE % 1), 0x80)
            self.assertEqual(client.publish(gate.topic("A"), PLACE % 1), mqtt.NOT_AUTHORIZED)
        print(f"\n  {count} clients, {lost} of them cut off", flush=True)
        broker.close()

    def visit(self, broker, luck, name):
        mine = gate.topic(name.removeprefix("air-"))
        client = broker.client(
            name, level=luck.choice((4, 5)), client_id=luck.choice(("same", "other", name)),
            clean=luck.random() < 0.5, expiry=luck.choice((0, 60)), websocket=luck.random() < 0.1,
            will=(luck.choice((mine, "nexus/x")), NEITHER % 1, True))
        try:
            for _ in range(luck.randrange(12)):
                client.send_publish(mine, luck.choice((NEITHER, NEITHER, SITE)) % 1,
                                    qos=luck.randrange(3))
            if luck.random() < 0.3:
                client.ping()
        except ConnectionError:
            client.close()
            raise
        return client


if __name__ == "__main__":
    harness.main()
