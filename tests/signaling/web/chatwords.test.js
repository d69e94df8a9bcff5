import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { actWords, alertWords, heldWords, modeWords, peopleWords, refusalWords, spanWords, statusWords } from "../../../signaling/web/chatwords.js";

const FREE = { slow_s: 0, subscribers_only: false, emote_only: false, unique: false, links: true, hold: false };

test("every code of the protocol has words", () => {
  const protocol = readFileSync(new URL("../../../chat/protocol.py", import.meta.url), "utf8");
  const [, list] = /^Code = Literal\[(.*?)\]/ms.exec(protocol);
  const codes = [...list.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code);
  assert.ok(codes.length > 15);
  for (const code of codes) assert.notEqual(refusalWords({ code }), "This did not work.", code);
});

test("a code of a later version says what the server says", () => {
  assert.equal(refusalWords({ code: "new", detail: "Something new." }), "Something new.");
  assert.equal(refusalWords({ code: "new" }), "This did not work.");
});

test("what may pass later says when", () => {
  assert.equal(refusalWords({ code: "slow", retryMs: 11_200 }), "Slow mode is on. Try again in 12 seconds.");
});

for (const [ms, words] of [[1, "1 second"], [89_000, "89 seconds"], [600_000, "10 minutes"], [7_200_000, "2 hours"], [864e5 * 3, "3 days"]]) {
  test(`${ms} ms are ${words}`, () => assert.equal(spanWords(ms), words));
}

test("how the room talks is one line, and none where all is free", () => {
  assert.equal(modeWords(FREE), "");
  assert.equal(modeWords({ ...FREE, slow_s: 10, links: false }), "One message each 10 seconds, no links");
  assert.equal(modeWords({ ...FREE, hold: true, subscribers_only: true }), "Every message is looked at first, subscribers only");
});

test("nothing is said of a line that stands", () => {
  assert.equal(statusWords("in", null), "");
  assert.equal(statusWords("absent", null), "");
});

test("a broken line says why, and whether it comes back by itself", () => {
  assert.equal(statusWords("waiting", null), "The chat broke off. Trying again…");
  assert.equal(statusWords("waiting", { title: "The server stops." }), "The server stops. Trying again…");
  assert.equal(statusWords("away", { title: "You were banned." }), "Out of the chat. You were banned.");
});

test("large rooms are estimated, and say so", () => {
  assert.equal(peopleWords({ count: 1, exact: true }, "en"), "1 person here");
  assert.equal(peopleWords({ count: 12_000, exact: false }, "en"), "about 12,000 people here");
});

test("acts say who did what", () => {
  assert.equal(actWords({ kind: "ban", name: "Ada", by: "Mo" }), "Ada was banned by Mo.");
  assert.equal(actWords({ kind: "unban", user: "u1" }), "u1 may write again.");
  assert.equal(actWords({ kind: "mode", ...FREE, by: "Mo" }), "The room talks freely again. Set by Mo.");
});

test("a moderator reads why a message waits, whatever the reason is", () => {
  assert.equal(heldWords("words"), "it has words of the list");
  assert.deepEqual([heldWords("something new"), heldWords(undefined)], ["something new", ""]);
});

test("alerts name the giver, or somebody", () => {
  assert.equal(alertWords({ what: "donation", user: { name: "Ada" }, shown: "€5.00" }), "Ada gave €5.00");
  assert.equal(alertWords({ what: "donation", user: { name: "" }, shown: "€5.00" }), "Somebody gave €5.00");
  assert.equal(alertWords({ what: "subscription", user: { name: "Ada" }, months: 3 }), "Ada has subscribed for 3 months");
});
