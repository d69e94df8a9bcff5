"""Addresses of media: one for each thing, and none for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.address import Address, init_name, parse_address, part_name, segment_name


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("master.m3u8", Address("master")),
        ("manifest.mpd", Address("manifest")),
        ("720p/index.m3u8", Address("playlist", "720p")),
        ("audio/k3-4.init.mp4", Address("init", "audio", "k3", 4)),
        ("source/k3-1790000000.m4s", Address("segment", "source", "k3", 1_790_000_000)),
        ("source/k3-17.3.m4s", Address("part", "source", "k3", 17, 3)),
        ("source/k3-0.0.m4s", Address("part", "source", "k3", 0, 0)),
    ],
)
def test_what_has_an_address(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "..",
        "../master.m3u8",
        "source/../master.m3u8",
        "source//index.m3u8",
        "source/index.m3u8/",
        "source/index.m3u8\n",
        "source\\index.m3u8",
        "source/index.m3u8\0",
        "%2e%2e/master.m3u8",
        "source/k3-007.m4s",
        "source/k3-+7.m4s",
        "source/k3-7.03.m4s",
        "source/k3-٣.m4s",
        "source/k3-7.m4S",
        "Source/index.m3u8",
        "source/k3-12345678901234567.m4s",
        "source/-7.m4s",
        "a" * 10_000,
    ],
)
def test_what_has_none(text: str) -> None:
    assert parse_address(text) is None


@given(st.integers(0, 10**15), st.integers(0, 10**9))
def test_names_lead_back_to_what_they_name(msn: int, part: int) -> None:
    for name, address in (
        (segment_name("k3", msn), Address("segment", "audio", "k3", msn)),
        (part_name("k3", msn, part), Address("part", "audio", "k3", msn, part)),
        (init_name("k3", part), Address("init", "audio", "k3", part)),
    ):
        assert parse_address(f"audio/{name}") == address


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    parse_address(text)
