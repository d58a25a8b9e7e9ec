"""mqtt.py - a small blocking MQTT 5 and 3.1.1 client for the black-box tests.

It shows what the command line tools hide: reason codes, user properties, when an acknowledgement
came. One socket, no threads: messages are read when a call waits for them. Section numbers are
those of OASIS MQTT 5.0.
"""
import socket
import struct
import time
from collections import namedtuple

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, DISCONNECT = 8, 9, 14

NOT_AUTHORIZED = 0x87
NO_MATCHING_SUBSCRIBERS = 0x10  # a success

Message = namedtuple("Message", "topic payload qos retain properties")

# Property identifiers (2.2.2.2) by the form of their value.
BYTE = {0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A}
TWO = {0x13, 0x21, 0x22, 0x23}
FOUR = {0x02, 0x11, 0x18, 0x27}
VARIABLE = {0x0B}
PAIR = 0x26
CONTENT_TYPE = 0x03


class Refused(Exception):
    """CONNACK with a reason code that is no success."""

    def __init__(self, reason):
        super().__init__(f"refused with 0x{reason:02x}")
        self.reason = reason


def _text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def _length(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def text(self):
        return self.take(self.number(2)).decode()

    def length(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def properties(self):
        """User properties as a dict, others under their identifier."""
        end = self.length() + self.at
        found = {}
        while self.at < end:
            kind = self.length()
            if kind == PAIR:
                name = self.text()
                found[name] = self.text()
            elif kind in BYTE:
                found[kind] = self.number(1)
            elif kind in TWO:
                found[kind] = self.number(2)
            elif kind in FOUR:
                found[kind] = self.number(4)
            elif kind in VARIABLE:
                found[kind] = self.length()
            else:
                found[kind] = self.text()
        return found


class Client:
    def __init__(self, port, user=None, password=None, *, level=5, client_id="", will=None,
                 clean=True, expiry=0, timeout=10):
        """Connects. `will` is (topic, payload, retain). Raises Refused."""
        self.level = level
        self.timeout = timeout
        self.packet_id = 0
        self.inbox = []  # messages that came while something else was waited for
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        flags = 0x02 if clean else 0
        tail = _text(client_id)
        if will:
            flags |= 0x04 | 0x08 | (0x20 if will[2] else 0)  # QoS 1
            tail += (b"\0" if level == 5 else b"") + _text(will[0]) + _text(will[1])
        if user is not None:
            flags |= 0x80 | 0x40
            tail += _text(user) + _text(password)
        head = _text("MQTT") + bytes([level, flags]) + struct.pack(">H", 0)  # no keep alive: some follow late
        if level == 5:
            head += b"\x05\x11" + struct.pack(">I", expiry)
        self._send(CONNECT << 4, head + tail)
        kind, body = self._wait(CONNACK)
        self.session_present = bool(body[0] & 1)
        if body[1] != 0:
            self.close()
            raise Refused(body[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Cuts the connection without DISCONNECT: the broker sends the will."""
        self.socket.close()

    def disconnect(self):
        self._send(DISCONNECT << 4, b"")
        self.close()

    def send_publish(self, topic, payload, *, qos=1, retain=False):
        """Sends only; returns the packet identifier."""
        payload = payload.encode() if isinstance(payload, str) else payload
        body = _text(topic)
        if qos:
            self.packet_id = self.packet_id % 65535 + 1
            body += struct.pack(">H", self.packet_id)
        if self.level == 5:
            body += b"\0"
        self._send(PUBLISH << 4 | qos << 1 | int(retain), body + payload)
        return self.packet_id if qos else None

    def wait_puback(self):
        """(packet identifier, reason code) of the next PUBACK."""
        _, body = self._wait(PUBACK)
        return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0

    def publish(self, topic, payload, *, qos=1, retain=False):
        """Publishes and returns the reason code of the PUBACK (None at QoS 0)."""
        sent = self.send_publish(topic, payload, qos=qos, retain=retain)
        if not qos:
            return None
        acknowledged, reason = self.wait_puback()
        assert acknowledged == sent, f"PUBACK for {acknowledged}, sent {sent}"
        return reason

    def subscribe(self, *filters, qos=1):
        """Returns the reason codes, one a filter."""
        self.packet_id = self.packet_id % 65535 + 1
        body = struct.pack(">H", self.packet_id) + (b"\0" if self.level == 5 else b"")
        for name in filters:
            body += _text(name) + bytes([qos])
        self._send(SUBSCRIBE << 4 | 2, body)
        _, body = self._wait(SUBACK)
        reader = _Reader(body)
        reader.number(2)
        if self.level == 5:
            reader.properties()
        return list(body[reader.at :])

    def receive(self, timeout=None):
        """The next message, acknowledged; None when none came within `timeout` seconds."""
        if not self.inbox:
            try:
                self._wait(PUBLISH, self.timeout if timeout is None else timeout)
            except (TimeoutError, socket.timeout):
                return None
        return self.inbox.pop(0)

    def receive_until(self, wanted, timeout=None):
        """The first message for which wanted(message) is true; others are passed over."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        seen = []
        while time.monotonic() < until:
            message = self.receive(max(0.01, until - time.monotonic()))
            if message is None:
                break
            if wanted(message):
                return message
            seen.append(message)
        raise AssertionError(f"the awaited message did not come; came: {seen[-5:]}")

    # --- packets ------------------------------------------------------------------------------

    def _send(self, first, body):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(bytes([first]) + _length(len(body)) + body)

    def _wait(self, kind, timeout=None):
        """Reads until a packet of this kind; messages on the way go to the inbox."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            first, body = self._packet(until)
            if first >> 4 == PUBLISH:
                self._take_publish(first, body)
                if kind == PUBLISH:
                    return first, body
            elif first >> 4 == kind:
                return first, body
            elif first >> 4 == DISCONNECT:
                reason = body[0] if body else 0
                raise ConnectionError(f"the broker disconnected us with 0x{reason:02x}")

    def _packet(self, until):
        while True:
            if len(self.buffer) >= 2:
                reader = _Reader(self.buffer)
                first = reader.number(1)
                length = reader.length()  # of a cut header: reader.at is then past the end
                if len(self.buffer) >= reader.at + length:
                    body = reader.take(length)
                    self.buffer = self.buffer[reader.at :]
                    return first, body
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("no packet came in time")
            self.socket.settimeout(left)
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the broker closed the connection")
            self.buffer += data

    def _take_publish(self, first, body):
        qos = first >> 1 & 3
        reader = _Reader(body)
        topic = reader.text()
        packet_id = reader.number(2) if qos else None
        properties = reader.properties() if self.level == 5 else {}
        self.inbox.append(Message(topic, body[reader.at :], qos, bool(first & 1), properties))
        if qos:
            self._send(PUBACK << 4, struct.pack(">H", packet_id))
