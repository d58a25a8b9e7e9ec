"""What becomes of a refused publish: what its sender is told by each protocol, that no flow hangs
or loops, and that _rejected says all of it."""
import hashlib
import json
import re
import time
import unittest

import gate
import harness
import mqtt

GOOD, BAD = b'{"site":"x"}', b'{"value":1}'
MINE = gate.topic("A")

# reason: who, topic, payload, retain; members that the report has beyond those of all
REASONS = {
    "topic": ("air-A", "nexus/birmingham/air/A", GOOD, False, ()),
    "identity": ("nobody", MINE, GOOD, False, ()),
    "city": ("air-A", "nexus/ulsan/air/A/observation", GOOD, False, ()),
    "domain": ("any", gate.topic("A", "sewage"), GOOD, False, ()),
    "asset": ("air-A", gate.topic("B"), GOOD, False, ()),
    "channel": ("air-A", gate.topic("A", channel="canonical"), GOOD, False, ()),
    "role": ("reader", MINE, GOOD, False, ()),
    "size": ("air-A", MINE, b'{"site":"%s"}' % (b"x" * 4096), False, ()),
    "empty": ("air-A", MINE, b"", False, ()),
    "json": ("air-A", MINE, b'{"site":"x",\n"value":01}', False,
             ("schema", "line", "column", "offset")),
    "schema": ("air-A", MINE, b'{"site":"x","value":101}', False,
               ("schema", "instance", "keyword", "schema_pointer", "faults")),
    "limit": ("air-A", MINE, b"[" * 1000 + b"]" * 1000, False, ("schema",)),
}
ALWAYS = {"time", "city", "identity", "client_id", "topic", "reason", "admitted", "text",
          "payload_bytes", "payload_sha256", "payload_excerpt", "suppressed"}


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        names = [f"air-{name}" for name in ("flow", "quota", "flood", "burst", "more", "dup",
                                           "warn")]
        cls.site = gate.Site([*gate.USERS, *names])
        cls.addClassCleanup(cls.site.remove)
        cls.broker = gate.Broker(cls.site, [
            f"password_file {cls.site.passwords}", "allow_anonymous true",
            *cls.site.plugin_lines(status_seconds=1, payload_max=2048)],
            settings=["max_inflight_messages 20"]).start()
        cls.addClassCleanup(cls.broker.close)

    def setUp(self):
        self.observer = gate.Observer(self.broker)
        self.addCleanup(self.observer.close)
        self.observer.collect()

    def reports(self):
        return [report for report in map(gate.report_of, self.observer.collect()) if report]

    def seen(self):
        return [message for message in self.observer.collect()
                if message.topic.endswith("/observation")]

    # --- what the sender is told --------------------------------------------------------------

    def test_mqtt_5_is_told_by_reason_code_and_stays_connected(self):
        with self.broker.client("air-A") as client:
            client.publish(MINE, BAD, qos=0)
            for qos in (1, 2):
                self.assertEqual(client.publish(MINE, BAD, qos=qos), mqtt.NOT_AUTHORIZED)
                self.assertLess(client.publish(MINE, GOOD, qos=qos), 0x80)

    def test_mqtt_3_gets_its_acknowledgements_and_nothing_is_delivered(self):
        with self.broker.client("air-A", level=4) as client:
            for qos in (0, 1, 2):
                client.publish(MINE, BAD, qos=qos)
            client.ping()
        self.assertEqual(self.seen(), [])

    # --- no flow hangs or loops ---------------------------------------------------------------

    def test_an_mqtt_3_qos_2_publish_that_is_sent_again_and_again_is_answered_each_time(self):
        # a refused one is not kept, and a good one under the same identifier is delivered once
        options = {"level": 4, "client_id": "dup", "clean": False}
        for _ in range(3):  # over reconnections, as a client does that lost the answer
            with self.broker.client("air-dup", **options) as client:
                for dup in (False, True, True):
                    client.send(mqtt.publish_packet(gate.topic("dup"), BAD, level=4, qos=2,
                                                    dup=dup, packet_id=7))
                    self.assertEqual(client._wait_answer(mqtt.PUBREC)[0], 7)
        with self.broker.client("air-dup", **options) as client:
            self.assertTrue(client.session_present)
            self.assertEqual(client.release(7), 0)
            client.send(mqtt.publish_packet(gate.topic("dup"), GOOD, level=4, qos=2, packet_id=7))
            self.assertEqual(client._wait_answer(mqtt.PUBREC)[0], 7)
            client.release(7)
            client.ping()
            self.assertEqual([kind >> 4 for kind, _ in client.transcript],
                             [mqtt.CONNACK, mqtt.PUBCOMP, mqtt.PUBREC, mqtt.PUBCOMP, mqtt.PINGRESP],
                             "the broker says nothing of its own accord")
        self.assertEqual([message.payload for message in self.seen()], [GOOD])

    def test_an_mqtt_5_qos_2_publish_ends_with_its_pubrec_and_frees_its_identifier(self):
        with self.broker.client("air-flow") as client:
            for payload, reason in ((BAD, mqtt.NOT_AUTHORIZED), (GOOD, 0), (BAD, 0x87), (GOOD, 0)):
                client.send(mqtt.publish_packet(gate.topic("flow"), payload, qos=2, packet_id=9))
                self.assertEqual(client._wait_answer(mqtt.PUBREC), (9, reason))
                if reason == 0:
                    self.assertEqual(client.release(9), 0)
        self.assertEqual([message.payload for message in self.seen()], [GOOD, GOOD])

    def test_refusals_do_not_use_up_the_receive_maximum(self):
        for level, qos in ((4, 1), (4, 2), (5, 1), (5, 2)):
            with self.subTest(level=level, qos=qos):
                with self.broker.client("air-quota", level=level) as client:
                    for _ in range(60):  # the broker takes 20 at a time
                        client.publish(gate.topic("quota"), BAD, qos=qos)
                    self.assertLess(client.publish(gate.topic("quota"), GOOD, qos=qos), 0x80)
        self.assertEqual(len(self.seen()), 4)

    # --- _rejected ----------------------------------------------------------------------------

    def test_each_reason_is_told_with_all_that_belongs_to_it(self):
        for reason, (user, topic, payload, retain, members) in REASONS.items():
            with self.subTest(reason):
                with self.broker.client(user, client_id=f"client-{reason}") as client:
                    self.assertEqual(client.publish(topic, payload, retain=retain),
                                     mqtt.NOT_AUTHORIZED)
                (report,) = self.reports()
                self.assertEqual(report["reason"], reason)
                self.assertLessEqual(ALWAYS | set(members), set(report))
                self.assertEqual((report["city"], report["identity"], report["client_id"],
                                  report["topic"], report["admitted"], report["suppressed"]),
                                 (gate.CITY, user, f"client-{reason}", topic, False, 0))
                self.assertRegex(report["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.assertEqual(report["payload_bytes"], len(payload))
                self.assertEqual(report["payload_sha256"], hashlib.sha256(payload).hexdigest())
                self.assertEqual(report["payload_excerpt"], payload.decode()[:256])
                self.assertTrue(report["text"])

    def test_a_fault_of_the_schema_has_its_place_in_payload_and_schema(self):
        with self.broker.client("air-A") as client:
            client.publish(MINE, b'{"site":"x","value":101}')
        (report,) = self.reports()
        self.assertEqual((report["instance"], report["keyword"], report["schema_pointer"],
                          report["schema"]),
                         ("/value", "maximum", "/properties/value/maximum", "birmingham-air@1"))
        self.assertIn("100", report["text"])

    def test_a_fault_of_the_json_has_its_line_and_column(self):
        with self.broker.client("air-A") as client:
            client.publish(MINE, b'{"site":"x",\n"value":01}')
        (report,) = self.reports()
        self.assertEqual((report["line"], report["column"]), (2, 9), report["text"])

    def test_an_anonymous_client_has_no_identity_in_its_report(self):
        with self.broker.client() as client:
            self.assertEqual(client.publish(MINE, GOOD), mqtt.NOT_AUTHORIZED)
        (report,) = self.reports()
        self.assertIsNone(report["identity"])
        self.assertEqual(report["reason"], "identity")

    def test_in_mode_warn_it_is_told_and_admitted_and_in_mode_off_not_told(self):
        for domain, told in (("weather", 1), ("noise", 0)):
            with self.broker.client("any") as client:
                self.assertLess(client.publish(gate.topic("A", domain), BAD), 0x80)
            came = self.observer.collect()
            reports = [report for report in map(gate.report_of, came) if report]
            self.assertEqual([report["admitted"] for report in reports], [True] * told)
            self.assertIn(gate.topic("A", domain), [message.topic for message in came])

    def test_what_is_not_told_one_by_one_is_counted_to_the_last(self):
        name, sent = gate.topic("flood"), 50
        with self.broker.client("air-flood", level=4) as client:
            for _ in range(sent):
                client.publish(name, BAD)
            reports = self.reports()
            self.assertGreaterEqual(len(reports), 10)
            self.assertLess(len(reports), sent)
            for _ in range(40):  # until one more is told
                time.sleep(0.1)
                client.publish(name, BAD)
                sent += 1
                reports += self.reports()
                if reports[-1]["suppressed"]:
                    break
        counted = len(reports) + sum(report["suppressed"] for report in reports)
        self.assertEqual(counted, sent)

    def test_what_is_not_told_is_counted_once_no_more_comes(self):
        with self.broker.client("air-burst", level=4) as client:
            for _ in range(50):
                client.publish(gate.topic("burst"), BAD)

        def of_burst(message):
            return "/_rejected/" in message.topic and b'"air-burst"' in message.payload

        came = []
        while not came or came[-1]["reason"] != "suppressed":
            came.append(json.loads(self.observer.client.receive_until(of_burst).payload))
        self.assertEqual(sum(report["suppressed"] for report in came) + len(came) - 1, 50)

    def test_told_and_untold_are_all_that_was_refused_or_warned_of(self):
        with self.broker.client("air-more", level=4) as client:
            for _ in range(40):
                client.publish(gate.topic("more"), BAD)
        since = harness.utc_now()

        def fresh():
            for message in self.observer.collect():
                if message.topic.endswith("_status/plugin"):
                    status = json.loads(message.payload)
                    if status["time"] > since:
                        return status
            return None

        status = harness.wait_until(fresh, "a status that is newer")
        self.assertEqual(status["told"] + status["untold"],
                         status["refused_total"] + status["warned"])
        self.assertEqual(status["refused_total"], sum(status["refused"].values()))
        self.assertGreaterEqual(status["refused"]["schema"], 40)

    def test_the_page_names_each_member_of_a_report(self):
        words = (harness.ROOT / "docs/plugin.md").read_text()
        for member in ALWAYS.union(*(row[4] for row in REASONS.values())):
            self.assertRegex(words, rf"`{re.escape(member)}`")


if __name__ == "__main__":
    harness.main()
