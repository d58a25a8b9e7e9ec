"""What each format demands, seen at the other city: 24:00 for midnight, Hangul names, missing with
its reason and never as zero, names and positions from the assets table."""
import json

import harness
import readings


class FormatsHold(harness.DemoTest):
    def translate(self, source, target, asset, payload):
        """What a reader of `target` gets for this reading of `source`."""
        topic = f"nexus/{source}/air/{asset}/observation"
        with self.demo.client(target, "reader") as reader:
            reader.subscribe(topic)
            with self.demo.client(source, "sensor") as sensor:
                self.assertLess(sensor.publish(topic, readings.encode(payload)), 0x80)
            message = reader.receive_until(lambda m: not m.retain)
        self.assertEqual(readings.faults(target, message.payload), "")
        return json.loads(message.payload)

    def test_24_00_of_the_last_day_is_midnight_of_the_next(self):
        record = self.translate("ulsan", "birmingham", "sinjeong-dong",
                                readings.ulsan(dataTime="2026-01-31 24:00"))
        self.assertEqual(record["time"], "2026-01-31T15:00:00Z")

    def test_midnight_at_ulsan_is_written_24_00_of_the_day_that_ends(self):
        record = self.translate("birmingham", "ulsan", "BMLD",
                                readings.birmingham(time="2026-01-31T15:00:00Z"))
        self.assertEqual(record["dataTime"], "2026-01-31 24:00")

    def test_a_station_keeps_its_hangul_name_and_gets_its_position_from_the_assets_table(self):
        record = self.translate("ulsan", "birmingham", "sinjeong-dong", readings.ulsan())
        self.assertEqual(record["name"], "신정동")
        self.assertEqual((record["longitude"], record["latitude"]), (129.3078132, 35.5346564))

    def test_a_station_that_the_table_gives_no_position_has_none(self):
        record = self.translate("ulsan", "birmingham", "mugeo-dong",
                                readings.ulsan(stationName="무거동"))
        self.assertEqual(record["name"], "무거동")
        self.assertNotIn("longitude", record)

    def test_a_birmingham_station_has_its_name_at_ulsan(self):
        record = self.translate("birmingham", "ulsan", "BMLD", readings.birmingham())
        self.assertEqual(record["stationName"], "Birmingham Ladywood")

    def test_missing_stays_missing_with_its_reason_and_is_never_zero(self):
        record = self.translate("ulsan", "birmingham", "sinjeong-dong",
                                readings.ulsan(no2Value="-", no2Flag="점검및교정"))
        self.assertNotIn("no2", record)
        self.assertEqual(record["flags"], {"no2": "maintenance-and-calibration"})

    def test_a_flag_of_birmingham_is_told_in_korean_at_ulsan(self):
        payload = readings.birmingham(flags={"o3": "communication-failure"})
        del payload["o3"]
        record = self.translate("birmingham", "ulsan", "BMLD", payload)
        self.assertEqual((record["o3Value"], record["o3Flag"]), ("-", "통신장애"))

    def test_a_value_that_birmingham_does_not_measure_is_a_dash_at_ulsan(self):
        payload = readings.birmingham()
        del payload["so2"]
        record = self.translate("birmingham", "ulsan", "BMLD", payload)
        self.assertEqual(record["so2Value"], "-")

    def test_a_measured_zero_stays_zero(self):
        record = self.translate("ulsan", "birmingham", "sinjeong-dong", readings.ulsan(no2Value="0.000"))
        self.assertEqual(record["no2"], 0)

    def test_ppm_becomes_micrograms_at_the_reference_that_the_reading_city_declares(self):
        record = self.translate("ulsan", "birmingham", "sinjeong-dong", readings.ulsan(no2Value="0.022"))
        self.assertEqual(record["no2"], 42.1)

    def test_a_foreign_reading_keeps_its_precision(self):
        record = self.translate("birmingham", "ulsan", "BMLD", readings.birmingham(no2=41.4))
        self.assertEqual(record["no2Value"], "0.02165")

    def test_the_sensors_own_counter_is_carried(self):
        record = self.translate("birmingham", "ulsan", "BMLD", readings.birmingham(seq=7))
        self.assertEqual(record["seq"], 7)


if __name__ == "__main__":
    harness.main()
