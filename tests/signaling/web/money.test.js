import assert from "node:assert/strict";
import test from "node:test";

import { exponentOf, offeredAmounts, parseAmount, shareOfGoal, shownAmount } from "../../../signaling/web/money.js";

for (const [text, currency, minor] of [
  ["5", "EUR", 500], ["5.5", "EUR", 550], ["5,50", "EUR", 550], [" 12.34 ", "EUR", 1234], ["0.01", "EUR", 1],
  ["500", "JPY", 500], ["1.234", "KWD", 1234],
  ["5.555", "EUR", null], ["5.0", "JPY", null], ["0", "EUR", null], ["-5", "EUR", null], ["1e3", "EUR", null],
  ["1,000.00", "EUR", null], ["", "EUR", null], ["five", "EUR", null], ["99999999999", "EUR", null],
]) {
  test(`"${text}" in ${currency} is ${minor} minor units`, () => assert.equal(parseAmount(text, currency), minor));
}

test("a currency's digits are its own", () => {
  assert.deepEqual(["EUR", "JPY", "KWD"].map(exponentOf), [2, 0, 3]);
});

test("amounts are shown in full", () => {
  assert.equal(shownAmount(500, "EUR", "en"), "€5.00");
  assert.equal(shownAmount(500, "JPY", "en"), "¥500");
});

test("offered amounts are of a fair size in any currency", () => {
  assert.deepEqual(offeredAmounts("EUR"), [200, 500, 1000, 2000, 5000]);
  assert.deepEqual(offeredAmounts("JPY"), [200, 500, 1000, 2000, 5000]);
});

test("a goal's share stays between nothing and all", () => {
  assert.deepEqual([shareOfGoal(5, 10), shareOfGoal(50, 10), shareOfGoal(-5, 10), shareOfGoal(5, 0)], [0.5, 1, 0, 0]);
});
