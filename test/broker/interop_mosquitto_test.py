"""Two Mosquittos without our plugin, with MQTT 5 and with 3.1.1, at QoS 1 and 2."""
import unittest

import harness
import interop

REASON = interop.missing("mosquitto", "mosquitto_passwd")


@unittest.skipIf(REASON, f"{REASON} is not installed")
class Mqtt5(interop.InteropTest, unittest.TestCase):
    Peer = interop.Mosquitto
    PEER_VERSION = "5"
    BAD_PASSWORD = "refused this user or client identifier: not authorized (0x87)"

    def test_that_so_little_goes_in_one_round_trip_is_told(self):
        self.bridge.says("takes 20 unanswered messages")


@unittest.skipIf(REASON, f"{REASON} is not installed")
class Mqtt5DeliveredAtQos2(Mqtt5):
    DELIVERY = "qos2"


@unittest.skipIf(REASON, f"{REASON} is not installed")
class Mqtt311AtQos2(interop.InteropTest, unittest.TestCase):
    Peer = interop.Mosquitto
    PEER_VERSION = "3.1.1"
    QOS = 2
    DELIVERY = "qos2"
    BAD_PASSWORD = "refused this user or client identifier: not authorized (0x87)"


if __name__ == "__main__":
    harness.main()
