"""A broker that runs already joins, as docs/joining.md tells it: stock Mosquitto with passwords and
an acl_file, `nexusctl join`, one command for a sensor, a reload, a reading; and its retained
messages looked at before a new schema is taken over."""
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import gate
import harness
import mqtt

ACL = "user keeper\ntopic readwrite house/#\n"


class Folder:
    """What gate.Broker needs of a site: the shipped configuration, and an operator's own files."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="nexus-join-"))
        os.chmod(self.folder, 0o755)
        self.config = self.folder / "config"
        shutil.copytree(harness.ROOT / "config", self.config)
        shutil.copytree(harness.ROOT / "schemas", self.folder / "schemas")
        self.passwords = self.folder / "passwords"
        self.passwords.write_text("".join(
            f"{name}:{gate.hashed(gate.PASSWORD)}\n"
            for name in ("keeper", "birmingham-operator", "birmingham-sensor", "air-BMLD")))
        self.acl = self.folder / "acl"
        self.acl.write_text(ACL)

    def remove(self):
        if not os.environ.get("NEXUS_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, command, *words):
        return harness.nexusctl(*command.split(), "--city", "birmingham", "--config", self.config,
                                *words)


class Join(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Folder()
        cls.security = [f"password_file {cls.site.passwords}", f"acl_file {cls.site.acl}"]
        cls.broker = cls.join()

    @classmethod
    def tearDownClass(cls):
        cls.broker.close()
        cls.site.remove()

    @classmethod
    def join(cls):
        """The broker's file, with what nexusctl join prints for it."""
        alone = gate.Broker(cls.site, cls.security, name="alone")
        before = cls.site.ctl("join", "--check", "--broker-conf", alone.conf)
        assert before.returncode == 1 and "no line loads the plugin" in before.stdout, before
        printed = cls.site.ctl("join", "--broker-conf", alone.conf).stdout
        printed = printed.replace("/var/lib/mosquitto/", f"{cls.site.folder}/")
        lines = [line for line in printed.split("# ---")[0].splitlines()
                 if not line.startswith("per_listener_settings")]
        broker = gate.Broker(cls.site, cls.security + lines, name="joined")
        after = cls.site.ctl("join", "--check", "--broker-conf", broker.conf)
        assert after.returncode == 0, after.stdout + after.stderr
        return broker.start()

    def retained(self, config=None, **options):
        secret = self.site.folder / "secret"
        secret.write_text(gate.PASSWORD)
        user = options.get("user", "birmingham-operator")
        return harness.run(harness.BUILD / "nexusctl", "retained", "--city", "birmingham",
                           "--config", config or self.site.config, "--broker",
                           f"127.0.0.1:{options.get('port', self.broker.port)}", "--user", user,
                           "--password-file", secret)

    def test_outside_nexus_the_acl_file_goes_on_deciding(self):
        with self.broker.client("keeper") as keeper, self.broker.client("air-BMLD") as sensor:
            self.assertLess(keeper.publish("house/lamp", "on"), 0x80)
            self.assertEqual(keeper.publish("garden/lamp", "on"), mqtt.NOT_AUTHORIZED)
            self.assertEqual(sensor.publish("house/lamp", "on"), mqtt.NOT_AUTHORIZED)
            self.assertEqual(keeper.publish("nexus/birmingham/air/BMLD/observation", "{}"),
                             mqtt.NOT_AUTHORIZED)

    def test_an_operator_is_answered_although_the_acl_file_names_no_control_topic(self):
        with self.broker.client("birmingham-operator") as operator:
            operator.publish("$CONTROL/nexus/v1", json.dumps({"commands": [{"command": "status"}]}))
            self.assertIn(b'"component":"plugin"', operator.receive(10).payload)

    @unittest.skipUnless(shutil.which("mosquitto_passwd"), "mosquitto_passwd is not installed")
    def test_one_command_and_a_reload_make_a_sensor_that_publishes(self):
        topic = "nexus/birmingham/air/LAMP7/observation"
        done = self.site.ctl("sensor add", "--name", "lamp-7", "--asset", "air/LAMP7",
                             "--position=-1.9,52.48", "--title", "Lamp 7",
                             "--passwords", self.site.passwords)
        self.assertEqual(done.returncode, 0, done.stderr)
        password = done.stdout.split("told this once: ")[1].split()[0]
        with self.assertRaises(mqtt.Refused):
            mqtt.Client(self.broker.port, "lamp-7", password)
        self.assertEqual(self.broker.hang_up(), "reloaded")
        with mqtt.Client(self.broker.port, "lamp-7", password) as lamp:
            self.assertLess(lamp.publish(topic, harness.example("birmingham")), 0x80)
            self.assertEqual(lamp.publish("nexus/birmingham/air/BMLD/observation",
                                          harness.example("birmingham")), mqtt.NOT_AUTHORIZED)
            self.assertEqual(self.site.ctl("identity lamp-7", "--topic", topic).returncode, 0)
            done = self.site.ctl("sensor remove", "--name", "lamp-7", "--asset", "air/LAMP7",
                                 "--passwords", self.site.passwords)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.broker.hang_up(), "reloaded")
            with self.assertRaises(ConnectionError):  # its password is gone: the broker ends it
                lamp.publish(topic, harness.example("birmingham"))
        with self.assertRaises(mqtt.Refused):
            mqtt.Client(self.broker.port, "lamp-7", password)

    def test_retained_messages_that_a_new_schema_refuses_are_listed(self):
        topic = "nexus/birmingham/air/BMLD/observation"
        with self.broker.client("air-BMLD") as sensor:
            self.assertLess(sensor.publish(topic, harness.example("birmingham"), retain=True), 0x80)
            self.addCleanup(self.clear, topic)
            done = self.retained()
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(": 0 would be refused", done.stdout)

            new = self.site.folder / "new"
            shutil.copytree(self.site.config, new / "config")
            shutil.copytree(self.site.folder / "schemas", new / "schemas")
            path = new / "schemas/birmingham/air/schema.json"
            schema = json.loads(path.read_text())
            schema["required"].append("weather")
            path.write_text(json.dumps(schema))
            done = self.retained(new / "config")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stdout, rf"(?m)^{topic}: schema: .*\"weather\"")
            self.assertLess(sensor.publish(topic, harness.example("birmingham")), 0x80)  # asking changes nothing

    def clear(self, topic):
        with self.broker.client("air-BMLD") as sensor:
            sensor.publish(topic, b"", retain=True)

    def test_a_broker_that_cannot_be_asked_is_told_apart(self):
        self.assertEqual(self.retained(port=1).returncode, 2)
        done = self.retained(user="nobody")
        self.assertEqual(done.returncode, 2)
        self.assertIn("refused the login", done.stderr)
        done = self.retained(user="keeper")  # may log in, and may not read
        self.assertEqual(done.returncode, 2)
        self.assertIn("refused the subscription", done.stderr)


class Retained(unittest.TestCase):
    def test_before_the_plugin_is_loaded_what_is_no_topic_of_ours_is_listed_too(self):
        site = Folder()
        self.addCleanup(site.remove)
        with gate.Broker(site, ["allow_anonymous true"], name="before") as broker:
            with broker.client() as anybody:
                for topic in ("nexus", "nexus/old", "nexus/birmingham/air/A/old", "nexus/_link/a",
                              "nexus/_deliver/ulsan"):
                    anybody.publish(topic, "{}", retain=True)
            done = site.ctl("retained", "--broker", f"127.0.0.1:{broker.port}")
        self.assertEqual(done.returncode, 1, done.stderr)
        for topic in ("nexus/old", "nexus/birmingham/air/A/old", "nexus/_link/a"):
            self.assertRegex(done.stdout, rf"(?m)^{topic}: topic: ")
        self.assertRegex(done.stdout, "(?m)^nexus/_deliver/ulsan: refused: ")
        self.assertIn("\n4 retained below nexus/: 4 would be refused", done.stdout)

    def test_every_retained_message_comes_however_many_there_are(self):
        """More than a broker with its defaults queues for one client, at QoS 0 and 1."""
        site = Folder()
        self.addCleanup(site.remove)
        with gate.Broker(site, ["allow_anonymous true"], name="plain") as broker:
            with broker.client() as anybody:
                for number in range(2500):
                    anybody.publish(f"nexus/birmingham/air/A{number}/observation",
                                    "{}" if number % 2 else harness.example("birmingham"),
                                    qos=number % 2, retain=True)
                anybody.publish("house/lamp", "on", retain=True)
            done = site.ctl("retained", "--broker", f"127.0.0.1:{broker.port}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("2500 retained below nexus/: 1250 would be refused", done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1251)


if __name__ == "__main__":
    harness.main()
