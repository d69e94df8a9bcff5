"""What the whole server serves holds every row of the rules, plain and through nginx + Varnish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.conformance.walk import check
from tests.journeys.edge_pair import EdgePair
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer

SEGMENTS = 2


@pytest.fixture
def codec() -> str:
    return "h264"


@pytest.fixture
def streaming(codec: str, server: SluiceServer) -> Iterator[SluiceServer]:
    """H.264 is passed on, VP8 is encoded."""
    key = server.create_channel("lina")
    with Phone(server, "lina", key, codec):
        server.await_live("lina")
        server.await_segments("lina", 2)
        yield server


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_the_server_itself(streaming: SluiceServer) -> None:
    report = await check(streaming.live_url("lina", ""), segments=SEGMENTS)
    assert not report.findings, report


@pytest.mark.needs("nginx", "varnishd", "openssl")
async def test_through_nginx_and_varnish(streaming: SluiceServer, tmp_path: Path) -> None:
    origin = streaming.origin.removeprefix("http://")
    with EdgePair(tmp_path / "edge", origin) as edge:
        report = await check(
            f"{edge.url}/live/lina/", segments=SEGMENTS, context=edge.tls, behind=True
        )
        print(edge.log())
    assert not report.findings, report
