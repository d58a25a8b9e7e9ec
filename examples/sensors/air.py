#!/usr/bin/env python3
"""air.py - simulated air-quality stations of Birmingham and Ulsan, each in its own city's format.

  air.py --env run/demo.env --assets run/web/assets.json [--every SECONDS]

An example to copy: a sensor needs no more than mosquitto_pub, a topic of its own and a payload that
its city's schema accepts (schemas/<city>/air/schema.json). Readings are retained, so that who joins
late has the last value, and sent at QoS 1, so that none is lost on the way. With -V 5 mosquitto_pub
hears of a refusal; why it was refused stands at nexus/<city>/_rejected/air/<asset>.
"""
import argparse
import itertools
import json
import random
import shlex
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

KST = timezone(timedelta(hours=9))

# Typical levels: UK-AIR has all in µg/m³; AirKorea has gases in ppm, particles in µg/m³.
TYPICAL = {
    "birmingham": {"no2": 28, "o3": 46, "so2": 3, "co": 230, "pm10": 17, "pm25": 9},
    "ulsan": {"no2": 0.019, "o3": 0.031, "so2": 0.005, "co": 0.5, "pm10": 34, "pm25": 18},
}
AIRKOREA_DECIMALS = {"no2": 3, "o3": 3, "so2": 3, "co": 1, "pm10": 0, "pm25": 0}
FAILURES = {"maintenance-and-calibration": "점검및교정", "communication-failure": "통신장애"}


class Station:
    """Levels that wander around what is typical for the city, and now and then fail."""

    def __init__(self, city, asset, about):
        self.city, self.asset, self.about = city, asset, about
        self.typical = {key: level * random.uniform(0.6, 1.4) for key, level in TYPICAL[city].items()}
        self.levels = dict(self.typical)
        self.failed = {}  # pollutant -> why

    def step(self):
        for key, typical in self.typical.items():
            drift = 0.1 * (typical - self.levels[key]) + random.gauss(0, 0.06 * typical)
            self.levels[key] = max(0, self.levels[key] + drift)
        if random.random() < 0.05:
            self.failed[random.choice(list(self.typical))] = random.choice(list(FAILURES))
        elif self.failed and random.random() < 0.3:
            self.failed.popitem()


def last_full_hour():
    """Both formats state the end of the hour that was measured."""
    return datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)


def birmingham_reading(station):
    """UK-AIR's conventions: numbers in µg/m³, UTC. What is missing is absent; flags say why."""
    reading = {"site": station.asset, "name": station.about["name"],
               "time": last_full_hour().strftime("%Y-%m-%dT%H:%M:%SZ")}
    if "position" in station.about:
        reading["longitude"], reading["latitude"] = station.about["position"]
    for key, level in station.levels.items():
        if key not in station.failed:
            reading[key] = round(level, 1)
    if station.failed:
        reading["flags"] = dict(station.failed)
    return reading


def ulsan_reading(station):
    """AirKorea's record: strings, "-" for missing, Korean time with 24:00 for midnight."""
    hour = last_full_hour().astimezone(KST)
    if hour.hour == 0:
        data_time = (hour - timedelta(days=1)).strftime("%Y-%m-%d 24:00")
    else:
        data_time = hour.strftime("%Y-%m-%d %H:%M")
    reading = {"dataTime": data_time, "stationName": station.about["name"], "sidoName": "울산",
               "mangName": "도시대기"}
    for key, level in station.levels.items():
        failure = station.failed.get(key)
        reading[f"{key}Value"] = "-" if failure else f"{level:.{AIRKOREA_DECIMALS[key]}f}"
        reading[f"{key}Flag"] = FAILURES[failure] if failure else None
    return reading


READINGS = {"birmingham": birmingham_reading, "ulsan": ulsan_reading}


def publish(env, city, station):
    host, port = env[f"{city.upper()}_MQTT"].rsplit(":", 1)
    return subprocess.run(
        ["mosquitto_pub", "-V", "5", "-h", host, "-p", port,
         "-u", env[f"{city.upper()}_SENSOR_USER"], "-P", env[f"{city.upper()}_SENSOR_PASSWORD"],
         "-q", "1", "-r", "-t", f"nexus/{city}/air/{station.asset}/observation", "-s"],
        input=json.dumps(READINGS[city](station), ensure_ascii=False).encode(), check=False)


def read_env(path):
    with open(path, encoding="utf-8") as file:
        pairs = (line.split("=", 1) for line in file if "=" in line and line[0] != "#")
        return {name: "".join(shlex.split(value)) for name, value in pairs}


def main():
    options = argparse.ArgumentParser(description="simulated air-quality stations")
    options.add_argument("--env", default="run/demo.env")
    options.add_argument("--assets", default="run/web/assets.json")
    options.add_argument("--every", type=float, default=1.0, help="seconds between a city's readings")
    options = options.parse_args()
    env = read_env(options.env)
    with open(options.assets, encoding="utf-8") as file:
        assets = json.load(file)
    turns = [itertools.cycle([Station(city, asset, about)
                              for asset, about in assets[city]["air"].items()])
             for city in READINGS]
    # Every station speaks once at the start, then one of each city at a time.
    quick = max(len(assets[city]["air"]) for city in READINGS)
    for count in itertools.count():
        for turn in turns:
            station = next(turn)
            station.step()
            publish(env, station.city, station)
        time.sleep(0.05 if count < quick else options.every)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
