"""A message's text in typed parts, so that no client has to look for anything in it.

Emotes are written `:name:`, people `@name`, links as they are, with `https://`. Everything else
is text, `http://` and bare host names included: those are found only to be refused where the
room takes no links.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

import regex
from msgspec import Struct
from yarl import URL

from chat.people import UserId


class TextPart(Struct, frozen=True, tag_field="t", tag="text"):
    v: str


class EmotePart(Struct, frozen=True, tag_field="t", tag="emote"):
    v: str
    """The emote's name."""


class MentionPart(Struct, frozen=True, tag_field="t", tag="mention"):
    v: str
    """The user's id."""
    n: str
    """The name, as the user writes it."""


class LinkPart(Struct, frozen=True, tag_field="t", tag="link"):
    v: str
    """An https address, its host in ASCII: what is shown is where it leads."""


Part = TextPart | EmotePart | MentionPart | LinkPart
Known = Callable[[str], tuple[UserId, str] | None]
"""Who has this name, and how the name is written."""


def split(text: str, emotes: Container[str], known: Known) -> list[Part]:
    """The whole text, in order; text parts never follow each other."""
    parts: list[Part] = []
    begin = look = 0
    left = dict(_MOST)
    while (found := _PART.search(text, look)) is not None:
        kind = found.lastgroup or ""
        part, length = _part(found[0], kind, emotes, known) if left[kind] else (None, 0)
        if part is None:
            look = found.start() + 1
            continue
        left[kind] -= 1
        if begin < found.start():
            parts.append(TextPart(text[begin : found.start()]))
        parts.append(part)
        begin = look = found.start() + length
    if begin < len(text):
        parts.append(TextPart(text[begin:]))
    return parts


def only_emotes(parts: list[Part]) -> bool:
    """Nothing but emotes, emoji and spaces."""
    return all(
        isinstance(part, EmotePart) or (isinstance(part, TextPart) and _EMOJI.fullmatch(part.v))
        for part in parts
    )


def has_link(text: str) -> bool:
    """Whether somebody could follow it to elsewhere, also by typing it."""
    return ("." in text or "://" in text) and _LINKLIKE.search(text) is not None


LONGEST_LINK: Final = 1_000
_MOST: Final = {"emote": 200, "mention": 10, "link": 5}
"""Of one message; the rest stays text. Names and addresses may be much longer than they are
written, and an entry must fit into a batch."""
_PART: Final = regex.compile(
    r"(?P<emote>:[a-z0-9_]{1,24}:)"
    r"|(?P<mention>(?<![\p{L}\p{N}_.])@[\p{L}\p{M}\p{N}_.-]{1,64})"
    r"|(?P<link>(?<![\p{L}\p{N}])https://[^\s<>\"'`\\{}|^]+)"
)
_EMOJI: Final = regex.compile(
    r"(?:\s|[\p{Emoji_Presentation}\p{Extended_Pictographic}\p{Emoji_Modifier}"
    r"\p{Regional_Indicator}\u200d\ufe0f\U000E0020-\U000E007F]|[0-9#*]\ufe0f?\u20e3)*"
)
_TOP_LEVEL: Final = (
    "com|net|org|io|tv|gg|me|co|uk|de|fr|es|it|nl|pl|ru|ua|se|eu|us|ca|au|br|jp|cn|in|info|biz"
    "|app|dev|xyz|link|live|site|online|shop|store|top|club|stream|ly|to|cc|ai"
)
_LINKLIKE: Final = regex.compile(
    rf"https?://\S|(?<![\p{{L}}\p{{N}}@-])(?:[\p{{L}}\p{{N}}-]+\.)+(?:{_TOP_LEVEL})(?![\p{{L}}\p{{N}}])"
    r"|(?<![\p{L}\p{N}@-])(?:[\p{L}\p{N}-]+\.)+\p{L}{2,24}[/:?]\S",
    flags=regex.IGNORECASE,
)
_TRAILING: Final = ".,;:!?…"
"""At the end of an address they belong to the sentence."""


def _part(text: str, kind: str, emotes: Container[str], known: Known) -> tuple[Part | None, int]:
    """What it is, and how much of the text."""
    if kind == "emote":
        return (EmotePart(text[1:-1]) if text[1:-1] in emotes else None), len(text)
    if kind == "mention":
        for written in (text, text.rstrip("_.-")):
            if (person := known(written[1:])) is not None:
                return MentionPart(*person), len(written)
        return None, 0
    written = _without_sentence(text)
    address = _address(written)
    return (None if address is None else LinkPart(address)), len(written)


def _without_sentence(written: str) -> str:
    while written[-1] in _TRAILING or (
        written[-1] == ")" and written.count(")") > written.count("(")
    ):
        written = written[:-1]
    return written


def _address(written: str) -> str | None:
    """The address with its host in ASCII; None where it is none, or hides where it leads."""
    try:
        url = URL(written)
        address = str(url)
    except ValueError:
        return None
    plain = url.scheme == "https" and url.user is None and url.password is None
    if not plain or "." not in (url.raw_host or "") or len(address) > LONGEST_LINK:
        return None
    return address
