/*
 * page.js - shows the readings of the federation as they come, from the broker that serves it.
 *
 * Last values come at once because relayed readings are retained; the stream follows. What comes
 * from the broker reaches the document only as text (textContent), never as markup.
 *
 * Another broker: ?broker=ws://host:port. In the demo the login comes from demo-PORT.json, which
 * holds the password of an identity that may only read; elsewhere the page asks for it.
 */
"use strict";

(() => {
  const SUBSCRIPTION = "nexus/+/+/+/observation";
  const HOUR = 3600e3;

  const broker = new URLSearchParams(location.search).get("broker") ||
    `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;

  const cities = new Map(); /* name -> { panel, head, body, summary, columns, stations, dialect } */
  let assets = {};          /* city -> domain -> asset -> { name, position } */
  let received = 0;

  /* --- What is said about the connection ------------------------------------------------- */

  const byId = (id) => document.getElementById(id);

  function tell(state, words) {
    byId("connection").dataset.state = state;
    byId("connection").textContent = words;
  }

  function complain(words) {
    byId("problem").hidden = !words;
    byId("problem").textContent = words || "";
  }

  /* --- Panels and rows --------------------------------------------------------------------- */

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function cityPanel(name) {
    let city = cities.get(name);
    if (city) return city;
    const panel = byId("city-panel").content.cloneNode(true).firstElementChild;
    panel.dataset.city = name;
    panel.querySelector("h2").textContent = name[0].toUpperCase() + name.slice(1);
    city = {
      panel,
      head: panel.querySelector("thead tr"),
      body: panel.querySelector("tbody"),
      summary: panel.querySelector(".summary"),
      columns: null,
      dialect: "",
      stations: new Map(),
    };
    cities.set(name, city);
    const order = [...cities.keys()].sort();
    byId("cities").append(...order.map((key) => cities.get(key).panel));
    return city;
  }

  function writeHead(city, columns) {
    if (city.columns === columns) return;
    city.columns = columns;
    const cells = columns.map(({ label, unit }) => {
      const cell = element("th", "", label);
      cell.append(element("small", "", unit));
      return cell;
    });
    city.head.replaceChildren(element("th", "", "Station"), ...cells, element("th", "", "Observed"));
  }

  function formatPosition(position) {
    if (!position) return "position unknown";
    const [longitude, latitude] = position;
    return `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}, ` +
      `${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
  }

  function formatAge(milliseconds) {
    const minutes = Math.max(0, Math.round(milliseconds / 60e3));
    if (minutes < 90) return `${minutes} min ago`;
    if (milliseconds < 48 * HOUR) return `${Math.round(milliseconds / HOUR)} h ago`;
    return `${Math.round(milliseconds / (24 * HOUR))} days ago`;
  }

  function stationCell(asset, station) {
    const cell = element("td", "station");
    cell.append(element("strong", "", station.name || asset), element("small", "", asset),
      element("small", "position", formatPosition(station.position)));
    return cell;
  }

  function valueCell({ label, unit }, value) {
    const missing = !value || value.text === null;
    const cell = element("td", missing ? "missing" : "value");
    cell.dataset.label = label;
    if (missing) {
      cell.append("–");
      if (value && value.reason) {
        const shown = element("small", "reason", value.reason);
        shown.title = value.reason; /* a narrow column cuts it */
        cell.append(shown);
      }
    } else {
      cell.append(value.text, element("span", "unit", unit));
    }
    return cell;
  }

  function whenCell(observed) {
    const cell = element("td", "when");
    if (!observed) {
      cell.textContent = "–";
      return cell;
    }
    const time = element("time", "", observed.toLocaleTimeString([], {
      hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short",
    }));
    time.dateTime = observed.toISOString();
    const day = observed.toLocaleDateString([], { month: "short", day: "numeric" });
    cell.append(time, element("small", "", day),
      element("small", "age", formatAge(Date.now() - observed)));
    return cell;
  }

  function showReading(cityName, domain, asset, reading) {
    const city = cityPanel(cityName);
    const known = ((assets[cityName] || {})[domain] || {})[asset] || {};
    const station = {
      name: reading.name || known.name,
      position: reading.position || known.position,
    };
    writeHead(city, reading.columns);
    let row = city.stations.get(asset);
    if (!row) {
      row = element("tr");
      row.dataset.asset = asset;
      city.stations.set(asset, row);
      const order = [...city.stations.keys()].sort();
      city.body.append(...order.map((key) => city.stations.get(key)));
    }
    row.replaceChildren(stationCell(asset, station),
      ...reading.columns.map((column) => valueCell(column, reading.values[column.key])),
      whenCell(reading.observed));
    row.classList.remove("fresh");
    void row.offsetWidth; /* so that the highlight starts anew */
    row.classList.add("fresh");
    city.dialect = reading.dialect;
    writeSummary(city);
  }

  function writeSummary(city) {
    const count = city.stations.size;
    city.summary.textContent = `${count} station${count === 1 ? "" : "s"}, ${city.dialect}`;
  }

  function removeStation(cityName, asset) {
    const city = cities.get(cityName);
    const row = city && city.stations.get(asset);
    if (!row) return;
    row.remove();
    city.stations.delete(asset);
    writeSummary(city);
  }

  setInterval(() => {
    for (const cell of document.querySelectorAll("td.when:has(time)")) {
      const observed = new Date(cell.querySelector("time").dateTime);
      cell.querySelector(".age").textContent = formatAge(Date.now() - observed);
    }
  }, 10e3);

  /* --- The stream -------------------------------------------------------------------------- */

  function onMessage(topic, payload) {
    const [, city, domain, asset] = topic.split("/");
    if (payload.length === 0) {
      removeStation(city, asset); /* cleared by its owner */
      return;
    }
    let reading;
    try {
      reading = nexusDialects.read(JSON.parse(new TextDecoder().decode(payload)));
    } catch (error) {
      console.warn(topic, error);
      return;
    }
    showReading(city, domain, asset, reading);
    received += 1;
    tell("connected", `connected to ${broker}, ${received} readings`);
  }

  function connect(login) {
    tell("connecting", `connecting to ${broker}`);
    const client = mqtt.connect(broker, {
      username: login.username,
      password: login.password,
      protocolVersion: 5,
      reconnectPeriod: 2000,
      connectTimeout: 10e3,
    });
    client.on("connect", () => {
      complain("");
      tell("connected", `connected to ${broker}, no reading yet`);
      client.subscribe(SUBSCRIPTION, { qos: 1 }, (error) => {
        if (error) complain(`the broker refused the subscription: ${error.message}`);
      });
    });
    client.on("message", onMessage);
    client.on("offline", () => tell("failed", `no connection to ${broker}, trying again`));
    client.on("error", (error) => {
      tell("failed", `no connection to ${broker}`);
      complain(error.message);
      if (error.code === 0x86 || error.code === 0x87) { /* bad user name or password; not authorised */
        client.end(true);
        askLogin();
      }
    });
  }

  function askLogin() {
    byId("login").hidden = false;
    byId("login").onsubmit = (event) => {
      event.preventDefault();
      byId("login").hidden = true;
      complain("");
      connect(Object.fromEntries(new FormData(event.target)));
    };
  }

  async function fetchJson(path) {
    try {
      const answer = await fetch(path);
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  async function start() {
    if (typeof mqtt === "undefined") {
      tell("failed", "MQTT.js is missing");
      complain("This page needs MQTT.js beside it as mqtt.min.js. ./nexus up fetches it with npm; " +
        "its output says why it could not.");
      return;
    }
    assets = await fetchJson("assets.json") || {};
    const login = await fetchJson(`demo-${new URL(broker).port}.json`);
    if (login) connect(login);
    else askLogin();
  }

  start();
})();
