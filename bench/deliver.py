#!/usr/bin/env python3
"""deliver.py - what a reading costs the receiving broker: in batches, and one by one.

A city's broker with the plugin and the shipped configuration; the peer's bridge brings readings of
the other city at QoS 1, with the user properties that it gives them, retained, over many assets.
Either each is a publication, or a hundred are a batch on nexus/_deliver/. The plugin judges each
reading in both cases. Nobody subscribes, or one reader does at QoS 1.

Measured is the broker's processor time (user and system, /proc/PID/stat) by reading. Other load on
the machine only adds to it, so the two take turns and the least of all rounds is the figure.

    ./nexus bench deliver [--readings N] [--rounds N] [--batch N]
"""
import argparse
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/broker"))

import batches  # noqa: E402
import gate  # noqa: E402
import harness  # noqa: E402
import mqtt  # noqa: E402

CITY, PEER = "birmingham", "ulsan"
ASSETS = 100
WINDOW = 1000  # readings on their way
PROPERTIES = {"nexus-schema": "birmingham-air@1", "nexus-lens": "birmingham-air@1",
              "nexus-observed-at": "2026-01-31T15:00:00Z"}
TICKS = os.sysconf("SC_CLK_TCK")


class Site:
    """Where the broker runs; the configuration is the shipped one."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
        self.passwords = self.folder / "passwords"
        self.passwords.write_text("".join(f"{CITY}-{role}:{gate.hashed(gate.PASSWORD)}\n"
                                          for role in ("bridge", "reader")))

    def broker(self):
        security = ["allow_anonymous false", f"password_file {self.passwords}",
                    f"plugin {harness.BUILD / 'nexus_plugin.so'}",
                    f"plugin_opt_config {ROOT / 'config'}", f"plugin_opt_city {CITY}",
                    f"plugin_opt_state {self.folder / 'marks'}"]
        return gate.Broker(self, security, settings=[
            "set_tcp_nodelay true", "max_inflight_messages 0", "max_queued_messages 1000000000",
            "max_packet_size 1048576"])

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def packets(data):
    """Cuts whole control packets off `data`: [(first byte, body)], and what is left."""
    found, at = [], 0
    while len(data) - at >= 2:
        size, shift, head = 0, 0, at + 1
        while head < len(data):
            size |= (data[head] & 0x7F) << shift
            head, shift = head + 1, shift + 7
            if not data[head - 1] & 0x80:
                break
        else:
            break
        if head + size > len(data):
            break
        found.append((data[at], data[head : head + size]))
        at = head + size
    return found, data[at:]


class Reader(threading.Thread):
    """A reader at QoS 1 that acknowledges; counts."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.client = broker.client(f"{CITY}-reader", pairs=[(mqtt.RECEIVE_MAXIMUM, 65535)])
        self.client.subscribe(f"nexus/{PEER}/#", qos=1)
        self.count = 0
        self.start()

    def run(self):
        rest, sock = b"", self.client.socket
        sock.settimeout(None)
        try:
            while chunk := sock.recv(1 << 18):
                found, rest = packets(rest + chunk)
                acks = b""
                for first, body in found:
                    if first >> 4 == mqtt.PUBLISH:
                        self.count += 1
                        topic = int.from_bytes(body[:2], "big")
                        if first >> 1 & 3:
                            acks += b"\x40\x02" + body[2 + topic : 4 + topic]
                sock.sendall(acks)
        except OSError:
            pass

    def stop(self):
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.client.close()


class Sender:
    """The peer's bridge: publishes, keeps a window."""

    def __init__(self, broker, payload):
        self.client = broker.client(f"{CITY}-bridge")
        self.payload = payload
        self.seq = 0      # one by one
        self.taken = 0    # the mark
        self.rest = b""
        self.packet_id = 0

    def _acknowledged(self):
        chunk = self.client.socket.recv(1 << 18)
        if not chunk:
            raise RuntimeError("the broker closed the connection")
        found, self.rest = packets(self.rest + chunk)
        for first, body in found:
            assert first >> 4 == mqtt.PUBACK and (len(body) < 3 or body[2] < 0x80), (first, body)
        return len(found)

    def _publish(self, topic, payload, retain, pairs):
        self.packet_id = self.packet_id % 65535 + 1
        return mqtt.publish_packet(topic, payload, qos=1, retain=retain, packet_id=self.packet_id,
                                   pairs=pairs)

    def one_by_one(self, count, _):
        out = []
        for _ in range(count):
            self.seq += 1
            pairs = [(mqtt.CONTENT_TYPE, "application/json"), ("nexus-origin", PEER),
                     ("nexus-seq", f"{EPOCH}.{self.seq}"), *PROPERTIES.items()]
            topic = f"nexus/{PEER}/air/A{self.seq % ASSETS}/observation"
            out.append(self._publish(topic, self.payload, True, pairs))
        return out, 1

    def in_batches(self, count, batch):
        out = []
        for after in range(self.taken, self.taken + count, batch):
            records = [batches.Record(seq, self.payload, stream=f"air/A{seq % ASSETS}",
                                      properties=PROPERTIES)
                       for seq in range(after + 1, after + batch + 1)]
            payload = batches.encode(EPOCH, after, after + batch, records)
            out.append(self._publish(f"nexus/_deliver/{PEER}", payload, False, []))
        self.taken += len(out) * batch
        return out, batch

    def send(self, made):
        """Sends the packets, at most a window of readings unacknowledged."""
        out, weight = made
        window = max(1, WINDOW // weight)
        flying = 0
        for at in range(0, len(out), max(1, window // 4)):
            some = out[at : at + max(1, window // 4)]
            self.client.socket.sendall(b"".join(some))
            flying += len(some)
            while flying > window:
                flying -= self._acknowledged()
        while flying > 0:
            flying -= self._acknowledged()


EPOCH = "0199c8a1b2c3d4e5f607"
WAYS = {"one by one": Sender.one_by_one, "in batches": Sender.in_batches}


def measure(broker, sender, reader, way, readings, batch):
    made = WAYS[way](sender, readings, batch)  # before the clock starts
    expected = (reader.count + len(made[0]) * made[1]) if reader else 0
    before = cpu_seconds(broker.process.pid)
    sender.send(made)
    if reader:
        harness.wait_until(lambda: reader.count >= expected, "the reader has all", 60)
    return (cpu_seconds(broker.process.pid) - before) / (len(made[0]) * made[1]) * 1e6


def run(arguments, with_reader, payload):
    site = Site()
    broker = site.broker().start()
    try:
        least = dict.fromkeys(WAYS, float("inf"))
        sender = Sender(broker, payload)
        reader = Reader(broker) if with_reader else None
        for _ in range(arguments.rounds):
            for way in WAYS:
                cost = measure(broker, sender, reader, way, arguments.readings, arguments.batch)
                least[way] = min(least[way], cost)
        sender.client.close()
        if reader:
            reader.stop()
        return least
    finally:
        broker.stop()
        site.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=40000, help="in each round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batch", type=int, default=100)
    arguments = parser.parse_args()
    arguments.readings -= arguments.readings % arguments.batch
    payload = json.dumps(json.loads(harness.example(CITY)), separators=(",", ":")).encode()
    print(f"the broker's processor time by reading, in microseconds: payload {len(payload)} bytes, "
          f"batches of {arguments.batch}, the least of {arguments.rounds} rounds of "
          f"{arguments.readings} readings\n")
    print("| subscribers | one by one | in batches | ratio |\n|---|---|---|---|")
    for with_reader, name in ((False, "none"), (True, "one, QoS 1")):
        least = run(arguments, with_reader, payload)
        single, batched = least["one by one"], least["in batches"]
        print(f"| {name} | {single:.1f} | {batched:.1f} | {single / batched:.1f} |", flush=True)


if __name__ == "__main__":
    main()
