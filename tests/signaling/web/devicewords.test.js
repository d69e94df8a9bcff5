import assert from "node:assert/strict";
import test from "node:test";

import { adviceNews, adviceWords, ageWords, deviceRows as rows } from "../../../signaling/web/devicewords.js";

/** With plain spaces. */
const deviceRows = (signals) => rows(signals).map((row) => row.map((text) => text.replaceAll("\u00a0", " ")));

const WHOLE = {
  battery: { level: 0.424, charging: false, low_power: true },
  thermal: "serious",
  encoder: { codec: "h264", hardware: true, width: 720, height: 1280, fps: 29.97, bitrate: 2_500_000, dropped: 3, reason: "heat" },
  network: { kind: "cellular", signal: 0.8, rtt_ms: 45.4, loss: 0.013, available_bps: 900_000 },
  app: "interrupted",
};
const NOTHING = { battery: null, thermal: null, encoder: null, network: null, app: null };
const HOT = { level: "warn", reasons: ["heat"], suggest: null, text: "The device is hot." };
const FINE = { level: "ok", reasons: [], suggest: null, text: "All is well." };

test("every signal has its words", () => {
  assert.deepEqual(deviceRows(WHOLE), [
    ["Battery", "42 %", "saving power"],
    ["Heat", "Hot", ""],
    ["Encoder", "720p, 30 fps, 2.5 Mbit/s", "H.264 in hardware, 3 frames left out, limited by heat"],
    ["Network", "Mobile", "signal 80 %, 45 ms, 1.3 % loss, room for 900 kbit/s"],
    ["App", "Interrupted, by a call perhaps", ""],
  ]);
});

test("a number and its unit stay on one line", () => {
  assert.equal(rows(WHOLE)[0][1], "42\u00a0%");
});

test("what is not known has no row, and zero is known", () => {
  assert.deepEqual(deviceRows(NOTHING), []);
  const part = { ...NOTHING, battery: { level: 0, charging: true, low_power: null }, network: { kind: null, loss: 0 }, app: "foreground" };
  assert.deepEqual(deviceRows(part), [
    ["Battery", "0 %", "charging"],
    ["Network", "", "0.0 % loss"],
  ]);
});

test("an encoder that limits nothing says nothing of limits", () => {
  const encoder = { codec: "vp8", hardware: false, height: 360, dropped: 0, reason: "none" };
  assert.deepEqual(deviceRows({ ...NOTHING, encoder }), [["Encoder", "360p", "VP8 in software"]]);
});

test("a state of a later version is left out", () => {
  assert.deepEqual(deviceRows({ ...NOTHING, thermal: "molten", app: "asleep" }), []);
});

test("advice says in a word how bad it is", () => {
  assert.equal(adviceWords(HOT), "Warning: The device is hot.");
  assert.equal(adviceWords({ ...HOT, level: "urgent" }), "Urgent: The device is hot.");
  assert.equal(adviceWords(FINE), "");
  assert.equal(adviceWords(null), "");
});

test("a new warning is said once, and its end", () => {
  assert.equal(adviceNews(null, HOT), "Warning: The device is hot.");
  assert.equal(adviceNews(HOT, HOT), "");
  assert.equal(adviceNews(HOT, { ...HOT, level: "urgent" }), "Urgent: The device is hot.");
  assert.equal(adviceNews(HOT, FINE), "The device is all right again.");
  assert.equal(adviceNews(null, FINE), "");
  assert.equal(adviceNews(HOT, null), "", "the phone left: nothing is known");
});

test("a report is new for a while, and then as old as it is", () => {
  assert.equal(ageWords(5400), "now");
  assert.equal(ageWords(12_400), "12 s ago");
});
