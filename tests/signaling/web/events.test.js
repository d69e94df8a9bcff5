import assert from "node:assert/strict";
import test from "node:test";

import { ChannelEvents } from "../../../signaling/web/events.js";

class FakeEventSource extends EventTarget {
  static CLOSED = 2;
  static made = [];
  readyState = 1;

  constructor(url) {
    super();
    this.url = url;
    FakeEventSource.made.push(this);
  }

  close() {
    this.readyState = FakeEventSource.CLOSED;
  }

  say(name, data) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }

  refuse() {
    this.readyState = FakeEventSource.CLOSED;
    this.dispatchEvent(new Event("error"));
  }
}
globalThis.EventSource = FakeEventSource;

const CHANNEL = "/api/channels/lina/events";
const SESSION = "http://sluice.test/whep/lina/s/events/e";

function listening() {
  FakeEventSource.made.length = 0;
  const heard = [];
  const events = new ChannelEvents("lina", null, (name, data) => heard.push([name, data]));
  return { events, heard, made: FakeEventSource.made };
}

test("news arrive by name, and broken data as nothing", () => {
  const { events, heard, made } = listening();
  events.open();
  made[0].say("viewercount", { viewers: 2 });
  made[0].dispatchEvent(Object.assign(new Event("active"), { data: "{" }));
  assert.deepEqual(heard, [["viewercount", { viewers: 2 }], ["active", {}]]);
  assert.equal(made[0].url, CHANNEL);
});

test("a session's stream takes the place of the channel's and gives it back", () => {
  const { events, heard, made } = listening();
  events.open();
  events.listenTo(SESSION);
  assert.equal(made[0].readyState, FakeEventSource.CLOSED);
  made[1].say("layer", { rid: "q", audio_only: false });
  events.listenTo(null);
  events.listenTo(null);
  assert.deepEqual(made.map(({ url }) => url), [CHANNEL, SESSION, CHANNEL]);
  assert.deepEqual(heard, [["layer", { rid: "q", audio_only: false }]]);
});

test("when a session's stream is refused, the channel's goes on and the layer is forgotten", () => {
  const { events, heard, made } = listening();
  events.open();
  events.listenTo(SESSION);
  made[1].refuse();
  assert.deepEqual(made.map(({ url }) => url), [CHANNEL, SESSION, CHANNEL]);
  assert.deepEqual(heard, [["layer", {}], ["orphaned", {}]]);
});

test("who has stopped listening does not begin again by a session", () => {
  const { events, made } = listening();
  events.open();
  events.close();
  events.listenTo(SESSION);
  events.listenTo(null);
  assert.equal(made.length, 1);
});
