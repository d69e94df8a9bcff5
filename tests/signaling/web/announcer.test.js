import assert from "node:assert/strict";
import test from "node:test";

import { Announcer } from "../../../signaling/web/announcer.js";

test("one message is read as it is", () => {
  const announcer = new Announcer();
  announcer.note("Ada", "hello");
  assert.equal(announcer.take(0), "Ada: hello");
});

test("a busy room is summed up, once in five seconds", () => {
  const announcer = new Announcer();
  announcer.note("Ada", "hello");
  announcer.take(0);
  for (let i = 1; i <= 400; i += 1) announcer.note("Bob", `number ${i}`);
  assert.equal(announcer.take(4999), null);
  assert.equal(announcer.take(5000), "400 new messages. Bob: number 400");
  assert.equal(announcer.take(20_000), null);
});

test("what is worth its own words comes first", () => {
  const announcer = new Announcer();
  announcer.note("Ada", "hello");
  announcer.noteUrgent("Bob gave €5.00");
  assert.equal(announcer.take(0), "Bob gave €5.00. Ada: hello");
});

test("long texts are cut, and a flood of alerts is too", () => {
  const announcer = new Announcer();
  for (let i = 0; i < 9; i += 1) announcer.noteUrgent("x".repeat(500));
  assert.ok(announcer.take(0).length < 400);
});
