"""Operators ask the plugin at $CONTROL/nexus/v1, in a real broker: reload, status, schemas, explain.
Only who asks is answered, and nobody else may ask."""
import hashlib
import json
import unittest

import gate
import gate_outside_test
import mqtt

ASKED = "$CONTROL/nexus/v1"
ANSWERED = "$CONTROL/nexus/v1/response"
READING = {"site": "A", "value": 1}


def request(*commands):
    return json.dumps({"commands": list(commands)})


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = gate.Site(users=(*gate.USERS, "operator-2"))
        cls.site.write_city(**{"operator-2": {"role": "operator"}})
        cls.broker = gate.Broker(cls.site, [f"password_file {cls.site.passwords}",
                                            *cls.site.plugin_lines()]).start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.close()
        cls.site.remove()

    def ask(self, *commands, **options):
        """The responses to one request of the operator's."""
        with self.broker.client("operator", **options) as operator:
            return self.ask_by(operator, *commands)

    def ask_by(self, operator, *commands, qos=1):
        operator.publish(ASKED, request(*commands), qos=qos)
        message = operator.receive(10)
        self.assertEqual((message.topic, message.retain), (ANSWERED, False))
        return json.loads(message.payload)["responses"]

    def explain(self, **question):
        return self.ask({"command": "explain", **question})[0]["data"]

    def test_an_operator_is_answered_at_every_version_and_qos(self):
        for level in (4, 5):
            for qos in (0, 1, 2):
                with self.subTest(level=level, qos=qos), \
                        self.broker.client("operator", level=level) as operator:
                    for number in range(3):  # no identifier or inflight slot is lost on the way
                        answer, = self.ask_by(operator, {"command": "status", "correlationData":
                                                         str(number)}, qos=qos)
                        self.assertEqual(answer["command"], "status")
                        self.assertEqual(answer["correlationData"], str(number))
                        self.assertEqual(answer["data"]["status"]["component"], "plugin")

    def test_the_answer_goes_to_who_asked_and_to_nobody_else(self):
        with self.broker.client("operator") as asking, \
                self.broker.client("operator-2") as watching, \
                self.broker.client("reader") as reader:
            self.assertEqual(watching.subscribe(ANSWERED), [1])
            self.assertEqual(asking.subscribe(ANSWERED), [1])
            for name in (ANSWERED, "$CONTROL/nexus/#", "$share/g/" + ANSWERED):
                self.assertEqual(reader.subscribe(name), [mqtt.NOT_AUTHORIZED])
            reader.subscribe("$CONTROL/#")
            self.ask_by(asking, {"command": "status"})
            self.assertIsNone(watching.receive(0.3))
            self.assertIsNone(reader.receive(0.1))
            self.assertIsNone(asking.receive(0.1))  # one answer, though it subscribes too

    def test_nobody_else_may_ask(self):
        for user in ("reader", "any", "bridge", "link", "nobody"):
            with self.subTest(user=user), self.broker.client(user) as client:
                self.assertEqual(client.publish(ASKED, request({"command": "reload"})),
                                 mqtt.NOT_AUTHORIZED)
                self.assertIsNone(client.receive(0.1))
        with self.broker.client("operator") as operator:
            self.assertEqual(operator.publish("$CONTROL/nexus/v2", "{}"), mqtt.NOT_AUTHORIZED)
            self.assertEqual(operator.publish(ANSWERED, "{}"), mqtt.NOT_AUTHORIZED)

    def test_schemas_have_the_digest_of_the_file_that_is_in_use(self):
        rows = {(row["city"], row["domain"]): row
                for row in self.ask({"command": "schemas"})[0]["data"]["schemas"]}
        path = self.site.config / "schemas/birmingham/air/schema.json"
        row = rows["birmingham", "air"]
        self.assertEqual(row["digest"], hashlib.sha256(path.read_bytes()).hexdigest())
        self.assertEqual((row["schema"], row["mode"]), ("birmingham-air@1", "strict"))
        self.assertEqual(row["file"], str(path))
        self.assertEqual(rows["birmingham", "noise"]["mode"], "off")
        self.assertIn(("canonical", "weather"), rows)

    def test_a_reload_swaps_the_whole_or_keeps_the_old_with_its_faults_told(self):
        def admits(payload):
            with self.broker.client("air-A") as sensor:
                return sensor.publish(gate.topic("A"), json.dumps(payload)) < 0x80

        generation = self.ask({"command": "status"})[0]["data"]["status"]["generation"]
        self.site.write_schema("v2")
        try:
            self.assertTrue(admits(READING))  # not before it is asked for
            answer, = self.ask({"command": "reload"})
            self.assertNotIn("error", answer)
            self.assertEqual(answer["data"], {"faults": [], "generation": generation + 1})
            self.assertEqual((admits(READING), admits({"place": "A"})), (False, True))
            self.site.break_city()
            answer, = self.ask({"command": "reload"})
            self.assertIn("is kept", answer["error"])
            self.assertRegex(answer["data"]["faults"][0], r"birmingham/city\.json:1:\d+: ")
            self.assertEqual(answer["data"]["generation"], generation + 1)
            self.assertEqual((admits(READING), admits({"place": "A"})), (False, True))
        finally:
            self.site.write_schema("v1")
            self.site.write_city(**{"operator-2": {"role": "operator"}})
            self.assertNotIn("error", self.ask({"command": "reload"})[0])
        self.assertTrue(admits(READING))

    def test_explain_agrees_with_what_the_broker_does(self):
        own, other = gate.topic("A"), gate.topic("B")
        cases = [(own, READING, "allowed", "admitted"), (own, {"value": 1}, "denied", "schema"),
                 (other, READING, "denied", "asset"), ("nexus/x", READING, "denied", "topic"),
                 (gate.topic("A", channel="original"), READING, "denied", "channel")]
        with self.broker.client("air-A") as sensor:
            for topic, payload, decision, reason in cases:
                with self.subTest(topic=topic, payload=payload):
                    said = self.explain(identity="air-A", topic=topic, payload=payload)
                    self.assertEqual((said["decision"], said["reason"]), (decision, reason))
                    admitted = sensor.publish(topic, json.dumps(payload)) < 0x80
                    self.assertEqual(admitted, decision == "allowed")

    def test_explain_names_the_rule_and_the_words(self):
        said = self.explain(identity="air-A", topic=gate.topic("A"), payload={"value": 101})
        self.assertEqual((said["matched"], said["role"]), ("air-{asset}", "sensor"))
        self.assertIn("assets: air/{asset}", said["rule"])
        said = self.explain(identity="reader", topic="nexus/+/_rejected/#", access="subscribe")
        self.assertEqual(said["decision"], "denied")
        self.assertIn("nexus/+/_status/+", said["text"])

    def test_hostile_requests_are_answered_and_hurt_nobody(self):
        with self.broker.client("operator") as operator:
            for payload in (b"", b"\xff\x00", b"[" * 60000, b"{" * 900000, b"null", b"[]",
                            b'{"commands":[{"command":"\\u0000"}]}',
                            request(*[{"command": "status"}] * 17).encode()):
                with self.subTest(payload=payload[:20]):
                    self.assertEqual(operator.publish(ASKED, payload), 0)
                    answer = json.loads(operator.receive(10).payload)["responses"]
                    self.assertIn("error", answer[0])
            self.assertEqual(len(self.ask_by(operator, *[{"command": "status"}] * 16)), 16)

    @unittest.skipIf(gate.IS_LATER, "later brokers take no such will (gate_bad_input_test.py)")
    def test_a_will_at_the_control_topic_does_nothing(self):
        with self.broker.client("operator") as watching:
            watching.subscribe(ANSWERED)
            client = self.broker.client("reader", will=(ASKED, request({"command": "reload"}),
                                                        False))
            client.kill()
            before = self.broker.said().count("configuration reloaded")
            self.ask_by(watching, {"command": "status"})
            self.assertEqual(self.broker.said().count("configuration reloaded"), before)


@unittest.skipUnless(gate.SECURITY_PLUGIN.exists(), "no dynamic security here")
class BesideDynamicSecurity(unittest.TestCase):
    """Each plugin's control topic is its own, though both are asked about both."""

    @classmethod
    def setUpClass(cls):
        cls.site = gate.Site()
        security = gate_outside_test.dynamic_security(cls.site)
        path = cls.site.folder / "dynamic-security.json"
        document = json.loads(path.read_text())
        document["roles"].append({"rolename": "admin", "acls": [
            {"acltype": kind, "topic": "$CONTROL/dynamic-security/#", "allow": True}
            for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")]})
        for client in document["clients"]:
            if client["username"] == "root":
                client["roles"].append({"rolename": "admin"})
        path.write_text(json.dumps(document))
        cls.broker = gate.Broker(cls.site, [*cls.site.plugin_lines(outside="defer"),
                                            *security]).start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.close()
        cls.site.remove()

    def answered(self, user, topic, command):
        with self.broker.client(user) as client:
            client.subscribe(topic + "/response")  # dynamic security answers whoever has
            client.publish(topic, request({"command": command}))
            message = client.receive(0.5)
            return message is not None and message.topic == topic + "/response"

    def test_operators_ask_the_one_and_administrators_the_other(self):
        theirs = "$CONTROL/dynamic-security/v1"
        self.assertTrue(self.answered("operator", ASKED, "status"))  # to dynsec a nobody
        self.assertFalse(self.answered("root", ASKED, "status"))
        self.assertTrue(self.answered("root", theirs, "listRoles"))
        self.assertFalse(self.answered("operator", theirs, "listRoles"))


if __name__ == "__main__":
    import harness
    harness.main()
