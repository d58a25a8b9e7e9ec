"""A reading published in one city's dialect arrives at the other city's broker, at the same topic,
in the other city's dialect."""
import json
import subprocess

import harness
import readings


class ReadingsCrossBothWays(harness.DemoTest):
    def carry(self, source, target, asset, payload):
        topic = f"nexus/{source}/air/{asset}/observation"
        with self.demo.client(target, "reader") as reader:
            reader.subscribe(topic)
            with self.demo.client(source, "sensor") as sensor:
                reason = sensor.publish(topic, readings.encode(payload), retain=True)
            self.assertLess(reason, 0x80, "the sensor's publish was refused")
            return reader.receive_until(lambda m: m.topic == topic and not m.retain)

    def test_a_birmingham_reading_arrives_at_ulsan_as_an_airkorea_record(self):
        message = self.carry("birmingham", "ulsan", "BMLD", readings.birmingham())
        record = json.loads(message.payload)
        self.assertEqual(record["no2Value"], "0.022")
        self.assertEqual(record["dataTime"], "2026-02-01 10:00")
        self.assertEqual(readings.faults("ulsan", message.payload), "")

    def test_an_ulsan_reading_arrives_at_birmingham_in_birminghams_dialect(self):
        message = self.carry("ulsan", "birmingham", "sinjeong-dong", readings.ulsan(no2Value="0.022"))
        self.assertEqual(json.loads(message.payload)["no2"], 42.1)
        self.assertEqual(readings.faults("birmingham", message.payload), "")

    def test_the_relayed_reading_tells_where_it_comes_from_and_by_which_schema_and_lens(self):
        message = self.carry("birmingham", "ulsan", "BIRR", readings.birmingham())
        properties = message.properties
        self.assertEqual(properties["nexus-origin"], "birmingham")
        self.assertRegex(properties["nexus-seq"], r"^[^.]+\.[0-9]+$")
        self.assertRegex(properties["nexus-schema"], r"^[a-z-]+@[0-9]+$")
        self.assertRegex(properties["nexus-lens"], r"^[a-z-]+@[0-9]+$")
        self.assertEqual(properties["nexus-observed-at"], "2026-02-01T01:00:00Z")
        self.assertEqual(properties[3], "application/json")  # content type

    def test_who_joins_late_has_the_last_value_at_once(self):
        self.carry("ulsan", "birmingham", "sinjeong-dong", readings.ulsan(no2Value="0.031"))
        topic = "nexus/ulsan/air/sinjeong-dong/observation"
        with self.demo.client("birmingham", "reader") as late:
            late.subscribe(topic)
            message = late.receive_until(lambda m: m.topic == topic and m.retain, 2)
        self.assertEqual(json.loads(message.payload)["no2"], 59.3)

    def test_what_the_readme_types_by_hand_works(self):
        env = self.demo.env
        host, port = env["ULSAN_MQTT"].split(":")
        topic = "nexus/birmingham/air/BMLD/observation"
        subscriber = subprocess.Popen(
            ["mosquitto_sub", "-h", host, "-p", port, "-u", env["ULSAN_READER_USER"], "-P",
             env["ULSAN_READER_PASSWORD"], "-t", topic, "-F", "%r %p", "-W", "20"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(subscriber.stdout.close)
        self.addCleanup(subscriber.wait)
        self.addCleanup(subscriber.kill)
        host, port = env["BIRMINGHAM_MQTT"].split(":")
        done = harness.run("mosquitto_pub", "-V", "5", "-h", host, "-p", port, "-q", "1", "-t", topic,
                           "-u", env["BIRMINGHAM_SENSOR_USER"], "-P",
                           env["BIRMINGHAM_SENSOR_PASSWORD"], "-s",
                           input=json.dumps(readings.birmingham(no2=34.4)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in subscriber.stdout:
            record = json.loads(line.split(" ", 1)[1])
            if record["no2Value"] == "0.018":
                return
        self.fail("the reading did not arrive")


if __name__ == "__main__":
    harness.main()
