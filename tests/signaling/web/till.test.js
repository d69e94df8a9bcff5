import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Till } from "../../../signaling/web/till.js";

globalThis.location = new URL("http://sluice.test/watch/lina");
let asked;
let answers;

globalThis.fetch = async (url, { method = "GET", headers = {}, body } = {}) => {
  const { pathname } = new URL(url, location.href);
  asked.push([method, pathname, headers["Idempotency-Key"], body && JSON.parse(body)]);
  return Response.json(answers.shift() ?? {});
};

beforeEach(() => {
  asked = [];
  answers = [];
});

const till = () => new Till("lina", () => null);

test("an order carries its key, so that asking twice pays once", async () => {
  await till().donate({ amount: 500, currency: "EUR" }, "k1");
  assert.deepEqual(asked, [["POST", "/api/channels/lina/donations", "k1", { amount: 500, currency: "EUR" }]]);
});

test("a pretended checkout is paid by asking for it", async () => {
  const opened = [];
  assert.equal(await till().pay({ checkout: "/fake-pay/don_1" }, (page) => opened.push(page)), true);
  assert.deepEqual([asked, opened], [[["POST", "/fake-pay/don_1", undefined, undefined]], []]);
});

test("a real checkout is the provider's page", async () => {
  const opened = [];
  const checkout = "https:" + "//pay.example/s/1";
  assert.equal(await till().pay({ checkout }, (page) => opened.push(page)), false);
  assert.deepEqual([asked, opened], [[], [checkout]]);
});

test("an address that is no page of a provider's is not opened", async () => {
  const opened = [];
  for (const checkout of ["javascript:alert(1)", "http:" + "//pay.example/", "/studio"]) {
    await till().pay({ checkout }, (page) => opened.push(page));
  }
  assert.deepEqual([asked, opened], [[], []]);
});

test("a pretended address on another host is no pretended checkout", async () => {
  const opened = [];
  await till().pay({ checkout: "https:" + "//elsewhere.example/fake-pay/1" }, (page) => opened.push(page));
  assert.deepEqual([asked.length, opened.length], [0, 1]);
});

test("it waits until the server says that the donation is paid", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answers = [{ state: "open" }, { state: "open" }, { state: "paid" }];
  const paid = till().paid({ id: "don_1" }, new AbortController().signal);
  while (answers.length > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(1000);
  }
  assert.equal(await paid, true);
});

test("nobody waits for a dialog that was closed", async () => {
  const over = new AbortController();
  over.abort();
  assert.equal(await till().paid({ id: "don_1" }, over.signal), false);
});
