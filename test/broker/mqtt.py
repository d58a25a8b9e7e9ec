"""mqtt.py - a small blocking MQTT 5 and 3.1.1 client for the black-box tests.

It shows what the command line tools hide: reason codes, user properties, when an acknowledgement
came, every byte that the broker sent; and it sends what no library would: packets made by hand,
with packet(), text(), properties() and Client.send(). One socket, no threads: packets are read when
a call waits for them. Section numbers are those of OASIS MQTT 5.0.
"""
import base64
import os
import socket
import struct
import time
from collections import namedtuple

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)

NOT_AUTHORIZED = 0x87
NO_MATCHING_SUBSCRIBERS = 0x10  # a success

Message = namedtuple("Message", "topic payload qos retain properties dup", defaults=[False])

# Property identifiers (2.2.2.2) by the form of their value.
BYTE = {0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A}
TWO = {0x13, 0x21, 0x22, 0x23}
FOUR = {0x02, 0x11, 0x18, 0x27}
VARIABLE = {0x0B}
PAIR = 0x26
PAYLOAD_FORMAT, MESSAGE_EXPIRY, CONTENT_TYPE, RESPONSE_TOPIC = 0x01, 0x02, 0x03, 0x08
CORRELATION_DATA, SUBSCRIPTION_IDENTIFIER, SESSION_EXPIRY = 0x09, 0x0B, 0x11
WILL_DELAY, RECEIVE_MAXIMUM, TOPIC_ALIAS_MAXIMUM, TOPIC_ALIAS = 0x18, 0x21, 0x22, 0x23
MAXIMUM_PACKET_SIZE = 0x27

NO_LOCAL, RETAIN_AS_PUBLISHED = 0x04, 0x08  # subscription options (3.8.3.1)
RETAIN_IF_NEW, RETAIN_NEVER = 0x10, 0x20


class Refused(Exception):
    """CONNACK with a reason code that is no success."""

    def __init__(self, reason):
        super().__init__(f"refused with 0x{reason:02x}")
        self.reason = reason


# --- Packets by hand ----------------------------------------------------------------------------


def text(value):
    """A UTF-8 string, or any bytes, with its length before it (1.5.4)."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def length(value):
    """A variable byte integer (1.5.5)."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def properties(pairs):
    """Properties, length first. `pairs`: (identifier, value); a user property is (name, value)."""
    out = b""
    for kind, value in pairs:
        if isinstance(kind, str):
            out += bytes([PAIR]) + text(kind) + text(value)
        elif kind in BYTE:
            out += bytes([kind, value])
        elif kind in TWO:
            out += bytes([kind]) + struct.pack(">H", value)
        elif kind in FOUR:
            out += bytes([kind]) + struct.pack(">I", value)
        elif kind in VARIABLE:
            out += bytes([kind]) + length(value)
        else:
            out += bytes([kind]) + text(value)
    return length(len(out)) + out


def packet(first, body):
    """A control packet: its first byte as it is, its length, its body."""
    return bytes([first]) + length(len(body)) + body


def publish_packet(topic, payload, *, level=5, qos=0, retain=False, dup=False, packet_id=1,
                   pairs=()):
    body = text(topic) + (struct.pack(">H", packet_id) if qos else b"")
    body += properties(pairs) if level == 5 else b""
    return packet(PUBLISH << 4 | dup << 3 | qos << 1 | int(retain), body + payload)


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
        """User properties as a dict, others under their identifier; one that comes several times
        as a list (subscription identifiers do)."""
        end = self.length() + self.at
        found = {}
        while self.at < end:
            kind = self.length()
            if kind == PAIR:
                name = self.text()
                value = self.text()
            elif kind in BYTE:
                name, value = kind, self.number(1)
            elif kind in TWO:
                name, value = kind, self.number(2)
            elif kind in FOUR:
                name, value = kind, self.number(4)
            elif kind in VARIABLE:
                name, value = kind, self.length()
            elif kind == CORRELATION_DATA:
                name, value = kind, self.take(self.number(2))
            else:
                name, value = kind, self.text()
            if name in found and name in VARIABLE:
                first = found[name] if isinstance(found[name], list) else [found[name]]
                value = first + [value]
            found[name] = value
        return found


class _WebSocket:
    """RFC 6455, as much as a client of one broker needs: binary frames, masked with nothing."""

    def __init__(self, plain, port):
        self.plain, self.received = plain, b""
        key = base64.b64encode(os.urandom(16)).decode()
        plain.sendall((f"GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n"
                       f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.received:
            self.received += self._more()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(f"no websocket: {head[:80]!r}")

    def _more(self):
        data = self.plain.recv(65536)
        if not data:
            raise ConnectionError("the broker closed the websocket")
        return data

    def sendall(self, data):
        size = len(data)
        head = bytes([0x82]) + (bytes([0x80 | size]) if size < 126 else
                                struct.pack(">BH", 0xFE, size) if size < 65536 else
                                struct.pack(">BQ", 0xFF, size))
        self.plain.sendall(head + b"\0\0\0\0" + data)

    def recv(self, _):
        while True:
            frame = self._frame()
            if frame is not None:
                return frame
            self.received += self._more()

    def _frame(self):
        if len(self.received) < 2:
            return None
        size, at = self.received[1] & 0x7F, 2
        if size >= 126:
            at += 2 if size == 126 else 8
            size = int.from_bytes(self.received[2:at], "big")
        if len(self.received) < at + size:
            return None
        frame, closes = self.received[at : at + size], self.received[0] & 0x0F == 8
        self.received = self.received[at + size :]
        return b"" if closes else frame

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)

    def close(self):
        self.plain.close()


# --- Connections --------------------------------------------------------------------------------


class Raw:
    """A connection that says nothing by itself: what is sent is the caller's. `transcript` has
    every packet that came, as (first byte, body)."""

    def __init__(self, port, *, websocket=False, timeout=10):
        self.timeout = timeout
        self.buffer = b""
        self.transcript = []
        self.is_open = True  # as far as we know
        plain = socket.create_connection(("127.0.0.1", port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = _WebSocket(plain, port) if websocket else plain

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Cuts the connection without DISCONNECT: the broker sends the will."""
        self.is_open = False
        self.socket.close()

    def send(self, *packets):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(b"".join(packets))

    def read_packet(self, timeout=None):
        """(first byte, body) of the next packet. TimeoutError when none comes; ConnectionError
        when the broker closes."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            if len(self.buffer) >= 2:
                reader = _Reader(self.buffer)
                first = reader.number(1)
                size = reader.length()  # of a cut header: reader.at is then past the end
                if len(self.buffer) >= reader.at + size:
                    body = reader.take(size)
                    self.buffer = self.buffer[reader.at :]
                    self.transcript.append((first, body))
                    return first, body
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("no packet came in time")
            self.socket.settimeout(left)
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the broker closed the connection")
            self.buffer += data

    def wait_closed(self, timeout=None):
        """Reads until the broker closes; gives the reason of its DISCONNECT, if it said one."""
        reason = None
        try:
            while True:
                first, body = self.read_packet(timeout)
                if first >> 4 == DISCONNECT:
                    reason = body[0] if body else 0
        except (ConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            self.is_open = False
            return reason


class Client(Raw):
    def __init__(self, port, user=None, password=None, *, level=5, client_id="", will=None,
                 clean=True, expiry=0, timeout=10, keep_alive=0, will_qos=1, will_pairs=(),
                 pairs=(), websocket=False, acknowledge=True):
        """Connects. `will` is (topic, payload, retain); `pairs` are properties of CONNECT. Without
        `acknowledge`, what comes at QoS 1 and 2 is not acknowledged. Raises Refused."""
        super().__init__(port, websocket=websocket, timeout=timeout)
        self.level = level
        self.packet_id = 0
        self.acknowledge = acknowledge
        self.inbox = []  # messages that came while something else was waited for
        flags = 0x02 if clean else 0
        tail = text(client_id)
        if will:
            flags |= 0x04 | will_qos << 3 | (0x20 if will[2] else 0)
            tail += (properties(will_pairs) if level == 5 else b"") + text(will[0]) + text(will[1])
        if user is not None:
            flags |= 0x80
            tail += text(user)
        if password is not None:
            flags |= 0x40
            tail += text(password)
        # No keep alive unless asked for: some follow late.
        head = text("MQTT") + bytes([level, flags]) + struct.pack(">H", keep_alive)
        if level == 5:
            head += properties([(SESSION_EXPIRY, expiry), *pairs])
        self.send(packet(CONNECT << 4, head + tail))
        try:
            _, body = self._wait(CONNACK)
        except BaseException:
            self.close()
            raise
        self.session_present = bool(body[0] & 1)
        self.connack = _Reader(body[2:]).properties() if level == 5 and len(body) > 2 else {}
        if body[1] != 0:
            self.close()
            raise Refused(body[1])

    def disconnect(self, reason=None, forget=False):
        """With `forget` the broker ends the session, too."""
        body = b"" if reason is None or self.level != 5 else bytes([reason])
        if forget:
            body = bytes([reason or 0]) + properties([(SESSION_EXPIRY, 0)])
        self.send(packet(DISCONNECT << 4, body))
        self.close()

    def kill(self):
        """Makes the broker close, which sends the will; all that this brings about has happened
        when it returns."""
        self.send(packet(0, b""))  # there is no such packet
        self.wait_closed()
        self.close()

    def next_id(self):
        self.packet_id = self.packet_id % 65535 + 1
        return self.packet_id

    def send_publish(self, topic, payload, *, qos=1, retain=False, pairs=()):
        """Sends only; returns the packet identifier."""
        payload = payload.encode() if isinstance(payload, str) else payload
        packet_id = self.next_id() if qos else None
        self.send(publish_packet(topic, payload, level=self.level, qos=qos, retain=retain,
                                 packet_id=packet_id, pairs=pairs))
        return packet_id

    def wait_puback(self):
        """(packet identifier, reason code) of the next PUBACK."""
        return self._wait_answer(PUBACK)

    def _wait_answer(self, kind):
        _, body = self._wait(kind)
        return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0

    def publish(self, topic, payload, *, qos=1, retain=False, pairs=()):
        """Publishes and returns the reason code of the PUBACK or PUBREC (None at QoS 0)."""
        sent = self.send_publish(topic, payload, qos=qos, retain=retain, pairs=pairs)
        if not qos:
            return None
        acknowledged, reason = self._wait_answer(PUBACK if qos == 1 else PUBREC)
        assert acknowledged == sent, f"an acknowledgement of {acknowledged}, sent {sent}"
        if qos == 2 and reason < 0x80:
            self.release(sent)
        return reason

    def release(self, packet_id):
        """The second half of QoS 2: PUBREL, and the reason code of its PUBCOMP."""
        self.send(packet(PUBREL << 4 | 2, struct.pack(">H", packet_id)))
        completed, reason = self._wait_answer(PUBCOMP)
        assert completed == packet_id, f"PUBCOMP for {completed}, sent {packet_id}"
        return reason

    def subscribe(self, *filters, qos=1, options=0, pairs=()):
        """Returns the reason codes, one a filter. `options`: NO_LOCAL and its like."""
        tail = b"".join(text(name) + bytes([qos | options]) for name in filters)
        return self._reasons(SUBSCRIBE, SUBACK, tail, pairs)

    def unsubscribe(self, *filters):
        """Returns the reason codes, one a filter; with 3.1.1 there are none."""
        return self._reasons(UNSUBSCRIBE, UNSUBACK, b"".join(text(name) for name in filters), ())

    def _reasons(self, kind, answer, tail, pairs):
        body = struct.pack(">H", self.next_id()) + (properties(pairs) if self.level == 5 else b"")
        self.send(packet(kind << 4 | 2, body + tail))
        _, body = self._wait(answer)
        reader = _Reader(body)
        reader.number(2)
        if self.level == 5:
            reader.properties()
        return list(body[reader.at :])

    def ping(self):
        """Comes back when the broker has answered; all that it sent before is then in the inbox."""
        self.send(packet(PINGREQ << 4, b""))
        self._wait(PINGRESP)

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

    def take_all(self):
        """What came so far, without waiting for more."""
        taken, self.inbox = self.inbox, []
        return taken

    # --- packets ------------------------------------------------------------------------------

    def _wait(self, kind, timeout=None):
        """Reads until a packet of this kind; messages on the way go to the inbox."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            first, body = self.read_packet(until - time.monotonic())
            if first >> 4 == PUBLISH:
                self._take_publish(first, body)
                if kind == PUBLISH:
                    return first, body
            elif first >> 4 == kind:
                return first, body
            elif first >> 4 == PUBREL and self.acknowledge:
                self.send(packet(PUBCOMP << 4, body[:2]))
            elif first >> 4 == DISCONNECT:
                reason = body[0] if body else 0
                raise ConnectionError(f"the broker disconnected us with 0x{reason:02x}")

    def _take_publish(self, first, body):
        qos = first >> 1 & 3
        reader = _Reader(body)
        topic = reader.text()
        packet_id = reader.number(2) if qos else None
        found = reader.properties() if self.level == 5 else {}
        self.inbox.append(Message(topic, body[reader.at :], qos, bool(first & 1), found,
                                  bool(first & 8)))
        if qos and self.acknowledge:
            kind = PUBACK if qos == 1 else PUBREC
            self.send(packet(kind << 4, struct.pack(">H", packet_id)))
