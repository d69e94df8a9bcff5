"""Cheap checks of an SDP offer before the media plane sees it.

One pass over the lines; every refusal names the line. What only a WebRTC stack can judge
(codecs, fingerprints, simulcast) is left to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sfu.engine import IceCredentials
from sluice.config import LimitsConfig
from sluice.errors import Problem

MAX_PAYLOAD_TYPE = 127
_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_DIRECTIONS = {"a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that may go to the engine."""

    text: str
    ice: IceCredentials
    """The client's credentials, by which a later PATCH is told from an ICE restart."""
    mids: tuple[str, ...]
    kind: str
    """Of the first media section: `audio`, `video` or `application`."""


@dataclass(slots=True)
class _Section:
    line: int
    kind: str
    direction: str


def check_offer(body: bytes, role: Literal["publisher", "viewer"], limits: LimitsConfig) -> Offer:
    """Raises Problem `offer-malformed` (400), `offer-limit` or `offer-unsupported` (422)."""
    text = decode(body, "offer-malformed")
    sections: list[_Section] = []
    mids: list[str] = []
    ufrag = pwd = ""
    fingerprint = False
    candidates = 0
    session_direction = "a=sendrecv"
    for number, line in lines_of(text, limits.sdp_lines, "offer-malformed"):
        if number == 1 and line != "v=0":
            raise _malformed("An offer must begin with v=0.", number)
        if line.startswith("m="):
            if len(sections) >= limits.sdp_media_sections:
                raise Problem(
                    "offer-limit",
                    f"Line {number}: more than {limits.sdp_media_sections} media sections.",
                    line=number,
                )
            sections.append(_section(line, number, session_direction))
        elif not line.startswith("a="):
            continue
        elif line in _DIRECTIONS:
            if sections:
                sections[-1].direction = line
            else:
                session_direction = line
        elif line.startswith("a=candidate:"):
            candidates += 1
            if candidates > limits.sdp_candidates:
                raise Problem(
                    "offer-limit",
                    f"Line {number}: more than {limits.sdp_candidates} candidates.",
                    line=number,
                )
        elif line.startswith("a=mid:"):
            mids.append(line.removeprefix("a=mid:"))
        elif line.startswith("a=ice-ufrag:"):
            ufrag = ufrag or _credential(line, "a=ice-ufrag:", _UFRAG, number)
        elif line.startswith("a=ice-pwd:"):
            pwd = pwd or _credential(line, "a=ice-pwd:", _PWD, number)
        elif line.startswith("a=fingerprint:"):
            fingerprint = True
        elif line.startswith(("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")):
            payload = line.partition(":")[2].partition(" ")[0]
            if not (payload == "*" and line.startswith("a=rtcp-fb:")):
                _check_payload(payload, number)
    if not sections:
        raise _malformed("The offer has no m= line.", None)
    if not ufrag or not pwd:
        raise _malformed("The offer has no a=ice-ufrag and a=ice-pwd.", None)
    if not fingerprint:
        raise _malformed("The offer has no a=fingerprint.", None)
    _check_direction(sections, role)
    return Offer(text, IceCredentials(ufrag, pwd), tuple(mids), sections[0].kind)


def decode(body: bytes, code: str) -> str:
    """UTF-8 text that is not empty; Problem `code` otherwise."""
    if not body.strip():
        raise Problem(code, "The body is empty.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Problem(code, f"Line {line}: the body is not UTF-8.", line=line) from None


def lines_of(text: str, limit: int, code: str) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line; CRLF and LF are both taken."""
    rows = text.rstrip("\r\n").split("\n")
    if len(rows) > limit:
        raise Problem(code, f"Line {limit + 1}: more than {limit} lines.", line=limit + 1)
    for number, row in enumerate(rows, start=1):
        line = row.removesuffix("\r")
        if not _LINE.fullmatch(line):
            shown = ascii(line[:40])
            raise Problem(
                code, f"Line {number}: {shown} is not of the form <letter>=<text>.", line=number
            )
        yield number, line


def _section(line: str, number: int, direction: str) -> _Section:
    parts = line.removeprefix("m=").split(" ")
    if len(parts) < 4 or not parts[1].partition("/")[0].isdecimal():
        raise _malformed("An m= line has media, port, protocol and formats.", number)
    kind, _, protocol, *formats = parts
    if "RTP/" in protocol:
        for payload in formats:
            _check_payload(payload, number)
    return _Section(number, kind, direction)


def _check_payload(payload: str, number: int) -> None:
    # isdecimal takes digits of other scripts too, and int() a thousand of them.
    if not (payload.isascii() and payload.isdecimal() and len(payload) <= 3):
        raise _malformed(f"{payload[:20]!a} is no payload type.", number)
    if int(payload) > MAX_PAYLOAD_TYPE:
        raise _malformed(f"payload type {payload} is over {MAX_PAYLOAD_TYPE}.", number)


def _credential(line: str, prefix: str, pattern: re.Pattern[str], number: int) -> str:
    value = line.removeprefix(prefix)
    if not pattern.fullmatch(value):
        raise _malformed(f"{prefix} has wrong signs or length (RFC 8839 section 5.4).", number)
    return value


def _check_direction(sections: list[_Section], role: Literal["publisher", "viewer"]) -> None:
    media = [section for section in sections if section.kind in ("audio", "video")]
    if not media:
        raise Problem("offer-unsupported", "The offer has neither audio nor video.")
    wanted = "a=sendonly" if role == "publisher" else "a=recvonly"
    if not any(section.direction in (wanted, "a=sendrecv") for section in media):
        raise Problem(
            "offer-unsupported",
            f"Line {media[0].line}: no section is {wanted.removeprefix('a=')}, "
            f"which a {role} must offer.",
            line=media[0].line,
        )


def _malformed(detail: str, line: int | None) -> Problem:
    where = f"Line {line}: " if line is not None else ""
    return Problem("offer-malformed", where + detail, line=line)
