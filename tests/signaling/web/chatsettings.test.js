import assert from "node:assert/strict";
import test from "node:test";

import { recalledLook } from "../../../signaling/web/chatsettings.js";

const DEFAULTS = { size: "middle", times: false, hearts: true };
const storage = (text) => ({ getItem: () => text, removeItem: () => {} });

for (const text of [null, "", "{", "null", "7", '{"size":"toString"}', '{"times":"yes"}']) {
  test(`${text} is read as the defaults`, () => assert.deepEqual(recalledLook(storage(text)), DEFAULTS));
}

test("what was chosen comes back", () => {
  const chosen = { size: "large", times: true, hearts: false };
  assert.deepEqual(recalledLook(storage(JSON.stringify(chosen))), chosen);
});
