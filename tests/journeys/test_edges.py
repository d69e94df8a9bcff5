"""nginx and Varnish, as Debian has them, with the configurations that we generate."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bridge.signed import Signer
from tests.bridge.fake_origin import FakeOrigin
from tests.journeys.edge_pair import EdgePair, Got

LIST = "/live/lina/source/index.m3u8"
NEXT = f"{LIST}?_HLS_msn=7&_HLS_part=2"
PART = "/live/lina/source/abc-7.1.m4s"
GRANT = "/live-grant/lina"
SIGNER = Signer(b"0123456789abcdef0123456789abcdef")

pytestmark = pytest.mark.needs("nginx", "varnishd", "openssl")


@dataclass(frozen=True)
class Site:
    origin: FakeOrigin
    edge: EdgePair

    async def get(self, target: str, method: str = "GET", **headers: str) -> Got:
        return await asyncio.to_thread(self.edge.get, target, method, **headers)

    @property
    def asked(self) -> dict[str, int]:
        """Questions to the origin without those of the probe."""
        return {target: n for target, n in self.origin.asked.items() if target != "/healthz"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with FakeOrigin() as origin:
        edge = EdgePair(tmp_path / "edge", origin.address, grace_s=20)
        await asyncio.to_thread(edge.__enter__)
        try:
            yield Site(origin, edge)
        finally:
            print(edge.log())
            await asyncio.to_thread(edge.__exit__, None, None, None)


async def test_waiters_of_one_reload_cost_one_question(site: Site) -> None:
    held = site.origin.hold(NEXT)
    tls = aiohttp.TCPConnector(ssl=site.edge.tls, limit=0)
    async with aiohttp.ClientSession(site.edge.url, connector=tls) as session:

        async def wait() -> tuple[int, bytes]:
            async with session.get(NEXT) as answer:
                return answer.status, await answer.read()

        waiting = [asyncio.create_task(wait()) for _ in range(200)]
        await held.asked.wait()
        held.release(b"#EXTM3U new")
        answers = await asyncio.gather(*waiting)
    assert set(answers) == {(200, b"#EXTM3U new")}
    assert site.origin.asked[NEXT] == 1
    assert site.origin.asked[GRANT] <= 200, "none of them is asked about twice"
    again = await site.get(NEXT)
    assert (again.headers["x-sluice-edge"], site.origin.asked[NEXT]) == ("hit", 1)


async def test_only_directives_are_part_of_the_key_and_in_any_order(site: Site) -> None:
    site.origin.put(NEXT, b"x", cache="max-age=12")
    queries = [
        "_HLS_msn=7&_HLS_part=2",
        "_HLS_part=2&_HLS_msn=7",
        "CMCD=bl%3D2100&_HLS_part=2&utm_source=a&_HLS_msn=7",
        "a&&_HLS_msn=7&b=_HLS_skip=YES&_HLS_part=2&",
    ]
    for query in queries:
        assert (await site.get(f"{LIST}?{query}")).body == b"x"
    site.origin.put(PART, b"media", cache="max-age=60")
    for query in ("", "?CMCD=br%3D900", "?_HLS_msn=1"):
        assert (await site.get(PART + query)).body == b"media"
    assert site.asked == {NEXT: 1, PART: 1, GRANT: 1}


async def test_repeated_directives_reach_the_origin_as_they_are(site: Site) -> None:
    target = f"{LIST}?_HLS_msn=1&_HLS_msn=2"
    site.origin.put(target, b"twice", cache="max-age=4", status=400)
    assert (await site.get(target)).status == 400
    assert site.origin.asked[target] == 1


async def test_errors_are_kept_when_the_origin_says_so(site: Site) -> None:
    site.origin.put(NEXT, b"too far", cache="public, max-age=8", status=400)
    site.origin.put(LIST, b"late", cache="max-age=8", status=503)
    for target, status, body in ((NEXT, 400, b"too far"), (LIST, 503, b"late")):
        for _ in range(3):
            got = await site.get(target)
            assert (got.status, got.body) == (status, body)
        assert site.origin.asked[target] == 1


async def test_gzip_is_fetched_once_and_unpacked_for_who_takes_none(site: Site) -> None:
    site.origin.put(LIST, b"#EXTM3U" * 100, cache="max-age=9", zipped=True)
    packed = await site.get(LIST, Accept_Encoding="gzip, br")
    plain = await site.get(LIST, Accept_Encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == b"#EXTM3U" * 100
    assert site.origin.asked[LIST] == 1
    assert "Age" in packed.headers["access-control-expose-headers"]
    assert "age" in packed.headers


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=8-", 206, b"89"),
        ("bytes=-1", 206, b"9"),
        ("bytes=10-", 416, None),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=" + ",".join(["0-0"] * 1_000), 200, b"0123456789"),
    ],
)
async def test_pieces_are_cut_from_what_is_kept(
    site: Site, asked: str, status: int, body: bytes | None
) -> None:
    site.origin.put(PART, b"0123456789", cache="max-age=60")
    got = await site.get(PART, Range=asked)
    assert got.status == status
    assert body is None or got.body == body
    assert (await site.get(PART)).body == b"0123456789"
    assert site.origin.asked[PART] == 1


async def test_a_segment_in_the_making_is_not_held_back(site: Site) -> None:
    flowing = site.origin.flow(PART)
    await flowing.chunks.put(b"one")
    tls = aiohttp.TCPConnector(ssl=site.edge.tls)
    async with (
        aiohttp.ClientSession(site.edge.url, connector=tls) as session,
        session.get(PART) as first,
    ):
        assert await first.content.readexactly(3) == b"one"
        async with session.get(PART) as second:
            assert await second.content.readexactly(3) == b"one"
            await flowing.chunks.put(b"two")
            assert await first.content.readexactly(3) == b"two"
            assert await second.content.readexactly(3) == b"two"
            await flowing.chunks.put(None)
            assert await second.read() == b""
    assert site.origin.asked[PART] == 1


async def test_a_lost_origin_is_covered_for_and_found_again(site: Site) -> None:
    site.origin.put(LIST, b"known", cache="max-age=1")
    await site.get(LIST)
    await site.origin.stop()
    reload = await site.get(NEXT)
    assert (reload.status, reload.body) == (200, b"known")
    assert reload.headers["x-sluice-edge"] == "stale"
    # Whoever looks asks again, in the foreground or not; no failure may take its place.
    kinds: set[str] = set()
    async with asyncio.timeout(20):
        while len(kinds) < 2:
            again = await site.get(LIST)
            assert (again.status, again.body) == (200, b"known")
            kinds.add(again.headers["x-sluice-edge"])
    for _ in range(30):
        again = await site.get(LIST)
        assert (again.status, again.headers["x-sluice-edge"]) == (200, "stale")
    unknown = await site.get("/live/lina/480p/index.m3u8")
    assert (unknown.status, unknown.headers["retry-after"]) == (503, "1")
    site.origin.put(LIST, b"new", cache="max-age=1")
    await site.origin.start()
    async with asyncio.timeout(20):
        while (await site.get(LIST)).body != b"new":
            pass


async def test_a_restarted_origin_that_knows_nothing_yet_is_covered_for(site: Site) -> None:
    site.origin.put(LIST, b"known", cache="max-age=1")
    assert (await site.get(LIST)).body == b"known"
    site.origin.put(LIST, b"not live", cache="max-age=1", status=404)
    site.origin.put(NEXT, b"not live", cache="max-age=1", status=404)
    kinds: set[str] = set()
    async with asyncio.timeout(20):
        while len(kinds) < 2:
            again = await site.get(LIST)
            assert (again.status, again.body) == (200, b"known")
            kinds.add(again.headers["x-sluice-edge"])
            assert (await site.get(NEXT)).body == b"known"
    unknown = "/live/mona/source/index.m3u8"
    assert (await site.get(unknown)).status == 404


async def test_many_who_wait_for_what_cannot_be_had_do_not_queue_for_it(site: Site) -> None:
    held = site.origin.hold(NEXT)
    site.origin.put(LIST, b"no", status=500)
    waiting = [asyncio.create_task(site.get(NEXT)) for _ in range(20)]
    await held.asked.wait()
    held.release(b"no", cache="", status=500)
    assert {got.status for got in await asyncio.gather(*waiting)} == {503}
    # The question itself, once more, and once in search of something older.
    assert site.origin.asked[NEXT] + site.origin.asked[LIST] <= 4


async def test_a_signed_address_opens_its_channel_and_shares_its_answers(site: Site) -> None:
    now_s = 4_000_000_000
    grants = [SIGNER.grant("lina", now_s + n) for n in range(2)]
    site.origin.grants["lina"] = set(grants)
    site.origin.put(LIST, b"x", cache="max-age=60")
    for grant in grants * 3:
        got = await site.get(f"/live/~{grant}/lina/source/index.m3u8")
        assert (got.status, got.body) == (200, b"x")
    assert site.asked == {LIST: 1, GRANT: 2}
    told = [one["x-sluice-grant"] for one in site.origin.headers if "x-sluice-grant" in one]
    assert set(told) == set(grants)
    assert (await site.get(LIST, X_Sluice_Grant=grants[0])).status == 200
    assert (await site.get(LIST)).status == 401
    other = SIGNER.grant("mona", now_s)
    assert (await site.get(f"/live/~{other}/lina/source/index.m3u8")).status == 403
    assert (await site.get("/live/~x/lina/source/index.m3u8")).status == 404
    assert site.origin.asked[LIST] == 1


@pytest.mark.parametrize(
    "path", ["/live/", "/live/lina", "/live/LINA/a.m3u8", "/live-grant/lina", "/sluice-grant"]
)
async def test_what_can_be_nothing_never_reaches_the_origin(site: Site, path: str) -> None:
    assert (await site.get(path)).status in (400, 404)
    assert site.asked == {}


async def test_streams_are_only_read_and_preflights_answered(site: Site) -> None:
    assert (await site.get(LIST, "POST")).status == 405
    preflight = await site.get(LIST, "OPTIONS")
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, "*")


async def test_a_way_up_leads_nowhere(site: Site) -> None:
    assert (await site.get("/live/lina/%2e%2e/%2e%2e/healthz")).body == b"unknown"
    assert (await site.get("/live/lina/..%2f..%2fhealthz")).body == b"unknown"


async def test_events_and_chat_pass_as_they_come(site: Site) -> None:
    events = "/api/channels/lina/events"
    flowing = site.origin.flow(events)
    await flowing.chunks.put(b"data: 1\n\n")
    tls = aiohttp.TCPConnector(ssl=site.edge.tls)
    async with aiohttp.ClientSession(site.edge.url, connector=tls) as session:
        async with session.get(events) as answer:
            assert await answer.content.readexactly(9) == b"data: 1\n\n"
            await flowing.chunks.put(None)
        async with session.ws_connect("/chat/lina") as chat:
            await chat.send_str("hello")
            assert (await chat.receive_str()) == "hello"


async def test_a_body_beyond_the_limit_ends_at_the_edge(site: Site) -> None:
    tls = aiohttp.TCPConnector(ssl=site.edge.tls)
    async with (
        aiohttp.ClientSession(site.edge.url, connector=tls) as session,
        session.post("/whip/lina", data=bytes(70_000)) as answer,
    ):
        assert answer.status == 413
    assert site.asked == {}


async def test_players_on_other_pages_may_read_answers_and_refusals(site: Site) -> None:
    site.origin.put(LIST, b"x", cache="max-age=9", Access_Control_Allow_Origin="*")
    site.origin.grants["mona"] = set()
    tls = aiohttp.TCPConnector(ssl=site.edge.tls)
    async with aiohttp.ClientSession(site.edge.url, connector=tls) as session:
        for path, status in ((LIST, 200), ("/live/mona/master.m3u8", 401)):
            async with session.get(path) as answer:
                assert answer.status == status
                assert answer.headers.getall("Access-Control-Allow-Origin") == ["*"]


async def test_everything_else_goes_to_sluice(site: Site) -> None:
    site.origin.put("/watch/lina?a=1", b"page")
    site.origin.put("/live/time", b"2026")
    assert (await site.get("/watch/lina?a=1")).body == b"page"
    assert (await site.get("/live/time")).body == b"2026"
