import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { StudioDevice } from "../../../signaling/web/studiodevice.js";

const NOTHING = { signals: null, age_ms: null, advice: null };
const HOT = {
  signals: { battery: { level: 0.4 }, thermal: "serious", encoder: null, network: null, app: null },
  age_ms: 300,
  advice: { level: "warn", reasons: ["heat"], suggest: null, text: "The device is hot." },
};

/** As much of an element as the panel needs. */
class Element {
  dataset = {};
  children = [];
  textContent = "";
  hidden = true;
  setAttribute() {}
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
}

let elements;
let asked;
let answer;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  elements = {};
  asked = [];
  answer = async () => Response.json(NOTHING);
  globalThis.document = {
    getElementById: (id) => (elements[id] ??= new Element()),
    createElement: () => new Element(),
  };
  globalThis.fetch = (url, init) => {
    asked.push([url, init.headers.Authorization]);
    return answer(url);
  };
});

afterEach(() => mock.timers.reset());

async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(ms) {
  mock.timers.tick(ms);
  await settled();
}

test("nothing is asked without a channel and its key", async () => {
  new StudioDevice().watch("", "");
  new StudioDevice().watch("lina", "");
  await pass(60_000);
  assert.deepEqual(asked, []);
});

test("a phone that reports is shown, and asked about more often", async () => {
  const device = new StudioDevice();
  device.watch("lina", "k");
  await settled();
  assert.deepEqual(asked, [["/api/channels/lina/device", "Bearer k"]]);
  assert.equal(elements.device.hidden, true);
  answer = async () => Response.json(HOT);
  await pass(6000);
  assert.equal(elements.device.hidden, false);
  assert.equal(elements.devicetitle.textContent, "Phone");
  assert.equal(elements.deviceadvice.textContent, "Warning: The device is hot.");
  assert.equal(elements.devicenews.textContent, "Warning: The device is hot.");
  assert.equal(elements.devicefigures.children.length, 2);
  answer = async () => Response.json(NOTHING);
  await pass(2000);
  assert.equal(elements.device.hidden, true);
  assert.equal(asked.length, 3);
});

test("a wrong key is asked with once", async () => {
  answer = async () => Response.json({ title: "No" }, { status: 403 });
  const device = new StudioDevice();
  device.watch("lina", "wrong");
  await pass(60_000);
  device.watch("lina", "wrong");
  await pass(60_000);
  assert.equal(asked.length, 1);
  answer = async () => Response.json(HOT);
  device.watch("lina", "right");
  await settled();
  assert.equal(elements.device.hidden, false);
});

test("a server that is away is asked again", async () => {
  answer = async () => {
    throw new TypeError("no network");
  };
  new StudioDevice().watch("lina", "k");
  await settled();
  await pass(6000);
  assert.equal(asked.length, 2);
});

test("a late answer for the channel before is not shown", async () => {
  let late;
  answer = () => new Promise((resolve) => (late = () => resolve(Response.json(HOT))));
  const device = new StudioDevice();
  device.watch("lina", "k");
  await settled();
  answer = async () => Response.json(NOTHING);
  device.watch("mara", "k2");
  await settled();
  late();
  await settled();
  assert.equal(elements.device.hidden, true);
});

test("this browser's own device is called so", async () => {
  answer = async () => Response.json(HOT);
  const device = new StudioDevice();
  device.own = true;
  device.watch("lina", "k");
  await settled();
  assert.equal(elements.devicetitle.textContent, "This device");
});
