"""What all caption files that people hand in must keep to, before anything of them is believed.

An error says the line and what to do about it. What can be mended without a guess is mended:
cues are put in order, and one that is still there when the next begins ends then.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from recorder.captions.cues import Cue

MOST_BYTES: Final = 2 << 20
MOST_CUES: Final = 50_000
MOST_LINE: Final = 2_000
"""Characters of a line."""
MOST_TEXT: Final = 2_000
"""Characters of what is shown at one time."""
MOST_HOURS: Final = 99

TIME: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,3})[.,](\d{1,3})", re.ASCII)
ARROW: Final = "-->"

UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableCaptions(Exception):
    """The file is not taken. The text names the line and what to do."""

    def __init__(self, line: int, problem: str) -> None:
        """`line` from 1; 0: it is the file as a whole."""
        super().__init__(f"Line {line}: {problem}" if line else problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Block:
    """Lines between empty ones."""

    line: int
    """Number of the first one."""
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A cue and where in the file it stood."""

    line: int
    cue: Cue


def blocks(data: bytes) -> list[Block]:
    """The file's text. Raises UnreadableCaptions."""
    found: list[Block] = []
    block: list[str] = []
    number = 0
    for number, line in enumerate(_lines(data), start=1):
        if "\0" in line:
            raise UnreadableCaptions(number, "it holds a NUL character. Remove it.")
        if len(line) > MOST_LINE:
            raise UnreadableCaptions(
                number, f"it has {len(line)} characters; {MOST_LINE} are the most. Divide it."
            )
        if line.strip():
            block.append(line)
        elif block:
            found.append(Block(number - len(block), tuple(block)))
            block = []
    if block:
        found.append(Block(number - len(block) + 1, tuple(block)))
    return found


def times(line: str, number: int, example: str) -> tuple[int, int]:
    """Both times of a line with an arrow, in milliseconds. Raises UnreadableCaptions."""
    begin, _, rest = line.partition(ARROW)
    end = (rest.split(maxsplit=1) or [""])[0]
    from_ms, to_ms = time_of(begin.strip(), number, example), time_of(end, number, example)
    if to_ms <= from_ms:
        raise UnreadableCaptions(
            number, "the caption ends before it begins. Put a later time behind the arrow."
        )
    return from_ms, to_ms


def time_of(text: str, number: int, example: str) -> int:
    """A time in milliseconds. Raises UnreadableCaptions."""
    found = TIME.fullmatch(text)
    if found is None:
        raise UnreadableCaptions(number, f"{text[:20]!r} is no time. Write it as {example}.")
    hours, minutes, seconds = (int(one or 0) for one in found.groups()[:3])
    if minutes > 59 or seconds > 59:
        raise UnreadableCaptions(
            number, f"{text!r} has more than 59 minutes or seconds. Write it as {example}."
        )
    if hours > MOST_HOURS:
        raise UnreadableCaptions(number, f"{text!r} is too late: {MOST_HOURS} hours are the most.")
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + int(found[4].ljust(3, "0"))


def in_order(found: Sequence[Placed]) -> list[Cue]:
    """Cues one after the other. Raises UnreadableCaptions where too much is there at once."""
    if len(found) > MOST_CUES:
        raise UnreadableCaptions(
            found[MOST_CUES].line, f"{MOST_CUES} captions are the most. Divide the file."
        )
    ordered: list[Cue] = []
    for placed in sorted(found, key=lambda one: one.cue.from_ms):
        cue = placed.cue
        before = ordered[-1] if ordered else None
        if before is not None and before.from_ms == cue.from_ms:
            cue = _together(ordered.pop(), cue)
        elif before is not None and before.to_ms > cue.from_ms:
            ordered[-1] = Cue(before.from_ms, cue.from_ms, before.text, before.styles)
        if len(cue.text) > MOST_TEXT:
            raise UnreadableCaptions(
                placed.line,
                f"more than {MOST_TEXT} characters are shown at one time. Divide the caption.",
            )
        ordered.append(cue)
    return ordered


def _lines(data: bytes) -> list[str]:
    if len(data) > MOST_BYTES:
        raise UnreadableCaptions(
            0,
            f"The file has {len(data) / (1 << 20):.1f} MiB; {MOST_BYTES >> 20} MiB are the most.",
        )
    if data.startswith(UTF16):
        raise UnreadableCaptions(0, "The file is UTF-16. Save it as UTF-8.")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\n|\r", data[: error.start])) + 1
        raise UnreadableCaptions(line, "it is not UTF-8. Save the file as UTF-8.") from error
    return re.split(r"\r\n|\n|\r", text)


def _together(first: Cue, second: Cue) -> Cue:
    """Two that begin at the same time become one."""
    shift = len(first.text) + 1
    moved = (type(one)(one.tag, one.start + shift, one.end + shift) for one in second.styles)
    return Cue(
        first.from_ms,
        max(first.to_ms, second.to_ms),
        f"{first.text}\n{second.text}",
        (*first.styles, *moved),
    )
