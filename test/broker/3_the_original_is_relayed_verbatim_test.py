"""Beside the translation the peer gets the owner's bytes, untouched."""
import json

import harness
import readings


class TheOriginalIsRelayedVerbatim(harness.DemoTest):
    def original(self, source, target, asset, payload):
        stream = f"nexus/{source}/air/{asset}"
        with self.demo.client(target, "reader") as reader:
            reader.subscribe(f"{stream}/+")
            with self.demo.client(source, "sensor") as sensor:
                self.assertLess(sensor.publish(f"{stream}/observation", payload), 0x80)
            return reader.receive_until(
                lambda m: m.topic == f"{stream}/original" and not m.retain).payload

    def test_whitespace_member_order_and_escapes_of_an_airkorea_record_survive(self):
        members = list(readings.ulsan().items())
        payload = json.dumps(dict(reversed(members)), indent=3, ensure_ascii=True).encode() + b"\n \t"
        self.assertEqual(self.original("ulsan", "birmingham", "sinjeong-dong", payload), payload)

    def test_the_way_a_birmingham_sensor_writes_its_numbers_survives(self):
        payload = readings.encode(readings.birmingham(no2=41.4)).replace(b"41.4", b"4.140e1")
        self.assertIn(b"4.140e1", payload)
        self.assertEqual(self.original("birmingham", "ulsan", "BMLD", payload), payload)

    def test_the_original_is_retained_for_who_joins_late(self):
        payload = readings.encode(readings.birmingham(no2=12.5))
        self.original("birmingham", "ulsan", "BIRR", payload)
        with self.demo.client("ulsan", "reader") as late:
            late.subscribe("nexus/birmingham/air/BIRR/original")
            message = late.receive(2)
        self.assertTrue(message.retain)
        self.assertEqual(message.payload, payload)


if __name__ == "__main__":
    harness.main()
