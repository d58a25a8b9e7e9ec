"""What a link does beside delivering: it waits where no plugin answers, keeps what the receiver
refuses as dead letters, shows the latest first, holds to its rate, gives up what it may."""
import json
import time

import harness
import readings
import relay_rig


class Delivery(relay_rig.Rig):
    def test_without_a_plugin_at_the_peer_nothing_goes_nothing_is_lost_and_it_is_told(self):
        undo = self.restart_ulsan(lambda conf: "\n".join(
            line for line in conf.splitlines() if not line.startswith("plugin")) + "\n")
        publisher = self.publish_all(30)
        status = self.status(lambda status: "last_error" in status and status["waiting"] == 60
                             and "nexus_plugin.so" in status["last_error"]["text"], "birmingham")
        self.assertEqual(status["state"], "asking")
        self.assertIn("qos1", status["last_error"]["text"])
        self.restart_ulsan(undo)
        self.check(publisher)

    def test_what_the_receiver_refuses_is_a_dead_letter_with_its_reason(self):
        undo = self.refuse_at_ulsan(pm10=77)
        before = self.status(self.is_idle)
        with self.demo.client("birmingham", "sensor") as sensor:
            for pm10 in (10, 77, 20, 77, 30):
                sensor.publish("nexus/birmingham/air/BMLD/observation",
                               readings.encode(readings.birmingham(pm10=pm10, seq=1)))
        after = self.status(lambda status: self.is_idle(status)
                            and status["dead"] == before["dead"] + 2)
        self.assertEqual(after["sent"], before["sent"] + 3)
        self.oracle.end()
        self.assertEqual(len(self.oracle.seen["observation"]), 3)
        self.assertEqual(len(self.oracle.seen["original"]), 5)
        cache = self.demo.directory / "state/birmingham.db"
        letters = harness.nexusctl("cache", "dead", cache)
        self.assertIn("ulsan refused it: schema", letters.stdout + letters.stderr)
        self.restart_ulsan(undo)
        again = relay_rig.Oracle(self.demo)
        self.addCleanup(again.end)
        asked = harness.nexusctl("cache", "resend", cache, "--link",
                                 "birmingham-ulsan", "--all")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        resent = self.status(lambda status: self.is_idle(status)
                             and status["stored"] == after["stored"] + 2)
        self.assertEqual((resent["sent"], resent["dead"]), (after["sent"] + 2, after["dead"]))
        harness.wait_until(lambda: len(again.seen["observation"]) == 2, "both come")
        self.assertEqual(again.seen["original"], [], "the part that was refused alone")

    def test_what_is_too_large_for_the_peers_broker_is_a_dead_letter_and_holds_up_nothing(self):
        undo = self.restart_ulsan(lambda conf: conf.replace("max_packet_size 1048576",
                                                            "max_packet_size 2000"))
        before = self.status(self.is_idle)
        with self.demo.client("birmingham", "sensor") as sensor:
            for padding in (0, 1500, 0):
                sensor.publish("nexus/birmingham/air/BMLD/observation",
                               readings.encode(readings.birmingham(seq=1)) + b" " * padding)
        self.status(lambda status: self.is_idle(status) and status["sent"] == before["sent"] + 2
                    and status["dead"] == before["dead"] + 1)
        self.oracle.end()
        self.assertEqual(len(self.oracle.seen["observation"]), 3)
        self.assertEqual(len(self.oracle.seen["original"]), 2)
        cache = self.demo.directory / "state/birmingham.db"
        letters = harness.nexusctl("cache", "dead", cache)
        self.assertIn("original: ulsan cannot take it: too large for a batch", letters.stdout)
        self.restart_ulsan(undo)
        harness.nexusctl("cache", "resend", cache, "--link", "birmingham-ulsan", "--all")
        self.status(lambda status: self.is_idle(status) and status["sent"] == before["sent"] + 3)

    def test_a_value_taken_back_is_taken_back_at_the_peer(self):
        topic = "nexus/birmingham/air/BIRR/observation"
        with self.demo.client("birmingham", "sensor") as sensor:
            sensor.publish(topic, readings.encode(readings.birmingham(seq=1)), retain=True)
            sensor.publish(topic, b"", retain=True)
        self.status(self.is_idle)
        with self.demo.client("ulsan", "reader") as late:
            late.subscribe("nexus/birmingham/air/BIRR/+")
            self.assertIsNone(late.receive(0.5))

    def deliver_by(self, before, after):
        """Stops the bridge, changes the way of delivery, starts it again."""
        bridge = self.demo.bridges[-1]
        bridge.terminate()
        bridge.wait(timeout=10)
        self.demo.since = harness.utc_now()
        path = self.demo.directory / "config/bridge.json"
        path.write_text(path.read_text().replace(f'"delivery": "{before}"',
                                                 f'"delivery": "{after}"'))
        self.demo.start_bridge()
        self.status(self.is_idle)

    def test_a_change_of_the_way_of_delivery_loses_and_repeats_nothing(self):
        expected = []
        ways = ("batches", "qos1", "batches", "qos2", "batches")
        for way, after in zip(ways, ways[1:] + ways[:1]):
            publisher = self.publish_all(10)
            expected += [(station, seq) for seq in publisher.numbers
                         for station in relay_rig.STATIONS]
            self.assertEqual(self.status(self.is_idle)["delivery"], way)
            if after != way:
                self.deliver_by(way, after)
        harness.wait_until(lambda: len(self.oracle.seen["original"]) >= len(expected), "all of it")
        self.oracle.end()
        self.assertEqual(self.oracle.numbers, expected)
        self.assertEqual(len(self.oracle.seen["observation"]), len(expected))


class LatestFirst(relay_rig.Rig):
    link = {"order": "latest-first", "rate": 400}

    def test_after_an_outage_the_latest_comes_first_then_history_each_once(self):
        self.cutter.refuse = True
        self.cutter.cut()
        publisher = self.publish_all(500)
        self.cutter.refuse = False
        live = self.publish(20, rate=100)
        expected, status = self.follow(publisher)
        live.join()
        expected += [(station, seq) for seq in live.numbers for station in relay_rig.STATIONS]
        self.assertGreater(status["snapshots"], 0)
        oracle = self.oracle
        self.assertEqual(sorted(oracle.numbers), sorted(expected), "each once, as history")
        first = [replay for _, _, replay in oracle.replays[:4]]
        self.assertEqual(first, ["snapshot"] * 4, "observation and original of two streams")
        self.assertGreaterEqual(min(oracle.snapshots[:2]), publisher.numbers[-1])
        kinds = {replay for _, _, replay in oracle.replays}
        self.assertLessEqual({"snapshot", "history"}, kinds)
        with self.demo.client("ulsan", "reader") as late:
            late.subscribe("nexus/birmingham/air/BMLD/original")
            message = late.receive_until(lambda message: message.retain)
        self.assertEqual(json.loads(message.payload)["seq"], live.numbers[-1])

    def test_a_rate_is_held(self):
        began = time.monotonic()
        publisher = self.publish(400, rate=10000)
        self.check(publisher)
        self.assertGreater(time.monotonic() - began, 800 / 400 - 0.3)


class Limited(relay_rig.Rig):
    def test_what_the_peer_limits_comes_at_that_rate_and_each_once(self):
        path = self.demo.directory / "config/ulsan/city.json"
        text = path.read_text()
        path.write_text(text.replace('"identities"', '"limits": {"bridge": {"messages_per_second":'
                                     ' 100, "burst_seconds": 1}}, "identities"', 1))
        self.addCleanup(path.write_text, text)
        self.restart_ulsan(lambda conf: conf)
        began = time.monotonic()
        publisher = self.publish(60, rate=10000)  # of two stations, observation and original: 240
        self.check(publisher)
        self.assertGreater(time.monotonic() - began, (240 - 100) / 100 - 0.1)
        gate = self.demo.status("ulsan", "plugin", fresh=True)
        self.assertIn(gate["delivery"]["held_back"], range(1, 20), "it waits as it is told")
        self.assertEqual(gate["refused_total"], 0, "its status was not refused either")


class Drop(relay_rig.Rig):
    link = {"drop": "oldest", "drop_readings": 50}

    def test_what_is_beyond_the_limit_is_given_up_counted_and_told(self):
        before = self.status(self.is_idle)
        self.cutter.refuse = True
        self.cutter.cut()
        publisher = self.publish_all(200)
        self.status(lambda status: status["dropped"] == before["dropped"] + 350, "birmingham")
        self.cutter.refuse = False
        after = self.status(self.is_idle)
        self.assertEqual(after["sent"], before["sent"] + 50)
        self.assertEqual(after["dead"], before["dead"] + 350)
        self.assertIn("given up", (self.demo.directory / "log/bridge.log").read_text())
        self.oracle.end()
        expected = [(station, seq) for seq in publisher.numbers for station in relay_rig.STATIONS]
        self.assertEqual(self.oracle.numbers, expected[-50:])


if __name__ == "__main__":
    harness.main()
