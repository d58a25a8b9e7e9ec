"""Connections that are not what they seem: half-open ones, two bridges with one identity, addresses
of which one is dead, certificates that are replaced while the bridge runs."""
import json
import os
import shutil
import signal
import tempfile
import time
import unittest
from pathlib import Path

import harness
import interop

REASON = interop.missing("mosquitto", "mosquitto_passwd", "openssl")
HERE = interop.HERE


class TlsMosquitto(interop.Mosquitto):
    def command(self):
        command = super().command()
        with open(self.directory / "mosquitto.conf", "a") as conf:
            conf.write(f"certfile {self.directory}/server.pem\nkeyfile {self.directory}/server.key\n")
        return command

    def make_certificate(self):
        """A new one that signs itself: whoever trusted the old one does not trust it."""
        done = harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                           "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=peer",
                           "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key",
                           "-out", "server.pem", cwd=self.directory)
        assert done.returncode == 0, done.stderr
        (self.directory / "server.key").chmod(0o644)


@unittest.skipIf(REASON, f"{REASON} is not installed")
class SessionConnections(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="nexus-connections-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = self.keep(interop.Mosquitto(self.directory / "home"))
        self.home.start()

    def keep(self, thing):
        self.addCleanup(lambda: self.assertFalse(thing.close()))
        return thing

    def start_peer(self, kind=interop.Mosquitto):
        peer = self.keep(kind(self.directory / "peer"))
        if kind is TlsMosquitto:
            peer.make_certificate()
        peer.start()
        return peer

    def crosses(self, bridge, number):
        """A reading, from home to the broker that the bridge reaches now."""
        bridge.says("link birmingham-ulsan: up")
        with self.home.client() as sensor:
            sensor.publish(f"{HERE}/observation", interop.birmingham(number))

    def arrives(self, peer, number):
        with peer.client() as reader:
            reader.subscribe(f"{HERE}/original")  # retained
            reader.receive_until(lambda m: m.payload == interop.birmingham(number), 20)

    def link_says(self, wanted):
        """Until its status does; an operator looks at his own broker."""
        with self.home.client() as operator:
            operator.subscribe("nexus/birmingham/_status/link-birmingham-ulsan")
            operator.receive_until(lambda m: wanted(json.loads(m.payload)), 30)

    def settle(self, bridge, peer):
        """Until the bridge has its subscription at home: the broker forgets what comes before."""
        for number in range(900, 960):
            self.crosses(bridge, number)
            with peer.client() as reader:
                reader.subscribe(f"{HERE}/original")
                if reader.receive(0.3):
                    return
        raise AssertionError("nothing crosses")

    def test_a_connection_that_goes_silent_is_given_up_and_nothing_is_lost(self):
        peer = self.start_peer()
        silent = self.keep(interop.Cutter(peer.port))
        bridge = self.keep(interop.Bridge(self.directory / "bridge", self.home.port, silent.port,
                                          peer_version="5", tuning={"keepalive_s": 1}))
        bridge.start()
        self.settle(bridge, peer)
        silent.freeze()
        self.crosses(bridge, 1)
        bridge.says("did not answer a PINGREQ")
        self.arrives(peer, 1)

    def test_an_address_that_is_dead_is_passed_over(self):
        peer = self.start_peer()
        bridge = self.keep(interop.Bridge(
            self.directory / "bridge", self.home.port, interop.free_port(), peer_version="5",
            node={"addresses": [{"host": "::1"}, {"host": "localhost", "port": peer.port}]}))
        bridge.start()
        bridge.says(f"connected to localhost:{peer.port}")
        self.link_says(lambda status: status["where"] == f"localhost:{peer.port}")
        self.settle(bridge, peer)

    def test_two_bridges_with_one_identity_are_told_and_do_not_wear_each_other_out(self):
        peer = self.start_peer()
        one = self.keep(interop.Bridge(self.directory / "one", self.home.port, peer.port,
                                       peer_version="3.1.1", tuning={"backoff_ms_max": 4000}))
        one.start()
        self.settle(one, peer)
        other = self.keep(interop.Bridge(self.directory / "two", self.home.port, peer.port,
                                         peer_version="3.1.1", tuning={"backoff_ms_max": 4000}))
        (self.directory / "two/state").mkdir()
        for file in (self.directory / "one/state").glob("*.client-id"):
            shutil.copy2(file, self.directory / "two/state")
        before = one.log.read_text().count("connected to")
        other.start()
        one.says("does another client use our client identifier?")
        self.link_says(lambda status: status["taken_over"] > 0)
        other.says("connected to")
        time.sleep(2)
        # two nodes each; at 50 ms without growing waits there would be hundreds
        self.assertLess(one.log.read_text().count("connected to") - before, 40)
        other.kill()
        self.crosses(one, 2)
        self.arrives(peer, 2)

    def test_a_client_that_takes_the_identifier_again_after_its_own_pause_is_told(self):
        peer = self.start_peer()
        bridge = self.keep(interop.Bridge(self.directory / "bridge", self.home.port, peer.port,
                                          peer_version="5"))
        bridge.start()
        bridge.says("link birmingham-ulsan: up")
        taken = (self.directory / "bridge/state/ulsan.client-id").read_text().strip()
        for count in range(1, 4):
            with peer.client(client_id=taken, clean=False) as other:
                other.wait_closed(20)  # the bridge is back
            bridge.says("connected to 127.0.0.1:%d, kept session" % peer.port, count=count)
            time.sleep(1.1)  # as mosquitto_sub does
        told = ("another client uses this client identifier"  # 0x8E
                if harness.mosquitto_version() > (2, 0, 11) else
                "does another client use our client identifier?")
        with peer.client(client_id=taken, clean=False):
            bridge.says(told)
        self.link_says(lambda status: status["taken_over"] > 0 and
                       told in status.get("last_error", {}).get("text", ""))

    def test_certificates_may_be_replaced_while_the_bridge_runs(self):
        peer = self.start_peer(TlsMosquitto)
        trusted = self.directory / "trusted.pem"
        shutil.copy(peer.directory / "server.pem", trusted)
        bridge = self.keep(interop.Bridge(
            self.directory / "bridge", self.home.port, peer.port, peer_version="5",
            node={"tls": {"ca_file": str(trusted)}}))
        bridge.start()
        bridge.says(f"connected to 127.0.0.1:{peer.port}")

        os.kill(bridge.process.pid, signal.SIGHUP)
        bridge.says("ulsan: certificates read again")
        trusted.write_text("nothing to trust")
        os.kill(bridge.process.pid, signal.SIGHUP)
        bridge.says("ulsan: reload refused")
        peer.stop()
        peer.start()
        bridge.says("what was read before is used", count=2)  # the reload's, and the dial's
        bridge.says(f"connected to 127.0.0.1:{peer.port}", count=2)

        peer.stop()
        peer.make_certificate()
        shutil.copy(peer.directory / "server.pem", trusted)
        peer.start()
        bridge.says(f"connected to 127.0.0.1:{peer.port}", count=3)
        self.assertNotIn("not signed by a CA", bridge.log.read_text())


if __name__ == "__main__":
    harness.main()
