"""Each reading is in its owner's SQLite cache, original and canonical, and nexusctl prints it, also
beside the running bridge."""
import json

import harness
import readings


class EachReadingIsInTheCache(harness.DemoTest):
    def publish(self, city, asset, *payloads):
        with self.demo.client(city, "sensor") as sensor:
            for payload in payloads:
                reason = sensor.publish(f"nexus/{city}/air/{asset}/observation", payload)
                self.assertLess(reason, 0x80)

    def cache(self, what, city, *arguments):
        done = harness.nexusctl("cache", what, self.demo.directory / f"state/{city}.db", *arguments,
                                "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def history(self, city, asset, count, *arguments):
        """The stream's readings, once there are `count` of them."""
        topic = f"nexus/{city}/air/{asset}/observation"
        return harness.wait_until(
            lambda: (rows := self.cache("history", city, topic, *arguments)) and
            len(rows) == count and rows, f"{count} readings of {topic} in the cache")

    def test_latest_gives_original_canonical_sequence_number_and_times(self):
        self.publish("ulsan", "sinjeong-dong", readings.encode(readings.ulsan()))
        self.history("ulsan", "sinjeong-dong", 1)
        row, = self.cache("latest", "ulsan", "nexus/ulsan/air/sinjeong-dong/observation")
        self.assertEqual(row["topic"], "nexus/ulsan/air/sinjeong-dong/observation")
        self.assertEqual(row["original"], readings.ulsan())
        self.assertEqual(row["canonical"]["type"], "AirQualityObserved")
        self.assertEqual(row["canonical"]["name"], "신정동")
        self.assertGreater(row["seq"], 0)
        self.assertEqual(row["observed_at"], "2026-02-01T01:00:00Z")
        self.assertRegex(row["received_at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")

    def test_history_gives_each_reading_in_order_also_where_bytes_repeat(self):
        payloads = [readings.encode(readings.birmingham(seq=seq)) for seq in (1, 2, 2, 3)]
        self.publish("birmingham", "BIRR", *payloads)
        rows = self.history("birmingham", "BIRR", 4)
        self.assertEqual([row["original"]["seq"] for row in rows], [1, 2, 2, 3])
        numbers = [row["seq"] for row in rows]
        self.assertEqual(numbers, sorted(set(numbers)))
        newest = self.history("birmingham", "BIRR", 2, "--limit", "2")
        self.assertEqual([row["original"]["seq"] for row in newest], [2, 3])
        since = self.history("birmingham", "BIRR", 1, "--since", str(numbers[2]))
        self.assertEqual([row["seq"] for row in since], numbers[3:])

    def test_the_cache_of_a_city_holds_its_own_readings_only(self):
        self.publish("birmingham", "AGRN", readings.encode(readings.birmingham()))
        self.history("birmingham", "AGRN", 1)
        self.publish("ulsan", "samsan-dong", readings.encode(readings.ulsan()))
        self.history("ulsan", "samsan-dong", 1)
        for city in harness.CITIES:
            topics = [row["topic"] for row in self.cache("streams", city)]
            self.assertTrue(topics)
            self.assertEqual([t for t in topics if not t.startswith(f"nexus/{city}/")], [])

    def test_a_refused_reading_is_not_in_it(self):
        topic = "nexus/birmingham/air/BMLD/observation"
        with self.demo.client("birmingham", "sensor") as sensor:
            self.assertEqual(sensor.publish(topic, b"{}"), 0x87)
        self.publish("birmingham", "BMLD", readings.encode(readings.birmingham(seq=1)))
        self.assertEqual(self.history("birmingham", "BMLD", 1)[0]["original"]["seq"], 1)

    def test_without_json_a_person_can_read_it(self):
        self.publish("ulsan", "yaksa-dong", readings.encode(readings.ulsan(stationName="약사동")))
        self.history("ulsan", "yaksa-dong", 1)
        done = harness.nexusctl("cache", "latest", self.demo.directory / "state/ulsan.db",
                                "nexus/ulsan/air/yaksa-dong/observation")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("약사동", done.stdout)
        self.assertIn("nexus/ulsan/air/yaksa-dong/observation", done.stdout)

    def test_nothing_found_and_no_such_file_have_exit_codes_of_their_own(self):
        nothing = harness.nexusctl("cache", "history", self.demo.directory / "state/ulsan.db",
                                   "nexus/ulsan/air/nobody/observation")
        self.assertEqual(nothing.returncode, 1)
        none = harness.nexusctl("cache", "latest", "/nonexistent/ulsan.db")
        self.assertEqual(none.returncode, 2)
        self.assertIn("/nonexistent/ulsan.db", none.stderr)


if __name__ == "__main__":
    harness.main()
