"""readings.py - a reading in each city's air dialect, of the same hour, to be varied by a test."""
import json

import harness


def birmingham(**changes):
    return {"site": "BMLD", "name": "Birmingham Ladywood", "time": "2026-02-01T01:00:00Z",
            "latitude": 52.481346, "longitude": -1.918235, "no2": 42.1, "o3": 51.2, "so2": 2.4,
            "co": 210.5, "pm10": 18.0, "pm25": 11.3} | changes


def ulsan(**changes):
    return {"dataTime": "2026-02-01 10:00", "stationName": "신정동", "sidoName": "울산",
            "mangName": "도시대기", "so2Value": "0.004", "coValue": "0.6", "o3Value": "0.024",
            "no2Value": "0.022", "pm10Value": "19", "pm25Value": "14", "so2Flag": None,
            "coFlag": None, "o3Flag": None, "no2Flag": None, "pm10Flag": None,
            "pm25Flag": None} | changes


def encode(reading):
    return json.dumps(reading, ensure_ascii=False).encode()


def faults(city, payload):
    """What the schema of that city's air dialect says of a payload; empty when it is valid."""
    done = harness.nexusctl("validate", "--topic", f"nexus/{city}/air/BMLD/observation", "--config",
                            harness.ROOT / "config", "-", input=payload.decode())
    return "" if done.returncode == 0 else done.stdout + done.stderr
