"""Signed path prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.signed import Signer, expiry, split
from sluice.ids import CHANNEL_PATTERN

SECRET = b"0123456789abcdef0123456789abcdef"
NOW_S = 1_790_000_000
SIGNER = Signer(SECRET)

channels = st.from_regex(CHANNEL_PATTERN, fullmatch=True)
times = st.integers(min_value=1, max_value=10**12 - 1)


def test_an_address_opens_its_channel_until_it_expires() -> None:
    grant, rest = split(SIGNER.address("lina", NOW_S + 60) + "source/index.m3u8")
    assert rest == "/live/lina/source/index.m3u8"
    assert grant is not None
    assert SIGNER.verify(grant, "lina", NOW_S)
    assert SIGNER.verify(grant, "lina", NOW_S + 59.9)
    assert not SIGNER.verify(grant, "lina", NOW_S + 60)


def test_it_opens_no_other_channel() -> None:
    grant = SIGNER.grant("lina", NOW_S + 60)
    assert not SIGNER.verify(grant, "lin", NOW_S)
    assert not SIGNER.verify(grant, "lina2", NOW_S)


def test_another_secret_signs_another_way() -> None:
    assert not Signer(SECRET[::-1]).verify(SIGNER.grant("lina", NOW_S + 60), "lina", NOW_S)


def test_the_header_and_the_path_carry_the_same_grant() -> None:
    prefix = SIGNER.prefix("lina", NOW_S + 60)
    assert prefix == "~" + SIGNER.grant("lina", NOW_S + 60)
    assert SIGNER.verify(prefix, "lina", NOW_S)


def test_an_address_stays_short_and_plain() -> None:
    prefix = SIGNER.prefix("lina", NOW_S)
    assert len(prefix) == 34
    assert prefix.strip("~.-_").replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize(
    "damaged",
    ["", "~", "x", "1790000060", "1790000060.", ".abc", "01790000060.{}", "+1790000060.{}"],
)
def test_what_is_no_grant_opens_nothing(damaged: str) -> None:
    text = damaged.format(SIGNER.grant("lina", NOW_S + 60).partition(".")[2])
    assert not SIGNER.verify(text, "lina", NOW_S)
    assert expiry(text) is None


def test_spare_bits_at_the_end_of_the_signature_are_no_second_spelling() -> None:
    """22 signs carry 132 bits: the last sign has four spellings, of which one is ours."""
    grant = SIGNER.grant("lina", NOW_S + 60)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [grant[:-1] + sign for sign in alphabet]
    assert [one for one in spellings if SIGNER.verify(one, "lina", NOW_S)] == [grant]


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(b"short")


@pytest.mark.parametrize("expires_s", [0, -1, 10**12])
def test_a_time_that_is_none_is_refused(expires_s: int) -> None:
    with pytest.raises(ValueError, match="Unix seconds"):
        SIGNER.grant("lina", expires_s)


@pytest.mark.parametrize(
    ("path", "grant", "rest"),
    [
        ("/live/lina/master.m3u8", None, "/live/lina/master.m3u8"),
        ("/live/~1.a/lina/master.m3u8", "1.a", "/live/lina/master.m3u8"),
        ("/live/~1.a", "1.a", "/live/"),
        ("/live/~1.a/", "1.a", "/live/"),
        ("/live/~", "", "/live/"),
        ("/live/~1.a/~2.b/lina", "1.a", "/live/~2.b/lina"),
        ("/watch/~1.a/lina", None, "/watch/~1.a/lina"),
    ],
)
def test_only_the_first_segment_under_live_is_a_grant(
    path: str, grant: str | None, rest: str
) -> None:
    assert split(path) == (grant, rest)


@given(channels, times, st.data())
def test_any_changed_sign_breaks_a_grant(channel: str, expires_s: int, data: st.DataObject) -> None:
    grant = SIGNER.grant(channel, expires_s)
    assert SIGNER.verify(grant, channel, expires_s - 1)
    at = data.draw(st.integers(min_value=0, max_value=len(grant) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda sign: sign != grant[at]))
    assert not SIGNER.verify(grant[:at] + sign + grant[at + 1 :], channel, 0)


@given(st.text(), channels)
def test_no_text_makes_it_fail(text: str, channel: str) -> None:
    assert not SIGNER.verify(text, channel, NOW_S)
    grant, rest = split(text)
    assert grant is None or rest.startswith("/live/")


@given(channels, times)
def test_what_was_joined_is_split_again(channel: str, expires_s: int) -> None:
    path = f"/live/{channel}/audio/index.m3u8"
    signed = SIGNER.address(channel, expires_s) + "audio/index.m3u8"
    assert split(signed) == (SIGNER.grant(channel, expires_s), path)
