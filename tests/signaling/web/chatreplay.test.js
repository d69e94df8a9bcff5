// The room of a recorded broadcast, one test for each row of the rules.

import assert from "node:assert/strict";
import test from "node:test";

import { ChatReplay } from "../../../signaling/web/chatreplay.js";

const MINUTE = 60_000;
const DURATION = 10 * MINUTE;
const entry = (at, kind = "message") => ({ at_ms: at, entry: { seq: at, kind, t: at } });
/** A room where something is said at each of these moments. */
const every = (ms, until = DURATION) => Array.from({ length: Math.floor(until / ms) }, (_, i) => entry((i + 1) * ms));

/** Answer everything that is wanted at this position, as the server would. */
function feed(replay, room, position, now = 0, limit = 500) {
  const asked = [];
  for (let want = replay.wanted(position, now); want !== null; want = replay.wanted(position, now)) {
    asked.push([want.from, want.to]);
    const all = room.filter(({ at_ms: at, entry: { seq } }) => at >= want.from && at < want.to && seq > (want.after ?? -1));
    const items = all.slice(0, limit);
    replay.page(want, { items, next: all.length > limit ? items.at(-1).entry.seq : null });
  }
  return asked;
}

/** Play from one position to another, a look each 100 ms. */
function play(replay, room, from, to, { rate = 1, now = 0 } = {}) {
  const seen = [];
  let position = from;
  for (let at = now; position <= to; at += 100, position += 100 * rate) {
    feed(replay, room, position, at);
    seen.push(...shown(replay.advance(position, at, rate)));
  }
  return seen;
}

const shown = (result) => result.shown.map(({ entry: { seq } }) => seq);

test("at the begin nothing stands there, and lines come with the picture", () => {
  const room = [entry(500), entry(1000), entry(3000)];
  const replay = new ChatReplay(DURATION);
  feed(replay, room, 0);
  assert.deepEqual(shown(replay.advance(0, 0)), []);
  assert.deepEqual(shown(replay.advance(449, 449)), []);
  assert.deepEqual(shown(replay.advance(450, 450)), [500], "50 ms early at most");
  assert.deepEqual(play(replay, room, 500, 3500, { now: 500 }), [1000, 3000]);
});

test("windows of a minute are fetched, one ahead of the picture", () => {
  const replay = new ChatReplay(DURATION);
  assert.deepEqual(feed(replay, [], 0), [[0, MINUTE], [MINUTE, 2 * MINUTE]]);
  replay.advance(0, 0);
  assert.deepEqual(feed(replay, [], 59_000), []);
  assert.deepEqual(feed(replay, [], 61_000), [[2 * MINUTE, 3 * MINUTE]]);
});

test("nothing beyond the end is asked for, and the last moment is", () => {
  const replay = new ChatReplay(90_000);
  assert.deepEqual(feed(replay, [], 0), [[0, MINUTE], [MINUTE, 90_001]]);
  assert.deepEqual(play(replay, [entry(90_000)], 0, 90_000).length, 0, "it was fetched before");
  const again = new ChatReplay(90_000);
  assert.deepEqual(play(again, [entry(90_000)], 0, 90_000), [90_000]);
});

test("no line is lost or told twice across windows and pages", () => {
  const room = every(700);
  for (const limit of [1, 7, 500]) {
    const replay = new ChatReplay(DURATION);
    const seen = [];
    for (let position = 0; position <= DURATION; position += 100) {
      feed(replay, room, position, position, limit);
      seen.push(...shown(replay.advance(position, position)));
    }
    assert.deepEqual(seen, room.map(({ entry: { seq } }) => seq), `pages of ${limit}`);
  }
});

test("lines of one moment that two pages hold are shown once both are there", () => {
  const replay = new ChatReplay(DURATION);
  const at = (seq) => ({ at_ms: 1000, entry: { seq, kind: "message" } });
  const first = replay.wanted(0, 0);
  replay.page(first, { items: [at(1), at(2)], next: 2 });
  replay.advance(0, 0);
  assert.deepEqual(shown(replay.advance(1000, 1000)), []);
  const second = replay.wanted(1000, 1000);
  assert.equal(second.after, 2);
  replay.page(second, { items: [at(3)], next: null });
  assert.deepEqual(shown(replay.advance(1100, 1100)), [1, 2, 3]);
});

test("a page without anything for viewers is not the end", () => {
  const replay = new ChatReplay(DURATION);
  const first = replay.wanted(0, 0);
  replay.page(first, { items: [], next: 70 });
  replay.advance(0, 0);
  assert.deepEqual(shown(replay.advance(900, 900)), []);
  const second = replay.wanted(900, 900);
  assert.deepEqual([second.number, second.after], [0, 70]);
  replay.page(second, { items: [entry(1000)], next: null });
  assert.deepEqual(shown(replay.advance(1000, 1000)), [1000]);
});

test("a server that leads nowhere is not followed", () => {
  const replay = new ChatReplay(DURATION);
  replay.page(replay.wanted(0, 0), { items: [entry(5)], next: 5 });
  const again = replay.wanted(0, 0);
  replay.page(again, { items: [], next: 5 });
  assert.equal(replay.wanted(0, 0).number, 1);
});

test("while the picture stands still nothing comes, and speed is obeyed", () => {
  const room = every(1000);
  const replay = new ChatReplay(DURATION);
  feed(replay, room, 0);
  replay.advance(0, 0);
  for (let now = 0; now < 10_000; now += 100) assert.deepEqual(shown(replay.advance(0, now)), []);
  assert.deepEqual(play(replay, room, 0, 10_000, { rate: 2, now: 10_000 }).length, 10);
});

test("a jump clears the list and shows the last fifty lines before the new place", () => {
  const room = every(1000);
  const replay = new ChatReplay(DURATION);
  play(replay, room, 0, 1000);
  const jumped = replay.advance(300_500, 1100);
  assert.equal(jumped.cleared, true);
  assert.deepEqual(jumped.shown, [], "they are not here yet");
  assert.equal(replay.isReady, false);
  feed(replay, room, 300_500, 1100);
  const { cleared, shown: lines } = replay.advance(300_600, 1200);
  assert.equal(cleared, false);
  assert.equal(lines.length, 50);
  assert.deepEqual([lines[0].entry.seq, lines.at(-1).entry.seq], [251_000, 300_000]);
  assert.ok(lines.every(({ silent }) => silent));
  assert.deepEqual(play(replay, room, 300_700, 302_000, { now: 1300 }), [301_000, 302_000]);
});

test("what is known already comes at once after a jump back", () => {
  const room = every(1000);
  const replay = new ChatReplay(DURATION);
  play(replay, room, 0, 20_000);
  const back = replay.advance(10_000, 20_100);
  assert.equal(back.cleared, true);
  assert.deepEqual(shown(back), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((s) => s * 1000));
});

test("in a quiet room it is looked back some minutes, not to the begin", () => {
  const replay = new ChatReplay(60 * MINUTE);
  const asked = feed(replay, [], 50 * MINUTE + 5);
  assert.deepEqual(asked.map(([from]) => from / MINUTE), [50, 49, 48, 47, 46, 45, 44, 51]);
  replay.advance(50 * MINUTE + 5, 0);
  assert.equal(replay.isReady, true);
});

test("a busy room is cut to what can be read", () => {
  const room = every(1, 2000);
  const replay = new ChatReplay(DURATION);
  feed(replay, room, 0);
  replay.advance(0, 0);
  const { shown: lines } = replay.advance(1000, 1000);
  assert.equal(lines.length, 40);
  assert.equal(lines.at(-1).entry.seq, 1050);
});

test("what comes late comes without a fuss", () => {
  const replay = new ChatReplay(DURATION);
  const want = replay.wanted(0, 0);
  replay.page(want, { items: [entry(10)], next: 10 });
  replay.advance(0, 0);
  replay.advance(8000, 8000);
  const rest = replay.wanted(8000, 8000);
  replay.page(rest, { items: [entry(2000), entry(7900)], next: null });
  const { shown: lines } = replay.advance(8100, 8100);
  assert.deepEqual(lines.map(({ entry: { seq }, silent }) => [seq, silent]), [[10, true], [2000, true], [7900, false]]);
});

test("only messages and gifts are lines", () => {
  const replay = new ChatReplay(DURATION);
  const room = [entry(1), entry(2, "poll"), entry(3, "alert"), entry(4, "mode"), entry(5, "goal")];
  assert.deepEqual(play(replay, room, 0, 1000), [1, 3]);
});

test("an answer that fails is asked for again after a moment", () => {
  const replay = new ChatReplay(DURATION);
  const want = replay.wanted(0, 0);
  assert.equal(replay.wanted(0, 0), null, "one question at a time");
  replay.pageFailed(want, 0);
  assert.equal(replay.wanted(0, 2999), null);
  assert.equal(replay.wanted(0, 3000).number, 0);
});

test("an answer to an older question changes nothing", () => {
  const replay = new ChatReplay(DURATION);
  const want = replay.wanted(0, 0);
  replay.page({ ...want }, { items: [entry(10)], next: null });
  assert.equal(replay.waiting, 0);
});

test("memory stays bounded", () => {
  const room = every(1000, 3 * 60 * MINUTE);
  const replay = new ChatReplay(3 * 60 * MINUTE);
  for (let position = 0; position < 170 * MINUTE; position += MINUTE / 2) {
    feed(replay, room, position, position);
    replay.advance(position, position);
  }
  assert.ok(replay.waiting <= 60 * 10);
});
