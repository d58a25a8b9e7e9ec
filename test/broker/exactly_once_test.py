"""Each reading that a broker acknowledged to a sensor comes out once at the other city, in the order
of its stream, as observation and as original: through the death of the bridge at every point that
matters and at random moments, through cuts of the connection, and through restarts of a broker."""
import os
import random
import time

import harness
import relay_rig

KILLS = int(os.environ.get("NEXUS_TEST_KILLS", "3"))
COMMON = ("read", "before_commit", "after_commit", "before_ack")
POINTS = {"batches": COMMON + ("batch_sent", "batch_acknowledged"),
          "qos2": ("after_commit", "qos2_before_mark", "qos2_after_mark")}


class Rig(relay_rig.Rig):
    def kill_at_each_point(self):
        for point in POINTS[self.delivery]:
            with self.subTest(point=point):
                self.oracle.end()
                self.oracle = relay_rig.Oracle(self.demo)
                self.demo.kill_bridge()
                self.start_at(point, random.randint(1, 10))
                bridge = self.demo.bridges[-1]
                publisher = self.publish(40, more=lambda: bridge.poll() is None)
                self.assertEqual(bridge.wait(timeout=30), -9, f"{point} is reached")
                self.demo.start_bridge()
                self.check(publisher)

    def kill_and_cut(self, kill, cut):
        publisher = self.publish(KILLS * 75)
        while publisher.is_alive():
            time.sleep(random.uniform(0.05, 0.35))
            if cut:
                self.cutter.cut()
            if kill and random.random() < 0.5:
                self.demo.kill_bridge()
                self.demo.start_bridge()
        self.check(publisher)

    def restart_in_mid_stream(self, city):
        publisher = self.publish(300)
        time.sleep(0.3)
        again = self.demo.stop_broker(city)
        time.sleep(0.2)
        self.demo.start_broker(city, again)
        self.demo.env[f"{city.upper()}_BROKER_PID"] = str(self.demo.brokers[-1].pid)
        return self.check(publisher)


class Batches(Rig):
    delivery = "batches"

    def test_the_bridge_killed_at_each_point_loses_and_repeats_nothing(self):
        self.kill_at_each_point()

    def test_the_bridge_killed_at_random_moments_loses_and_repeats_nothing(self):
        self.kill_and_cut(kill=True, cut=False)

    def test_a_connection_cut_again_and_again_loses_and_repeats_nothing(self):
        self.kill_and_cut(kill=False, cut=True)

    def test_kills_and_cuts_together_lose_and_repeat_nothing(self):
        self.kill_and_cut(kill=True, cut=True)

    def test_a_restart_of_the_receiving_broker_loses_and_repeats_nothing(self):
        self.restart_in_mid_stream("ulsan")

    def test_a_restart_of_the_owners_broker_loses_and_repeats_nothing(self):
        self.restart_in_mid_stream("birmingham")


class Qos2(Rig):
    delivery = "qos2"

    def test_the_bridge_killed_at_each_point_loses_and_repeats_nothing(self):
        self.kill_at_each_point()

    def test_kills_and_cuts_together_lose_and_repeat_nothing(self):
        self.kill_and_cut(kill=True, cut=True)

    def test_a_restart_of_the_receiving_broker_loses_and_repeats_nothing(self):
        self.restart_in_mid_stream("ulsan")


if __name__ == "__main__":
    harness.main()
