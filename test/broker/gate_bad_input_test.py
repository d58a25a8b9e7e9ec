"""Everything malformed or hostile that a client can send, one test each, against one broker: it is
refused or closed as the protocol says, nothing of it reaches a reader, the broker lives, and its
memory is what it was."""
import json
import os
import unittest

import gate
import harness
import mqtt

GOOD = b'{"site":"x"}'
MINE = gate.topic("A")
PACKET_MAX = 2_000_000
PAYLOAD_MAX = 1_048_576
SENSORS = 600  # one for each attack, so that each one's refusals are told
MALFORMED, PROTOCOL_ERROR, TOO_LARGE = 0x81, 0x82, 0x95
FILTERS = 2000 if gate.IS_2_1 else 5000  # it takes no SUBSCRIBE of over 100 kB
BAD_TOPIC = MALFORMED if gate.IS_LATER else PROTOCOL_ERROR
CONTROL = "$CONTROL/nexus/v1"
ODD_NAMES = ("air-+", "air-#", "air-a/b", "+", "+/#", "/", "air-{asset}", "air-", "air-..", "%u",
             "air-A\u00e9", "nexus/birmingham", "air-" + "x" * 64, "x" * 5000)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sensors = (f"air-s{number}" for number in range(SENSORS))
        cls.site = gate.Site([*gate.USERS, *ODD_NAMES, *(f"air-s{n}" for n in range(SENSORS))])
        cls.addClassCleanup(cls.site.remove)
        cls.broker = gate.Broker(cls.site, [
            f"password_file {cls.site.passwords}", "allow_anonymous true",
            *cls.site.plugin_lines(status_seconds=1, payload_max=PAYLOAD_MAX)],
            settings=[f"max_packet_size {PACKET_MAX}"]).start()
        cls.addClassCleanup(cls.broker.close)

    def setUp(self):
        self.observer = gate.Observer(self.broker)
        self.observer.collect()

    def tearDown(self):
        """Whatever came: the broker goes on, and readers have seen nothing of it."""
        came = self.observer.collect()
        self.observer.close()
        for message in came:
            if not message.topic.startswith("nexus/"):
                continue
            json.loads(message.payload or b"null")  # reports and status are well-formed
            self.assertRegex(message.topic, r"_rejected|_status|/(A|s\d+)/observation$")
        with self.broker.client("air-A") as client:
            self.assertLess(client.publish(MINE, GOOD), 0x80)

    def sensor(self):
        """An identity that has done nothing so far, and its topic."""
        name = next(self.sensors)
        return name, gate.topic(name.removeprefix("air-"))

    def reports(self):
        return [report for report in map(gate.report_of, self.observer.collect()) if report]

    def refused(self, payload, topic=None, *, reason=None):
        """Published with both protocols, on the sensor's own topic or another; the last report."""
        user, mine = self.sensor()
        with self.broker.client(user, level=4, timeout=30) as client:
            client.publish(topic or mine, payload)
        with self.broker.client(user, timeout=30) as client:
            self.assertEqual(client.publish(topic or mine, payload), mqtt.NOT_AUTHORIZED)
        reports = self.reports()
        self.assertEqual(len(reports), 2)
        self.assertEqual(len({report["reason"] for report in reports}), 1)
        if reason:
            self.assertEqual(reports[0]["reason"], reason)
        return reports[-1]

    def closed(self, packet, *, level=5, reason=None):
        """The connection that sends this is closed by the broker."""
        with self.broker.client("air-A", level=level) as client:
            client.send(packet)
            self.assertEqual(client.wait_closed(), reason)

    # --- topics -------------------------------------------------------------------------------

    def test_a_topic_of_65535_bytes(self):
        for tail in ("x" * 65529, "a/" * 100 + "x" * 65329):
            topic = "nexus/" + tail
            self.assertEqual(len(topic), 65535)
            self.assertLessEqual(len(self.refused(GOOD, topic, reason="topic")["topic"]), 512)

    def test_a_topic_of_more_levels_than_the_broker_takes(self):
        packet = mqtt.publish_packet("nexus" + "/a" * 300, GOOD)
        self.closed(packet, reason=BAD_TOPIC)

    def test_empty_levels(self):
        for topic in ("nexus/", "nexus//", "nexus//air/A/observation",
                      "nexus/birmingham//A/observation",
                      "nexus/birmingham/air//observation", "nexus/birmingham/air/A/",
                      "nexus/birmingham/air/A/observation/", "nexus/birmingham/_status/"):
            self.refused(GOOD, topic)

    def test_a_leading_slash_is_another_topic_and_the_citys_own_affair(self):
        with self.broker.client("air-A") as client, self.broker.client("air-B") as other:
            other.subscribe("/nexus/#")
            self.assertLess(client.publish("/" + MINE, b"\xff anything"), 0x80)
            other.ping()
            self.assertEqual([message.topic for message in other.take_all()], ["/" + MINE])

    def test_upper_case_and_look_alikes_are_other_topics(self):
        with self.broker.client("air-A") as client:
            for topic in ("Nexus/x", "nexus", "nexus\u2215birmingham", "n\u0435xus/birmingham"):
                self.assertLess(client.publish(topic, b"anything"), 0x80)

    def test_dollar_topics(self):
        with self.broker.client("air-A") as client:
            self.assertEqual(client.publish("$SYS/broker/version", b"mine"), mqtt.NOT_AUTHORIZED)
            for topic in ("nexus/$SYS/x", "nexus/birmingham/$share/A/observation"):
                self.assertEqual(client.publish(topic, GOOD), mqtt.NOT_AUTHORIZED)

    def test_malformed_shared_subscriptions(self):
        client = self.broker.client("air-A")
        for name in ("$share/", "$share/g", "$share//nexus/#", "$share/g/", "$share/g+/nexus/#"):
            try:
                self.assertTrue(all(code <= 2 or code >= 0x80 for code in client.subscribe(name)))
            except ConnectionError:  # as the protocol has it for some
                client.close()
                client = self.broker.client("air-A")
        client.close()

    def test_a_nul_in_a_topic(self):
        for level, reason in ((4, None), (5, MALFORMED)):
            self.closed(mqtt.publish_packet(MINE.encode() + b"\0x", GOOD, level=level),
                        level=level, reason=reason)

    def test_bad_utf_8_in_a_topic(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            for level, reason in ((4, None), (5, MALFORMED)):
                self.closed(mqtt.publish_packet(b"nexus/" + bad + b"/air/A/observation", GOOD,
                                                level=level), level=level, reason=reason)

    def test_wildcards_in_a_topic_name(self):
        for topic in ("nexus/+/air/A/observation", "nexus/#"):
            self.closed(mqtt.publish_packet(topic, GOOD), reason=BAD_TOPIC)

    def test_an_empty_topic_without_an_alias(self):
        with self.broker.client("air-A") as client:
            client.send(mqtt.publish_packet("", GOOD))
            self.assertIsNotNone(client.wait_closed())

    def test_a_topic_alias_out_of_range(self):
        for alias in (0, 65535):
            with self.broker.client("air-A") as client:
                client.send(mqtt.publish_packet(MINE, GOOD, pairs=[(mqtt.TOPIC_ALIAS, alias)]))
                self.assertIsNotNone(client.wait_closed())

    # --- filters ------------------------------------------------------------------------------

    def test_filters_of_any_shape_open_nothing(self):
        deep = "nexus/" + "+/" * 150 + "#"
        filters = ("#", "+/#", "+/+/+/+/+", "nexus/#", "$share/g/#", "$share/g/+/+/#", deep,
                   "nexus/" + "x" * 65529, "nexus//#", "+", "/#", "$share/g/nexus/+/_rejected/#")
        with self.broker.client("air-B") as client, self.broker.client("air-A") as other:
            for name in filters:
                codes = client.subscribe(name, qos=2)
                self.assertTrue(all(code <= 2 or code >= 0x80 for code in codes), name)
            other.publish(MINE, GOOD)
            other.publish(MINE, b"refused")
            client.ping()
            below = [message.topic for message in client.take_all()
                     if message.topic.startswith("nexus/")]
            self.assertEqual(below, [])

    def test_thousands_of_filters_in_one_subscribe(self):
        with self.broker.client("air-B", timeout=30) as client:
            names = [f"nexus/birmingham/air/A{number}/observation" for number in range(FILTERS)]
            codes = client.subscribe(*names)
            self.assertEqual(set(codes), {mqtt.NOT_AUTHORIZED})

    # --- who ----------------------------------------------------------------------------------

    def test_usernames_with_wildcards_and_slashes_have_no_rights_beyond_their_letters(self):
        for name in ODD_NAMES:
            with self.subTest(name[:20]):
                with self.broker.client(name) as client:
                    for topic in (MINE, gate.topic("B")):
                        self.assertEqual(client.publish(topic, GOOD), mqtt.NOT_AUTHORIZED)
                    client.subscribe("nexus/#", "#")
                    with self.broker.client("air-A") as sensor:
                        sensor.publish(MINE, GOOD)
                    client.ping()
                    self.assertFalse([message.topic for message in client.take_all()
                                      if message.topic.startswith("nexus/")])

    def test_a_client_identifier_that_imitates_a_bridge(self):
        for name in ("nexus-bridge-", "nexus-bridge-birmingham", "nexus-bridge-" + "x" * 5000):
            for user in ("air-A", "operator", "nobody", None):
                for level, reason in ((4, 5), (5, mqtt.NOT_AUTHORIZED)):
                    with self.subTest(name=name[:30], user=user, level=level):
                        with self.assertRaises(mqtt.Refused) as refused:
                            self.broker.client(user, client_id=name, level=level)
                        self.assertEqual(refused.exception.reason, reason)
        for user in ("bridge", "link"):
            self.broker.client(user, client_id="nexus-bridge-mine").close()

    def test_client_identifiers_of_any_kind(self):
        for name in ("#", "+/+", "../..", "%c", "a" * 65535, "\u00e9\u6c34", "nexus/birmingham"):
            user, mine = self.sensor()
            with self.broker.client(user, client_id=name) as client:
                self.assertEqual(client.publish(mine, b"{}"), mqtt.NOT_AUTHORIZED)
            self.assertEqual([report["client_id"] for report in self.reports()],
                             [name if len(name) < 256 else name[:256]])

    def test_names_and_wills_that_are_no_text(self):
        # the broker refuses them at CONNECT or closes: the plugin is not asked with them
        def connect(user=b"air-A", client_id=b"c", will=b"nexus/x", level=5):
            body = mqtt.text("MQTT") + bytes([level, 0x02 | 0x04 | 0x80 | 0x40]) + b"\0\0"
            body += b"\0" if level == 5 else b""
            body += mqtt.text(client_id) + (b"\0" if level == 5 else b"") + mqtt.text(will)
            return mqtt.packet(mqtt.CONNECT << 4, body + mqtt.text(b"w") + mqtt.text(user) +
                               mqtt.text(gate.PASSWORD))

        for level in (4, 5):
            for bad in ({"user": b"air-A\0"}, {"user": b"air-\xff"}, {"client_id": b"\xff"},
                        {"client_id": b"a\0b"}, {"will": b"nexus/\xff"}, {"will": b"nexus/#"},
                        {"will": b"nexus/a\0"}, {"will": b""}):
                with self.subTest(level=level, **bad), mqtt.Raw(self.broker.port) as raw:
                    raw.send(connect(level=level, **bad))
                    raw.wait_closed()
                    self.assertFalse([body for first, body in raw.transcript
                                      if first >> 4 == mqtt.CONNACK and body[1] == 0])

    # --- control ------------------------------------------------------------------------------

    def test_the_control_topic_is_shut_to_who_is_no_operator(self):
        for user in ("air-A", "reader", "bridge", "link", "nobody"):
            with self.broker.client(user) as client:
                self.assertEqual(client.publish(CONTROL, b'{"commands":[{"command":"status"}]}'),
                                 mqtt.NOT_AUTHORIZED)

    def test_bytes_that_are_no_request_at_the_control_topic(self):
        with self.broker.client("operator", timeout=30) as client:
            client.subscribe(CONTROL + "/response")
            for payload in (b"", b"{}", b"[]", b"\xff\0", b"[" * 100_000, b'{"commands":7}',
                            b'{"commands":[7,null,{}]}', b'{"commands":[{"command":"no such"}]}',
                            b'{"commands":[%s{}]}' % (b"{}," * 20_000), os.urandom(5000)):
                client.publish(CONTROL, payload)
            client.ping()
            for message in client.take_all():
                json.loads(message.payload)

    # --- wills --------------------------------------------------------------------------------

    def test_wills_with_foreign_topics(self):
        user, _ = self.sensor()
        for topic in (gate.topic("B"), "nexus/ulsan/air/A/observation",
                      "nexus/birmingham/_status/plugin",
                      "nexus/birmingham/_rejected/air/A", "nexus/birmingham/_catalogue/air/A",
                      "nexus/_deliver/ulsan", "nexus/_link/ulsan/birmingham", "nexus/", "nexus/x"):
            for level in (4, 5):
                with self.subTest(topic=topic, level=level):
                    client = self.broker.client(user, level=level, will=(topic, GOOD, True))
                    client.kill()
                    came = self.observer.collect()
                    reports = [report for report in map(gate.report_of, came) if report]
                    self.assertEqual([report["topic"] for report in reports], [topic])
                    self.assertFalse([message for message in came if message.payload == GOOD])

    def test_wills_to_control_topics_reach_no_control(self):
        for topic in ("$CONTROL/nexus/v1", "$CONTROL/dynamic-security/v1", "$CONTROL/x"):
            for user in ("air-A", "operator"):
                try:
                    self.broker.client(user, will=(topic, b'{"commands":[]}', False)).kill()
                except (mqtt.Refused, ConnectionError):
                    self.assertTrue(gate.IS_LATER)  # which takes none

    def test_a_will_that_is_nested_too_deep(self):
        user, mine = self.sensor()
        self.broker.client(user, will=(mine, b"[" * 65000, True)).kill()
        self.assertEqual([report["reason"] for report in self.reports()], ["limit"])

    # --- payloads -----------------------------------------------------------------------------

    def test_a_payload_of_no_bytes(self):
        self.refused(b"", reason="empty")
        with self.broker.client("air-A") as client:
            self.assertLess(client.publish(MINE, b"", retain=True), 0x80)

    def test_a_payload_of_the_most_that_the_gate_admits_and_one_byte_more(self):
        fill = PAYLOAD_MAX - len(b'{"site":"x","fill":""}')
        most = b'{"site":"x","fill":"%s"}' % (b"x" * fill)
        with self.broker.client("air-A", timeout=30) as client:
            self.assertLess(client.publish(MINE, most), 0x80)
        self.refused(most[:-1] + b" }", reason="size")

    def test_a_packet_of_the_maximum_size_and_one_byte_more(self):
        for level, reason in ((4, None), (5, TOO_LARGE)):
            user, mine = self.sensor()
            head = len(mqtt.publish_packet(mine, b"", qos=1, level=level)) - 2
            most = b"x" * (PACKET_MAX - 1 - head)  # the broker counts from the length on
            with self.broker.client(user, level=level) as client:
                client.publish(mine, most)
            self.assertEqual([report["reason"] for report in self.reports()], ["size"])
            more = mqtt.publish_packet(mine, most + b"x", qos=1, level=level)
            self.closed(more[:100], level=level, reason=reason)  # its length is enough

    def test_deep_json(self):
        for deep in (b"[" * 500_000, b"[" * 500_000 + b"]" * 500_000, b'{"site":' * 100_000,
                     b'{"site":"x","v":' + b"[" * 100 + b"]" * 100 + b"}"):
            self.refused(deep)

    def test_wide_json(self):
        members = b",".join(b'"m%d":%d' % (number, number) for number in range(50_000))
        same = b",".join([b'"site":"x"'] * 50_000)
        for wide in (b"{%s}" % members, b"{%s}" % same, b"[" + b"1," * 200_000 + b"1]",
                     b'{"value":' + b"9" * 500_000 + b"}"):
            self.refused(wide)

    def test_bytes_that_are_no_json(self):
        for bad in (b"\0", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"site":"\xff"}', b'{"site":"\0"}',
                    b'{"site":"x"}\0', b'{"site":"x"}{}', b"NaN", b"'x'",
                    os.urandom(4096)):
            with self.subTest(bad[:20]):
                report = self.refused(bad)
                self.assertLessEqual(len(report["payload_excerpt"].encode()), 256 * 3)

    # --- properties ---------------------------------------------------------------------------

    def test_thousands_of_user_properties(self):
        pairs = [("nexus-origin", "ulsan"), ("name", "x" * 20)] * 10_000
        with self.broker.client("air-A", timeout=30) as client:
            self.assertLess(client.publish(MINE, GOOD, pairs=pairs), 0x80)
            self.assertEqual(client.publish(MINE, b"{}", pairs=pairs), mqtt.NOT_AUTHORIZED)

    def test_a_message_whose_properties_lie(self):
        body = mqtt.text(MINE) + mqtt.length(200) + b"\x26\x00\x01a"  # longer than the packet
        self.closed(mqtt.packet(mqtt.PUBLISH << 4, body), reason=MALFORMED)

    # --- packets ------------------------------------------------------------------------------

    def test_packets_that_are_cut_or_are_none(self):
        whole = mqtt.publish_packet(MINE, GOOD, qos=1)
        for cut in (1, 2, 3, 10, len(whole) - 1):
            with self.broker.client("air-A") as client:
                client.send(whole[:cut])
        for first in (0x00, 0x36, 0xF0):  # no packet, QoS 3, AUTH without method
            with self.broker.client("air-A") as client:
                client.send(mqtt.packet(first, mqtt.text(MINE) + b"\0\1\0" + GOOD))
                client.wait_closed()

    def test_a_connect_that_is_no_connect(self):
        for body in (b"", b"\0\4MQTT", b"\0\4MQTT\x05", b"\0\4MQTT\x09\x02\0\0\0\0\0",
                     b"\0\4MQTT\x05\xff\0\0\0\0\0", os.urandom(300)):
            with mqtt.Raw(self.broker.port) as raw:
                raw.send(mqtt.packet(mqtt.CONNECT << 4, body))
                raw.wait_closed()

    def test_a_publish_before_connect(self):
        with mqtt.Raw(self.broker.port) as raw:
            raw.send(mqtt.publish_packet(MINE, GOOD))
            raw.wait_closed()

    # --- after all of it ----------------------------------------------------------------------

    @unittest.skipIf(gate.SANITIZED, "a sanitizer keeps what is freed")
    def test_the_memory_of_the_broker_is_flat_under_all_of_it(self):
        def storm():
            user, mine = self.sensor()
            with self.broker.client(user, client_id="x" * 5000, timeout=30) as client:
                for payload in (b"[" * 400_000, b'{"value":"%s"}' % (b"x" * 900_000),
                                b"[" + b"1," * 200_000 + b"1]", os.urandom(4096)) * 4:
                    client.publish(mine, payload, retain=True)
                for number in range(50):
                    client.publish("nexus/" + f"{number:05}" * 13000, GOOD, retain=True)
                    client.publish(mine, b"{}", pairs=[(f"name{number}", "x" * 20)] * 200)
                    client.subscribe("nexus/" + f"{number:05}" * 13000)
            for number in range(20):
                self.broker.client(user, will=(f"nexus/{number}", GOOD, True)).kill()
            self.observer.collect()
            return self.broker.memory_kib()

        sizes = [storm() for _ in range(6)]
        self.assertLess(sizes[-1] - sizes[2], 1024, f"KiB after each round: {sizes}")
        print(f"memory after each round, KiB: {sizes}", flush=True)


if __name__ == "__main__":
    harness.main()
