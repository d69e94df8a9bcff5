// The few things this side reads and writes in SDP. Everything else is the browser's business.

/**
 * A trickle fragment (RFC 8840, as RFC 9725 section 4.3 sends it) for the first media section:
 * with max-bundle there is one transport and it is that section's.
 *
 * @param {string} offer the local description the candidates belong to
 * @param {string[]} candidates each as `candidate:...`
 * @param {boolean} complete whether gathering has ended
 */
export function trickleFragment(offer, candidates, complete) {
  const credentials = iceCredentials(offer);
  const group = /^a=group:BUNDLE[^\r\n]*/m.exec(offer)?.[0];
  const media = /^m=[^\r\n]*/m.exec(offer)?.[0];
  const mid = /^a=mid:[^\r\n]*/m.exec(offer)?.[0];
  if (!credentials || !media || !mid) throw new Error("the offer has no media section with ICE");
  const lines = group ? [group] : [];
  lines.push(media, mid);
  lines.push(`a=ice-ufrag:${credentials.ufrag}`, `a=ice-pwd:${credentials.pwd}`);
  for (const candidate of candidates) lines.push(`a=${candidate}`);
  if (complete) lines.push("a=end-of-candidates");
  return `${lines.join("\r\n")}\r\n`;
}

/**
 * The answer to an ICE restart: the first answer with the fragment's credentials in every
 * section, and its candidates (when it brings any) in place of the old ones.
 */
export function restartedAnswer(answer, fragment) {
  const credentials = iceCredentials(fragment);
  if (!credentials) throw new Error("the server's fragment has no ICE credentials");
  const fresh = fragment.match(/^a=candidate:[^\r\n]*/gm) ?? [];
  const stale = fresh.length > 0 ? /^a=(candidate:|end-of-candidates)/ : /^$/;
  const lines = [];
  let inMedia = false;
  for (const line of answer.split(/\r?\n/)) {
    if (line === "" || stale.test(line)) continue;
    if (line.startsWith("a=ice-ufrag:")) lines.push(`a=ice-ufrag:${credentials.ufrag}`);
    else if (line.startsWith("a=ice-pwd:")) lines.push(`a=ice-pwd:${credentials.pwd}`);
    else lines.push(line);
    inMedia ||= line.startsWith("m=");
    // c= and b= stand between m= and the attributes, so candidates wait for the first attribute.
    if (inMedia && line.startsWith("a=")) lines.push(...fresh.splice(0));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** The first ICE credentials in a description or fragment, or null. */
export function iceCredentials(sdp) {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  return ufrag && pwd ? { ufrag, pwd } : null;
}

/**
 * Announce that stereo is welcome. Browsers play Opus in mono unless the receiver's fmtp says
 * `stereo=1` (RFC 7587 section 6.1), and no API sets it.
 */
export function withStereo(sdp) {
  const payload = /^a=rtpmap:(\d+) opus\/48000\/2/im.exec(sdp)?.[1];
  if (!payload) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${payload} )([^\\r\\n]*)`, "m"), (line, head, params) =>
    /(^|;)\s*stereo=/.test(params) ? line : `${head}${params};stereo=1`,
  );
}
