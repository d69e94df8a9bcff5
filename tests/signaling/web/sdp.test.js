import assert from "node:assert/strict";
import test from "node:test";

import { iceCredentials, restartedAnswer, trickleFragment, withStereo } from "../../../signaling/web/sdp.js";

const crlf = (...lines) => `${lines.join("\r\n")}\r\n`;

const OFFER = crlf(
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789012345678901",
  "a=mid:0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789012345678901",
  "a=mid:1",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
);

const ANSWER = crlf(
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=ice-lite",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:old1",
  "a=ice-pwd:oldoldoldoldoldoldoldo",
  "a=mid:0",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
  "a=end-of-candidates",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:old1",
  "a=ice-pwd:oldoldoldoldoldoldoldo",
  "a=mid:1",
);

test("a fragment names the first section, its credentials and its candidates", () => {
  const candidate = "candidate:7 1 udp 2122260223 192.0.2.9 40000 typ host";
  assert.equal(
    trickleFragment(OFFER, [candidate], true),
    crlf(
      "a=group:BUNDLE 0 1",
      "m=video 9 UDP/TLS/RTP/SAVPF 96",
      "a=mid:0",
      "a=ice-ufrag:abcd",
      "a=ice-pwd:0123456789012345678901",
      `a=${candidate}`,
      "a=end-of-candidates",
    ),
  );
});

test("gathering that goes on is not called complete", () => {
  assert.ok(!trickleFragment(OFFER, [], false).includes("end-of-candidates"));
});

test("an offer without ICE is refused rather than sent as half a fragment", () => {
  assert.throws(() => trickleFragment("v=0\r\n", [], false), /no media section/);
});

test("a restart changes credentials everywhere and replaces the candidates", () => {
  const fragment = crlf(
    "a=ice-lite",
    "m=video 9 UDP/TLS/RTP/SAVPF 0",
    "a=mid:0",
    "a=ice-ufrag:new1",
    "a=ice-pwd:newnewnewnewnewnewnewn",
    "a=candidate:1 1 udp 2130706431 192.0.2.2 5001 typ host",
    "a=candidate:2 1 tcp 1518214911 192.0.2.2 5001 typ host tcptype passive",
    "a=end-of-candidates",
  );
  const answer = restartedAnswer(ANSWER, fragment);
  assert.equal(answer.match(/a=ice-ufrag:new1\r\n/g).length, 2);
  assert.equal(answer.match(/a=ice-pwd:newnewnewnewnewnewnewn\r\n/g).length, 2);
  assert.deepEqual(
    answer.match(/^a=candidate:[^\r\n]*/gm),
    fragment.match(/^a=candidate:[^\r\n]*/gm),
  );
  assert.ok(!/old|192\.0\.2\.1 /.test(answer));
});

test("new candidates stand among the first section's attributes, after its c= line", () => {
  const fragment = crlf("a=ice-ufrag:new1", "a=ice-pwd:newnewnewnewnewnewnewn", "a=candidate:1 1 udp 1 192.0.2.2 5001 typ host");
  const lines = restartedAnswer(ANSWER, fragment).split("\r\n");
  const at = lines.findIndex((line) => line.startsWith("a=candidate:"));
  assert.ok(at > lines.indexOf("c=IN IP4 0.0.0.0"));
  assert.ok(at < lines.findIndex((line) => line.startsWith("m=audio")));
});

test("a fragment without candidates keeps the old ones", () => {
  const answer = restartedAnswer(ANSWER, crlf("a=ice-ufrag:new1", "a=ice-pwd:newnewnewnewnewnewnewn"));
  assert.ok(answer.includes("192.0.2.1 5000"));
});

test("a fragment without credentials is an error", () => {
  assert.throws(() => restartedAnswer(ANSWER, "a=ice-lite\r\n"), /no ICE credentials/);
  assert.equal(iceCredentials("a=ice-ufrag:x\r\n"), null);
});

test("stereo is announced for Opus once", () => {
  const stereo = withStereo(OFFER);
  assert.match(stereo, /^a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r$/m);
  assert.equal(withStereo(stereo), stereo);
  assert.equal(withStereo("v=0\r\n"), "v=0\r\n");
});
