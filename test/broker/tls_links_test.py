"""A broker that wants TLS: the bridge goes there only when the certificate is the right one's."""
import json
import re

import harness
import readings

TOPIC = "nexus/birmingham/air/BMLD/observation"


class TlsLinks(harness.DemoTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        demo = cls.demo
        try:
            cls.make_authorities()
            again = demo.stop_broker("ulsan")
            conf = demo.directory / "ulsan/mosquitto.conf"
            with conf.open("a") as file:
                file.write(f"\nlistener {demo.base + 21} 127.0.0.1\n"
                           f"certfile {demo.directory}/right.crt\nkeyfile {demo.directory}/right.key\n")
            demo.start_broker("ulsan", again)
        except BaseException:
            demo.close()
            raise

    @classmethod
    def make_authorities(cls):
        """right.crt and wrong.crt: two self-signed certificates that name ulsan.example."""
        for name in ("right", "wrong"):
            done = harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                               "/CN=ulsan.example", "-addext", "subjectAltName=DNS:ulsan.example",
                               "-keyout", f"{name}.key", "-out", f"{name}.crt",
                               cwd=cls.demo.directory)
            assert done.returncode == 0, done.stderr
            (cls.demo.directory / f"{name}.key").chmod(0o644)

    def restart_bridge(self, tls):
        """The bridge, with its node of Ulsan at the TLS listener."""
        path = self.demo.directory / "config/bridge.json"
        text = re.sub(r'"port": [0-9]+, "tls": \{[^}]*\}', f'"port": {self.demo.port("ulsan")}',
                      path.read_text())
        path.write_text(text.replace(
            f'"port": {self.demo.port("ulsan")}',
            f'"port": {self.demo.base + 21}, "tls": {json.dumps(tls)}'))
        self.demo.kill_bridge()
        self.demo.start_bridge()

    def test_the_right_authority_and_name_carry_readings(self):
        self.restart_bridge({"ca_file": "../right.crt", "server_name": "ulsan.example"})
        self.demo.status("birmingham", "link-birmingham-ulsan", lambda s: s["state"] == "up")
        payload = readings.encode(readings.birmingham(seq=1))
        with self.demo.client("ulsan", "reader") as reader:
            reader.subscribe("nexus/birmingham/air/BMLD/original")
            with self.demo.client("birmingham", "sensor") as sensor:
                self.assertLess(sensor.publish(TOPIC, payload), 0x80)
            reader.receive_until(lambda m: m.payload == payload, 20)

    def test_files_that_cannot_be_used_are_told_by_a_check_and_at_a_start(self):
        path = self.demo.directory / "config/tls.json"
        text = re.sub(r', "tls": \{[^}]*\}', "",
                      (self.demo.directory / "config/bridge.json").read_text())
        for tls, words in (({"ca_file": "../right.key"}, "CA file .*right.key cannot be used"),
                           ({"cert_file": "../right.crt", "key_file": "../wrong.key"},
                            "wrong.key cannot be used with certificate"),
                           ({"cert_file": "../right.crt"}, "key .*right.crt cannot be used")):
            path.write_text(re.sub('("city": "ulsan",)', rf'\1 "tls": {json.dumps(tls)},', text))
            for options in (["--check"], []):
                done = harness.run(harness.BUILD / "nexus-bridge", "--config", path, *options)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, rf"tls.json: ulsan: .*{words}")

    def test_another_authority_is_refused_and_told(self):
        self.restart_bridge({"ca_file": "../wrong.crt", "server_name": "ulsan.example"})
        status = self.demo.status("birmingham", "link-birmingham-ulsan",
                                  lambda s: s["state"] != "up" and "certificate" in json.dumps(s.get("last_error")))
        self.assertEqual(status["to"], "ulsan")

    def test_another_name_is_refused_and_told(self):
        self.restart_bridge({"ca_file": "../right.crt", "server_name": "birmingham.example"})
        first = self.demo.status("birmingham", "link-birmingham-ulsan",
                                 lambda s: s["state"] != "up" and
                                 re.search("(?i)certificate|hostname", json.dumps(s.get("last_error"))))
        self.demo.status("birmingham", "link-birmingham-ulsan", lambda s: s["last_error"]["text"] ==
                         first["last_error"]["text"] and s["last_error"]["at"] >
                         first["last_error"]["at"])  # the newest time, not the first


if __name__ == "__main__":
    harness.main()
