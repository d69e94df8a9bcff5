// Times, dates and how things stand, as the pages of recordings say it.

import assert from "node:assert/strict";
import test from "node:test";

import { agoText, clipWords, dateText, jobWords, many, sizeText, speedText, spokenTime, timeText } from "../../../signaling/web/vodwords.js";

const NOW = Date.UTC(2026, 4, 20, 12);
const HOUR = 3_600_000;

test("a place is written with hours only where there are some, and never rounded up", () => {
  assert.equal(timeText(0), "0:00");
  assert.equal(timeText(7999), "0:07");
  assert.equal(timeText(724_000), "12:04");
  assert.equal(timeText(HOUR + 150_000), "1:02:30");
  assert.equal(timeText(-5), "0:00");
});

test("a place is said in words", () => {
  assert.equal(spokenTime(0), "0 seconds");
  assert.equal(spokenTime(61_000), "1 minute 1 second");
  assert.equal(spokenTime(2 * HOUR + 30_000), "2 hours 30 seconds");
});

test("a date has its year where it is not this one", () => {
  assert.equal(dateText(NOW - 24 * HOUR, NOW, "en-GB", "UTC"), "19 May");
  assert.equal(dateText(Date.UTC(2025, 0, 2), NOW, "en-GB", "UTC"), "2 January 2025");
});

test("how long ago, in the largest unit that says something", () => {
  const ago = (ms) => agoText(NOW - ms, NOW, "en");
  assert.equal(ago(20_000), "now");
  assert.equal(ago(5 * 60_000), "5 minutes ago");
  assert.equal(ago(3 * HOUR), "3 hours ago");
  assert.equal(ago(25 * HOUR), "yesterday");
  assert.equal(ago(21 * 24 * HOUR), "3 weeks ago");
  assert.equal(ago(100 * 24 * HOUR), "3 months ago");
  assert.equal(ago(800 * 24 * HOUR), "2 years ago");
  assert.equal(ago(-5000), "now", "a clock that is late");
});

test("sizes and speeds", () => {
  assert.equal(sizeText(231_000_000), "231 MB");
  assert.equal(sizeText(1_440_000_000), "1.4 GB");
  assert.equal(sizeText(12), "1 kB");
  assert.equal(speedText(1.25), "1.25×");
});

test("a job says how far it is, and why it failed", () => {
  const job = { kind: "captions", state: "running", progress: 0.426, error: null };
  assert.equal(jobWords(job), "Captions: 43 %");
  assert.equal(jobWords({ ...job, state: "waiting" }), "Captions: waits");
  assert.equal(jobWords({ ...job, state: "done" }), "Captions: done");
  assert.equal(jobWords({ ...job, state: "failed", error: "The disk is full." }), "Captions: failed. The disk is full.");
  assert.equal(jobWords({ ...job, kind: "knitting" }), "knitting: 43 %", "a later server's");
});

test("a clip says how far it is", () => {
  assert.equal(clipWords({ state: "making", progress: 0 }), "The clip is being made…");
  assert.equal(clipWords({ state: "making", progress: 0.5 }), "The clip is being made: 50 %");
  assert.equal(clipWords({ state: "failed", progress: 0.5 }), "The clip could not be made.");
  assert.equal(many(1, "clip"), "1 clip");
  assert.equal(many(0, "clip"), "0 clips");
});
