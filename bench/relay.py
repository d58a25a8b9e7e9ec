"""relay.py - the relay's figures, Mosquitto's own bridge measured in the same run.

    speed     readings a second from the publisher at Birmingham to a subscriber at Ulsan, and the CPU
              of each process for one, both through the same proxy, in balanced alternation
    latency   at a steady rate, brokers with the shipped settings
    backlog   an outage, then the backlog while new readings come
    faults    the connection between the cities cut again and again: lost, repeated, out of order

Everything is on loopback, in a folder of its own, and ended by process identifier. Prints figures
and judges nothing, but for `faults`, which fails when ours loses, repeats or reorders.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/broker"))
import harness  # noqa: E402
import mqtt  # noqa: E402

PASSWORD = "bench"
USERS = ["bench-bridge"] + [f"{city}-{role}" for city in harness.CITIES
                            for role in ("sensor", "reader", "operator", "bridge")]
TICKS = os.sysconf("SC_CLK_TCK")
LINK = "link-birmingham-ulsan"

# What is measured: the relay, how it delivers, and whether the receiving broker has the plugin.
SUBJECTS = {
    "peer": {"title": "Mosquitto's bridge", "plugin": False},
    "batches": {"title": "nexus-bridge, exactly once", "plugin": True},
    "qos1": {"title": "nexus-bridge, QoS 1", "plugin": False},
    # MQTT 5 holds a link to the receive maximum, 20 where max_inflight_messages is not set
    "qos1-3.1.1": {"title": "nexus-bridge, QoS 1 by MQTT 3.1.1", "plugin": False,
                   "delivery": "qos1", "mqtt_version": "3.1.1"},
    "qos2": {"title": "nexus-bridge, QoS 2", "plugin": False},
    # max_inflight_messages 0, as the shipped settings have it
    "qos1-wide": {"title": "nexus-bridge, QoS 1, wide window", "plugin": False, "wide": True,
                  "delivery": "qos1"},
    "qos2-wide": {"title": "nexus-bridge, QoS 2, wide window", "plugin": False, "wide": True,
                  "delivery": "qos2"},
}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Bed:
    """Two brokers, a proxy between the cities, and one relay."""

    def __init__(self, programs, subject, rtt_ms=0, shipped=False, proxy=(), links=None):
        self.programs, self.subject = Path(programs), subject
        self.kind = SUBJECTS[subject]
        self.shipped = shipped
        self.links = links or {}
        self.folder = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
        self.processes = {}
        base = harness.free_base()
        self.ports = {"birmingham": base, "ulsan": base + 10}
        try:
            self.start(rtt_ms, proxy)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in ("bridge", "birmingham", "ulsan", "proxy"):
            process = self.processes.pop(name, None)
            if process and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for pipe in (process.stdin, process.stdout) if process else ():
                if pipe:
                    pipe.close()
        if not os.environ.get("NEXUS_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def start_process(self, name, *command, **options):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([str(part) for part in command], stderr=log,
                                                    **({"stdout": log} | options))
        return self.processes[name]

    def start(self, rtt_ms, proxy):
        self.passwords()
        self.start_broker("ulsan")
        self.proxy_port = self.start_proxy(rtt_ms, proxy)
        self.start_broker("birmingham")
        if self.subject != "peer":
            self.start_bridge()
        self.await_up()

    def passwords(self):
        path = self.folder / "passwords"
        path.write_text("".join(f"{user}:{PASSWORD}\n" for user in USERS))
        harness.run("mosquitto_passwd", "-U", path)

    def broker_conf(self, city):
        lines = [f"listener {self.ports[city]} 127.0.0.1", "allow_anonymous false",
                 f"password_file {self.folder}/passwords", "max_queued_messages 1000000000",
                 "persistence true", f"persistence_location {self.folder}/{city}/",
                 "sys_interval 0", "log_type error", "log_type warning"]
        if os.getuid() == 0:
            lines += ["user root"]  # the folder is ours alone
        if city == "birmingham" or self.shipped or self.kind.get("wide"):  # else stock settings
            lines += ["max_inflight_messages 0", "set_tcp_nodelay true"]
        if self.subject != "peer" and (city == "birmingham" or self.kind["plugin"]):
            lines += [f"plugin {self.programs}/nexus_plugin.so",
                      f"plugin_opt_config {ROOT}/config", f"plugin_opt_city {city}",
                      "plugin_opt_outside allow",
                      f"plugin_opt_state {self.folder}/{city}/nexus.state"]
        if self.subject == "peer" and city == "birmingham":
            lines += ["connection ulsan", f"address 127.0.0.1:{self.proxy_port}",
                      "topic nexus/birmingham/# out 1", "cleansession false",
                      "remote_username bench-bridge", f"remote_password {PASSWORD}",
                      "notifications false", "restart_timeout 1 1"]
        return "\n".join(lines) + "\n"

    def start_broker(self, city):
        (self.folder / city).mkdir(exist_ok=True)
        path = self.folder / f"{city}.conf"
        path.write_text(self.broker_conf(city))
        preload = os.environ.get("NEXUS_BROKER_PRELOAD")  # a sanitized plugin's
        env = os.environ | ({"LD_PRELOAD": preload} if preload else {})
        self.start_process(city, "mosquitto", "-c", path, env=env)
        harness.wait_until(lambda: harness.is_listening(self.ports[city]), f"{city} listens")

    def start_proxy(self, rtt_ms, options):
        process = self.start_process("proxy", self.programs / "nexus-proxy", "--listen", 0, "--to",
                                     self.ports["ulsan"], "--rtt", rtt_ms, "--commands", *options,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return int(process.stdout.readline().split()[1])

    def command_proxy(self, line):
        process = self.processes["proxy"]
        process.stdin.write(line + "\n")
        process.stdin.flush()
        process.stdout.readline()

    def start_bridge(self):
        secret = self.folder / "secret"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        link = {"from": "birmingham", "to": "ulsan",
                "delivery": self.kind.get("delivery", self.subject)} | self.links
        versions = {"birmingham": "5", "ulsan": self.kind.get("mqtt_version", "5")}
        (self.folder / "bridge.json").write_text(json.dumps({
            "config_dir": str(ROOT / "config"), "state_dir": str(self.folder / "state"),
            "nodes": [{"city": city, "host": "127.0.0.1", "port": port,
                       "username": f"{city}-bridge", "password_file": str(secret),
                       "mqtt_version": versions[city]}
                      for city, port in (("birmingham", self.ports["birmingham"]),
                                         ("ulsan", self.proxy_port))],
            "links": [link], "tuning": {"status_period_s": 1, "backoff_ms_min": 100,
                                        "backoff_ms_max": 500}}))
        self.start_process("bridge", self.programs / "nexus-bridge", "--config",
                           self.folder / "bridge.json")

    def client(self, city, role, **options):
        return mqtt.Client(self.ports[city], f"{city}-{role}", PASSWORD, **options)

    def status(self, wanted=lambda status: True, seconds=30):
        with self.client("birmingham", "operator") as operator:
            operator.subscribe(f"nexus/birmingham/_status/{LINK}")
            message = operator.receive_until(lambda m: wanted(json.loads(m.payload)), seconds)
        return json.loads(message.payload)

    def await_up(self):
        if self.subject != "peer":
            self.status(lambda status: status["state"] == "up")
            return
        with self.client("ulsan", "reader") as reader:
            reader.subscribe("nexus/birmingham/air/probe/observation")
            with self.client("birmingham", "sensor") as sensor:
                sensor.publish("nexus/birmingham/air/probe/observation", b"{}")
            reader.receive_until(lambda m: True, 30)

    def pids(self):
        names = ("birmingham", "bridge", "ulsan")
        return {name: self.processes[name].pid for name in names if name in self.processes}

    def load_command(self, **options):
        options = {"from": self.ports["birmingham"], "from-user": f"birmingham-sensor:{PASSWORD}",
                   "to": self.ports["ulsan"], "to-user": f"ulsan-reader:{PASSWORD}"} | options
        return [str(self.programs / "relay_load")] + [
            str(part) for name, value in options.items() for part in (f"--{name}", value)]

    def load(self, **options):
        before = {name: cpu_seconds(pid) for name, pid in self.pids().items()}
        done = harness.run(*self.load_command(**options), timeout=900)
        if done.returncode != 0:
            raise RuntimeError(f"{self.subject}: {done.stderr}")
        found = json.loads(done.stdout)
        found["cpu_us"] = {name: (cpu_seconds(pid) - before[name]) * 1e6 / max(1, found["received"])
                           for name, pid in self.pids().items()}
        return found


# --- speed ----------------------------------------------------------------------------------------

def alternation(subjects, pairs):
    """Peer and subject in balanced order: A B, B A, A B ..."""
    for number in range(pairs):
        for subject in subjects:
            yield ("peer", subject) if number % 2 == 0 else (subject, "peer")


def speed(arguments):
    subjects = arguments.subjects.split(",")
    links = {"original": False} if arguments.no_original else {}
    messages = 1 if arguments.no_original else 2  # a reading; the peer always relays one
    for rtt in (int(ms) for ms in arguments.rtt.split(",")):
        runs = {name: [] for name in ["peer"] + subjects}
        ratios = {name: [] for name in subjects}
        for pair in alternation(subjects, arguments.pairs):
            found = {}
            for subject in pair:
                with Bed(arguments.programs, subject, rtt, links=links) as bed:
                    bed.load(count=min(5000, arguments.count))  # warm
                    found[subject] = bed.load(count=arguments.count)
                runs[subject].append(found[subject])
                print(f"  {rtt} ms {subject}: {found[subject]['per_second']:,} /s, lost "
                      f"{found[subject]['lost']}", file=sys.stderr, flush=True)
            ours = next(name for name in pair if name != "peer")
            ratios[ours].append(found[ours]["per_second"] / found["peer"]["per_second"])
        print(f"\nround trip {rtt} ms, {arguments.count:,} readings, {arguments.pairs} pairs\n")
        print("| relay | readings/s | of the peer | messages/s, of the peer | "
              "CPU µs a reading: A | bridge | B | lost |")
        print("|---|---|---|---|---|---|---|---|")
        for name, found in runs.items():
            cpu = {part: statistics.median(run["cpu_us"].get(part, 0) for run in found)
                   for part in ("birmingham", "bridge", "ulsan")}
            middle = statistics.median(ratios[name]) if name != "peer" else 1
            by_messages = middle * messages if name != "peer" else 1
            print(f"| {SUBJECTS[name]['title']} | "
                  f"{statistics.median(run['per_second'] for run in found):,.0f} | {middle:.2f} | "
                  f"{by_messages:.2f} | "
                  f"{cpu['birmingham']:.1f} | {cpu['bridge']:.1f} | {cpu['ulsan']:.1f} | "
                  f"{sum(run['lost'] for run in found)} |")


# --- latency --------------------------------------------------------------------------------------

def latency(arguments):
    subjects = ["peer"] + arguments.subjects.split(",")
    runs = {name: [] for name in subjects}
    for number in range(arguments.pairs):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            with Bed(arguments.programs, subject, shipped=True) as bed:
                bed.load(count=2000, rate=arguments.rate)  # warm
                runs[subject].append(bed.load(count=arguments.rate * arguments.seconds,
                                              rate=arguments.rate))
    print(f"\n{arguments.rate:,} readings/s for {arguments.seconds} s, {arguments.pairs} runs\n")
    print("| relay | p50 ms | p99 ms | over the peer: p50 | p99 |")
    print("|---|---|---|---|---|")
    middle = {name: [statistics.median(run[key] for run in found) for key in ("p50_ms", "p99_ms")]
              for name, found in runs.items()}
    for name, (p50, p99) in middle.items():
        print(f"| {SUBJECTS[name]['title']} | {p50:.2f} | {p99:.2f} | "
              f"{p50 - middle['peer'][0]:+.2f} | {p99 - middle['peer'][1]:+.2f} |")


# --- backlog --------------------------------------------------------------------------------------

def backlog(arguments):
    """The far side is silent while a backlog builds; then it drains beside live readings."""
    with Bed(arguments.programs, arguments.subjects.split(",")[0]) as bed:
        bridge = bed.processes["bridge"].pid
        bed.command_proxy("silent")
        filled = bed.load(count=arguments.count, **{"idle-ms": 1000})
        stored = bed.status(lambda status: status["stored"] >= arguments.count, 120)
        print(f"backlog of {stored['waiting']:,} readings, stored at "
              f"{filled['published'] / filled['publish_seconds']:,.0f} /s; "
              f"bridge {resident_mib(bridge):.0f} MiB")
        live = subprocess.Popen(bed.load_command(count=arguments.rate * arguments.seconds,
                                                 rate=arguments.rate), stdout=subprocess.PIPE)
        began = time.monotonic()
        bed.command_proxy("go")
        peak = 0.0
        start = stored["sent"]
        while True:
            status = bed.status()
            peak = max(peak, resident_mib(bridge))
            if status["waiting"] < arguments.rate:
                break
            time.sleep(0.5)
        seconds = time.monotonic() - began
        drained = (status["sent"] - start) / seconds
        live_found = json.loads(live.communicate()[0])
        print(f"drained at {drained:,.0f} /s beside {arguments.rate:,} live /s "
              f"({drained / arguments.rate:.1f} x), {seconds:.0f} s; bridge at most {peak:.0f} MiB; "
              f"live: {live_found['received']:,} of {live_found['published']:,} received, "
              f"p99 {live_found['p99_ms']:,.0f} ms")


# --- faults ---------------------------------------------------------------------------------------

def faults(arguments):
    bad = 0
    print("| relay | readings | cuts every | lost | repeated | out of order |\n|---|---|---|---|---|---|")
    for subject in ["peer"] + arguments.subjects.split(","):
        cut = ("--cut-every", arguments.cut_ms, "--cut", arguments.cut)
        with Bed(arguments.programs, subject, proxy=cut) as bed:
            # "original" carries the owner's bytes and so the number
            channel = "observation" if subject == "peer" else "original"
            found = bed.load(count=arguments.count, rate=arguments.rate,
                             filter=f"nexus/birmingham/air/+/{channel}",
                             **{"linger-ms": 3 * arguments.cut_ms})
        print(f"| {SUBJECTS[subject]['title']} | {arguments.count:,} | {arguments.cut_ms} ms | "
              f"{found['lost']} | {found['duplicated']} | {found['reordered']} |", flush=True)
        exactly = subject in ("batches", "qos2")
        bad += subject != "peer" and bool(found["lost"] or found["reordered"] or found["unexpected"]
                                          or (exactly and found["duplicated"]))
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "latency", "backlog", "faults"))
    parser.add_argument("--programs", required=True, help="the folder of the built programs")
    parser.add_argument("--subjects", default="batches,qos1,qos2")
    parser.add_argument("--count", type=int, default=200000)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--rtt", default="0,250", help="round trips in ms")
    parser.add_argument("--no-original", action="store_true",
                        help="speed: links without the original, one message a reading as the peer's")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--cut-ms", type=int, default=2000)
    parser.add_argument("--cut", default="reset")
    arguments = parser.parse_args()
    run = {"speed": speed, "latency": latency, "backlog": backlog, "faults": faults}
    return run[arguments.what](arguments)


if __name__ == "__main__":
    sys.exit(main())
