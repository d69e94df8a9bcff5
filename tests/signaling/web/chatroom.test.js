// A room from its frames: what is shown when, and what acts at once.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatClient } from "../../../signaling/web/chatclient.js";
import { ChatRoom } from "../../../signaling/web/chatroom.js";

const T = 1_800_000_000_000;
const MODES = { slow_s: 0, subscribers_only: false, emote_only: false, unique: false, links: true, hold: false };
const ADA = { id: "ada", name: "Ada", roles: [], may_say: true };
let room;
let now;

beforeEach(() => {
  room = new ChatRoom();
  now = 0;
});

function welcome({ seq = 0, you = ADA, recovered = false, ...state } = {}) {
  const whole = { modes: MODES, pin: null, poll: null, goal: null, people: 2, people_exact: true, emotes: { heart: "❤" }, ...state };
  room.take({ op: "welcome", epoch: "e", seq, now: T, recovered, you, state: whole, limits: {} }, 100, null);
}

function said(seq, s, user = "bob", more = {}) {
  return { seq, t: T + s * 1000, kind: "message", id: `c${seq}`, user: { id: user, name: user, roles: [] }, text: `no ${seq}`, parts: [], ...more };
}

function act(kind, seq, s, body) {
  return { seq, t: T + s * 1000, kind, ...body };
}

function batch(...items) {
  room.take({ op: "batch", epoch: "e", first: items[0].seq, last: items.at(-1).seq, items }, items.length * 100, null);
}

function at(s) {
  now += 50;
  return room.advance(now, s === null ? null : T + s * 1000);
}

const seqs = ({ shown }) => shown.map(({ entry }) => entry.seq);

test("messages wait for the viewer's picture", () => {
  welcome();
  batch(said(1, 1), said(2, 5));
  assert.deepEqual(seqs(at(2)), [1]);
  assert.deepEqual(seqs(at(5)), [2]);
});

test("a message that was deleted while it waited is shown as deleted, a banned person's not at all", () => {
  welcome();
  batch(said(1, 5), said(2, 5, "eve"), said(3, 5));
  batch(act("delete", 4, 6, { of: 1, by: "Mo" }), act("ban", 5, 6, { user: "eve", name: "Eve", by: "Mo" }));
  assert.equal(at(0).removed, true, "at once, though the picture is six seconds behind");
  const { shown } = at(5);
  assert.deepEqual(shown.map(({ entry }) => [entry.seq, room.removalOf(entry)]), [[1, "deleted"], [3, null]]);
});

test("modes count at once, for the composer of a viewer who is behind", () => {
  welcome();
  batch(act("mode", 1, 60, { ...MODES, slow_s: 30, by: "Mo" }));
  at(0);
  assert.equal(room.modes.slow_s, 30);
});

test("an old mode in a page of the past changes nothing", () => {
  welcome({ seq: 90, modes: { ...MODES, slow_s: 5 } });
  batch(said(91, 1000));
  at(1000);
  at(500);
  const want = room.wanted(T + 500_000);
  room.page(want, { items: [act("mode", 10, 499, { ...MODES, emote_only: true }), said(11, 500)], more: false, last: 11 });
  assert.deepEqual(seqs(at(500)), [10, 11]);
  assert.deepEqual([room.modes.slow_s, room.modes.emote_only], [5, false]);
});

test("polls, pins and goals belong to a moment of the stream", () => {
  welcome();
  batch(
    act("poll", 1, 5, { question: "Tea?", options: ["yes", "no"], until: T + 60_000, by: "Mo" }),
    act("pin", 2, 6, { of: 1, entry: said(1, 1), by: "Mo" }),
    act("goal", 3, 7, { title: "Piano", currency: "EUR", target: 100, reached: 5 }),
  );
  at(4);
  assert.deepEqual([room.poll, room.pin, room.goal], [null, null, null]);
  at(7);
  assert.deepEqual([room.poll.votes, room.pin.seq, room.goal.title], [[0, 0], 1, "Piano"]);
  room.take({ op: "tally", poll: 1, votes: [3, 4] }, 10, null);
  assert.deepEqual(room.poll.votes, [3, 4]);
  batch(act("poll_end", 4, 8, { poll: 1, votes: [5, 5] }));
  at(8);
  assert.deepEqual([room.poll.votes, room.poll.ended], [[5, 5], true]);
});

test("history does not undo the state that the welcome told", () => {
  welcome({ seq: 9, pin: said(7, 1) });
  batch(act("pin", 8, 1, { of: 0, entry: null }), said(9, 2));
  at(5);
  assert.equal(room.pin.seq, 7);
});

test("an own message is there at once, and the entry takes its place in its time", () => {
  welcome();
  batch(said(1, 1));
  at(2);
  room.echo("k1", "hello", null);
  assert.equal(room.echoes.get("k1").state, "sending");
  room.acked("k1", { seq: 2, t: T + 8000 });
  batch(said(2, 8, "ada", { id: "k1" }));
  at(2);
  assert.equal(room.echoes.size, 1, "the picture is not there yet");
  assert.deepEqual(seqs(at(8)), [2]);
  assert.equal(room.echoes.size, 0);
});

test("somebody else's message under the same id is not ours", () => {
  welcome();
  room.echo("k1", "hello", null);
  batch(said(1, 1, "bob", { id: "k1" }));
  at(1);
  assert.equal(room.echoes.size, 1);
});

test("an own message that the server's sample left out keeps its place", () => {
  welcome();
  room.echo("k1", "hello :heart:", null);
  room.acked("k1", { seq: 2, t: T + 2000 });
  batch(said(1, 2));
  assert.deepEqual(seqs(at(2)), [1], "number 2 is not known yet");
  room.take({ op: "batch", epoch: "e", first: 2, last: 3, items: [said(3, 2)], of: 2 }, 10, null);
  at(2);
  assert.equal(room.sampled, true);
  const { shown } = at(4);
  assert.deepEqual(shown.map(({ entry }) => [entry.seq, entry.user.id, entry.parts.length]), [[2, "ada", 2]]);
});

test("held messages wait for a moderator, and are gone once one settled them", () => {
  welcome({ you: { ...ADA, roles: ["moderator"] } });
  assert.equal(room.isStaff, true);
  batch(act("held", 1, 1, { ...said(1, 1), kind: "held", why: "words" }));
  assert.equal(room.held.size, 1);
  assert.deepEqual(seqs(at(2)), [], "not among the messages");
  batch(act("settled", 2, 2, { held: 1, approve: false, by: "Mo" }));
  assert.equal(room.held.size, 0);
});

test("a refused message can be changed or discarded", () => {
  welcome();
  room.echo("k1", "hello", null);
  room.refused("k1", { code: "links" });
  assert.deepEqual([room.echoes.get("k1").state, room.echoes.get("k1").error.code], ["refused", "links"]);
  room.forget("k1");
  assert.equal(at(0).changed, true);
  assert.equal(room.echoes.size, 0);
});

test("what never was is taken off the screen", () => {
  welcome();
  batch(said(1, 1), said(2, 1), said(3, 1));
  at(1);
  room.take({ op: "retract", epoch: "e", from: 2, now_epoch: "f" }, 10, null);
  room.take({ op: "batch", epoch: "f", first: 2, last: 2, items: [said(2, 2, "cy")] }, 10, null);
  const { backTo, shown } = at(2);
  assert.deepEqual([backTo, shown.map(({ entry }) => entry.user.id)], [1, ["cy"]]);
});

test("where nothing that we had counts, the room begins anew", () => {
  welcome();
  batch(said(1, 1), said(2, 1));
  at(1);
  welcome({ seq: 950 });
  room.take({ op: "retract", epoch: "e", from: 1, now_epoch: "f" }, 10, null);
  room.take({ op: "batch", epoch: "f", first: 901, last: 901, items: [said(901, 2)] }, 10, null);
  const { backTo, shown } = at(2);
  assert.deepEqual([backTo, shown.map(({ entry }) => entry.seq)], [0, [901]]);
  assert.equal(room.wanted(T + 2000), null, "the past of the other room is nobody's wish");
});

test("a small gap is filled, a large one is said", () => {
  welcome();
  batch(said(1, 1));
  at(1);
  room.take({ op: "gap", from: 2, to: 50 }, 10, null);
  assert.deepEqual(room.wanted(T + 1000), { after: 1 });
  room.take({ op: "gap", from: 51, to: 5000 }, 10, null);
  batch(said(5001, 2));
  assert.equal(room.wanted(T + 2000), null, "it is asked for already");
});

test("hearts and presence are the room's too", () => {
  welcome();
  room.take({ op: "presence", people: 1200, exact: false }, 10, null);
  room.take({ op: "hearts", sums: [[T + 1000, "heart", 4]] }, 10, null);
  assert.deepEqual(room.people, { count: 1200, exact: false });
  assert.deepEqual(at(0).hearts, []);
  assert.deepEqual(at(1.5).hearts, [{ emote: "heart", n: 4 }]);
});

test("a frame that nobody knows changes nothing", () => {
  welcome();
  room.take({ op: "confetti" }, 10, null);
  assert.deepEqual(seqs(at(null)), []);
});

// --- whatever breaks

/** A server of a few lines: a log, a head, and takeovers that lose the last entries. */
class Server {
  epoch = 1;
  log = []; // at index i: number i + 1
  ends = []; // {epoch, last}

  append(count, s) {
    for (let i = 0; i < count; i += 1) this.log.push(said(this.log.length + 1, s, "bob", { key: `${this.epoch}.${this.log.length}` }));
  }

  takeOver(lost) {
    this.log.length = Math.max(0, this.log.length - lost);
    this.ends.push({ epoch: this.epoch, last: this.log.length });
    this.epoch += 1;
  }

  /** What it says to a hello. */
  greet({ resume }) {
    const head = this.log.length;
    const frames = [];
    let after = Math.max(0, head - 10);
    let recovered = false;
    if (resume) {
      const ends = this.ends.filter(({ epoch }) => epoch >= resume.epoch).map(({ last }) => last);
      const valid = Math.min(resume.seq, head, ...ends);
      if (valid < resume.seq) frames.push({ op: "retract", epoch: resume.epoch, from: valid + 1, now_epoch: this.epoch });
      recovered = head - valid <= 30;
      if (recovered) after = valid;
      else if (valid < after) frames.push({ op: "gap", from: valid + 1, to: after });
    }
    const state = { modes: MODES, pin: null, poll: null, goal: null, people: 1, people_exact: true, emotes: {} };
    const welcome = { op: "welcome", epoch: this.epoch, seq: head, now: T, recovered, you: ADA, state, limits: {} };
    return [welcome, ...frames, this.batch(after + 1, head)];
  }

  batch(first, last) {
    return { op: "batch", epoch: this.epoch, first, last, items: this.log.slice(first - 1, last) };
  }
}

test("whatever breaks, what stands there is the log with its gaps declared", () => {
  for (let seed = 1; seed <= 80; seed += 1) {
    const random = seeded(seed);
    const chance = (p) => random() < p;
    const server = new Server();
    const one = new ChatRoom();
    const client = new ChatClient((frame) => one.take(frame, 100, null), () => String(Math.floor(random() * 1e12)));
    const fetches = [];
    let lines = []; // what stands there: entries, and null for a declared gap
    let sent = 0; // 0: no line
    let second = 0;
    let position = T;
    const hear = (frame) => client.receive(JSON.stringify(frame), 0);
    const connect = () => client.connect((text) => {
      const frame = JSON.parse(text);
      if (frame.op === "hello") for (const answer of server.greet(frame)) hear(answer);
      if (frame.op === "fetch") fetches.push(frame);
      sent = server.log.length;
    }, { ticket: "t", at: null }, 0);
    const draw = () => {
      second += 0.05;
      // Now and then the picture stands still, and then a lot comes at once.
      if (!chance(0.2)) position = T + second * 1000;
      const { cleared, backTo, shown } = one.advance(second * 1000, position);
      if (cleared) lines = [];
      if (backTo !== null) lines = lines.filter((line) => line === null || line.seq <= backTo);
      for (const { entry, gap } of shown) lines.push(...(gap ? [null, entry] : [entry]));
    };
    for (let turn = 0; turn < 400; turn += 1) {
      server.append(Math.floor(random() * 4), second);
      if (chance(0.02)) server.append(700, second); // a flood
      if (client.isIn && chance(0.03)) client.disconnect();
      if (chance(0.01)) {
        client.disconnect();
        server.takeOver(Math.floor(random() * 5));
      }
      if (!client.isIn && chance(0.4)) connect();
      else if (client.isIn && server.log.length > sent) {
        const from = chance(0.05) ? sent + 1 + Math.floor(random() * (server.log.length - sent)) : sent + 1;
        if (from > sent + 1) hear({ op: "gap", from: sent + 1, to: from - 1 });
        hear(server.batch(from, server.log.length));
        sent = server.log.length;
      }
      draw();
      const want = client.isIn ? one.wanted(T + second * 1000) : null;
      if (want !== null) {
        client.fetch(want).catch(() => {});
        const items = chance(0.1) || want.after === undefined ? null : server.log.slice(want.after, want.after + 200);
        if (items === null) one.pageFailed(want);
        else one.page(want, { items, more: want.after + items.length < server.log.length, last: items.at(-1)?.seq ?? 0 });
      }
    }
    client.disconnect();
    connect();
    for (let turn = 0; turn < 200; turn += 1) {
      draw();
      const want = one.wanted(T + second * 1000);
      if (want === null) continue;
      const items = server.log.slice(want.after, want.after + 200);
      one.page(want, { items, more: want.after + items.length < server.log.length, last: items.at(-1)?.seq ?? 0 });
    }
    let before = null;
    let declared = true; // what was before the first line is nobody's
    for (const line of lines) {
      if (line === null) {
        declared = true;
        continue;
      }
      assert.equal(line.key, server.log[line.seq - 1]?.key, `seed ${seed}: number ${line.seq} never was`);
      assert.ok(before === null || line.seq > before, `seed ${seed}: ${line.seq} after ${before}`);
      assert.ok(declared || line.seq === before + 1, `seed ${seed}: ${before} to ${line.seq} without a word`);
      before = line.seq;
      declared = false;
    }
    assert.equal(before, server.log.length || null, `seed ${seed}: the end is there`);
  }
});

function seeded(seed) {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return state / 2 ** 32;
  };
}

test("what was erased with a recording goes at once, with its pin and what waited", () => {
  welcome({ seq: 1, pin: said(1, 1) });
  batch(said(2, 2), act("held", 3, 2, { id: "h", user: { id: "bob" }, text: "?", why: "hold" }), said(4, 3));
  at(10);
  assert.equal(room.held.size, 1);
  batch(act("erase", 5, 4, { first: 1, last: 3, pin: 1 }));
  const { removed } = at(10);
  assert.equal(removed, true);
  assert.deepEqual([2, 4].map((seq) => room.removalOf(said(seq, 2))), ["swept", null]);
  assert.equal(room.held.size, 0);
  assert.equal(room.pin, null);
});

test("an erasure from before the welcome leaves a pin that is newer", () => {
  welcome({ seq: 9, pin: said(8, 1) });
  batch(act("erase", 7, 1, { first: 1, last: 3, pin: 2 }), said(8, 2));
  at(10);
  assert.equal(room.pin.seq, 8);
});
