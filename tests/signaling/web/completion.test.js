import assert from "node:assert/strict";
import test from "node:test";

import { completionAt } from "../../../signaling/web/completion.js";

const KNOWN = { names: ["Ada", "Adam", "Börje", "茶"], emotes: ["heart", "heat", "wow"] };
const choices = (text, caret = text.length) => completionAt(text, caret, KNOWN)?.choices ?? null;

test("a begun name is finished, whatever its case", () => {
  assert.deepEqual(choices("hi @ad"), ["@Ada ", "@Adam "]);
  assert.deepEqual(choices("@BÖ"), ["@Börje "]);
  assert.deepEqual(choices("@茶"), ["@茶 "]);
});

test("a begun emote is finished", () => {
  assert.deepEqual(choices(":hea"), [":heart: ", ":heat: "]);
});

test("what is finished is what stands before the caret", () => {
  assert.deepEqual(completionAt("hi @ad and more", 6, KNOWN), { from: 3, to: 6, choices: ["@Ada ", "@Adam "] });
});

for (const text of ["", "hello", "a@ad", "12:he", "@", ":", "@nobody", "@Ada "]) {
  test(`after "${text}" Tab is what it always is`, () => assert.equal(choices(text), null));
}
