"""Every way into and out of a broker, protocol by protocol: what the gate judges there.

ROWS is the matrix. Each row is a kind of traffic and says for which protocols, QoS and forms it
exists, and what becomes of it with per_listener_settings false and true; the test drives every cell
through a real broker, and docs/coverage.md is printed from the same rows:

    gate_coverage_test.py --print > docs/coverage.md

A cell that the gate does not judge is tested to be so: a broker that closes the gap fails here too.
"""
import sys
import unittest
from collections import namedtuple
from itertools import product

import gate
import gate_traffic as traffic
import harness
import mqtt
from gate_traffic import BAD, GOOD, PROTOCOLS, asset, owner

PAGE = harness.ROOT / "docs/coverage.md"

# What becomes of a message that the gate has to admit, and of one that it has to refuse. Of what
# comes in: how many of the two a reader sees, how many are told at _rejected. Of what goes out: is
# it seen by who may read it, is it seen by who may not.
Verdict = namedtuple("Verdict", "word seen told")
JUDGED = Verdict("judged", 1, 1)
UNSEEN = Verdict("**not judged**", 2, 0)
NONE = Verdict("none is sent", 0, 0)
ENDED = Verdict("judged, told in the log", 1, 0)
FILTERED = Verdict("filtered", 1, 0)
UNFILTERED = Verdict("**not filtered**", 1, 1)

FORMS = ("plain", "retained", "empty")  # the last: empty and retained, which clears

Cell = namedtuple("Cell", "row level qos form")


class Row:
    """`run` sends or fetches: it gets a Bench and the row's cells. `early`: goes first, since the
    broker takes its time; `late`: called when all rows have run; `restored`: called after a restart
    of the broker."""

    def __init__(self, key, title, event, run, verdict, *, early=False, late=None,
                 restored=None, levels=(4, 5), qos=(0, 1, 2), forms=FORMS, per_listener=None,
                 remedy=""):
        self.key, self.title, self.event, self.run = key, title, event, run
        self.early, self.late, self.restored = early, late, restored
        self.levels, self.qos, self.forms, self.remedy = levels, qos, forms, remedy
        self.verdicts = {False: verdict, True: per_listener or verdict}

    def cells(self):
        return [Cell(self, *axes) for axes in product(self.levels, self.qos, self.forms)]


WRITE, MESSAGE, READ = "ACL write", "message", "ACL read, per delivery"
LIVE = {"forms": FORMS[:2]}
OWED = {"qos": (1, 2), "forms": FORMS[:2]}
RETAINED = {"forms": ("retained",)}

ROWS = (
    Row("pub", "a client publishes", WRITE, traffic.publish, JUDGED),
    Row("ws", "the same through a websockets listener", WRITE, traffic.publish_websocket, JUDGED),
    Row("reset", "will: the connection is reset", WRITE, traffic.will_reset, JUDGED),
    Row("cut", "will: the connection is closed without DISCONNECT", WRITE, traffic.will_closed,
        JUDGED),
    Row("silent", "will: the keep alive ran out", WRITE, traffic.will_silent, JUDGED,
        early=True, late=traffic.will_silent_ended),
    Row("over", "will: the session is taken over", WRITE, traffic.will_taken_over, JUDGED),
    Row("kept", "will: a kept session is taken over", "none", traffic.will_kept_session, NONE),
    Row("asked", "will: asked for by DISCONNECT 0x04", WRITE, traffic.will_asked_for, JUDGED,
        levels=(5,)),
    Row("delay", "will: after its delay interval", WRITE, traffic.will_delayed, JUDGED,
        early=True, levels=(5,)),
    Row("end", "will: the broker is ended", WRITE, traffic.will_at_the_end, ENDED,
        restored=traffic.replay, **RETAINED,
        remedy="Nobody is connected any more to be told at `_rejected`: look into the log."),
    Row("import", "this broker's `connection` imports (`topic … in`)", MESSAGE,
        traffic.at_another(lambda bench: bench.other, "in"), JUDGED, per_listener=UNSEEN,
        remedy="With `per_listener_settings true` Mosquitto 2.0 asks no plugin about its own "
               "bridge: leave it `false`, or let the other broker's `connection` dial here."),
    Row("remote", "another broker's `connection` to this one (`topic … out` there)", WRITE,
        traffic.at_another(lambda bench: bench.dialler, "to"), JUDGED),

    Row("live", "a subscription below nexus/", READ,
        traffic.through(f"nexus/{gate.CITY}/air/+/observation"), FILTERED, **LIVE),
    Row("hash", "a subscription to `#`", READ, traffic.through("#"), FILTERED, **LIVE),
    Row("plus", "a subscription to `+/…`", READ,
        traffic.through(f"+/{gate.CITY}/+/+/observation"), FILTERED, **LIVE),
    Row("share", "a shared subscription", READ,
        traffic.through(f"$share/GROUP/nexus/{gate.CITY}/#"), FILTERED, **LIVE),
    Row("replay", "a retained value, on SUBSCRIBE", READ, traffic.publish_and_replay, FILTERED,
        **RETAINED),
    Row("queued", "what a kept session was owed", READ, traffic.queued, FILTERED, **OWED),
    Row("left", "the same, its right taken away by a reload meanwhile", READ,
        traffic.queued_then_refused, FILTERED, **OWED),
    Row("export", "this broker's `connection` exports (`topic … out`)", "none",
        traffic.bridge_export, UNFILTERED, **LIVE,
        remedy="Mosquitto asks no plugin what its own bridge may read: name in the `topic` lines "
               "what may leave, never `#`."),
    Row("disk", "a retained value restored from disk, refused by the schema of today", READ,
        traffic.publish_all, FILTERED, restored=traffic.replay, **RETAINED,
        remedy="Accepted once, it stays until its owner publishes anew or clears it with an empty "
               "retained message. `nexusctl retained` lists what today's schema would refuse."),
    Row("owed", "what a kept session was owed, restored from disk", READ, traffic.owe, FILTERED,
        restored=traffic.fetch, **OWED),
)

INCOMING = [row for row in ROWS if row.verdicts[False] in (JUDGED, UNSEEN, NONE, ENDED)]
OUTGOING = [row for row in ROWS if row not in INCOMING]
OBSERVED = [row for row in INCOMING if not row.restored]  # by who looks on


def page():
    """docs/coverage.md"""
    def axes(row):
        return (f"{', '.join(PROTOCOLS[level] for level in row.levels)} · "
                f"{' '.join(map(str, row.qos))} · {', '.join(row.forms)}")

    def table(rows):
        yield "| traffic | broker's event | protocols · QoS · forms | cells | `false` | `true` |"
        yield "|---|---|---|---|---|---|"
        for row in rows:
            note = f" [{notes.index(row) + 1}]" if row in notes else ""
            words = [row.verdicts[setting].word for setting in (False, True)]
            yield (f"| {row.title}{note} | {row.event} | {axes(row)} | {len(row.cells())} | "
                   f"{words[0]} | {words[1]} |")

    notes = [row for row in ROWS if row.remedy]
    total = 2 * sum(len(row.cells()) for row in ROWS)
    lines = [
        "# Coverage: what the gate sees of a broker's traffic", "",
        "Printed from the rows of `test/broker/gate_coverage_test.py`, which drives each of their "
        f"{total} cells",
        "through Mosquitto 2.0.11 and compares this page; do not edit it. The last two columns are",
        "the settings of `per_listener_settings`.", "",
        "Forms: `plain` is not retained, `retained` is, `empty` is retained without payload (it "
        "clears).", "",
        "## What comes in below nexus/", "",
        "*judged*: of two messages the one that its schema or namespace refuses is seen by nobody "
        "and told at",
        "`_rejected`, and the other is delivered. *not judged*: both are delivered.", "",
        *table(INCOMING), "",
        "## What goes out below nexus/", "",
        "*filtered*: who may read it has it, and a sensor of another asset with the same "
        "subscription has not.", "",
        *table(OUTGOING), "",
        "Unsubscribing is never refused: nobody is held to a subscription.", "",
        "## What the operator does", ""]
    for number, row in enumerate(notes, 1):
        lines += [f"{number}. **{row.title[0].upper()}{row.title[1:]}.** {row.remedy}"]
    return "\n".join(lines) + "\n"


# --- The test -----------------------------------------------------------------------------------


class Bench:
    """The broker under test, a bare one that it dials, one that dials it, and who looks on."""

    def __init__(self, per_listener):
        self.per_listener = per_listener
        self.outcomes, self.messages, self.silent, self.dying = {}, [], [], []
        cells = [cell for row in ROWS for cell in row.cells()]
        names = [f"any-{name}" for name in ("ws4", "ws5", "in4", "in5", "to4", "to5", "good")]
        self.site = gate.Site([*gate.USERS, "leaver", "air-else", *names, *map(owner, cells)],
                              {"any-{asset}": gate.IDENTITIES["any"], "leaver": {"role": "reader"}})
        base = harness.free_base()
        self.other = gate.Broker(self.site, ["allow_anonymous true"], name="other",
                                 ports=base + 10)
        self.dialler = gate.Broker(self.site, ["allow_anonymous true"], name="dialler",
                                   ports=base + 20, connections=self.towards(base))
        self.broker = gate.Broker(
            self.site, [f"password_file {self.site.passwords}",
                        *self.site.plugin_lines(status_seconds=3600)],
            ports=base, per_listener=per_listener, websocket=True,
            settings=["persistence true", f"persistence_location {self.site.folder}/"],
            connections=self.between(base + 10))
        for broker in (self.other, self.broker, self.dialler):  # who is dialled is there first
            broker.start()
        self.observer = gate.Observer(self.broker)
        self.importer = self.other.client()
        self.importer.subscribe("out4/#", "out5/#", qos=2)
        self.wait_for_bridges()

    def connection(self, name, port, level, *lines):
        version = "mqttv50" if level == 5 else "mqttv311"
        return [f"connection {name}", f"address 127.0.0.1:{port}", "cleansession true",
                f"bridge_protocol_version {version}", "restart_timeout 1", *lines]

    def between(self, port):
        lines = []
        for level in PROTOCOLS:
            lines += self.connection(f"import{level}", port, level, "notifications false",
                                     f"local_username any-in{level}",
                                     f"topic # in 2 nexus/ in{level}/")
            lines += self.connection(f"export{level}", port, level, "notifications false",
                                     "local_username nobody", f"topic # out 2 nexus/ out{level}/")
        return lines

    def towards(self, port):
        lines = []
        for level in PROTOCOLS:
            lines += self.connection(f"remote{level}", port, level, "notifications_local_only true",
                                     f"remote_username any-to{level}",
                                     f"remote_password {gate.PASSWORD}",
                                     f"topic # out 2 to{level}/ nexus/")
        return lines

    def wait_for_bridges(self):
        """Until a probe has crossed each of the six."""
        def crossed():
            for level, (way, broker) in product(PROTOCOLS, sources):
                with broker.client() as client:
                    client.publish(f"{way}{level}/{gate.CITY}/air/{way}{level}/observation", GOOD)
            with self.broker.client("any-good") as client:
                client.publish(gate.topic("out"), GOOD)
            seen.update(message.topic.split("/")[3] for message in self.observer.collect())
            self.importer.ping()
            seen.update(message.topic.split("/")[0] for message in self.importer.take_all())
            return {"in4", "in5", "to4", "to5", "out4", "out5"} <= seen

        seen, sources = set(), (("in", self.other), ("to", self.dialler))
        harness.wait_until(crossed, "the bridges are up")

    def begin(self):
        """All rows; what the broker takes its time for goes first."""
        for cell in (cell for row in OBSERVED for cell in row.cells() if cell.form == "empty"):
            traffic.publish_good(self, cell)  # so that there is something to clear
        for row in sorted(ROWS, key=lambda row: not row.early):
            row.run(self, row.cells())
            self.messages += self.observer.collect()

    def finish(self):
        """What became of each cell: (seen, told) or (seen, seen by the other)."""
        for row in (row for row in ROWS if row.late):
            row.late(self, row.cells())
        for row in OBSERVED:
            self.wait_for(row)
        self.messages += self.observer.collect()
        for row in OBSERVED:
            self.outcomes.update((cell, self.outcome(cell)) for cell in row.cells())
        self.restart()
        for row in (row for row in ROWS if row.restored):
            row.restored(self, row.cells())

    def outcome(self, cell):
        here = [message for message in self.messages
                if f"/{asset(cell)}/" in message.topic + "/"]
        told = [message for message in here if "/_rejected/" in message.topic]
        seen = [message for message in here if message not in told and
                (cell.form != "empty" or message.payload == b"")]
        return len(seen), len(told)

    def wait_for(self, row):
        """At least as much as the table says has come; more would come with it."""
        verdict = row.verdicts[self.per_listener]

        def enough():
            self.messages += self.observer.collect()
            return all(sum(self.outcome(cell)) >= verdict.seen + verdict.told
                       for cell in row.cells())

        try:
            harness.wait_until(enough, "what the row sends has come", 15)
        except AssertionError:
            pass  # the test says which cell it is

    def restart(self):
        """Under the other schema. Notes what is retained before."""
        with self.broker.client("reader") as reader:
            reader.subscribe("nexus/+/air/+/observation")
            reader.ping()
            self.retained = {message.topic: message.payload for message in reader.take_all()}
        self.observer.close()
        self.site.write_schema("v2")
        self.broker.stop()
        for client in self.dying:
            client.close()
        self.broker.start()
        self.observer = gate.Observer(self.broker)

    def close(self):
        for client in (self.observer, self.importer):
            client.close()
        for broker in (self.dialler, self.broker, self.other):
            broker.close()
        self.site.remove()


BENCHES = {}


def setUpModule():
    """Both settings at once: each waits for clocks of its broker."""
    for setting in (False, True):
        BENCHES[setting] = Bench(setting)
        unittest.addModuleCleanup(BENCHES[setting].close)
    for bench in BENCHES.values():
        bench.begin()
    for bench in BENCHES.values():
        bench.finish()


class Coverage(unittest.TestCase):
    """One broker for each of the two settings."""

    per_listener = False

    @property
    def bench(self):
        return BENCHES[self.per_listener]

    def expected(self, row):
        verdict = row.verdicts[self.per_listener]
        return verdict.seen, verdict.told

    def kept(self, rows):
        """Without what Mosquitto 2.0.21 itself loses under per_listener_settings, plugin or not: all
        that is for, or of, a client who is away."""
        lost = self.per_listener and gate.IS_LATER and not gate.IS_2_1
        return [row for row in rows
                if not lost or row.key not in ("delay", "queued", "left", "owed")]

    def test_each_cell_is_what_the_table_says(self):
        for row in self.kept(ROWS):
            for cell in row.cells():
                with self.subTest(cell=asset(cell), traffic=row.title):
                    self.assertEqual(self.bench.outcomes[cell], self.expected(row))

    def test_where_the_gate_judges_only_the_good_one_is_seen(self):
        bad = {message.topic for message in self.bench.messages if message.payload == BAD}
        for row in (row for row in OBSERVED if row.verdicts[self.per_listener] != UNSEEN):
            self.assertFalse([name for name in bad if f"/{row.key}-" in name], row.title)

    def test_what_is_retained_is_the_last_that_was_admitted(self):
        for row in self.kept(OBSERVED):
            verdict = row.verdicts[self.per_listener]
            for cell in (cell for cell in row.cells() if cell.form != "plain"):
                with self.subTest(cell=asset(cell), traffic=row.title):
                    kept = GOOD if (cell.form == "retained") == (verdict != NONE) else None
                    self.assertEqual(self.bench.retained.get(gate.topic(asset(cell))), kept)

    def test_after_the_restart_a_retained_value_stays_and_a_new_one_like_it_is_refused(self):
        name = gate.topic("A")
        with self.bench.broker.client("air-A") as client:
            self.assertEqual(client.publish(name, GOOD, retain=True), mqtt.NOT_AUTHORIZED)
            self.assertLess(client.publish(name, b'{"place":"x"}', retain=True), 0x80)

    def test_unsubscribing_is_never_refused(self):
        for level in PROTOCOLS:
            with self.bench.broker.client("air-A", level=level) as client:
                codes = client.unsubscribe("nexus/#", "nexus/ulsan/#", "$share/g/nexus/#", "#")
                self.assertTrue(all(code < 0x80 for code in codes), codes)


class CoveragePerListener(Coverage):
    per_listener = True


class Page(unittest.TestCase):
    def test_the_page_is_printed_from_the_table(self):
        self.assertEqual(PAGE.read_text(), page(), "renew it with --print > docs/coverage.md")


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        harness.main()
