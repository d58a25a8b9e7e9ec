"""gate_traffic.py - every way into and out of a broker, driven: the functions that the rows of
gate_coverage_test.py name.

Each gets a Bench and the cells of its row. What comes in is sent twice for each cell: once as the
gate has to refuse it, once as it has to admit it. What goes out is offered to two: one who may read
it and one who may not; each function notes in Bench.outcomes who has it.
"""
import socket
import struct

import gate
import harness
import mqtt

GOOD, BAD = b'{"site":"x"}', b'{"seen":"bad"}'
PROTOCOLS = {4: "3.1.1", 5: "5"}
KEPT = {"clean": False, "expiry": 60}  # a session that outlives its connection


def asset(cell):
    return f"{cell.row.key}-{cell.level}{cell.qos}{cell.form[0]}"


def owner(cell):
    """Identities of their own, so that each one's refusals are within what is told one by one."""
    return f"air-{asset(cell)}"


def attempts(cell):
    """(topic, payload, retain) of the message that must be refused and of the one that must not."""
    if cell.form == "empty":
        foreign = f"nexus/ulsan/air/{asset(cell)}/observation"
        return [(foreign, b"", True), (gate.topic(asset(cell)), b"", True)]
    return [(gate.topic(asset(cell)), payload, cell.form == "retained") for payload in (BAD, GOOD)]


# --- What comes in ------------------------------------------------------------------------------


def publish(bench, cells):
    for cell in cells:
        with bench.broker.client(owner(cell), level=cell.level) as client:
            send_both(client, cell)


def send_both(client, cell):
    reasons = [client.publish(topic, payload, retain=retain, qos=cell.qos)
               for topic, payload, retain in attempts(cell)]
    refused = mqtt.NOT_AUTHORIZED if cell.level == 5 else 0  # 3.1.1 cannot say no
    if cell.qos:
        assert reasons[0] == refused and reasons[1] < 0x80, f"{asset(cell)}: reasons {reasons}"
    client.ping()


def publish_websocket(bench, cells):
    for level in PROTOCOLS:
        with bench.broker.client(f"any-ws{level}", level=level, websocket=True) as client:
            for cell in (cell for cell in cells if cell.level == level):
                send_both(client, cell)


def wills(bench, cells, **options):
    """A client for each attempt of each cell, connected with its will."""
    for cell in cells:
        for number, attempt in enumerate(attempts(cell)):
            name = f"{asset(cell)}-{number}"
            yield cell, name, bench.broker.client(owner(cell), level=cell.level, will=attempt,
                                                  client_id=name, will_qos=cell.qos, **options)


def will_closed(bench, cells):
    for _, _, client in wills(bench, cells):
        client.close()


def will_reset(bench, cells):
    for _, _, client in wills(bench, cells):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


def will_silent(bench, cells):
    bench.silent = [client for _, _, client in wills(bench, cells, keep_alive=1)]


def will_silent_ended(bench, _):
    for client in bench.silent:
        client.wait_closed(15)
        client.close()


def will_taken_over(bench, cells, **options):
    for cell, name, client in wills(bench, cells, **options):
        bench.broker.client(owner(cell), level=cell.level, client_id=name, **options).disconnect()
        client.close()


def will_at_the_end(bench, cells):
    """Connected when the broker is ended: what it retains then shows after its restart."""
    for cell in cells:
        for user, name, payload in ((owner(cell), asset(cell), GOOD),
                                    ("any-good", f"{asset(cell)}-bad", BAD)):
            bench.dying.append(bench.broker.client(
                user, level=cell.level, will=(gate.topic(name), payload, True), will_qos=cell.qos))


def will_kept_session(bench, cells):
    will_taken_over(bench, cells, **KEPT)


def will_asked_for(bench, cells):
    for _, _, client in wills(bench, cells):
        client.disconnect(0x04)


def will_delayed(bench, cells):
    for _, _, client in wills(bench, cells, will_pairs=[(mqtt.WILL_DELAY, 1)], expiry=60):
        client.close()


def at_another(broker_of, prefix):
    """Published at another broker, below a prefix that a bridge puts nexus/ in the place of."""
    def run(bench, cells):
        for cell in cells:
            with broker_of(bench).client() as client:
                for topic, payload, retain in attempts(cell):
                    client.publish(topic.replace("nexus/", f"{prefix}{cell.level}/"), payload,
                                   retain=retain, qos=cell.qos)
                client.ping()
    return run


# --- What goes out ------------------------------------------------------------------------------
# Each notes whether who may read the cell's topic has it, and who may not.


def publish_good(bench, cell):
    with bench.broker.client("any-good", level=cell.level) as client:
        client.publish(gate.topic(asset(cell)), GOOD, retain=cell.form != "plain", qos=cell.qos)
        client.ping()


def note(bench, cell, clients):
    """Which of the two has the cell's message; ends both."""
    for client in clients:
        client.ping()
    bench.outcomes[cell] = tuple(
        sum(asset(cell) in message.topic for message in client.take_all()) for client in clients)
    for client in clients:
        client.disconnect()


def pair(bench, cell, users=("reader", "air-else"), **options):
    """Who may read, and a sensor of another asset."""
    return [bench.broker.client(user, level=cell.level, client_id=f"{asset(cell)}-{user}",
                                **options) for user in users]


def through(name):
    """Subscriptions of this name; each of a shared one in a group of its own."""
    def run(bench, cells):
        for cell in cells:
            clients = pair(bench, cell)
            for number, client in enumerate(clients):
                granted = client.subscribe(name.replace("GROUP", f"{asset(cell)}{number}"),
                                           qos=cell.qos)
                assert granted == [cell.qos], f"{name}: {granted}"
            publish_good(bench, cell)
            note(bench, cell, clients)
    return run


def publish_all(bench, cells):
    for cell in cells:
        publish_good(bench, cell)


def replay(bench, cells):
    for cell in cells:
        clients = pair(bench, cell)
        for client in clients:
            client.subscribe("nexus/#", qos=cell.qos)
        note(bench, cell, clients)


def publish_and_replay(bench, cells):
    publish_all(bench, cells)
    replay(bench, cells)


def owe(bench, cells, users=("reader", "air-else")):
    for cell in cells:
        for client in pair(bench, cell, users, **KEPT):
            client.subscribe("nexus/#", qos=cell.qos)
            client.disconnect()
    publish_all(bench, cells)


def fetch(bench, cells, users=("reader", "air-else")):
    for cell in cells:
        clients = pair(bench, cell, users, **KEPT)
        assert all(client.session_present for client in clients)
        note(bench, cell, clients)


def queued(bench, cells, users=("reader", "air-else"), meanwhile=lambda: None):
    owe(bench, cells, users)
    meanwhile()
    fetch(bench, cells, users)


def queued_then_refused(bench, cells):
    def take_right_away():
        bench.site.write_city(leaver=None)
        assert bench.broker.hang_up() == "reloaded"

    queued(bench, cells, ("reader", "leaver"), take_right_away)


def bridge_export(bench, cells):
    """`local_username nobody`: an identity without any right here."""
    seen = []

    def exported(cell):
        return any(topic.startswith(f"out{cell.level}/") and asset(cell) in topic
                   for topic in seen)

    def all_of_them():
        bench.importer.ping()
        seen.extend(message.topic for message in bench.importer.take_all())
        return all(map(exported, cells))

    publish_all(bench, cells)
    try:
        harness.wait_until(all_of_them, "what the bridge exports has come")
    finally:
        bench.outcomes.update((cell, (1, int(exported(cell)))) for cell in cells)
