"""Beside another plugin, several times in one broker, and loaded again and again: nobody is in
anybody's way, and nothing is left behind."""
import re
import subprocess
import unittest

import gate
import harness
import mqtt

GOOD, BAD = b'{"site":"x"}', b"{}"
MINE = gate.topic("A")
NEIGHBOUR = harness.BUILD / "test/broker/neighbour.so"
LOADED_BEFORE = "neighbour.so is loaded before this plugin"


class Neighbours(unittest.TestCase):
    def setUp(self):
        self.site = gate.Site()
        self.addCleanup(self.site.remove)

    def broker(self, *blocks, **options):
        lines = [f"password_file {self.site.passwords}"]
        return gate.Broker(self.site, lines + [line for block in blocks for line in block],
                           **options)

    def granted_outside(self):
        """On 2.1 what every plugin defers is refused, with and without ours."""
        access = self.site.folder / "acl"
        access.write_text("pattern readwrite barrier/#\npattern readwrite neighbour/#\n")
        return [f"acl_file {access}"]

    def check_gate(self, broker):
        """One is admitted, one refused, one told; wills and deliveries too."""
        observer = gate.Observer(broker)
        with broker.client("air-A") as client, broker.client("air-B") as other:
            other.subscribe("nexus/#")
            self.assertLess(client.publish(MINE, GOOD), 0x80)
            self.assertEqual(client.publish(MINE, BAD), mqtt.NOT_AUTHORIZED)
            broker.client("air-A", will=(MINE, b'{"will":1}', False)).kill()
            other.ping()
            self.assertEqual(other.take_all(), [])
        came = observer.collect()
        observer.close()
        self.assertEqual([message.payload for message in came if message.topic == MINE], [GOOD])
        self.assertEqual(len([message for message in came if "/_rejected/" in message.topic]), 2)

    def counts(self, broker):
        said = re.search(r"neighbour: acl (\d+) messages (\d+) logins (\d+) ticks (\d+) "
                         r"reloads (\d+) disconnects (\d+)", broker.said())
        return dict(zip(("acl", "messages", "logins", "ticks", "reloads", "disconnects"),
                        map(int, said.groups())))

    @unittest.skipUnless(NEIGHBOUR.exists(), "the other plugin is not built")
    def test_a_plugin_behind_ours_is_asked_and_told_as_if_it_were_alone(self):
        with self.broker(self.site.plugin_lines(), [f"plugin {NEIGHBOUR}"],
                         self.granted_outside()) as broker:
            self.check_gate(broker)
            with broker.client("air-A") as client:
                self.assertEqual(client.publish("neighbour/forbidden", b"1"), mqtt.NOT_AUTHORIZED)
                self.assertLess(client.publish("neighbour/free", b"1"), 0x80)
            self.assertEqual(broker.hang_up(), "reloaded")
            self.site.break_city()
            self.assertEqual(broker.hang_up(), "kept")
            self.check_gate(broker)
        broker.close()
        counts = self.counts(broker)
        self.assertEqual(counts["reloads"], 2, "a broken reload of ours is no end of theirs")
        for name in ("messages", "logins", "ticks", "disconnects"):
            self.assertGreater(counts[name], 3, name)
        self.assertNotIn(LOADED_BEFORE, broker.said())

    @unittest.skipUnless(NEIGHBOUR.exists(), "the other plugin is not built")
    def test_a_plugin_before_ours_that_has_our_names_for_its_own_does_not_reach_into_it(self):
        with self.broker([f"plugin {NEIGHBOUR}"], self.site.plugin_lines(),
                         self.granted_outside()) as broker:
            self.check_gate(broker)
            self.assertEqual(broker.hang_up(), "reloaded")
            self.check_gate(broker)
        broker.close()
        self.assertGreater(self.counts(broker)["acl"], 5)
        self.assertIn(LOADED_BEFORE, broker.said(), "it is told that its answers go first")

    def test_one_for_each_listener_has_its_own_state_and_leaves_none(self):
        with self.broker(self.site.plugin_lines(), per_listener=True, websocket=True) as broker:
            self.assertEqual(broker.said().count("guards nexus/"), 2)
            self.check_gate(broker)
            with broker.client("air-A", websocket=True) as client:
                self.assertEqual(client.publish(MINE, BAD), mqtt.NOT_AUTHORIZED)
            self.assertEqual(broker.hang_up(), "reloaded")
            self.check_gate(broker)
        broker.close()

    def test_loaded_and_unloaded_again_and_again(self):
        broker = self.broker(self.site.plugin_lines(), settings=[
            "persistence true", f"persistence_location {self.site.folder}/"])
        for _ in range(3):
            broker.start()
            self.check_gate(broker)
            self.assertEqual(broker.stop(), 0)
        broker.close()

    def test_a_second_one_that_does_not_start_ends_the_broker_and_leaves_nothing(self):
        twice = self.broker(self.site.plugin_lines(), self.site.plugin_lines(),
                            ["plugin_opt_payload_max 1"])
        with self.assertRaisesRegex(AssertionError, "plugin_opt_payload_max takes"):
            twice.start()
        self.assertEqual(harness.sanitizer_faults(twice.said()), [])

    def test_it_exports_its_three_entry_points_and_needs_what_the_broker_has(self):
        plugin = harness.BUILD / "nexus_plugin.so"

        def symbols(option, file):
            shown = subprocess.run(["nm", "-D", option, str(file)], capture_output=True, text=True,
                                   check=True).stdout
            return {line.split()[-1] for line in shown.splitlines()}

        own = {name for name in symbols("--defined-only", plugin) if not name.startswith("__")}
        self.assertEqual(own, {"mosquitto_plugin_version", "mosquitto_plugin_init",
                               "mosquitto_plugin_cleanup"})
        needed = {name for name in symbols("--undefined-only", plugin)
                  if name.startswith("mosquitto_")}
        broker = harness.mosquitto_root() / "usr/sbin/mosquitto"
        self.assertLessEqual(needed, symbols("--defined-only", broker))


if __name__ == "__main__":
    harness.main()
