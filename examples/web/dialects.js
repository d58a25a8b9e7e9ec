/*
 * dialects.js - the formats in which a broker of the federation gives a reading, as rows of one
 * table. Each says how it is recognised, which columns it has, and how a payload is read; another
 * city's format is another row.
 *
 * A reading is { dialect, columns, name, position, observed, values }: position [longitude,
 * latitude] or null, observed a Date, values by the column's key as { text } or, where there is
 * none, { text: null, reason }. Missing stays missing.
 */
"use strict";

const nexusDialects = (() => {
  const MICROGRAMS = "µg/m³";

  const POLLUTANTS = [
    { key: "no2", label: "NO₂" },
    { key: "o3", label: "O₃" },
    { key: "pm10", label: "PM₁₀" },
    { key: "pm25", label: "PM₂.₅" },
    { key: "so2", label: "SO₂" },
    { key: "co", label: "CO" },
  ];

  const withUnits = (unitOf) => POLLUTANTS.map((column) => ({ ...column, unit: unitOf(column.key) }));

  /* For each pollutant { text } or { text: null, reason }. */
  const readValues = (read) =>
    Object.fromEntries(POLLUTANTS.map(({ key }) => [key, read(key)]));

  const birmingham = {
    dialect: "UK-AIR conventions",
    columns: withUnits(() => MICROGRAMS),
    matches: (payload) => "site" in payload && "time" in payload,
    read: (payload) => ({
      name: payload.name,
      position: "longitude" in payload ? [payload.longitude, payload.latitude] : null,
      observed: new Date(payload.time),
      values: readValues((key) => (typeof payload[key] === "number"
        ? { text: String(payload[key]) }
        : { text: null, reason: (payload.flags || {})[key] })),
    }),
  };

  /* "2026-01-31 24:00" is midnight at the end of that day; Korea has no daylight saving time. */
  function koreanTime(text) {
    const [year, month, day, hour, minute] = text.match(/\d+/g).map(Number);
    return new Date(Date.UTC(year, month - 1, day, hour - 9, minute));
  }

  const ulsan = {
    dialect: "AirKorea's record",
    columns: withUnits((key) => (key.startsWith("pm") ? MICROGRAMS : "ppm")),
    matches: (payload) => "stationName" in payload && "dataTime" in payload,
    read: (payload) => ({
      name: payload.stationName,
      position: null,
      observed: koreanTime(payload.dataTime),
      values: readValues((key) => {
        const text = payload[`${key}Value`];
        return text && text !== "-" ? { text } : { text: null, reason: payload[`${key}Flag`] };
      }),
    }),
  };

  const dialects = [birmingham, ulsan];

  /* Throws where no dialect knows the payload. */
  function read(payload) {
    const found = dialects.find(({ matches }) => matches(payload));
    if (!found) throw new Error("a format that this page does not know");
    const { dialect, columns } = found;
    return { dialect, columns, ...found.read(payload) };
  }

  return { read };
})();
