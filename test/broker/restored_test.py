"""A cache that is put back from a backup: its next numbers are those that the lost one gave to other
readings. What comes into it while the link is down arrives all the same, each once, and so does what
the backup held and the link had not sent."""
import os
import shutil
import sqlite3

import harness
import relay_rig

COUNT = 40  # readings a station, each time


class Restored(relay_rig.Rig):
    @property
    def cache(self):
        return self.demo.directory / "state/birmingham.db"

    def back_up(self):
        """As docs/operating.md says: beside a running bridge, by SQLite itself."""
        copy = self.demo.directory / "backup.db"
        with sqlite3.connect(self.cache) as cache, sqlite3.connect(copy) as out:
            cache.backup(out)
        cache.close()
        out.close()
        return copy

    def put_back(self, copy, in_place):
        owner = self.cache.stat()
        for tail in ("-wal", "-shm"):
            self.cache.with_name(self.cache.name + tail).unlink(missing_ok=True)
        if not in_place:
            self.cache.unlink()
        shutil.copyfile(copy, self.cache)
        os.chown(self.cache, owner.st_uid, owner.st_gid)
        self.assertEqual(self.cache.stat().st_ino == owner.st_ino or not in_place, True)

    def seen(self):
        return min(map(len, self.oracle.seen.values()))

    def lose_and_restore(self, in_place, told):
        """Some before the backup, some that are sent and some that wait; then the backup, more that
        arrives, the loss, and at last more than was lost, before the link is there again."""
        publishers = [self.publish_all(COUNT)]
        harness.wait_until(lambda: self.seen() == 2 * COUNT, "the first have arrived")
        self.link_down()
        publishers.append(self.publish_all(COUNT))
        stored = self.before["stored"] + 4 * COUNT
        self.status(lambda status: status["stored"] == stored and status["waiting"] == 2 * COUNT,
                    "birmingham")
        copy = self.back_up()
        self.link_up()
        publishers.append(self.publish_all(COUNT))
        harness.wait_until(lambda: self.seen() == 6 * COUNT, "what the backup lacks has arrived")
        self.status(self.is_idle)
        self.link_down()
        self.demo.kill_bridge()
        self.put_back(copy, in_place)
        if told:
            done = harness.nexusctl("cache", "restored", self.cache)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.demo.start_bridge()
        publishers.append(self.publish_all(2 * COUNT))
        self.status(lambda status: status["stored"] == stored + 4 * COUNT, "birmingham")
        self.link_up()
        return publishers, stored

    def link_down(self):
        self.cutter.refuse = True
        self.cutter.cut()

    def link_up(self):
        self.cutter.refuse = False

    def check_restored(self, publishers, stored):
        harness.wait_until(lambda: self.seen() >= 10 * COUNT, "all has arrived", 30)
        status = self.status(self.is_idle)
        self.assertEqual(status["stored"], stored + 4 * COUNT)
        self.oracle.end()
        expected = [(station, seq) for publisher in publishers for seq in publisher.numbers
                    for station in relay_rig.STATIONS]
        self.assertEqual(sorted(self.oracle.numbers), sorted(expected), "by payload")
        for channel, seen in self.oracle.seen.items():
            self.assertEqual(len(seen), len(set(seen)), f"{channel}: a name was used twice")
        bridge = self.demo.status("birmingham", "bridge", fresh=True)
        self.assertEqual(bridge["cache"]["epoch_after"], stored)
        self.assertEqual({epoch for _, (epoch, n) in self.oracle.seen["original"][-4 * COUNT:]},
                         {bridge["cache"]["epoch"]})
        self.assertIn("what comes begins a new epoch",
                      (self.demo.directory / "log/bridge.log").read_text())

    def test_what_comes_into_a_copy_of_the_cache_arrives_once(self):
        self.check_restored(*self.lose_and_restore(in_place=False, told=False))

    def test_a_copy_in_the_same_place_is_told_by_the_operator(self):
        self.check_restored(*self.lose_and_restore(in_place=True, told=True))

    def test_a_file_in_whose_place_another_was_in_use_is_told_until_the_operator_says_so(self):
        self.publish_all(COUNT)
        self.status(self.is_idle)
        kept = self.demo.directory / "kept"
        kept.mkdir()
        for place in (kept, self.cache.parent):  # aside, and in again
            self.demo.kill_bridge()
            for file in list((self.cache.parent if place == kept else kept).glob("birmingham.db*")):
                file.replace(place / file.name)
            self.demo.start_bridge()
            if place == kept:
                self.publish_all(COUNT)
                self.status(self.is_idle)
        publisher = self.publish_all(COUNT)
        told = ""
        for _ in range(2):  # once more when it is asked again
            status = self.status(lambda status: status["waiting"] == 2 * COUNT and "older copy"
                                 in status.get("last_error", {}).get("text", "") and
                                 status["last_error"]["at"] > told, "birmingham")
            told = status["last_error"]["at"]
            self.assertEqual(status["state"], "asking")
        self.assertNotIn("no answer from the nexus plugin",
                         (self.demo.directory / "log/bridge.log").read_text())
        self.demo.kill_bridge()
        self.assertEqual(harness.nexusctl("cache", "restored", self.cache).returncode, 0)
        self.demo.start_bridge()
        self.status(self.is_idle)
        numbers = [number for number in self.oracle.numbers if number[1] in publisher.numbers]
        self.assertEqual(len(numbers), 2 * COUNT)


if __name__ == "__main__":
    harness.main()
