"""gate.py - one broker with the plugin for the tests of the gate, on a site of its own.

Smaller and quicker than the demo of harness.py: no bridge daemon, a schema of a few lines that a
test may replace, and a mosquitto.conf that is the test's to say. NEXUS_BUILD and
NEXUS_BROKER_PRELOAD as there; what runs is ended by process identifier.
"""
import atexit
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import harness
import mqtt

CITY = "birmingham"
PASSWORD = "secret"
SECURITY_PLUGIN = harness.mosquitto_root() / "usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"
IS_2_1 = harness.mosquitto_version() >= (2, 1)  # the broker under test
IS_LATER = harness.mosquitto_version() > (2, 0, 11)
SANITIZED = bool(os.environ.get("NEXUS_BROKER_PRELOAD"))

SCHEMAS = {  # two versions: what one admits with its own member the other refuses
    "v1": {"$id": "urn:nexus:birmingham-air:1", "type": "object", "required": ["site"],
           "properties": {"value": {"type": "number", "maximum": 100}}},
    "v2": {"$id": "urn:nexus:birmingham-air:2", "type": "object", "required": ["place"]},
}
IDENTITIES = {
    "air-{asset}": {"role": "sensor", "assets": ["air/{asset}"]},
    "any": {"role": "sensor", "assets": ["+/+"]},
    "reader": {"role": "reader"},
    "operator": {"role": "operator"},
    "bridge": {"role": "bridge"},
    "link": {"role": "link", "city": "ulsan"},
}
MODES = {"air": "strict", "weather": "warn", "noise": "off"}
USERS = ("any", "reader", "operator", "bridge", "link", "nobody", "air-A", "air-B")


def topic(asset, domain="air", channel="observation"):
    return f"nexus/{CITY}/{domain}/{asset}/{channel}"


def hashed(password):
    """As mosquitto_passwd writes it, with one round: hundreds of clients connect here."""
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 1)
    return f"$7$1${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


class Site:
    """A configuration folder, passwords and room for a broker's files; removed at the end."""

    def __init__(self, users=USERS, identities=None):
        self.identities = IDENTITIES | (identities or {})
        self.folder = Path(tempfile.mkdtemp(prefix="nexus-gate-"))
        atexit.register(self.remove)
        os.chmod(self.folder, 0o755)
        self.config = self.folder / "config"
        schemas = self.config / "schemas"
        (self.config / CITY).mkdir(parents=True)
        schemas.mkdir()
        (schemas / "config").symlink_to(harness.ROOT / "schemas/config")
        self.write("federation.json", {"federation": "test", "cities": [CITY, "ulsan"],
                                       "domains": list(MODES), "schemas": "schemas"})
        for domain in MODES:
            self.write(f"schemas/canonical/{domain}/schema.json",
                       {"$id": f"urn:nexus:canonical-{domain}:1", "type": "object"})
            self.write_schema("v1", domain)
        self.write_city()
        self.write(f"{CITY}/assets.json", {domain: {} for domain in MODES})
        self.passwords = self.folder / "passwords"
        self.passwords.write_text("".join(f"{name}:{hashed(PASSWORD)}\n" for name in users))

    def remove(self):
        atexit.unregister(self.remove)
        if not os.environ.get("NEXUS_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, document):
        """A whole file at once: a reload in between never sees half of it."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(document if isinstance(document, str) else json.dumps(document))
        fresh.replace(path)

    def write_schema(self, version, domain="air"):
        self.write(f"schemas/{CITY}/{domain}/schema.json", SCHEMAS[version])

    def write_city(self, **identities):
        """With changed identities; None takes one away."""
        rows = {name: row for name, row in (self.identities | identities).items() if row}
        self.write(f"{CITY}/city.json", {
            "city": CITY, "title": "Birmingham", "country": "GB", "time_zone": "Europe/London",
            "bounding_box": [-2.25, 52.30, -1.55, 52.70],
            "reference": {"temperature_celsius": 20, "pressure_kpa": 101.325},
            "domains": {domain: {"mode": mode} for domain, mode in MODES.items()},
            "identities": rows})

    def break_city(self):
        self.write(f"{CITY}/city.json", '{ "city": ')

    def plugin_lines(self, **options):
        lines = [f"plugin {harness.BUILD / 'nexus_plugin.so'}", f"plugin_opt_config {self.config}",
                 f"plugin_opt_city {CITY}"]
        return lines + [f"plugin_opt_{name} {value}" for name, value in options.items()]


class Broker:
    """One mosquitto in the folder of `site`. `security` are the lines on who may do what: they
    belong to the broker or, with per_listener_settings, to each of its listeners."""

    def __init__(self, site, security, *, name="broker", settings=(), per_listener=False,
                 websocket=False, connections=(), ports=None):
        self.site, self.name = site, name
        base = ports or harness.free_base()
        self.port, self.websocket_port = base, base + 1 if websocket else None
        self.log = site.folder / f"{name}.log"
        self.process = None
        self.sanitized = SANITIZED and any("nexus_plugin.so" in line for line in security)
        self.plugins = 1 + (per_listener and websocket)  # instances: one for each listener
        user = ["user root"] if os.getuid() == 0 else []  # the folder is then ours alone
        kinds = [f"log_type {kind}" for kind in ("error", "warning", "notice", "information")]
        lines = [f"per_listener_settings {str(per_listener).lower()}", *user, *kinds,
                 "sys_interval 1", "max_inflight_messages 1000", "set_tcp_nodelay true",
                 *settings]
        lines += [] if per_listener else security
        lines += [f"listener {self.port} 127.0.0.1"]
        lines += security if per_listener else []
        if websocket:
            lines += [f"listener {self.websocket_port} 127.0.0.1", "protocol websockets"]
            lines += security if per_listener else []
        self.conf = site.folder / f"{name}.conf"
        self.conf.write_text("\n".join([*lines, *connections]) + "\n")
        atexit.register(self.stop)

    def start(self):
        env = dict(os.environ, PATH=harness.PATH)
        if self.sanitized:
            env["LD_PRELOAD"] = os.environ["NEXUS_BROKER_PRELOAD"]
            env["LSAN_OPTIONS"] = "exitcode=0"  # the broker's own leaks are not ours to fail for
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(["mosquitto", "-c", str(self.conf)], env=env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def running():
            if self.process.poll() is not None:
                raise AssertionError(f"the broker does not start:\n{self.said()[-3000:]}")
            return "running\n" in self.said()[begin:]

        harness.wait_until(running, "the broker runs")
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Ends it in order; gives its exit status."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode if self.process else None

    def close(self):
        """Stops it; AssertionError unless it ended well and no sanitizer had anything to say."""
        atexit.unregister(self.stop)
        status = self.stop()
        faults = harness.sanitizer_faults(self.said())
        if faults or status != 0:
            raise AssertionError("\n".join([f"{self.name} ended with {status}", *faults]))

    def hang_up(self):
        """SIGHUP; comes back when each plugin has said what came of it, which is returned. The
        broker forgets a SIGHUP that comes while it is still at the reload before, hence the knock."""
        try:
            mqtt.Client(self.port).close()
        except mqtt.Refused:
            pass  # a stranger's answer does as well: it comes after that reload
        begin = len(self.said())
        self.process.send_signal(signal.SIGHUP)

        def outcome():
            said = self.said()[begin:]
            for text, word in (("configuration reloaded", "reloaded"), ("stays in use", "kept")):
                if said.count(text) >= self.plugins:
                    return word
            return None

        return harness.wait_until(outcome, "the plugin tells the outcome of the reload")

    def client(self, user=None, *, websocket=False, **options):
        port = self.websocket_port if websocket else self.port
        password = PASSWORD if user is not None else None
        return mqtt.Client(port, user, password, websocket=websocket, **options)

    def memory_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


class Observer:
    """An operator that sees all below nexus/, and knows when it has seen all up to now."""

    def __init__(self, broker, user="operator", filters=("nexus/#",)):
        self.client = broker.client(user, pairs=[(mqtt.RECEIVE_MAXIMUM, 65535)])
        self.client.subscribe(*filters, qos=2, options=mqtt.RETAIN_AS_PUBLISHED)
        self.barrier = f"barrier/{id(self)}"
        self.client.subscribe(self.barrier, qos=0)
        self.rounds = 0

    def close(self):
        self.client.disconnect()

    def collect(self):
        """All that came until now. What the plugin publishes leaves in the loop after the one in
        which it was made: hence two rounds."""
        messages = []
        for _ in range(2):
            self.rounds += 1
            mark = str(self.rounds).encode()
            self.client.publish(self.barrier, mark)
            while True:
                message = self.client.receive()
                assert message is not None, "the barrier came back"
                if message.topic == self.barrier:
                    if message.payload == mark:
                        break
                else:
                    messages.append(message)
        return messages

    def collect_until(self, done, what, seconds=15):
        """All that came until done(all of it) is true, and a barrier more."""
        messages = []

        def enough():
            messages.extend(self.collect())
            return done(messages)

        harness.wait_until(enough, what, seconds)
        return messages + self.collect()


def report_of(message):
    """The report of a refusal in a message at _rejected, else None."""
    report = json.loads(message.payload) if "/_rejected/" in message.topic else None
    return report if report and report["reason"] != "suppressed" else None
