import assert from "node:assert/strict";
import test from "node:test";

import { Removals } from "../../../signaling/web/removals.js";

const said = (seq, id = "ada") => ({ kind: "message", seq, user: { id } });

test("a deleted message is gone, and only that one", () => {
  const removals = new Removals();
  assert.equal(removals.take({ kind: "delete", seq: 9, of: 4, by: "Mo" }), true);
  assert.deepEqual([removals.of(said(4)), removals.of(said(5))], ["deleted", null]);
  assert.equal(removals.byOf(said(4)), "Mo");
});

for (const kind of ["clear", "timeout", "ban"]) {
  test(`a ${kind} takes away what the person said before it, not after`, () => {
    const removals = new Removals();
    removals.take({ kind, seq: 9, user: "ada" });
    assert.deepEqual([said(8), said(10), said(8, "bob")].map((entry) => removals.of(entry)), ["swept", null, null]);
  });
}

test("an old act that is read again changes nothing", () => {
  const removals = new Removals();
  removals.take({ kind: "ban", seq: 20, user: "ada" });
  removals.take({ kind: "clear", seq: 5, user: "ada" });
  assert.equal(removals.of(said(19)), "swept");
});

test("a shadow ban takes nothing away: nobody shall notice", () => {
  const removals = new Removals();
  assert.equal(removals.take({ kind: "ban", seq: 9, user: "ada", shadow: true }), false);
  assert.equal(removals.of(said(8)), null);
});

test("what never was swept nobody", () => {
  const removals = new Removals();
  removals.take({ kind: "ban", seq: 9, user: "ada" });
  removals.retract(9);
  assert.equal(removals.of(said(8)), null);
});

test("alerts and messages are no acts", () => {
  assert.equal(new Removals().take(said(1)), false);
});

test("what was erased is gone, until the act itself never was", () => {
  const removals = new Removals();
  assert.equal(removals.take({ kind: "erase", seq: 20, first: 4, last: 6, pin: 0 }), true);
  assert.deepEqual([3, 4, 6, 7].map((seq) => removals.of(said(seq))), [null, "swept", "swept", null]);
  removals.retract(21);
  assert.equal(removals.of(said(5)), "swept");
  removals.retract(20);
  assert.equal(removals.of(said(5)), null);
});
