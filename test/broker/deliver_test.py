"""Batches at a real broker: each record arrives once, judged, in order; nothing else arrives.

The batches come from an encoder of the test's own, written after docs/delivery.md.
"""
import json
import unittest

import batches
import gate
import harness
import mqtt
from batches import Record, encode, readings

REFUSED = mqtt.NOT_AUTHORIZED
STREAM = "nexus/ulsan/air/ULS/observation"


class OneBroker(unittest.TestCase):
    per_listener = False

    @classmethod
    def setUpClass(cls):
        cls.site = gate.Site()
        cls.state = cls.site.folder / "marks"
        security = ["allow_anonymous true", f"password_file {cls.site.passwords}",
                    *cls.site.plugin_lines(state=cls.state, status_seconds=1)]
        cls.broker = gate.Broker(cls.site, security, per_listener=cls.per_listener,
                                 settings=["set_tcp_nodelay true"]).start()
        cls.observer = gate.Observer(cls.broker)
        cls.epochs = 0

    @classmethod
    def tearDownClass(cls):
        cls.observer.close()
        try:
            cls.broker.close()
        finally:
            cls.site.remove()

    def setUp(self):
        type(self).epochs += 1
        self.link = batches.Link(self.broker, f"{self.epochs:020x}")
        self.deserved = []
        self.addCleanup(self.link.close)
        self.observer.collect()

    def arrived(self):
        """What an operator sees of Ulsan's streams since the last call."""
        return [m for m in self.observer.collect() if m.topic.startswith("nexus/ulsan/")]

    def numbers(self):
        return [int(m.properties["nexus-seq"].split(".")[1]) for m in self.arrived()]

    def assert_taken(self, reason):
        self.assertIn(reason, (0, mqtt.NO_MATCHING_SUBSCRIBERS))

    def assert_told(self, outcome, **members):
        answer = self.link.answer()
        self.assertEqual(answer["outcome"], outcome, answer)
        for name, value in members.items():
            self.assertEqual(answer[name], value, answer)
        return answer


class Deliver(OneBroker):
    def deserve_answers(self, number):
        """Each useful batch earns a few answers to useless ones."""
        if number % 3 == 0:
            last = self.deserved[-1] if self.deserved else 2
            self.assert_taken(self.link.send(last, last + 1))
            self.deserved.append(last + 1)

    def test_each_record_arrives_with_topic_payload_retain_flag_and_properties(self):
        records = [Record(1, b'{"site":"ULS","value":7}', properties={"nexus-lens": "a@1", "k": ""}),
                   Record(1, b"\x00\xff not JSON", "original", retain=False),
                   Record(2, b'{"id":1}', "canonical", "noise/N-1")]
        self.assert_taken(self.link.send(0, 2, records))
        first, second, third = self.arrived()
        self.assertEqual(first.topic, STREAM)
        self.assertEqual(first.payload, b'{"site":"ULS","value":7}')
        self.assertEqual((first.qos, first.retain), (1, True))
        self.assertEqual(first.properties, {
            mqtt.CONTENT_TYPE: "application/json", "nexus-origin": "ulsan",
            "nexus-seq": f"{self.link.epoch}.1", "nexus-lens": "a@1", "k": ""})
        self.assertEqual(second.topic, "nexus/ulsan/air/ULS/original")
        self.assertEqual((second.payload, second.retain), (b"\x00\xff not JSON", False))
        self.assertEqual(third.topic, "nexus/ulsan/noise/N-1/canonical")
        self.assertEqual(third.properties["nexus-seq"], f"{self.link.epoch}.2")

    def test_a_late_reader_gets_the_last_value(self):
        self.assert_taken(self.link.send(0, 3))
        self.observer.collect()
        with self.broker.client("reader") as reader:
            reader.subscribe("nexus/ulsan/air/ULS/#")
            message = reader.receive()
        self.assertTrue(message.retain)
        self.assertEqual(message.properties["nexus-seq"], f"{self.link.epoch}.3")

    def test_an_empty_record_clears_the_last_value(self):
        self.assert_taken(self.link.send(0, 1))
        self.assert_taken(self.link.send(1, 2, [Record(2, b"")]))
        self.assertEqual([m.payload for m in self.arrived()], [b'{"site":"ULS"}', b""])
        with self.broker.client("reader") as reader:
            reader.subscribe(STREAM)
            reader.ping()
            self.assertEqual(reader.take_all(), [])

    def test_what_is_repeated_arrives_once(self):
        for after, until in ((0, 3), (0, 3), (1, 5), (0, 2), (4, 6)):
            self.assert_taken(self.link.send(after, until))
        self.assertEqual(self.numbers(), [1, 2, 3, 4, 5, 6])

    def test_a_gap_is_refused_and_repaired(self):
        self.link.send(0, 3)
        self.assertEqual(self.link.send(5, 7), REFUSED)
        self.assert_told("gap", mark=3, after=5, until=7, epoch=self.link.epoch, refused=[])
        self.assert_taken(self.link.send(3, 7))
        self.assertEqual(self.numbers(), [1, 2, 3, 4, 5, 6, 7])

    def test_a_jump_is_taken(self):
        self.link.send(0, 3)
        self.assert_taken(self.link.send(5, 7, jump=True))
        self.assertEqual(self.numbers(), [1, 2, 3, 6, 7])

    def test_an_older_epoch_is_refused_and_a_newer_one_begins_anew(self):
        old = self.link.epoch
        type(self).epochs += 1
        self.link.epoch = f"{self.epochs:020x}"
        self.assert_taken(self.link.send(7, 9))
        self.assertEqual(self.link.publish(encode(old, 9, 10, readings(9, 10))), REFUSED)
        self.assert_told("stale", epoch=old, mark=None)
        self.assertEqual(self.numbers(), [8, 9])

    def test_a_question_is_answered_and_changes_nothing(self):
        self.assertIsNone(self.link.ask(5))
        self.link.send(2, 4)
        self.assertEqual(self.link.ask(99), 4)
        self.assert_taken(self.link.send(4, 5))
        self.assertEqual(self.numbers(), [3, 4, 5])

    def test_a_refused_record_in_the_middle_stops_nothing(self):
        records = readings(0, 5)
        records[2] = Record(3, b'{"site":"ULS","value":101}')
        self.assert_taken(self.link.send(0, 5, records))
        answer = self.assert_told("taken", mark=5)
        self.assertEqual([(r["seq"], r["channel"], r["reason"], r["instance"], r["keyword"])
                          for r in answer["refused"]],
                         [(3, "observation", "schema", "/value", "maximum")])
        messages = self.observer.collect()
        seen = [m.properties["nexus-seq"].split(".")[1] for m in messages if m.topic == STREAM]
        self.assertEqual(seen, ["1", "2", "4", "5"])
        report, = [gate.report_of(m) for m in messages if gate.report_of(m)]
        self.assertEqual((report["identity"], report["topic"], report["reason"]),
                         ("link", STREAM, "schema"))

    def test_each_changed_byte_is_noticed(self):
        batch = encode(self.link.epoch, 0, 2, readings(0, 2))
        for at in range(len(batch)):
            changed = bytearray(batch)
            changed[at] ^= 1 << at % 8
            self.assertEqual(self.link.publish(bytes(changed)), REFUSED, f"byte {at}")
            self.assertIn(self.link.answer()["outcome"], ("damaged", "refused"))
            self.deserve_answers(at)
        self.assertEqual(self.numbers(), self.deserved)
        self.assert_taken(self.link.publish(batch))
        self.assertEqual(self.numbers(), [])

    def test_a_cut_batch_is_refused_wherever_it_is_cut(self):
        batch = encode(self.link.epoch, 0, 2, readings(0, 2))
        for end in range(len(batch)):
            self.assertEqual(self.link.publish(batch[:end]), REFUSED, f"{end} bytes")
            self.assert_told("damaged", mark=None, epoch=None)
            self.deserve_answers(end)
        self.assertEqual(self.link.publish(batch + b"\0"), REFUSED)
        self.assertEqual(self.numbers(), self.deserved)

    def test_too_large_a_batch_is_refused(self):
        large = encode(self.link.epoch, 0, 1, [Record(1, bytes(512 * 1024), "original")])
        self.assertEqual(self.link.publish(large), REFUSED)
        self.assert_told("limit")
        many = encode(self.link.epoch, 0, 1025, readings(0, 1025))
        self.assertEqual(self.link.publish(many), REFUSED)
        self.assert_told("limit")
        largest = [Record(1, bytes(512 * 1024 - 38 - 20), "original", "air/X")]
        self.assert_taken(self.link.send(0, 1, largest))
        self.assertEqual(len(self.arrived()[0].payload), 512 * 1024 - 58)

    def test_a_batch_of_another_version_is_refused(self):
        self.assertEqual(self.link.send(0, 1, version=2), REFUSED)
        self.assert_told("refused")

    def test_a_retained_batch_is_refused(self):
        batch = encode(self.link.epoch, 0, 1, readings(0, 1))
        self.assertEqual(self.link.publish(batch, retain=True), REFUSED)
        self.assert_told("refused")
        self.assertEqual(self.arrived(), [])

    def test_nobody_delivers_what_is_not_theirs(self):
        batch = encode(self.link.epoch, 0, 1, readings(0, 1))
        for user in ("any", "reader", "operator", "nobody", None):
            with self.broker.client(user) as client:
                self.assertEqual(client.publish(batches.DELIVER, batch), REFUSED, user)
        for city in ("birmingham", "busan"):
            self.assertEqual(self.link.publish(batch, f"nexus/_deliver/{city}"), REFUSED)
            with self.broker.client("bridge") as bridge:
                self.assertEqual(bridge.publish(f"nexus/_deliver/{city}", batch), REFUSED)
        self.assertEqual(self.arrived(), [])
        bridge = batches.Link(self.broker, self.link.epoch, user="bridge")
        self.addCleanup(bridge.close)
        self.assert_taken(bridge.publish(batch))
        self.assertEqual(bridge.ask(), 1)
        self.assertEqual(self.numbers(), [1])

    def test_nobody_sees_a_batch(self):
        for user in ("any", "reader", "operator", "bridge", "link"):
            with self.broker.client(user) as client:
                reasons = client.subscribe(batches.DELIVER, "nexus/_deliver/+", "#",
                                           "$share/g/nexus/_deliver/#")
                self.assertEqual([reasons[0], reasons[1], reasons[3]], [0x87] * 3, user)
                self.link.send(0, 1)
                self.observer.collect()
                client.ping()
                self.assertNotIn(batches.DELIVER, [m.topic for m in client.take_all()], user)

    def test_at_qos_0_and_2_it_is_the_same(self):
        batch = encode(self.link.epoch, 0, 1, readings(0, 1))
        self.link.publish(batch, qos=0)
        self.assert_taken(self.link.publish(batch, qos=2))
        self.assert_taken(self.link.publish(encode(self.link.epoch, 1, 2, readings(1, 2)), qos=2))
        self.assertEqual(self.numbers(), [1, 2])

    def test_the_status_counts(self):
        def delivery():
            message = self.observer.client.receive_until(
                lambda m: m.topic == "nexus/birmingham/_status/plugin" and
                self.link.epoch in json.loads(m.payload)["delivery"]["marks"].get("ulsan", ""))
            return json.loads(message.payload)["delivery"]

        self.link.send(0, 1)
        before = delivery()
        self.link.send(0, 4)
        self.link.send(7, 8)
        self.link.ask()
        harness.wait_until(lambda: delivery()["questions"] > before["questions"], "it is counted")
        after = delivery()
        gained = {name: after[name] - before[name] for name in ("published", "repeated", "questions")}
        self.assertEqual(gained, {"published": 3, "repeated": 1, "questions": 1})
        self.assertEqual(after["batches"]["gap"] - before["batches"]["gap"], 1)
        self.assertEqual(after["marks"], {"ulsan": f"{self.link.epoch}.4"})
        self.assertEqual(after["state"], "file")


class DeliverPerListener(OneBroker):
    """per_listener_settings true: one instance a listener, and no ticks on 2.0.11."""

    per_listener = True

    def test_batches_are_opened(self):
        self.assert_taken(self.link.send(0, 3))
        self.assert_taken(self.link.send(0, 4))
        self.assertEqual(self.link.send(9, 10), REFUSED)
        self.assert_told("gap", mark=4)
        self.assertEqual(self.numbers(), [1, 2, 3, 4])


del OneBroker

if __name__ == "__main__":
    harness.main()
