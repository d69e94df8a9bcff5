"""SDP fragments (RFC 8840 section 9): what a PATCH brings, and what an ICE restart answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sfu.engine import IceCredentials
from signaling.offer import decode, lines_of
from sluice.config import LimitsConfig
from sluice.errors import Problem

MEDIA_TYPE = "application/trickle-ice-sdpfrag"
_CODE = "fragment-malformed"
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]{4,256}")
_CANDIDATE = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} [12] (udp|tcp) \d{1,10} [0-9A-Za-z.:-]{1,255} \d{1,5} typ"
    r" (host|srflx|prflx|relay)( .*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A parsed fragment."""

    ice: IceCredentials | None
    """The client's credentials, when the fragment names them."""
    candidates: tuple[str, ...]
    """Each as `candidate:...`. Not checked for use: see `usable`."""
    complete: bool
    """The client has no more candidates."""


def parse_fragment(body: bytes, mids: Sequence[str], limits: LimitsConfig) -> Fragment:
    """Read a PATCH body. Raises Problem `fragment-malformed` with the line."""
    text = decode(body, _CODE)
    ufrag = pwd = ""
    candidates: list[str] = []
    complete = False
    sections = 0
    for number, line in lines_of(text, limits.sdp_lines, _CODE):
        if line.startswith("m="):
            # Some clients send a dummy m-line, so only their number is looked at.
            sections += 1
            if sections > limits.sdp_media_sections:
                raise _malformed(f"more than {limits.sdp_media_sections} media sections.", number)
        elif line.startswith("a=mid:"):
            mid = line.removeprefix("a=mid:")
            if mids and mid not in mids:
                raise _malformed(f"the offer has no section {mid[:40]!a}.", number)
        elif line.startswith("a=ice-ufrag:"):
            ufrag = ufrag or _ice(line, number)
        elif line.startswith("a=ice-pwd:"):
            pwd = pwd or _ice(line, number)
        elif line.startswith("a=candidate:"):
            candidates.append(line.removeprefix("a="))
            if len(candidates) > limits.sdp_candidates:
                raise _malformed(f"more than {limits.sdp_candidates} candidates.", number)
        elif line == "a=end-of-candidates":
            complete = True
    if bool(ufrag) != bool(pwd):
        raise Problem(_CODE, "a=ice-ufrag and a=ice-pwd belong together.")
    if pwd and len(pwd) < 22:
        raise Problem(_CODE, "a=ice-pwd is shorter than 22 signs (RFC 8839 section 5.4).")
    return Fragment(IceCredentials(ufrag, pwd) if ufrag else None, tuple(candidates), complete)


def usable(candidate: str) -> bool:
    """Whether the engine should look at it; hidden `.local` names cannot be resolved here."""
    found = _CANDIDATE.fullmatch(candidate)
    return found is not None and not candidate.split(" ")[4].lower().endswith(".local")


def restart_answer(ice: IceCredentials, mid: str, kind: str, addresses: Sequence[str]) -> str:
    """The fragment that answers an ICE restart (RFC 9725 section 4.3.3).

    `addresses` are transport addresses such as `udp:192.0.2.1:5000` or `tcp:[2001:db8::1]:5000`.
    """
    form = "UDP/DTLS/SCTP webrtc-datachannel" if kind == "application" else "UDP/TLS/RTP/SAVPF 0"
    lines = [
        "a=ice-lite",
        "a=ice-options:ice2 trickle",
        f"m={kind} 9 {form}",
        f"a=mid:{mid}",
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.pwd}",
        *(_candidate(number, address) for number, address in enumerate(addresses, start=1)),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"


def _candidate(number: int, address: str) -> str:
    transport, _, rest = address.partition(":")
    host, _, port = rest.rpartition(":")
    host = host.strip("[]")
    # RFC 8445 section 5.1.2.1 with type preference 126, and 90 for TCP (RFC 6544 section 4.2).
    local = 65535 - number
    if transport == "tcp":
        priority = (90 << 24) + (local << 8) + 255
        return f"a=candidate:{number} 1 tcp {priority} {host} {port} typ host tcptype passive"
    priority = (126 << 24) + (local << 8) + 255
    return f"a=candidate:{number} 1 udp {priority} {host} {port} typ host"


def _ice(line: str, number: int) -> str:
    value = line.partition(":")[2]
    if not _ICE_CHARS.fullmatch(value):
        raise _malformed("ICE credentials are 4 to 256 of A-Z a-z 0-9 + /.", number)
    return value


def _malformed(detail: str, line: int) -> Problem:
    return Problem(_CODE, f"Line {line}: {detail}", line=line)
