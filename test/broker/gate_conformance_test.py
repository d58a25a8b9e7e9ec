"""The behaviours of MQTT 3.1.1 and 5 that interoperability suites go through, outside nexus/: what
the broker sends with the plugin is byte for byte what it sends without, and its $SYS counters
agree.

Each scenario is a function of a Play, which records all that the broker sent to each of its
clients. What is random by nature is masked: identifiers that the broker assigns, and seconds that
are left of an expiry.
"""
import struct
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import gate
import harness
import mqtt

BOTH, ONLY_5 = (4, 5), (5,)
SCENARIOS = []
COUNTERS = ("messages/received", "messages/sent", "bytes/received", "publish/messages/received",
            "publish/messages/sent", "publish/messages/dropped", "publish/bytes/received",
            "clients/total", "clients/connected", "clients/disconnected",
            "clients/expired", "subscriptions/count",
            "shared_subscriptions/count", "messages/stored", "retained messages/count")
OURS = {"messages/stored": 1, "retained messages/count": 1}  # the plugin's own status


def scenario(levels):
    def add(function):
        SCENARIOS.extend((function, level) for level in levels)
        return function
    return add


class Play:
    def __init__(self, broker, level, name):
        self.broker, self.level, self.name = broker, level, f"{name}{level}"
        self.clients = []

    def topic(self, tail):
        return f"conformance/{self.name}/{tail}"

    def client(self, name="", **options):
        client = self.broker.client(level=self.level, client_id=name and f"{self.name}-{name}",
                                    **options)
        self.clients.append(client)
        return client

    def raw(self, *packets):
        client = mqtt.Raw(self.broker.port)
        self.clients.append(client)
        client.send(*packets)
        return client

    def transcripts(self):
        """Each connection that is still open has first answered all that it was asked."""
        for client in self.clients:
            if isinstance(client, mqtt.Client) and client.is_open and client.acknowledge:
                settle(client)
            client.close()
        return [[self.masked(*packet) for packet in client.transcript] for client in self.clients]

    def masked(self, first, body):
        if self.level == 5 and first >> 4 == mqtt.CONNACK and body.find(b"auto-") > 0:
            at = body.index(b"auto-")
            body = body[:at] + b"auto" + body[at + 41 :]
        if self.level == 5 and first >> 4 == mqtt.PUBLISH:
            size = int.from_bytes(body[:2], "big") + (4 if first & 6 else 2)
            found = mqtt._Reader(body[size:]).properties()
            if mqtt.MESSAGE_EXPIRY in found:
                left = struct.pack(">BI", mqtt.MESSAGE_EXPIRY, found[mqtt.MESSAGE_EXPIRY])
                body = body.replace(left, b"\x02left", 1)
        return f"{first:02x}", body[:2000]


def settle(client):
    """Until the last handshake is over: what is closed before may be lost to the broker."""
    for _ in range(4):
        client.ping()


def kept(play):
    return {"clean": False, "expiry": 100} if play.level == 5 else {"clean": False}


# --- 3.1.1 and 5 --------------------------------------------------------------------------------


@scenario(BOTH)
def each_qos_both_ways(play):
    client = play.client("a")
    client.subscribe(play.topic("0"), qos=0)
    client.subscribe(play.topic("1"), play.topic("2"), qos=2)
    for qos in (0, 1, 2):
        for name in ("0", "1", "2", "nobody"):
            client.publish(play.topic(name), f"{qos}", qos=qos)


@scenario(BOTH)
def retained_messages(play):
    client = play.client()
    for qos in (0, 1, 2):
        client.publish(play.topic(f"r/{qos}"), f"retained {qos}", qos=qos, retain=True)
    for name in ("r/+", "r/#", "r/1"):
        client.subscribe(play.topic(name), qos=2)
        client.ping()
    for qos in (0, 1, 2):
        client.publish(play.topic(f"r/{qos}"), b"", qos=qos, retain=True)
    other = play.client()
    other.subscribe(play.topic("r/#"))
    other.ping()


@scenario(BOTH)
def wills(play):
    watcher = play.client()
    watcher.subscribe(play.topic("#"), qos=2)
    for qos in (0, 1, 2):
        for retain in (False, True):
            will = (play.topic(f"will/{qos}"), b"gone", retain)
            play.client(will=will, will_qos=qos).kill()
            play.client(will=will, will_qos=qos).disconnect()
            watcher.ping()
    late = play.client()
    late.subscribe(play.topic("will/+"))
    late.ping()


@scenario(BOTH)
def clients_without_identifier(play):
    play.client("")
    try:
        play.client("", **kept(play))
    except mqtt.Refused as refused:
        play.raw().transcript.append((0, bytes([refused.reason])))


@scenario(BOTH)
def kept_sessions_and_offline_queueing(play):
    first = play.client("kept", **kept(play))
    first.subscribe(play.topic("+"), qos=2)
    first.disconnect()
    sender = play.client()
    for number in range(9):
        sender.publish(play.topic(f"{number}"), f"offline {number}", qos=number % 3)
    again = play.client("kept", acknowledge=False, **kept(play))
    again.ping()
    again.close()
    once_more = play.client("kept", **kept(play))  # what was not acknowledged comes again
    settle(once_more)
    once_more.disconnect()
    fresh = play.client("kept")
    sender.publish(play.topic("x"), b"nobody", qos=1)
    fresh.ping()


@scenario(BOTH)
def overlapping_subscriptions(play):
    client = play.client()
    client.subscribe(play.topic("a/#"), qos=2)
    client.subscribe(play.topic("a/+"), qos=1)
    client.subscribe(play.topic("a/b"), qos=0)
    for qos in (0, 1, 2):
        client.publish(play.topic("a/b"), f"{qos}", qos=qos)
        client.ping()


@scenario(BOTH)
def filters_and_topics_of_the_specification(play):
    filters = ("+", "#", "+/+", "/+", "/#", "TopicA/B", "TopicA/+", "TopicA/#", "+/B", "/TopicA")
    topics = ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA", "TopicA/", "/", "//")
    for name in filters:
        client = play.client()
        client.subscribe(play.topic(name), qos=1)
        for topic in topics:
            client.publish(play.topic(topic), name, qos=0)
        client.ping()


@scenario(BOTH)
def dollar_topics(play):
    client = play.client()
    client.subscribe("#", "+/x")
    client.publish(f"$dollar/{play.name}", b"hidden")
    client.subscribe("$dollar/#")
    client.publish(f"$dollar/{play.name}", b"seen")
    client.ping()
    for name in ("#", "+/x", "$dollar/#"):
        client.unsubscribe(name)


@scenario(BOTH)
def unsubscribing(play):
    client = play.client()
    client.subscribe(play.topic("a"), play.topic("b"), play.topic("c"))
    client.unsubscribe(play.topic("a"), play.topic("b"), play.topic("never"))
    for name in "abc":
        client.publish(play.topic(name), name)
    client.ping()


@scenario(BOTH)
def qos_2_by_hand(play):
    client = play.client("by-hand", **kept(play))
    client.subscribe(play.topic("q"), qos=2)
    one = dict(level=play.level, qos=2, packet_id=5)
    client.send(mqtt.publish_packet(play.topic("q"), b"one", **one),
                mqtt.publish_packet(play.topic("q"), b"one", dup=True, **one))
    client.ping()
    client.close()
    client = play.client("by-hand", **kept(play))
    client.send(mqtt.publish_packet(play.topic("q"), b"one", dup=True, **one))
    client.ping()
    client.release(5)
    client.send(mqtt.packet(mqtt.PUBREL << 4 | 2, b"\0\x09"))  # of nothing
    client.ping()
    client.ping()


@scenario(BOTH)
def taking_over(play):
    first = play.client("same")
    play.client("same").ping()
    first.wait_closed()


@scenario(BOTH)
def large_packets(play):
    client = play.client()
    client.subscribe(play.topic("large"), qos=1)
    for size in (1, 127, 128, 16383, 16384, 300_000):
        client.publish(play.topic("large"), b"x" * size)
        client.ping()


@scenario(BOTH)
def what_closes_the_connection(play):
    for packet in (mqtt.publish_packet("a/+", b"", level=play.level),
                   mqtt.publish_packet("", b"", level=play.level),
                   mqtt.packet(mqtt.SUBSCRIBE << 4 | 2, b"\0\1"), mqtt.packet(0x36, b"\0\1a\0\1"),
                   mqtt.packet(mqtt.SUBSCRIBE << 4 | 2, b"\0\1" + mqtt.text("a/#/b") + b"\1"),
                   mqtt.packet(mqtt.SUBSCRIBE << 4, b"\0\1" + mqtt.text("a") + b"\1"),
                   mqtt.packet(mqtt.CONNECT << 4, mqtt.text("MQTT") + b"\4\2\0\0\0\0")):
        client = play.client()
        client.send(packet)
        client.wait_closed()


@scenario(BOTH)
def shared_subscriptions(play):
    members = [play.client(f"member{number}") for number in range(2)]
    for member in members:
        member.subscribe("$share/group/" + play.topic("s"), qos=1)
    alone = play.client()
    alone.subscribe(play.topic("s"), qos=1)
    for number in range(6):
        alone.publish(play.topic("s"), f"{number}")
    for client in (*members, alone):
        client.ping()
    members[0].unsubscribe("$share/group/" + play.topic("s"))
    alone.publish(play.topic("s"), b"to the other")
    for client in (*members, alone):
        client.ping()


# --- 5 only -------------------------------------------------------------------------------------


@scenario(ONLY_5)
def session_expiry(play):
    play.client("short", clean=False, expiry=0).disconnect()
    play.client("short", clean=False, expiry=2).disconnect()
    play.client("short", clean=False, expiry=2).disconnect()
    time.sleep(3.2)
    play.client("short", clean=False).disconnect()


@scenario(ONLY_5)
def properties_of_a_message(play):
    client = play.client()
    client.subscribe(play.topic("p"), qos=2)
    pairs = [("b", "2"), ("a", "1"), ("a", "1"), (mqtt.PAYLOAD_FORMAT, 1),
             (mqtt.CONTENT_TYPE, "text/plain"), (mqtt.RESPONSE_TOPIC, play.topic("answer")),
             (mqtt.CORRELATION_DATA, b"\0\1\xff"), (mqtt.MESSAGE_EXPIRY, 100), ("", "")]
    for qos in (0, 1, 2):
        client.publish(play.topic("p"), "\u6c34", qos=qos, pairs=pairs, retain=True)
    late = play.client()
    late.subscribe(play.topic("p"))
    late.ping()
    client.ping()


@scenario(ONLY_5)
def request_and_response(play):
    asker, answerer = play.client(), play.client()
    asker.subscribe(play.topic("answer"))
    answerer.subscribe(play.topic("question"))
    asker.publish(play.topic("question"), b"?", pairs=[
        (mqtt.RESPONSE_TOPIC, play.topic("answer")), (mqtt.CORRELATION_DATA, b"42")])
    question = answerer.receive()
    answerer.publish(question.properties[mqtt.RESPONSE_TOPIC], b"!", pairs=[
        (mqtt.CORRELATION_DATA, question.properties[mqtt.CORRELATION_DATA])])
    asker.ping()


@scenario(ONLY_5)
def expiry_of_messages(play):
    play.client("slow", **kept(play)).subscribe(play.topic("e"), qos=1)
    play.clients[0].disconnect()
    sender = play.client()
    for seconds in (1, 100):
        sender.publish(play.topic("e"), f"{seconds}", pairs=[(mqtt.MESSAGE_EXPIRY, seconds)])
        sender.publish(play.topic("e/r"), f"{seconds}", retain=True,
                       pairs=[(mqtt.MESSAGE_EXPIRY, 1)])
    time.sleep(2.1)
    play.client("slow", **kept(play)).ping()
    late = play.client()
    late.subscribe(play.topic("e/r"))
    late.ping()


@scenario(ONLY_5)
def subscription_options(play):
    sender = play.client()
    sender.publish(play.topic("o"), b"retained", retain=True)
    for options in (0, mqtt.NO_LOCAL, mqtt.RETAIN_AS_PUBLISHED, mqtt.RETAIN_IF_NEW,
                    mqtt.RETAIN_NEVER, mqtt.RETAIN_AS_PUBLISHED | mqtt.NO_LOCAL):
        client = play.client()
        for _ in range(2):
            client.subscribe(play.topic("o"), options=options)
        client.publish(play.topic("o"), b"own", retain=True)
        sender.publish(play.topic("o"), b"other")
        client.ping()
    sender.publish(play.topic("o"), b"", retain=True)


@scenario(ONLY_5)
def subscription_identifiers(play):
    client = play.client()
    for number, name in ((1, "i/#"), (2, "i/+"), (268435455, "i/a")):
        client.subscribe(play.topic(name), qos=2, pairs=[(mqtt.SUBSCRIPTION_IDENTIFIER, number)])
    for qos in (0, 1, 2):
        client.publish(play.topic("i/a"), f"{qos}", qos=qos)
        client.ping()


@scenario(ONLY_5)
def topic_aliases(play):
    client = play.client(pairs=[(mqtt.TOPIC_ALIAS_MAXIMUM, 10)])
    client.subscribe(play.topic("#"), qos=1)
    client.publish(play.topic("alias"), b"1", pairs=[(mqtt.TOPIC_ALIAS, 1)])
    client.publish("", b"2", pairs=[(mqtt.TOPIC_ALIAS, 1)])
    client.publish(play.topic("other"), b"3", pairs=[(mqtt.TOPIC_ALIAS, 1)])
    client.publish("", b"4", pairs=[(mqtt.TOPIC_ALIAS, 1)])
    client.ping()
    for alias in (2, 11, 0):
        other = play.client()
        other.send(mqtt.publish_packet("", b"", pairs=[(mqtt.TOPIC_ALIAS, alias)]))
        other.wait_closed()


@scenario(ONLY_5)
def flow_control(play):
    slow = play.client(acknowledge=False, pairs=[(mqtt.RECEIVE_MAXIMUM, 2)])
    slow.subscribe(play.topic("f"), qos=1)
    sender = play.client()
    for number in range(5):
        sender.publish(play.topic("f"), f"{number}")
    slow.ping()
    for number in (1, 2, 3, 4):
        slow.send(mqtt.packet(mqtt.PUBACK << 4, struct.pack(">H", number)))
        slow.ping()


@scenario(ONLY_5)
def maximum_packet_size(play):
    small = play.client(pairs=[(mqtt.MAXIMUM_PACKET_SIZE, 100)])
    small.subscribe(play.topic("m"), qos=1)
    sender = play.client()
    for size in (10, 200, 20):
        sender.publish(play.topic("m"), b"x" * size)
    small.ping()


@scenario(ONLY_5)
def will_with_delay_and_properties(play):
    watcher = play.client()
    watcher.subscribe(play.topic("#"), qos=1)
    pairs = [(mqtt.WILL_DELAY, 1), (mqtt.CONTENT_TYPE, "text/plain"), ("a", "b")]
    play.client("dies", will=(play.topic("delayed"), b"gone", False), will_pairs=pairs,
                expiry=100).close()
    play.client(will=(play.topic("asked"), b"gone", False)).disconnect(0x04)
    watcher.receive_until(lambda message: message.topic.endswith("delayed"))
    watcher.ping()


# --- The test -----------------------------------------------------------------------------------


def counters(broker):
    """$SYS as it is retained, asked for in one go, so that asking is hardly in it."""
    client = mqtt.Raw(broker.port)
    client.send(mqtt.packet(mqtt.CONNECT << 4, mqtt.text("MQTT") + b"\4\2\0\0" + mqtt.text("sys")),
                mqtt.packet(mqtt.SUBSCRIBE << 4 | 2, b"\0\1" + mqtt.text("$SYS/broker/#") + b"\0"),
                mqtt.packet(mqtt.PINGREQ << 4, b""))
    while client.read_packet()[0] >> 4 != mqtt.PINGRESP:
        pass
    client.close()
    found = {}
    for first, body in client.transcript:
        if first >> 4 == mqtt.PUBLISH:
            reader = mqtt._Reader(body)
            name = reader.text().removeprefix("$SYS/broker/")
            found[name] = body[reader.at :].decode()
    return {name: int(found.get(name, "0")) for name in COUNTERS}


class TheBrokerIsWhatItWas(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        site = gate.Site()
        cls.addClassCleanup(site.remove)
        lines = {"bare": ["allow_anonymous true"],
                 "plugin": ["allow_anonymous true", *site.plugin_lines(status_seconds=3600)]}
        cls.brokers = {name: gate.Broker(site, security, name=name,
                                         settings=["max_inflight_messages 20"]).start()
                       for name, security in lines.items()}
        for broker in cls.brokers.values():
            cls.addClassCleanup(broker.close)

    def test_in_every_scenario_each_byte_that_the_broker_sends_is_the_same(self):
        for play_scenario, level in SCENARIOS:
            with self.subTest(play_scenario.__name__, level=level):
                def performed(broker):
                    play = Play(broker, level, play_scenario.__name__)
                    play_scenario(play)
                    return play.transcripts()

                with ThreadPoolExecutor() as pool:  # both at once: some wait for the clock
                    sent = dict(zip(self.brokers, pool.map(performed, self.brokers.values())))
                self.assertEqual(sent["plugin"], sent["bare"])
                self.assertGreater(sum(map(len, sent["bare"])), 1)

    def test_then_the_counters_of_sys_agree(self):
        def agree():
            time.sleep(1.2)  # $SYS is renewed each second
            found.clear()
            found.update((name, counters(broker)) for name, broker in self.brokers.items())
            bare, plugin = found["bare"], found["plugin"]
            return all(plugin[name] - OURS.get(name, 0) == bare[name] for name in COUNTERS)

        found = {}
        try:
            harness.wait_until(agree, "the counters agree", 6)
        except AssertionError:
            self.assertEqual(found["plugin"], found["bare"])
        self.assertGreater(found["bare"]["publish/messages/received"], 100)


if __name__ == "__main__":
    harness.main()
