"""`sluice edge` in its own process, and nginx with Varnish, in front of the real origin's app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.bench.origin import LIST, own_edge
from tests.bench.origin_server import BenchServer
from tests.journeys.edge_pair import EdgePair

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def origin() -> Iterator[BenchServer]:
    with BenchServer() as server:
        yield server


@pytest.fixture(
    params=[
        "own",
        pytest.param("pair", marks=pytest.mark.needs("nginx", "varnishd", "openssl")),
    ]
)
def edge(
    request: pytest.FixtureRequest, origin: BenchServer, tmp_path: Path
) -> Iterator[EdgePair | str]:
    if request.param == "own":
        with own_edge(origin) as (port, _):
            yield f"http://127.0.0.1:{port}"
    else:
        with EdgePair(tmp_path / "edge", origin.address) as pair:
            yield pair
            print(pair.log())


def session(edge: EdgePair | str) -> aiohttp.ClientSession:
    if isinstance(edge, str):
        return aiohttp.ClientSession(edge, headers=GZIP)
    tls = aiohttp.TCPConnector(ssl=edge.tls, limit=0)
    return aiohttp.ClientSession(edge.url, connector=tls, headers=GZIP)


async def test_a_reload_waits_for_its_part_and_costs_one_question(
    edge: EdgePair | str, origin: BenchServer
) -> None:
    msn, part = origin.edge
    target = f"{LIST}?_HLS_msn={msn}&_HLS_part={part}"
    async with session(edge) as client:

        async def reload(query: str) -> str:
            async with client.get(f"{target}&CMCD={query}") as answer:
                assert answer.status == 200
                assert "max-age=12" in answer.headers["Cache-Control"]
                return await answer.text()

        waiting = [asyncio.create_task(reload(str(n))) for n in range(100)]
        async with asyncio.timeout(20):
            while await asyncio.to_thread(lambda: origin.held) == 0:
                pass
        await asyncio.to_thread(origin.release)
        [text] = set(await asyncio.gather(*waiting))
        assert f"-{msn}.{part}.m4s" in text
        assert (await asyncio.to_thread(lambda: origin.asked))[target] == 1
        assert await reload("late") == text


async def test_what_the_origin_refuses_is_refused_as_it_says(
    edge: EdgePair | str, origin: BenchServer
) -> None:
    msn, _ = origin.edge
    async with session(edge) as client:
        for query in ("_HLS_part=1", f"_HLS_msn={msn + 9}", "_HLS_msn=1&_HLS_msn=2", "_HLS_skip=x"):
            async with client.get(f"{LIST}?{query}") as answer:
                assert answer.status == 400, query
        for name in (f"{msn + 9}.m4s", f"{msn + 9}.0.m4s", "1.m4s"):
            async with client.get(f"/live/bench/source/k3x9-{name}") as answer:
                assert answer.status == 404, name
        async with client.get("/live/bench/nothing/index.m3u8") as answer:
            assert answer.status == 404


async def test_deltas_and_manifests_have_keys_of_their_own(edge: EdgePair | str) -> None:
    async with session(edge) as client:
        texts = []
        for name in ("source/index.m3u8", "source/index.m3u8?_HLS_skip=YES", "manifest.mpd"):
            async with client.get(f"/live/bench/{name}") as answer:
                assert answer.headers["Content-Encoding"] == "gzip"
                texts.append(await answer.text())
    assert "#EXT-X-SKIP" not in texts[0]
    assert "#EXT-X-SKIP" in texts[1]
    assert "<MPD" in texts[2]


async def test_viewers_go_on_while_the_origin_restarts(
    edge: EdgePair | str, origin: BenchServer
) -> None:
    msn, part = origin.edge
    media = f"/live/bench/source/k3x9-{msn - 1}.m4s"
    async with session(edge) as client:
        for path in (LIST, media):
            async with client.get(path) as answer:
                assert answer.status == 200
        await asyncio.to_thread(origin.__exit__, None, None, None)
        async with client.get(f"{LIST}?_HLS_msn={msn}&_HLS_part={part}") as answer:
            assert (answer.status, answer.headers["X-Sluice-Edge"]) == (200, "stale")
            assert f"-{msn - 1}." in await answer.text()
        async with client.get(media) as answer:
            assert answer.headers["X-Sluice-Edge"] == "hit"
        await asyncio.to_thread(origin.__enter__)
        async with asyncio.timeout(20):
            while True:
                async with client.get(LIST) as answer:
                    if answer.headers["X-Sluice-Edge"] != "stale":
                        break
        assert answer.status == 200


async def test_who_takes_no_gzip_gets_plain_text(edge: EdgePair | str) -> None:
    async with session(edge) as client:
        async with client.get(LIST, headers={"Accept-Encoding": "identity"}) as answer:
            plain = await answer.read()
        async with client.get(LIST) as answer:
            assert await answer.read() == plain
    assert plain.startswith(b"#EXTM3U")
