"""A link that sends batches of no use as fast as it can, at a real broker: it is held off or cut off,
the others go on as if it were not there, and a link that honestly repeats goes through."""
import json
import threading
import time
import unittest

import gate
import harness
import mqtt
from batches import encode, readings

EPOCH = "0199c8a1b2c3d4e5f607"
FLOOD = 4000
USELESS_MAX = 1024  # opened at once, however small the rate
WINDOW = 32
CITIES = (gate.CITY, "ulsan", "busan")


class Link:
    """Of any city, by the rules of docs/delivery.md: asks, waits as it is told, sends on."""

    def __init__(self, broker, city):
        self.topic, ack = f"nexus/_deliver/{city}", f"nexus/_link/{city}/{gate.CITY}/ack"
        self.client = broker.client(f"link-{city}", client_id=f"nexus-bridge-{city}")
        self.client.subscribe(ack)

    def answers(self):
        self.client.ping()
        return [json.loads(message.payload) for message in self.client.take_all()]

    def send(self, after, until):
        return self.client.publish(self.topic, encode(EPOCH, after, until, readings(after, until)))

    def ask(self):
        """Until it is answered; the mark. In a flood not each answer is given: it asks again."""
        while True:
            reason = self.client.publish(self.topic, encode(EPOCH, 0, 0))
            message = self.client.receive(timeout=2)
            answer = json.loads(message.payload) if message else {}
            if reason != mqtt.NOT_AUTHORIZED and answer:
                return answer["mark"]
            time.sleep(answer.get("wait_ms", 0) / 1000)

    def flood(self, count=FLOOD, qos=0):
        for _ in range(count):
            self.client.send_publish(self.topic, b"no batch" * 500, qos=qos)


def rates(messages, seconds):
    return {"messages_per_second": messages, "burst_seconds": seconds}


class OneBroker(unittest.TestCase):
    def start(self, limits, **options):
        links = {f"link-{city}": {"role": "link", "city": city, "limits": limits}
                 for city in CITIES[1:]}
        site = gate.Site([*gate.USERS, *links], links)
        self.addCleanup(site.remove)
        site.write("federation.json", {"federation": "test", "cities": CITIES,
                                       "domains": list(gate.MODES), "schemas": "schemas"})
        self.broker = gate.Broker(site, [
            f"password_file {site.passwords}",
            *site.plugin_lines(status_seconds=1, **options)]).start()
        self.addCleanup(self.broker.close)
        self.observer = gate.Observer(self.broker)
        self.addCleanup(self.observer.close)

    def link(self, city):
        link = Link(self.broker, city)
        self.addCleanup(link.client.close)
        return link

    def status(self, wanted):
        message = self.observer.client.receive_until(
            lambda m: m.topic.endswith("_status/plugin") and wanted(json.loads(m.payload)))
        return json.loads(message.payload)

    def numbers(self, city):
        return [int(m.properties["nexus-seq"].split(".")[1]) for m in self.observer.collect()
                if m.topic.startswith(f"nexus/{city}/")]


class AFloodOfUselessBatches(OneBroker):
    def test_is_held_off_and_the_others_lose_nothing(self):
        self.start(rates(5, 60))
        bad, good = self.link("ulsan"), self.link("busan")
        self.assertIsNone(good.ask())
        begin = time.monotonic()
        flood = threading.Thread(target=bad.flood)
        flood.start()
        with self.broker.client("air-A") as sensor:
            for number in range(50):
                self.assertLess(sensor.publish(gate.topic("A"), b'{"site":"x"}'), 0x80)
                self.assertLess(good.send(number, number + 1), 0x80)
        flood.join()
        bad.client.ping()
        most = USELESS_MAX + 2 + 5 * (time.monotonic() - begin)
        came = self.observer.collect()
        for prefix, count in ((gate.topic("A"), 50), ("nexus/busan/", 50), ("nexus/ulsan/", 0)):
            self.assertEqual(sum(m.topic.startswith(prefix) for m in came), count, prefix)
        told = bad.answers()
        delivery = self.status(lambda s: s["delivery"]["unopened"] +
                               s["delivery"]["batches"]["damaged"] == FLOOD)["delivery"]
        self.assertLessEqual(delivery["batches"]["damaged"], most)
        self.assertGreater(delivery["unopened"], 0)
        self.assertEqual(len(told) + delivery["answers_suppressed"], FLOOD)
        self.assertLessEqual(len(told), 20 + time.monotonic() - begin)
        self.assertLessEqual(self.broker.said().count("_deliver/ulsan"), len(told))
        # and when it keeps to the rules again, it is heard
        self.assertIsNone(bad.ask())
        self.assertLess(bad.send(0, 3), 0x80)
        self.assertEqual(self.numbers("ulsan"), [1, 2, 3])

    def test_is_cut_off_where_the_broker_disconnects_offenders(self):
        self.start(rates(100, 1), disconnect_refusals=50)
        bad, good = self.link("ulsan"), self.link("busan")
        self.assertIsNone(good.ask())
        self.assertLess(good.send(0, 1), 0x80)
        for _ in range(50):
            good.send(9, 10)  # a gap is no offence
        with self.assertRaises(OSError):
            for _ in range(50):
                bad.flood(10, qos=1)
                bad.client.ping()
        self.assertEqual(self.status(lambda s: s["disconnected"] > 0)["disconnected"], 1)
        self.assertLess(good.send(1, 2), 0x80)
        back = self.link("ulsan")
        self.assertIsNone(back.ask())
        self.assertLess(back.send(0, 1), 0x80)


class AnHonestLink(OneBroker):
    def test_that_repeats_its_window_after_each_cut_goes_on_at_once(self):
        self.start(rates(10, 60), disconnect_refusals=10)
        for _ in range(10):
            link = Link(self.broker, "ulsan")
            link.ask()
            for number in range(WINDOW):
                link.client.send_publish(link.topic, encode(EPOCH, number * 10, number * 10 + 10,
                                                            readings(number * 10, number * 10 + 10)))
            for _ in range(WINDOW):
                self.assertLess(link.client.wait_puback()[1], 0x80)
            link.client.kill()
        link = self.link("ulsan")
        self.assertEqual(link.ask(), 10 * WINDOW)
        self.assertLess(link.send(10 * WINDOW, 10 * WINDOW + 10), 0x80)
        self.assertEqual(self.numbers("ulsan"), list(range(1, 10 * WINDOW + 11)))


del OneBroker

if __name__ == "__main__":
    harness.main()
