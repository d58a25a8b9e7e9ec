"""chaos.py - a broker that breaks every rule, one connection after the other, and is a good one at
last. What it took and what it still has to give outlives its connections, as a kept session does.

A plan is one connection's misbehaviour: a dict with `connack` (sent instead of one, then it
closes), `up` (sent once the subscriptions stand, then it closes, unless `stay`), `ack` (a function
from a packet identifier to the bytes that answer it, or None for silence and an end), `dribble`
(byte by byte), `end` ("reset", "half-close", "close").
"""
import select
import socket
import struct
import threading

import mqtt

LINGER_RESET = struct.pack("ii", 1, 0)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    connection.close()


class Chaos:
    def __init__(self, level, plans):
        self.level, self.plans = level, list(plans)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []  # (topic, payload) in the order in which they came first
        self.seen = set()
        self.given = 0  # acknowledged by the bridge
        self.waiting = {}  # packet identifier -> (topic, payload)
        self.sent = set()  # of those, on any connection: DUP from then on
        self.next_id = 1
        self.known = False  # a session is kept
        self.connects = 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self.listener.close()
        self.thread.join(timeout=5)

    def give(self, topic, payload):
        with self.lock:
            self.waiting[self.next_id] = (topic, payload)
            self.next_id = self.next_id % 65535 + 1

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plan = self.plans.pop(0) if self.plans else {}
            self.connects += 1
            try:
                self.serve(connection, plan)
            except OSError:
                pass
            connection.close()

    @staticmethod
    def send(connection, plan, data):
        step = 1 if plan.get("dribble") else max(1, len(data))
        for at in range(0, len(data), step):
            connection.sendall(data[at : at + step])

    def serve(self, connection, plan):
        buffer, fresh, subscribed = b"", set(), False
        while True:
            with self.lock:
                due = [(i, m) for i, m in self.waiting.items() if subscribed and i not in fresh]
            for number, (topic, payload) in due:
                fresh.add(number)
                dup, _ = number in self.sent, self.sent.add(number)
                self.send(connection, plan, mqtt.publish_packet(
                    topic, payload, level=self.level, qos=1, dup=dup, packet_id=number))
            if not select.select([connection], [], [], 0.01)[0]:
                continue
            data = connection.recv(65536)
            if not data:
                return
            buffer += data
            while (split := self.split(buffer)) is not None:
                first, body, buffer = split
                kind = first >> 4
                if kind == mqtt.SUBSCRIBE:
                    subscribed = True
                if not self.handle(connection, plan, first, body):
                    return

    @staticmethod
    def split(buffer):
        length = at = 0
        while True:
            if len(buffer) < at + 2:
                return None
            length |= (buffer[at + 1] & 0x7F) << 7 * at
            at += 1
            if not buffer[at] & 0x80:
                break
        end = at + 1 + length
        return (buffer[0], buffer[at + 1 : end], buffer[end:]) if len(buffer) >= end else None

    def handle(self, connection, plan, first, body):
        """False: this connection is over."""
        kind = first >> 4
        if kind == mqtt.CONNECT:
            if "connack" in plan:
                return self.finish(connection, plan, plan["connack"])
            tail = b"\0" if self.level == 5 else b""
            self.send(connection, plan, mqtt.packet(0x20, bytes([self.known, 0]) + tail))
            self.known = True
        elif kind == mqtt.SUBSCRIBE:
            tail = b"\0" if self.level == 5 else b""
            count = self.filters(body)
            self.send(connection, plan, mqtt.packet(0x90, body[:2] + tail + b"\1" * count))
            if "up" in plan:
                if not plan.get("stay"):
                    return self.finish(connection, plan, plan["up"])
                self.send(connection, plan, plan["up"])
            elif "end" in plan and "ack" not in plan:
                return self.finish(connection, plan, b"")
        elif kind == mqtt.PUBLISH and first & 6:
            return self.take(connection, plan, body)
        elif kind == mqtt.PUBACK:
            with self.lock:
                self.given += self.waiting.pop(int.from_bytes(body[:2], "big"), None) is not None
        elif kind == 12:
            self.send(connection, plan, b"\xd0\0")
        return kind != mqtt.DISCONNECT

    def filters(self, body):
        at, count = 2 + (1 if self.level == 5 else 0), 0
        while at < len(body):
            at += 3 + int.from_bytes(body[at : at + 2], "big")
            count += 1
        return count

    def take(self, connection, plan, body):
        size = int.from_bytes(body[:2], "big")
        topic, at = body[2 : 2 + size].decode(), 2 + size
        packet_id = body[at : at + 2]
        at += 2
        if self.level == 5:
            length = shift = 0
            while True:
                byte = body[at]
                length |= (byte & 0x7F) << shift
                at, shift = at + 1, shift + 7
                if not byte & 0x80:
                    break
            at += length
        answer = plan["ack"](packet_id) if "ack" in plan else mqtt.packet(0x40, packet_id)
        if answer is None:  # as if it never came
            return self.finish(connection, plan, b"")
        message = (topic, body[at:])
        if message not in self.seen:
            self.seen.add(message)
            self.taken.append(message)
        self.send(connection, plan, answer)
        return True

    def finish(self, connection, plan, data):
        self.send(connection, plan, data)
        end = plan.get("end", "close")
        if end == "reset":
            reset(connection)
        elif end == "half-close":
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        return False
