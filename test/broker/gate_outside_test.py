"""Outside nexus/ the broker is as if the plugin were not there, whatever else decides beside it:
password_file, acl_file, dynamic security, anonymous clients; in either order of the lines; before a
reload, after a good one and after a broken one.

Each row of COMBINATIONS is started twice, with the plugin and without; the same list of attempts
has to have the same outcomes. What the plugin does change is tested to be so at the end.
"""
import base64
import hashlib
import json
import signal
import unittest

import gate
import harness
import mqtt

USERS = ("root", "alice", "bob", "air-A", "operator", "reader", None)  # None: anonymous
TOPICS = ("alice/x", "own/bob/x", "shared/x", "public/x", "closed/x", "/", "nexus", "nexusx/y",
          "$x/y", "$SYS/x", "$CONTROL/other/v1", "$CONTROL/nexus")
FILTERS = ("#", "+/x", "nexus", "own/+/x", "closed/x", "$share/g/shared/#", "$SYS/broker/version",
           "$CONTROL/#")

ACL = """topic read public/#
user root
topic readwrite #
topic readwrite $x/#
user alice
topic readwrite alice/#
topic read shared/#
topic readwrite nexus/#
pattern readwrite own/%u/#
"""


def acl_file(site):
    path = site.folder / "acl"
    path.write_text(ACL)
    return [f"acl_file {path}"]


def dynamic_security(site):
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", gate.PASSWORD.encode(), salt, 1)
    path = site.folder / "dynamic-security.json"

    def client(name, role):
        return {"username": name, "password": base64.b64encode(digest).decode(),
                "salt": base64.b64encode(salt).decode(), "iterations": 1,
                "roles": [{"rolename": role}]}

    def role(name, *topics):
        kinds = ("publishClientSend", "publishClientReceive", "subscribePattern")
        return {"rolename": name, "acls": [{"acltype": kind, "topic": topic, "allow": True}
                                           for kind in kinds for topic in topics]}

    path.write_text(json.dumps({
        "clients": [client("root", "root"), client("alice", "alice"), client("bob", "bob"),
                    client("air-A", "none"), client("operator", "none"), client("reader", "none")],
        "roles": [role("root", "#", "$x/#"), role("alice", "alice/#", "shared/#", "nexus/#"),
                  role("bob", "own/bob/#", "+/x"), role("none")],
        "defaultACLAccess": {"publishClientSend": False, "publishClientReceive": True,
                             "subscribe": False, "unsubscribe": True}}))
    return [f"plugin {gate.SECURITY_PLUGIN}", f"plugin_opt_config_file {path}"]


def password_file(site):
    return [f"password_file {site.passwords}"]


def anonymous(_):
    return ["allow_anonymous true"]


# name: what decides, the setting of outside that goes with it, where the plugin's lines are, and
# per_listener_settings
COMBINATIONS = {
    "passwords": ((password_file,), "allow", 0, False),
    "passwords_or_anonymous": ((password_file, anonymous), "allow", 2, False),
    "acl_file_behind_the_plugin": ((acl_file, password_file), "defer", 0, False),
    "acl_file_before_the_plugin": ((acl_file, password_file, anonymous), "defer", 3, False),
    "acl_file_of_each_listener": ((password_file, acl_file), "defer", 1, True),
    "dynamic_security": ((dynamic_security,), "defer", 0, False),
    "acl_file_and_dynamic_security": ((password_file, acl_file, dynamic_security), "defer", 2,
                                      False),
}


def security(site, deciders, outside=None, at=0):
    blocks = [decider(site) for decider in deciders]
    if outside:
        blocks.insert(at, site.plugin_lines(outside=outside, status_seconds=3600))
    return [line for block in blocks for line in block]


# --- The attempts -------------------------------------------------------------------------------


def outside(messages):
    return sorted((message.topic, message.payload, message.qos, message.retain)
                  for message in messages
                  if not message.topic.startswith(("nexus/", "$SYS", "mark")))


def publishing(broker, user, level, watcher):
    """What is answered to each publish and what comes of it, that of two wills included."""
    options = {"level": level, "client_id": "subject"}
    client = broker.client(user, will=("closed/x", b"will", True), **options)
    answers = [(topic, qos, client.publish(topic, f"{qos}", qos=qos, retain=qos == 2))
               for topic in TOPICS for qos in (1, 2)]
    for will in (("alice/x", b"will", False), ("own/bob/x", b"will", True)):
        client.kill()
        client = broker.client(user, will=will, **options)
    client.kill()
    watcher.ping()
    return answers, outside(watcher.take_all())


def receiving(broker, user, level, root):
    """What each subscription is granted, what is replayed, and what then comes of all topics."""
    client = broker.client(user, level=level, client_id="subject")
    granted = [(name, client.subscribe(name, qos=2)) for name in FILTERS]
    client.ping()
    replayed = outside(client.take_all())
    for topic in TOPICS:
        root.publish(topic, b"from root")
    client.ping()
    came = outside(client.take_all())
    released = [(name, client.unsubscribe(name)) for name in FILTERS]
    client.disconnect()
    return granted, replayed, came, released


def outcomes(broker):
    """Everything that everybody tries, with what came of it."""
    found = {}
    with broker.client("root", client_id="root") as root:
        root.subscribe("#", "$x/#", qos=2, options=mqtt.RETAIN_AS_PUBLISHED)
        for topic in TOPICS:
            root.publish(topic, b"", retain=True)
        root.ping()
        root.take_all()
        for user in USERS:
            for level in (4, 5):
                for what in (publishing, receiving):
                    try:
                        came = what(broker, user, level, root)
                    except mqtt.Refused as refused:
                        came = f"refused with {refused.reason}"
                    found[user, level, what.__name__] = came
                    root.ping()
                    root.take_all()
    return found


class Outside(unittest.TestCase):
    maxDiff = 4000

    def site(self):
        site = gate.Site([*gate.USERS, "root", "alice", "bob"])
        self.addCleanup(site.remove)
        return site

    def compare(self, deciders, setting, at, per_listener):
        site = self.site()
        options = {"per_listener": per_listener}
        bare = gate.Broker(site, security(site, deciders), name="bare", **options).start()
        broker = gate.Broker(site, security(site, deciders, setting, at), **options).start()
        wanted = outcomes(bare)
        self.assertGreater(len({str(outcome) for outcome in wanted.values()}), 1)
        self.same(broker, wanted, "before a reload")
        site.break_city()
        self.assertEqual(broker.hang_up(), "kept")
        self.same(broker, wanted, "after a reload that kept the old")
        site.write_city()
        if acl_file in deciders:  # the broker's own reload is in force as well
            acl = site.folder / "acl"
            acl.write_text(acl.read_text() + "user bob\ntopic readwrite closed/#\n")
            bare.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: "Reloading config" in bare.said(), "the broker reloads")
            before, wanted = wanted, outcomes(bare)
            self.assertTrue(before != wanted or dynamic_security in deciders, "that it decides")
        self.assertEqual(broker.hang_up(), "reloaded")
        self.same(broker, wanted, "after a reload")
        bare.close()
        broker.close()

    def same(self, broker, wanted, step):
        with self.subTest(step):
            found = outcomes(broker)
            for attempt, outcome in wanted.items():
                self.assertEqual(found[attempt], outcome, attempt)
            self.check_inside(broker)

    def check_inside(self, broker):
        """Below nexus/ nobody narrows and nobody widens what the plugin says."""
        with broker.client("reader") as reader, broker.client("air-A") as sensor:
            self.assertEqual(reader.subscribe("nexus/#", qos=2), [2])
            self.assertLess(sensor.publish(gate.topic("A"), b'{"site":"x"}'), 0x80)
            self.assertEqual(sensor.publish(gate.topic("A"), b"{}"), mqtt.NOT_AUTHORIZED)
            broker.client("air-A", will=(gate.topic("A"), b'{"will":1}', False)).kill()
            reader.ping()
            payloads = [message.payload for message in reader.take_all()]
            self.assertIn(b'{"site":"x"}', payloads)
            self.assertNotIn(b"{}", payloads)
            self.assertNotIn(b'{"will":1}', payloads)
        with broker.client("root") as root:
            self.assertEqual(root.publish(gate.topic("A"), b'{"site":"x"}'), mqtt.NOT_AUTHORIZED)
            root.subscribe("#")
            root.ping()
            self.assertFalse([message.topic for message in root.take_all()
                              if message.topic.startswith("nexus/")])


def add_test(name, row):
    def test(self):
        if dynamic_security in row[0] and not gate.SECURITY_PLUGIN.exists():
            self.skipTest("no dynamic security plugin here")
        self.compare(*row)

    setattr(Outside, f"test_nothing_changes_with_{name}", test)


for name, row in COMBINATIONS.items():
    add_test(name, row)


class TheWrongCombinations(unittest.TestCase):
    """As docs/plugin.md has them."""

    site = Outside.site

    def test_behind_dynamic_security_the_plugin_does_not_start_and_says_why(self):
        if not gate.SECURITY_PLUGIN.exists():
            self.skipTest("no dynamic security plugin here")
        site = self.site()
        broker = gate.Broker(site, security(site, (dynamic_security,), "defer", 1))
        with self.assertRaisesRegex(AssertionError, "dynamic_security.so is loaded before this"):
            broker.start()

    def test_defer_with_nobody_to_defer_to_shuts_what_is_outside(self):
        site = self.site()
        with gate.Broker(site, security(site, (password_file,), "defer")) as broker:
            with broker.client("alice") as alice:
                self.assertEqual(alice.publish("alice/x", b"1"), mqtt.NOT_AUTHORIZED)
                self.assertEqual(alice.subscribe("alice/x"), [mqtt.NOT_AUTHORIZED])

    def test_allow_beside_an_acl_file_opens_what_it_guards_on_2_0(self):
        site = self.site()
        with gate.Broker(site, security(site, (password_file, acl_file), "allow")) as broker:
            with broker.client("alice") as alice:
                opened = alice.publish("closed/x", b"1") < 0x80
        self.assertEqual(opened, not gate.IS_2_1)

    def test_a_username_needs_somebody_who_accepts_it_on_2_0(self):
        site = self.site()
        with gate.Broker(site, ["allow_anonymous true"], name="bare") as bare:
            bare.client("alice").close()
        with gate.Broker(site, security(site, (anonymous,), "allow")) as broker:
            broker.client().close()
            if gate.IS_2_1:
                broker.client("alice").close()
            else:
                self.assertRaises(mqtt.Refused, broker.client, "alice")


if __name__ == "__main__":
    harness.main()
