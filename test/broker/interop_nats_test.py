"""The MQTT listener of nats-server: 3.1.1, QoS 1 at most."""
import unittest

import harness
import interop

REASON = interop.missing("nats-server", "mosquitto", "mosquitto_passwd")


class Nats(interop.Broker):
    def command(self):
        config = self.directory / "nats.conf"
        # MQTT needs a server name and JetStream; ack_wait is how long what a client did not
        # acknowledge is kept back from it, also after it has come again
        config.write_text(
            f'server_name: "nexus-interop"\nlisten: "127.0.0.1:{interop.free_port()}"\n'
            f'jetstream {{ store_dir: "{self.directory}/store" }}\n'
            f'mqtt {{ listen: "127.0.0.1:{self.port}", ack_wait: "2s", max_ack_pending: 1000 }}\n'
            f'authorization {{ users: [ {{ user: "{interop.USER}", '
            f'password: "{interop.PASSWORD}" }} ] }}\n')
        return ["nats-server", "-c", str(config)]


@unittest.skipIf(REASON, f"{REASON} is not installed")
class NatsServer(interop.InteropTest, unittest.TestCase):
    Peer = Nats
    BAD_PASSWORD = "refused this user or client identifier: not authorized (0x87)"

    def test_mqtt_5_is_refused_and_told(self):
        self.refused("does not speak this MQTT version", peer_version="5")


if __name__ == "__main__":
    harness.main()
