"""What a bridge does for its cache beside storing: an operator has dead letters sent again, and
retention removes what is old once every link has sent it, but never a stream's last value."""
import json
import sqlite3

import harness
import readings
import relay_rig

DAYS_MS = 3 * 86400 * 1000
LINK = "birmingham-ulsan"


class Keep(relay_rig.Rig):
    @property
    def cache(self):
        return self.demo.directory / "state/birmingham.db"

    def publish_one(self, asset, **values):
        with self.demo.client("birmingham", "sensor") as sensor:
            reason = sensor.publish(f"nexus/birmingham/air/{asset}/observation",
                                    readings.encode(readings.birmingham(**values)))
        self.assertLess(reason, 0x80)

    def test_a_dead_letter_is_sent_again_to_that_link_and_part_alone(self):
        undo = self.refuse_at_ulsan(pm10=77)
        before = self.status(self.is_idle)
        self.publish_one("BMLD", pm10=77, seq=1)
        dead = self.status(lambda status: self.is_idle(status)
                           and status["dead"] == before["dead"] + 1)
        self.restart_ulsan(undo)
        self.status(self.is_idle)
        letter, = (json.loads(line) for line in harness.nexusctl(
            "cache", "dead", self.cache, "--link", LINK, "--json").stdout.splitlines())
        self.assertEqual(letter["channel"], "observation")
        self.assertEqual(letter["record"]["original"]["pm10"], 77)
        asked = harness.nexusctl("cache", "resend", self.cache, "--link", LINK, "--seq",
                                 str(letter["seq"]))
        self.assertEqual(asked.returncode, 0, asked.stderr)
        after = self.status(lambda status: self.is_idle(status)
                            and status["sent"] == dead["sent"] + 1)
        self.assertEqual(after["stored"], dead["stored"] + 1)
        self.oracle.end()
        self.assertEqual([n for _, (_, n) in self.oracle.seen["observation"]], [after["stored"]])
        self.assertEqual([n for _, (_, n) in self.oracle.seen["original"]], [letter["seq"]])
        self.assertEqual(harness.nexusctl("cache", "dead", self.cache).returncode, 1)
        self.assertIn(f"1 dead letters of link {LINK} are tried again",
                      (self.demo.directory / "log/bridge.log").read_text())
        history = harness.nexusctl("cache", "history", self.cache,
                                   "nexus/birmingham/air/BMLD/observation", "--json").stdout
        numbers = [json.loads(line)["seq"] for line in history.splitlines()]
        self.assertNotIn(after["stored"], numbers, "a second try is no reading")

    def test_a_cache_that_was_set_aside_shows_until_it_is_taken_away(self):
        aside = self.cache.with_name("birmingham.db.damaged-20260131T150000Z")
        for name in (aside.name, aside.name + "-wal", "ulsan.db.damaged-20260131T150000Z"):
            self.cache.with_name(name).write_bytes(b"damaged")
        status = self.demo.status("birmingham", "bridge", lambda status: status.get("alarms"))
        self.assertEqual([alarm["name"] for alarm in status["alarms"]], ["damaged"])
        self.assertIn("1 caches were found damaged", status["alarms"][0]["text"])
        aside.unlink()
        self.demo.status("birmingham", "bridge", lambda status: status.get("alarms") == [], fresh=True)

    def test_retention_waits_for_a_link_and_keeps_the_last_values(self):
        self.publish_one("AGRN", seq=1)  # a station that falls silent
        self.status(self.is_idle)
        self.cutter.refuse = True
        self.cutter.cut()
        publisher = self.publish(20)
        publisher.join(timeout=30)
        self.status(lambda status: status["waiting"] == 40, "birmingham")
        self.demo.kill_bridge()
        with sqlite3.connect(self.cache) as cache:
            cache.execute("UPDATE readings SET received_at = received_at - ?", (DAYS_MS,))
            last, = cache.execute("SELECT max(seq) FROM readings").fetchone()
        cache.close()
        path = self.demo.directory / "config/bridge.json"
        text = path.read_text()
        path.write_text(text.replace('"city": "birmingham"',
                                     '"city": "birmingham", "retention": {"days": 1}', 1))
        self.addCleanup(path.write_text, text)
        self.demo.start_bridge()
        status = self.demo.status("birmingham", "bridge", lambda status: any(
            alarm["name"] == "retention" for alarm in status.get("alarms", [])))
        self.assertEqual(status["cache"]["first_seq"], last - 40 + 1, "not past the link's cursor")
        self.cutter.refuse = False
        self.status(self.is_idle)
        self.oracle.end()
        self.assertEqual(sorted(self.oracle.numbers),
                         [("AGRN", 1)] + [(station, seq) for station in sorted(relay_rig.STATIONS)
                                          for seq in publisher.numbers], "nothing is lost")
        self.publish_one("BMLD", seq=99)  # behind it the broker cannot repeat the old ones any more
        status = self.demo.status("birmingham", "bridge", lambda status: status.get(
            "cache", {}).get("first_seq") == last + 1)
        self.assertEqual(status["alarms"], [])
        self.assertGreaterEqual(status["cache"]["removed"], 38)
        rows = [json.loads(line) for line in
                harness.nexusctl("cache", "streams", self.cache, "--json").stdout.splitlines()]
        self.assertEqual({row["topic"].split("/")[3]: row["readings"] for row in rows},
                         {"BMLD": 1, "BIRR": 1, "AGRN": 1})


if __name__ == "__main__":
    harness.main()
