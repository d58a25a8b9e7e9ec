"""A broker that breaks the rules in every way: the bridge stays alive, comes back, loses nothing."""
import random
import tempfile
import shutil
import time
import unittest
from pathlib import Path

import chaos
import harness
import interop
import mqtt

REASON = interop.missing("mosquitto", "mosquitto_passwd")
SEED, MUTATIONS = 7, 60
TOPIC = f"{interop.THERE}/observation"
MESSAGE = mqtt.text(TOPIC) + b"\0\7"
SUBACK = b"\x90\3\0\1\1"


def puback(packet_id):
    return mqtt.packet(0x40, packet_id)


COMMON = [
    {"dribble": True, "up": b"", "end": "close"},
    {"up": mqtt.packet(0x32, MESSAGE + b"x" * 100)[:60], "end": "reset"},  # inside a PUBLISH
    {"up": mqtt.packet(0x32, MESSAGE + b"x" * 100)[:60], "end": "half-close"},
    {"end": "half-close"}, {"end": "reset"}, {"end": "close"},
    {"ack": lambda packet_id: None}, {"ack": lambda packet_id: None, "end": "reset"},
    {"ack": lambda packet_id: puback(packet_id) + puback(packet_id)},
    {"ack": lambda packet_id: puback(b"\xff\xfe") + puback(packet_id)},
    {"ack": lambda packet_id: mqtt.packet(0x50, packet_id)},  # PUBREC for QoS 1
    {"ack": lambda packet_id: mqtt.packet(0x70, packet_id)},  # PUBCOMP
    {"ack": lambda packet_id: b"\x40\2\0\0"},  # identifier 0
    {"up": b"\x62\2\0\x63", "stay": True, "ack": lambda packet_id: None},  # PUBREL of nothing
    {"up": b"\0\0"}, {"up": b"\x10\0"}, {"up": b"\x20\2\0\0"}, {"up": b"\xc0\0"},
    {"up": b"\x30\xff\xff\xff\xff\xff"}, {"up": b"\x30\x80\0"},  # lengths
    {"up": b"\x32\xff\xff\xff\x7f"},  # 256 MiB announced
    {"up": mqtt.packet(0x36, MESSAGE)}, {"up": mqtt.packet(0x32, mqtt.text("a/+/b") + b"\0\7")},
    {"up": mqtt.packet(0x32, mqtt.text("a\0b") + b"\0\7")}, {"up": mqtt.packet(0x32, b"\0\xff")},
    {"up": mqtt.packet(0x32, mqtt.text(b"\xed\xa0\x80") + b"\0\7")},  # a surrogate
    {"up": SUBACK * 3}, {"up": b"\x90\2\0\1"}, {"up": b"\xd0\1\0"},
    {"connack": b""}, {"connack": b"", "end": "reset"}, {"connack": b"\x20"},
    {"connack": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, {"connack": b"\x15\3\3\0\2\2\x46"},
    {"connack": b"\x20\2\2\0"}, {"connack": b"\x30\3\0\1a"},
]
PLANS = {
    "3.1.1": COMMON + [{"connack": bytes([0x20, 2, 0, code])} for code in range(1, 8)] +
    [{"up": b"\xe0\0"}, {"connack": b"\x20\2\1\5"}, {"up": b"\xf0\0"}],
    "5": COMMON +
    [{"connack": bytes([0x20, 3, 0, code, 0])} for code in
     (0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
      0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F, 0xFF)] +
    [{"up": bytes([0xE0, 1, code])} for code in (0, 0x82, 0x8B, 0x8D, 0x93, 0x95, 0x98, 0xA0)] +
    [{"up": b"\xe0\0"}, {"up": b"\xe0\2\x8b\x05"}, {"up": b"\xf0\2\x18\0"},
     {"up": mqtt.packet(0x32, MESSAGE + b"\3\x23\0\1")},  # a topic alias, none was offered
     {"up": mqtt.packet(0x32, MESSAGE + b"\2\1\2")}, {"up": mqtt.packet(0x32, MESSAGE + b"\xff")},
     {"connack": b"\x20\6\0\0\3\x21\0\0"},  # receive maximum 0
     {"ack": lambda packet_id: mqtt.packet(0x40, packet_id + b"\0\x05\x1f")}],
}


def mutations(level):
    """Connections on which a valid stream is sent with a few bytes changed."""
    dice = random.Random(SEED)
    stream = b"\xd0\0" + mqtt.publish_packet(TOPIC, b"{}", level=level, qos=1, packet_id=9) * 3
    for _ in range(MUTATIONS):
        data = bytearray(stream)
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        yield {"up": bytes(data), "end": dice.choice(("close", "reset", "half-close"))}


@unittest.skipIf(REASON, f"{REASON} is not installed")
class SessionChaos(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="nexus-chaos-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = interop.Mosquitto(self.directory / "home")
        self.addCleanup(self.home.close)
        self.home.start()

    def survives(self, version):
        level = 5 if version == "5" else 4
        plans = PLANS[version] + list(mutations(level))
        peer = chaos.Chaos(level, plans)
        self.addCleanup(peer.close)
        bridge = interop.Bridge(self.directory / "bridge", self.home.port, peer.port,
                                peer_version=version, tuning={"backoff_ms_min": 10,
                                                              "backoff_ms_max": 20})
        self.addCleanup(bridge.close)
        bridge.start()
        sent, back = [], []
        with self.home.client() as sensor, self.home.client() as reader:
            reader.subscribe(f"{interop.THERE}/original")
            for number in range(9000, 9200):  # until the bridge has subscribed at home
                self.assertIsNone(bridge.process.poll(), bridge.log.read_text()[-2000:])
                sensor.publish(f"{interop.HERE}/observation", interop.birmingham(number))
                if peer.taken:
                    break
                time.sleep(0.05)
            until = time.monotonic() + 90
            while peer.plans:  # both sides have something to say on every connection
                self.assertIsNone(bridge.process.poll(), bridge.log.read_text()[-2000:])
                self.assertLess(time.monotonic(), until, f"{len(peer.plans)} connections are left; "
                                + bridge.log.read_text()[-1500:])
                sent.append(interop.birmingham(len(sent)))
                back.append(interop.ulsan(len(back)))
                sensor.publish(f"{interop.HERE}/observation", sent[-1])
                peer.give(TOPIC, back[-1])
                time.sleep(0.02)
            interop.take(reader, f"{interop.THERE}/original", back, 30)
            topic = f"{interop.HERE}/original"
            harness.wait_until(lambda: {(topic, payload) for payload in sent} <= peer.seen,
                               "everything has come", 30)
            harness.wait_until(lambda: not peer.waiting, "everything is acknowledged", 30)
        order = [payload for at, payload in peer.taken if at == topic and payload in sent]
        self.assertEqual(order, sent)
        self.assertGreaterEqual(peer.connects, len(plans))
        self.assertEqual(bridge.close(), [])
        self.assertEqual(bridge.process.returncode, 0)

    def test_mqtt_5(self):
        self.survives("5")

    def test_mqtt_3_1_1(self):
        self.survives("3.1.1")


if __name__ == "__main__":
    harness.main()
