"""A message's text in typed parts."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.parts import (
    EmotePart,
    LinkPart,
    MentionPart,
    Part,
    TextPart,
    has_link,
    only_emotes,
    split,
)
from chat.people import UserId

EMOTES = {"heart": "❤️", "fire": "🔥"}


def known(name: str) -> tuple[UserId, str] | None:
    return (UserId("u7"), "Ana") if name.casefold() == "ana" else None


def parts(text: str) -> list[Part]:
    return split(text, EMOTES, known)


def test_plain_text_is_one_part() -> None:
    assert parts("hello: you @ there") == [TextPart("hello: you @ there")]


def test_emotes_that_exist_are_parts() -> None:
    assert parts("so :heart::fire: :none:") == [
        TextPart("so "), EmotePart("heart"), EmotePart("fire"), TextPart(" :none:"),
    ]  # fmt: skip


def test_a_colon_too_many_does_not_hide_an_emote() -> None:
    assert parts(":x:heart:") == [TextPart(":x"), EmotePart("heart")]


def test_a_mention_carries_the_users_id_and_name() -> None:
    assert parts("hi @ana, @ben") == [TextPart("hi "), MentionPart(UserId("u7"), "Ana"),
                                      TextPart(", @ben")]  # fmt: skip
    assert parts("@ana.") == [MentionPart(UserId("u7"), "Ana"), TextPart(".")]


def test_what_makes_an_entry_long_is_bounded() -> None:
    found = parts("@ana " * 12 + "https://x.org " * 7 + ":heart:" * 50)
    kinds = [type(part) for part in found]
    assert kinds.count(MentionPart) == 10
    assert kinds.count(LinkPart) == 5
    assert kinds.count(EmotePart) == 50


def test_a_mail_address_is_no_mention() -> None:
    assert parts("me@ana") == [TextPart("me@ana")]


@pytest.mark.parametrize(
    ("text", "address", "rest"),
    [
        ("https://example.org", "https://example.org", ""),
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d", ""),
        ("https://example.org/a.", "https://example.org/a", "."),
        ("https://example.org/a_(b)", "https://example.org/a_(b)", ""),
        ("https://example.org/a),", "https://example.org/a", "),"),
        ("https://ex\u0430mple.org/", "https://xn--exmple-4nf.org/", ""),
        ("https://EXAMPLE.org:8443/x", "https://example.org:8443/x", ""),
    ],
)
def test_a_link_says_where_it_leads(text: str, address: str, rest: str) -> None:
    assert parts(text) == [LinkPart(address), *([TextPart(rest)] if rest else [])]


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "https://localhost/",
        "https://google.com@evil.example/",
        "https://a:b@evil.example/",
        "https://[::1/",
        "https://example.org:99999/",
        "http://example.org/",
        "javascript://example.org/%0aalert(1)",
        "xhttps://example.org/",
        "https://example.org/" + "a" * 1_000,
        "https://..",
    ],
)
def test_what_is_no_plain_https_address_stays_text(text: str) -> None:
    assert parts(text) == [TextPart(text)]


def test_html_stays_text() -> None:
    text = "<img src=x onerror=alert(1)>&lt;"
    assert parts(text) == [TextPart(text)]


@pytest.mark.parametrize(
    "text", [":heart:", ":heart: :fire:", "🔥🔥 👩‍👩‍👧‍👦", "1️⃣", "👍🏽 :heart:"]
)
def test_emotes_and_emoji_are_only_emotes(text: str) -> None:
    assert only_emotes(parts(text))


@pytest.mark.parametrize("text", ["hi", ":heart: 1", "@ana", ":none:", "🔥!"])
def test_others_are_not(text: str) -> None:
    assert not only_emotes(parts(text))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org",
        "HTTP://x",
        "see example.com",
        "twitch.tv/me",
        "evil.zip/x",
        "sub.domain.co.uk",
        "\u043f\u0440\u0438\u043c\u0435\u0440.com",
        "(example.org)",
    ],
)
def test_what_could_be_followed_is_a_link(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text", ["hello. there", "Great.Thanks", "3.5", "e.g. this", "a...b", "v1.2"]
)
def test_ordinary_sentences_are_none(text: str) -> None:
    assert not has_link(text)


@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from([":heart:", "@ana", "@", ":", "https://x.org/", "https://", " ", ")"]),
        ),
        max_size=12,
    ).map("".join)
)
def test_nothing_is_lost_or_said_twice(text: str) -> None:
    found = parts(text)
    shown = "".join(
        {"text": "{v}", "emote": ":{v}:", "mention": "@{n}", "link": "{v}"}[tag(part)].format(
            **msgspec.structs.asdict(part)
        )
        for part in found
    )
    if not any(isinstance(part, LinkPart) for part in found):
        assert shown.casefold() == text.casefold()
    for one, other in pairwise(found):
        assert not (isinstance(one, TextPart) and isinstance(other, TextPart))
    encoded = msgspec.json.encode(found)
    assert msgspec.json.decode(encoded, type=list[Part]) == found


def tag(part: Part) -> str:
    return str(part.__struct_config__.tag)
