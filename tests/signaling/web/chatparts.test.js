import assert from "node:assert/strict";
import test from "node:test";

import { echoParts, emoteLook, graphemes, hueOf, mentions, safeLink } from "../../../signaling/web/chatparts.js";

const EMOTES = { heart: "❤️", wave: "/static/wave.png" };

test("an own message shows its emotes before the server took it apart", () => {
  assert.deepEqual(echoParts("hi :heart: and :nobody:", EMOTES), [
    { t: "text", v: "hi " }, { t: "emote", v: "heart" }, { t: "text", v: " and :nobody:" },
  ]);
  assert.deepEqual(echoParts("a:b", EMOTES), [{ t: "text", v: "a:b" }]);
});

test("an emote is a character, a picture of this server, or its own name", () => {
  assert.deepEqual(emoteLook("heart", EMOTES), { text: "❤️" });
  assert.deepEqual(emoteLook("wave", EMOTES), { image: "/static/wave.png" });
  assert.deepEqual(emoteLook("toString", EMOTES), { text: ":toString:" });
  assert.deepEqual(emoteLook("odd", { odd: "//elsewhere/x.png" }), { text: "//elsewhere/x.png" });
});

for (const address of ["javascript:alert(1)", "data:text/html,x", "http:x", "", "//x", "ftp://x/"]) {
  test(`${address || "nothing"} is no link`, () => assert.equal(safeLink(address), null));
}

test("an https address is a link", () => {
  assert.equal(safeLink("https:" + "//example.org/a?b"), "https:" + "//example.org/a?b");
});

test("a mention speaks to one person, and never to a reader", () => {
  const entry = { parts: [{ t: "mention", v: "ada", n: "Ada" }] };
  assert.deepEqual([mentions(entry, "ada"), mentions(entry, "bob"), mentions(entry, null)], [true, false, false]);
  assert.equal(mentions({}, "ada"), false);
});

test("characters are counted as people count them", () => {
  assert.equal(graphemes("a👩‍👩‍👧é"), 3);
});

test("a name has one hue, and similar names have others", () => {
  assert.equal(hueOf("ada"), hueOf("ada"));
  assert.notEqual(hueOf("ada1"), hueOf("ada2"));
  for (const id of ["", "x".repeat(64), "😀"]) assert.ok(hueOf(id) >= 0 && hueOf(id) < 360);
});
