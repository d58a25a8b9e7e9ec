"""What the gate refuses: the sensor learns it from the reason code, its owner and the operator from
`_rejected` with the place and the words, the statistics from `_status/plugin`."""
import json

import harness
import mqtt
import readings

TOPIC = "nexus/birmingham/air/BMLD/observation"


class RefusalsAreExplained(harness.DemoTest):
    options = ("--no-sensors", "--no-bridge")  # the gate alone refuses

    def refusal(self, city, identity, topic, payload, **options):
        """The reason code, and the report that the operator of `city` got."""
        with self.demo.client(city, "operator") as operator:
            operator.subscribe(f"nexus/{city}/_rejected/#")
            with self.demo.client(city, identity) as sensor:
                reason = sensor.publish(topic, payload, **options)
            report = json.loads(operator.receive(5).payload)
        self.assertEqual(report["topic"], topic)
        return reason, report

    def test_a_payload_that_its_schema_refuses_is_told_with_pointer_keyword_and_words(self):
        payload = readings.encode(readings.birmingham(no2="42.1"))  # a number, as a string
        reason, report = self.refusal("birmingham", "sensor", TOPIC, payload)
        self.assertEqual(reason, mqtt.NOT_AUTHORIZED)
        self.assertEqual(report["reason"], "schema")
        self.assertEqual(report["keyword"], "type")
        self.assertEqual(report["instance"], "/no2")
        self.assertIn("number", report["text"])

    def test_what_is_not_json_is_told_with_line_and_column(self):
        reason, report = self.refusal("birmingham", "sensor", TOPIC, b'{\n  "site": BMLD }')
        self.assertEqual(reason, mqtt.NOT_AUTHORIZED)
        self.assertEqual(report["reason"], "json")
        self.assertEqual((report["line"], report["column"]), (2, 11))

    def test_each_shipped_invalid_example_is_refused_and_each_valid_one_admitted(self):
        for city, asset in (("birmingham", "BMLD"), ("ulsan", "sinjeong-dong")):
            topic = f"nexus/{city}/air/{asset}/observation"
            folder = harness.ROOT / "schemas" / city / "air/examples"
            with self.demo.client(city, "sensor") as sensor:
                for kind, refused in (("valid", False), ("invalid", True)):
                    paths = sorted((folder / kind).glob("*.json"))
                    self.assertTrue(paths)
                    for path in paths:
                        with self.subTest(path=str(path.relative_to(harness.ROOT))):
                            reason = sensor.publish(topic, path.read_bytes())
                            self.assertEqual(reason == mqtt.NOT_AUTHORIZED, refused)

    def test_a_sensor_may_not_publish_into_the_other_citys_subtree(self):
        reason, report = self.refusal("birmingham", "sensor",
                                      "nexus/ulsan/air/sinjeong-dong/observation",
                                      readings.encode(readings.birmingham()))
        self.assertEqual((reason, report["reason"]), (mqtt.NOT_AUTHORIZED, "city"))
        self.assertIn("ulsan", report["text"])

    def test_a_station_may_not_publish_another_stations_topic(self):
        payload = readings.encode(readings.birmingham())
        reason, report = self.refusal("birmingham", "air-BIRR", TOPIC, payload)
        self.assertEqual((reason, report["reason"]), (mqtt.NOT_AUTHORIZED, "asset"))
        self.assertIn("nexus/birmingham/air/BIRR/observation", report["text"])
        with self.demo.client("birmingham", "air-BMLD") as sensor:
            self.assertLess(sensor.publish(TOPIC, payload), 0x80)

    def test_a_reader_may_publish_nothing_and_a_sensor_no_status(self):
        payload = readings.encode(readings.birmingham())
        with self.demo.client("birmingham", "reader") as reader:
            self.assertEqual(reader.publish(TOPIC, payload), mqtt.NOT_AUTHORIZED)
        with self.demo.client("birmingham", "sensor") as sensor:
            self.assertEqual(sensor.publish("nexus/birmingham/_status/bridge", b"{}"),
                             mqtt.NOT_AUTHORIZED)

    def test_a_refused_will_reaches_nobody(self):
        for will in ((TOPIC, b"not a reading", False),
                     ("nexus/birmingham/_status/bridge", b'{"state":"up"}', True)):
            with self.subTest(topic=will[0]), self.demo.client("birmingham", "operator") as operator:
                operator.subscribe("nexus/birmingham/air/#", "nexus/birmingham/_rejected/#")
                self.demo.client("birmingham", "sensor", will=will).close()
                message = operator.receive_until(lambda m: not m.retain, 5)
                self.assertIn("/_rejected/", message.topic)
                self.assertEqual(json.loads(message.payload)["topic"], will[0])

    def test_a_will_that_is_a_reading_of_its_own_asset_is_admitted(self):
        payload = readings.encode(readings.birmingham(no2=3.5))
        with self.demo.client("birmingham", "reader") as reader:
            reader.subscribe(TOPIC)
            self.demo.client("birmingham", "air-BMLD", will=(TOPIC, payload, False)).close()
            self.assertEqual(reader.receive_until(lambda m: not m.retain, 5).payload, payload)

    def test_a_sensor_sees_its_own_refusals_and_no_others(self):
        with self.demo.client("birmingham", "air-BMLD") as mine, \
                self.demo.client("birmingham", "air-BIRR") as other:
            mine.subscribe("nexus/birmingham/_rejected/air/BMLD")
            other.subscribe("nexus/birmingham/_rejected/air/#")
            mine.publish(TOPIC, b"{}")
            self.assertIsNotNone(mine.receive(5))
            self.assertIsNone(other.receive(0.3))

    def test_an_mqtt_3_sensor_is_refused_too_though_it_does_not_learn_of_it(self):
        with self.demo.client("birmingham", "reader") as reader:
            reader.subscribe(TOPIC)
            while reader.receive(0.3):
                pass
            with self.demo.client("birmingham", "sensor", level=4) as sensor:
                self.assertEqual(sensor.publish(TOPIC, b"{}"), 0)
            self.assertIsNone(reader.receive(0.3))

    def test_refusals_are_counted_by_reason(self):
        before = self.demo.status("birmingham", "plugin", fresh=True)
        with self.demo.client("birmingham", "sensor") as sensor:
            for _ in range(3):
                sensor.publish(TOPIC, b"{}")
        after = self.demo.status(
            "birmingham", "plugin",
            lambda status: status["refused_total"] >= before["refused_total"] + 3)
        self.assertEqual(after["refused"]["schema"], before["refused"]["schema"] + 3)

    def test_the_first_ten_refusals_of_an_identity_are_told_one_by_one(self):
        with self.demo.client("ulsan", "operator") as operator:
            operator.subscribe("nexus/ulsan/_rejected/#")
            with self.demo.client("ulsan", "air-sinjeong-dong") as sensor:
                for number in range(10):
                    sensor.publish("nexus/ulsan/air/sinjeong-dong/observation",
                                   json.dumps({"number": number}))
            excerpts = [json.loads(operator.receive(5).payload)["payload_excerpt"]
                        for _ in range(10)]
        self.assertEqual([json.loads(text)["number"] for text in excerpts], list(range(10)))

    def test_clearing_a_retained_value_is_for_whom_the_topic_belongs_to(self):
        payload = readings.encode(readings.birmingham())
        with self.demo.client("birmingham", "air-BMLD") as mine:
            self.assertLess(mine.publish(TOPIC, payload, retain=True), 0x80)
            with self.demo.client("birmingham", "air-BIRR") as other:
                self.assertEqual(other.publish(TOPIC, b"", retain=True), mqtt.NOT_AUTHORIZED)
            self.assertLess(mine.publish(TOPIC, b"", retain=True), 0x80)
        with self.demo.client("birmingham", "reader") as late:
            late.subscribe(TOPIC)
            self.assertIsNone(late.receive(0.3))

    def test_who_has_no_name_or_a_wrong_password_is_not_let_in(self):
        port = self.demo.port("birmingham")
        for user, password in ((None, None), ("birmingham-sensor", "wrong"), ("nobody", "x")):
            with self.subTest(user=user), self.assertRaises(mqtt.Refused):
                mqtt.Client(port, user, password)


if __name__ == "__main__":
    harness.main()
