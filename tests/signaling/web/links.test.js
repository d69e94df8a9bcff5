import assert from "node:assert/strict";
import test from "node:test";

import { iceServers, parseLinks } from "../../../signaling/web/links.js";

test("headers that fetch joined with commas come apart again", () => {
  const header =
    '<stun:stun.example.net>; rel="ice-server", ' +
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="17:a"; credential="x,y;z="; credential-type="password"';
  assert.deepEqual(iceServers(header), [
    { urls: "stun:stun.example.net" },
    { urls: "turn:turn.example.net?transport=udp", username: "17:a", credential: "x,y;z=" },
  ]);
});

test("other links and other schemes are no ICE servers", () => {
  const header =
    '</whep/demo/1/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive", ' +
    '<https://example.net>; rel="ice-server"';
  assert.deepEqual(iceServers(header), []);
  assert.equal(parseLinks(header)[0].params.events, "active,inactive");
});

test("quoted quotes are unescaped and unquoted values are taken", () => {
  assert.deepEqual(parseLinks('<turn:t>; rel=ice-server; credential="a\\"b"'), [
    { target: "turn:t", params: { rel: "ice-server", credential: 'a"b' } },
  ]);
});

test("nothing comes out of nothing or of rubbish", () => {
  assert.deepEqual(parseLinks(null), []);
  assert.deepEqual(parseLinks("no link, none; at all"), []);
});
