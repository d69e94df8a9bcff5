"""CMCD: typed, bounded, and never in the way."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cmcd import LONGEST, Quality, parse_cmcd, read_cmcd

HLS_JS = (
    'bl=2100,br=3200,bs,cid="demo",d=500,dl=2000,mtp=12300,ot=v,pr=1.05,rtp=9000,sf=h,'
    'sid="6e2fb550-c457-11e9",st=l,su,tb=6000,com.example-key="x,y"'
)


def test_what_a_player_tells() -> None:
    assert read_cmcd("_HLS_msn=3&CMCD=" + quote(HLS_JS, safe="")) == Quality(
        buffer_ms=2_100,
        starved=True,
        startup=True,
        measured_kbps=12_300,
        encoded_kbps=3_200,
        top_kbps=6_000,
        maximum_kbps=9_000,
        deadline_ms=2_000,
        duration_ms=500,
        rate=1.05,
        kind="v",
        format="h",
        live=True,
        session="6e2fb550-c457-11e9",
    )


@pytest.mark.parametrize("query", ["", "_HLS_msn=3", "XCMCD=bl%3D3", "a=CMCD=bs"])
def test_without_the_argument_nothing_is_told(query: str) -> None:
    assert read_cmcd(query) is None


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("bl=-5,br=1e9,mtp=99999999999,bs=false", Quality()),
        ("bl=٣", Quality()),
        ("ot=<script>,sf=xx,st=maybe,sid=unquoted", Quality()),
        ("bl=1,bl=2", Quality(buffer_ms=1)),
        (',,="",bl=7,,bs', Quality(buffer_ms=7, starved=True)),
        (r'sid="a\"b,c",bl=7', Quality(session='a"b,c', buffer_ms=7)),
        ('sid="never closed,bl=7', Quality(buffer_ms=7)),
        ("pr=0,st=v", Quality(rate=0.0, live=False)),
        ('sid="' + "x" * 200 + '"', Quality(session="x" * 64)),
    ],
)
def test_what_is_malformed_or_unknown_is_passed_over(text: str, quality: Quality) -> None:
    assert parse_cmcd(text) == quality


def test_what_lies_beyond_the_bound_is_not_read() -> None:
    assert read_cmcd("CMCD=" + "x" * LONGEST + "%2Cbs") == Quality()


@given(st.text(alphabet='abls=",\\%;. \n0', max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    assert read_cmcd("CMCD=" + text) is not None
    parse_cmcd(text)
