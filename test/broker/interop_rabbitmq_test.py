"""The MQTT plugin of rabbitmq-server: 3.1.1, QoS 1 at most. It takes 16 s to start."""
import os
import shutil
import signal
import subprocess
import time
import unittest

import harness
import interop

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
REASON = interop.missing("rabbitmq-server", "epmd", "mosquitto", "mosquitto_passwd")


class RabbitMq(interop.Broker):
    """As the user rabbitmq where root starts it; with an epmd of its own, which would stay."""

    def __init__(self, directory):
        super().__init__(directory)
        self.epmd_port = interop.free_port()
        self.epmd = None
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp = none\nmqtt.listeners.tcp.default = 127.0.0.1:{self.port}\n"
            "mqtt.allow_anonymous = false\nloopback_users = none\n"
            f"default_user = {interop.USER}\ndefault_pass = {interop.PASSWORD}\n")
        (self.directory / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        if os.getuid() == 0:
            shutil.chown(self.directory, "rabbitmq", "rabbitmq")

    def options(self):
        directory = str(self.directory)
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory, "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"nexus-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(interop.free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONFIG_FILE": f"{directory}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{directory}/mnesia", "RABBITMQ_LOG_BASE": f"{directory}/logs",
            "RABBITMQ_PID_FILE": f"{directory}/pid"}
        user = {"user": "rabbitmq", "group": "rabbitmq", "extra_groups": []}
        return {"env": environment, "cwd": directory} | (user if os.getuid() == 0 else {})

    def command(self):
        return [PROGRAM]

    def start(self, seconds=90):
        options = self.options()
        self.epmd = subprocess.Popen(["epmd", "-port", str(self.epmd_port), "-address",
                                      "127.0.0.1"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        harness.wait_until(lambda: harness.is_listening(self.epmd_port), "epmd listens")
        super().start(seconds)

    def server_pid(self):
        """Of the server; what was started is a script around it."""
        try:
            return int((self.directory / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def close(self):
        pid = self.server_pid()
        if pid and harness.is_alive(pid):
            os.kill(pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.kill(pid, signal.SIGKILL)
                self.process.wait(timeout=30)
        super().close()
        if self.epmd:
            self.epmd.kill()
            self.epmd.wait(timeout=10)


@unittest.skipIf(REASON, f"{REASON} is not installed")
class RabbitMqServer(interop.InteropTest, unittest.TestCase):
    Peer = RabbitMq
    RESTARTS = False
    BAD_PASSWORD = "refused the user name or password: bad user name or password (0x86)"

    def test_that_it_has_no_qos_2_is_told(self):
        bridge = self.keep(interop.Bridge(self.temporary / "qos2", self.home.port, self.peer.port,
                                          delivery="qos2"))
        bridge.start()
        bridge.says("link birmingham-ulsan: up")
        with self.home.client() as sensor:
            for number in range(800, 900):
                sensor.publish(f"{interop.HERE}/observation", interop.birmingham(number))
                if "it has no QoS 2" in bridge.log.read_text():
                    break
                time.sleep(0.1)
        bridge.says("it has no QoS 2")
        bridge.close()

    def test_mqtt_5_is_refused_and_told(self):
        self.refused("before the CONNACK", peer_version="5")


if __name__ == "__main__":
    harness.main()
