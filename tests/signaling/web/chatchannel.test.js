import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChannelLine, openChatChannels } from "../../../signaling/web/chatchannel.js";

class Channel extends EventTarget {
  readyState = "connecting";
  sent = [];

  constructor(label, options = {}) {
    super();
    Object.assign(this, { label, options });
  }

  send(text) {
    this.sent.push(text);
  }

  say(name, data) {
    if (name === "open") this.readyState = "open";
    this.dispatchEvent(Object.assign(new Event(name), { data }));
  }

  close() {
    this.readyState = "closed";
  }
}

let channels;
let heard;

beforeEach(() => {
  heard = [];
  channels = openChatChannels({ createDataChannel: (label, options) => new Channel(label, options) });
});

function line() {
  return new ChannelLine(channels, {
    onOpen: () => heard.push("open"),
    onFrame: (text) => heard.push(text),
    onClose: () => heard.push("close"),
  });
}

test("messages are ordered and reliable, hearts are neither", () => {
  assert.deepEqual([channels.chat.label, channels.chat.options], ["chat", {}]);
  assert.deepEqual([channels.hearts.label, channels.hearts.options], ["hearts", { ordered: false, maxRetransmits: 0 }]);
});

test("it opens with its channel, or at once where that is open", async () => {
  line();
  channels.chat.say("open");
  assert.deepEqual(heard, ["open"]);
  line();
  await Promise.resolve();
  assert.deepEqual(heard, ["open", "open"]);
});

test("frames come from both channels; what is no text is nothing", () => {
  line();
  channels.chat.say("message", "a");
  channels.hearts.say("message", "b");
  channels.chat.say("message", new ArrayBuffer(3));
  assert.deepEqual(heard, ["a", "b"]);
});

test("hearts go on their own channel, or on the other one while that is closed", () => {
  const one = line();
  channels.chat.say("open");
  one.sendLoose("x");
  channels.hearts.say("open");
  one.sendLoose("y");
  assert.deepEqual([channels.chat.sent, channels.hearts.sent], [["x"], ["y"]]);
});

test("a session's end is told once", () => {
  line();
  channels.chat.say("close");
  channels.chat.say("close");
  assert.deepEqual(heard, ["close"]);
});

test("a line that is given up hears nothing, and its channels close", () => {
  line().close();
  channels.chat.say("message", "a");
  assert.deepEqual([heard, channels.chat.readyState], [[], "closed"]);
});

test("a line that makes room for the next one leaves the channels open", () => {
  channels.chat.say("open");
  line().close({ again: true });
  assert.equal(channels.chat.readyState, "open");
});
