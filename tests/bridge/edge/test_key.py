"""Under what an edge keeps an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.edge.key import BadDirective, Key, NoSuchPath, key_of

LIST = "/live/lina/source/index.m3u8"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("CMCD=bl%3D2100", ""),
        ("_HLS_part=2&_HLS_msn=7", "_HLS_msn=7&_HLS_part=2"),
        ("a=1&_HLS_skip=YES&&_HLS_msn=7&", "_HLS_msn=7&_HLS_skip=YES"),
        ("_HLS_msn=2&_HLS_msn=1", "_HLS_msn=1&_HLS_msn=2"),
        ("_HLS_msnx=2&_HLS_other=1&x_HLS_msn=3", ""),
        ("_HLS_msn=-1", "_HLS_msn=-1"),
    ],
)
def test_directives_are_kept_in_one_order_and_nothing_else(query: str, kept: str) -> None:
    key = key_of(LIST, query)
    assert key.directives == kept
    assert key.target == (f"{LIST}?{kept}" if kept else LIST)


def test_a_key_knows_its_channel_and_its_kind() -> None:
    key = key_of(LIST, "_HLS_msn=7&_HLS_skip=YES")
    assert (key.channel, key.is_playlist, key.blocks, key.is_delta) == ("lina", True, True, True)
    media = key_of("/live/lina/source/abc-7.1.m4s", "_HLS_msn=7")
    assert (media.is_playlist, media.blocks, media.directives) == (False, False, "")
    assert key_of("/live/lina/manifest.mpd", "").is_playlist
    assert key_of("/live/time", "a=1") == Key("/live/time", "", "", is_playlist=False)


@pytest.mark.parametrize(
    "path",
    [
        "/live/",
        "/live/lina",
        "/live/lina/",
        "/live/lina/../mona/a.m3u8",
        "/live/lina/.hidden",
        "/live/lina/a//b",
        "/live/lina/a/b/c",
        "/live/Lina/a.m3u8",
        "/live/lina/a%2eb",
        "/live/lina/a.m3u8\n",
        f"/live/lina/{'a' * 101}",
    ],
)
def test_what_can_be_no_address_has_no_key(path: str) -> None:
    with pytest.raises(NoSuchPath):
        key_of(path, "")


@pytest.mark.parametrize(
    "query", ["_HLS_msn=%37", "_HLS_msn=1 2", f"_HLS_msn={'1' * 25}", "&".join(["_HLS_msn=1"] * 5)]
)
def test_directives_that_no_origin_takes_have_no_key(query: str) -> None:
    with pytest.raises(BadDirective):
        key_of(LIST, query)


@given(st.permutations(["_HLS_msn=7", "_HLS_part=2", "_HLS_skip=v2", "CMCD=a", "b"]))
def test_the_order_makes_no_difference(pairs: list[str]) -> None:
    assert key_of(LIST, "&".join(pairs)).directives == "_HLS_msn=7&_HLS_part=2&_HLS_skip=v2"


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_query_makes_a_target_that_is_not_plain(query: str) -> None:
    try:
        target = key_of(LIST, query).target
    except BadDirective:
        return
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
