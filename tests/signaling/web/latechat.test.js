// When the chat is brought, and what of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { mayCome, MODULES, restMs } from "../../../signaling/web/latechat.js";

const WEB = new URL("../../../signaling/web/", import.meta.url);

function importsOf(name) {
  const text = readFileSync(new URL(`${name}.js`, WEB), "utf8");
  return [...text.matchAll(/^(?:import|export)[^;]* from "\.\/(\w+)\.js";/gms)].map(([, found]) => found);
}

function reached(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const next of importsOf(name)) reached(next, found);
  return found;
}

test("the list is all that the chat needs and the page has not, what others need first", () => {
  const has = reached("watch");
  const lacks = [...reached("watchchat")].filter((name) => !has.has(name));
  assert.deepEqual([...MODULES].sort(), lacks.sort());
  for (const [at, name] of MODULES.entries()) {
    const later = importsOf(name).filter((one) => MODULES.indexOf(one) > at);
    assert.deepEqual(later, [], `${name} needs what comes after it`);
  }
});

test("the picture has its turn first, and where there is none nothing is waited for", () => {
  assert.equal(mayCome("playing", 2999), false);
  assert.equal(mayCome("playing", 3000), true);
  assert.equal(mayCome("connecting", 60_000), false);
  for (const state of ["idle", "offline", "failed"]) assert.equal(mayCome(state, 1000), true, state);
});

test("the line is left alone for three times as long as it was taken", () => {
  assert.equal(restMs(40), 120);
  assert.equal(restMs(60_000), 3000);
});
