// The Link header (RFC 8288), as far as WHIP and WHEP use it.

/**
 * Split a Link header into its links. `fetch` joins several headers with a comma, so commas
 * inside <...> and "..." must not split.
 *
 * @param {string|null} header
 * @returns {{target: string, params: Record<string, string>}[]}
 */
export function parseLinks(header) {
  const links = [];
  for (const part of splitOutside(header ?? "", ",")) {
    const match = /^\s*<([^>]*)>\s*(.*)$/s.exec(part);
    if (!match) continue;
    const params = {};
    for (const piece of splitOutside(match[2], ";")) {
      const pair = /^\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))\s*$/s.exec(piece);
      if (pair) params[pair[1].toLowerCase()] = (pair[2] ?? pair[3]).replace(/\\(.)/gs, "$1");
    }
    links.push({ target: match[1], params });
  }
  return links;
}

/** The ICE servers among the links (RFC 9725 section 4.6), as RTCPeerConnection wants them. */
export function iceServers(header) {
  const servers = [];
  for (const { target, params } of parseLinks(header)) {
    if (!(params.rel ?? "").split(/\s+/).includes("ice-server")) continue;
    if (!/^(stun|stuns|turn|turns):/i.test(target)) continue;
    const server = { urls: target };
    if (params.username !== undefined) server.username = params.username;
    if (params.credential !== undefined) server.credential = params.credential;
    servers.push(server);
  }
  return servers;
}

function splitOutside(text, separator) {
  const parts = [];
  let start = 0;
  let quoted = false;
  let angled = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "<") angled = true;
    else if (char === ">") angled = false;
    else if (char === separator && !angled) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.filter((part) => part.trim() !== "");
}
