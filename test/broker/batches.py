"""batches.py - the batches of docs/delivery.md, written by its words alone, and a link that sends
them by its rules.
"""
import json
import struct
from collections import namedtuple

import mqtt

CHANNELS = {"observation": 1, "original": 2, "canonical": 3}
ACK = "nexus/_link/ulsan/birmingham/ack"
DELIVER = "nexus/_deliver/ulsan"

Record = namedtuple("Record", "seq payload channel stream retain properties",
                    defaults=("observation", "air/ULS", True, {}))


def _table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = tuple(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def counted(form, data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(form, len(data)) + data


def encode_record(record, after):
    out = struct.pack(">IBB", record.seq - after, CHANNELS[record.channel], record.retain)
    out += counted(">H", record.stream) + counted(">I", record.payload)
    out += bytes([len(record.properties)])
    for name, value in record.properties.items():
        out += counted(">H", name) + counted(">H", value)
    return out


def encode(epoch, after, until, records=(), *, jump=False, version=1):
    body = struct.pack(">HH", jump, len(records)) + bytes.fromhex(epoch)
    body += struct.pack(">QQ", after, until)
    body += b"".join(encode_record(record, after) for record in records)
    return b"NXB" + bytes([version]) + struct.pack(">I", crc32c(body)) + body


def readings(after, until, payload=b'{"site":"ULS"}'):
    return [Record(seq, payload) for seq in range(after + 1, until + 1)]


class Link:
    """A peer's bridge: publishes batches and reads what it is told of them."""

    def __init__(self, broker, epoch, user="link", **options):
        self.epoch = epoch
        self.answers = []  # read already
        self.client = broker.client(user, **options)
        assert self.client.subscribe(ACK) == [1]

    def close(self):
        self.client.close()

    def publish(self, batch, topic=DELIVER, **options):
        """The reason code of the PUBACK: 0x87 refused, else taken. A batch that was too much for one
        turn of a busy broker is sent again, as often as it takes. Not for floods: of those not each
        batch is answered."""
        while True:
            reason = self.client.publish(topic, batch, **options)
            if reason != mqtt.NOT_AUTHORIZED or topic != DELIVER:
                return reason
            answer = self.answer()
            if answer["outcome"] != "again":
                self.answers.append(answer)
                return reason
            self.client.publish(DELIVER, encode(self.epoch, 0, 0))
            self.answer()  # where to go on: a link asks, this one sends the same again

    def send(self, after, until, records=None, **options):
        records = readings(after, until) if records is None else records
        return self.publish(encode(self.epoch, after, until, records, **options))

    def answer(self):
        if self.answers:
            return self.answers.pop(0)
        message = self.client.receive_until(lambda m: m.topic == ACK)
        assert message.qos == 1 and not message.retain
        return json.loads(message.payload)

    def ask(self, at=0):
        """What the receiver accounts for, or None."""
        self.publish(encode(self.epoch, at, at))
        return self.answer()["mark"]

    def was_taken(self, reason):
        return reason in (0, mqtt.NO_MATCHING_SUBSCRIBERS)
