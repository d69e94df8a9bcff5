"""The edge as viewers meet it: one question to the origin, whoever asks."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from bridge.edge.app import EdgeLimits
from bridge.edge.fills import FillLimits
from bridge.signed import Signer
from tests.bridge.edge_world import World, world

LIST = "/live/lina/source/index.m3u8"
NEXT = f"{LIST}?_HLS_msn=7&_HLS_part=2"
PART = "/live/lina/source/abc-7.1.m4s"
SIGNER = Signer(b"0123456789abcdef0123456789abcdef")


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as made:
        yield made


async def test_a_thousand_waiters_cost_one_question(here: World) -> None:
    held = here.origin.hold(NEXT)
    visits = [here.visit(NEXT) for _ in range(1_000)]
    await held.asked.wait()
    await here.waiting(1_000)
    held.release(b"#EXTM3U new")
    for visit in visits:
        await visit.done()
    assert {gzip.decompress(visit.body) for visit in visits} == {b"#EXTM3U new"}
    assert [visit.outcome for visit in visits].count("miss") == 1
    assert [visit.outcome for visit in visits].count("shared") == 999
    assert here.origin.asked[NEXT] == 1
    assert (await here.get(NEXT)).outcome == "hit"
    assert here.origin.asked[NEXT] == 1


async def test_who_waits_may_leave_without_harm_to_the_others(here: World) -> None:
    held = here.origin.hold(NEXT)
    first, second = here.visit(NEXT), here.visit(NEXT)
    await held.asked.wait()
    await here.waiting(2)
    first.task.cancel()
    await here.waiting(1)
    held.release(b"#EXTM3U")
    assert (await second.done()).status == 200
    assert here.origin.asked[NEXT] == 1


async def test_an_answer_is_kept_as_long_as_the_origin_says(here: World) -> None:
    here.origin.put(LIST, b"one", cache="max-age=1")
    assert (await here.get(LIST)).body == b"one"
    here.origin.put(LIST, b"two", cache="max-age=1, s-maxage=9")
    here.clock.advance(999)
    assert (await here.get(LIST)).body == b"one"
    here.clock.advance(1)
    assert (await here.get(LIST)).body == b"two"
    here.clock.advance(8_999)
    assert (await here.get(LIST)).outcome == "hit"
    here.clock.advance(1)
    assert (await here.get(LIST)).outcome == "miss"


@pytest.mark.parametrize("cache", ["", "no-store", "private, max-age=5", "no-cache, max-age=5"])
async def test_what_may_not_be_kept_is_asked_for_again(here: World, cache: str) -> None:
    here.origin.put(LIST, b"x", cache=cache)
    await here.get(LIST)
    assert (await here.get(LIST)).outcome == "miss"
    assert here.origin.asked[LIST] == 2


async def test_errors_are_kept_too_when_the_origin_says_so(here: World) -> None:
    here.origin.put(NEXT, b"too far", cache="max-age=8", status=400)
    assert (await here.get(NEXT)).status == 400
    again = await here.get(NEXT)
    assert (again.status, again.outcome, again.body) == (400, "hit", b"too far")
    here.origin.put(LIST, b"late", cache="max-age=8", status=503)
    assert [(await here.get(LIST)).status for _ in range(2)] == [503, 503]
    assert here.origin.asked == {NEXT: 1, LIST: 1, "/live-grant/lina": 1}


async def test_age_counts_from_the_making_of_the_answer(here: World) -> None:
    here.origin.put(LIST, b"x", cache="max-age=10", Age="3")
    assert (await here.get(LIST)).headers["age"] == "3"
    here.clock.advance(4_500)
    kept = await here.get(LIST)
    assert kept.headers["age"] == "7"
    assert "Age" in kept.headers["access-control-expose-headers"]
    here.clock.advance(2_500)
    assert (await here.get(LIST)).outcome == "miss"


async def test_only_what_changes_a_playlist_is_part_of_the_key(here: World) -> None:
    here.origin.put(NEXT, b"x", cache="max-age=12")
    queries = [
        "_HLS_msn=7&_HLS_part=2",
        "_HLS_part=2&_HLS_msn=7",
        "CMCD=bl%3D2100&_HLS_part=2&utm_source=a&_HLS_msn=7",
        "_HLS_push=1&_HLS_msn=7&_hls_skip=YES&_HLS_part=2",
    ]
    for query in queries:
        assert (await here.get(f"{LIST}?{query}")).body
    here.origin.put(PART, b"media", cache="max-age=60")
    await here.get(f"{PART}?CMCD=br%3D900")
    await here.get(f"{PART}?_HLS_msn=1")
    assert here.origin.asked == {NEXT: 1, PART: 1, "/live-grant/lina": 1}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/live/lina/../../etc/passwd", 404),
        ("/live/lina/%2e%2e/x.m3u8", 404),
        ("/live/lina/a/b/c.m3u8", 404),
        ("/live/LINA/source/index.m3u8", 404),
        ("/live//source/index.m3u8", 404),
        ("/live/", 404),
        ("/api/channels", 404),
        (f"{LIST}?_HLS_msn=%37", 400),
        (f"{LIST}?_HLS_msn={'7' * 25}", 400),
        (f"{LIST}?{'&'.join(['_HLS_msn=1'] * 5)}", 400),
    ],
)
async def test_what_can_be_nothing_never_reaches_the_origin(
    here: World, target: str, status: int
) -> None:
    visit = await here.get(target)
    assert visit.status == status
    assert visit.headers["content-type"] == "application/problem+json"
    assert not here.origin.asked


async def test_nothing_of_a_viewer_reaches_the_origin(here: World) -> None:
    here.origin.put(LIST, b"x", cache="max-age=1")
    await here.get(LIST, Cookie="a=b", Authorization="Bearer x", X_Forwarded_Host="evil")
    asked = here.origin.headers[-1]
    assert set(asked) == {"host", "accept", "accept-encoding", "user-agent"}


async def test_other_methods_are_refused_and_preflights_answered(here: World) -> None:
    refused = await here.get(LIST, "POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await here.get(LIST, "OPTIONS")).headers["access-control-allow-origin"] == "*"
    here.origin.put(LIST, b"12345", cache="max-age=1")
    head = await here.get(LIST, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5")


async def test_gzip_is_asked_for_once_and_unpacked_for_who_takes_none(here: World) -> None:
    here.origin.put(LIST, b"#EXTM3U" * 100, cache="max-age=9", zipped=True)
    packed = await here.get(LIST)
    plain = await here.get(LIST, Accept_Encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == b"#EXTM3U" * 100
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert here.origin.asked[LIST] == 1


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-1", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=" + ",".join(["0-0"] * 1_000), 200, b"0123456789", None),
    ],
)
async def test_pieces_are_cut_from_what_is_kept(
    here: World, asked: str, status: int, body: bytes, said: str | None
) -> None:
    here.origin.put(PART, b"0123456789", cache="max-age=60")
    visit = await here.get(PART, Range=asked)
    assert (visit.status, visit.body, visit.headers.get("content-range")) == (status, body, said)
    assert (await here.get(PART)).body == b"0123456789"
    assert here.origin.asked[PART] == 1


async def test_who_has_it_already_is_told_so(here: World) -> None:
    here.origin.put(LIST, b"x", cache="max-age=9", ETag='"v7"')
    assert (await here.get(LIST, If_None_Match='W/"v7"')).status == 304
    assert (await here.get(LIST, If_None_Match='"v6"')).status == 200


async def test_a_segment_in_the_making_is_shared_from_its_start(here: World) -> None:
    flowing = here.origin.flow(PART)
    first = here.visit(PART)
    await flowing.chunks.put(b"one")
    await first.got(b"one")
    second = here.visit(PART)
    await second.got(b"one")
    await flowing.chunks.put(b"two")
    await first.got(b"onetwo")
    first.leave()
    await flowing.chunks.put(b"three")
    await second.got(b"onetwothree")
    await flowing.chunks.put(None)
    assert (await second.done()).complete
    assert (await here.get(PART)).outcome == "hit"
    assert here.origin.asked[PART] == 1
    assert first.body == b"onetwo"
    assert not first.complete


async def test_a_segment_that_breaks_off_is_not_passed_off_as_whole(here: World) -> None:
    flowing = here.origin.flow(PART)
    visit = here.visit(PART)
    await flowing.chunks.put(b"one")
    await visit.got(b"one")
    await flowing.chunks.put(RuntimeError("crash"))
    assert not (await visit.done()).complete
    here.origin.put(PART, b"onetwo", cache="max-age=60")
    assert (await here.get(PART)).body == b"onetwo"


async def test_a_lost_origin_is_covered_for_by_what_is_known(here: World) -> None:
    here.origin.put(LIST, b"known", cache="max-age=1")
    await here.get(LIST)
    await here.origin.stop()
    here.clock.advance(30_000)
    stale = await here.get(LIST)
    assert (stale.status, stale.outcome, stale.body) == (200, "stale", b"known")
    assert stale.headers["age"] == "30"
    assert stale.headers["cache-control"] == "no-cache"
    waiting = await here.get(NEXT)
    assert (waiting.outcome, waiting.body) == ("stale", b"known")
    await here.origin.start()
    here.origin.put(LIST, b"new", cache="max-age=1")
    here.clock.advance(1_000)
    assert (await here.get(LIST)).body == b"new"


async def test_what_is_too_old_is_not_served_any_more(here: World) -> None:
    here.origin.put(LIST, b"known", cache="max-age=1")
    await here.get(LIST)
    await here.origin.stop()
    here.clock.advance(61_000)
    gone = await here.get(LIST)
    assert (gone.status, gone.headers["retry-after"]) == (503, "1")


async def test_a_reload_survives_a_restart_of_the_origin(here: World) -> None:
    held = here.origin.hold(NEXT)
    visit = here.visit(NEXT)
    await held.asked.wait()
    here.origin.put(NEXT, b"after", cache="max-age=12")
    await here.origin.stop()
    await here.origin.start()
    assert (await visit.done()).body == b"after"


async def test_an_origin_that_forgot_a_playlist_is_not_believed_at_once(here: World) -> None:
    here.origin.put(LIST, b"known", cache="max-age=1")
    await here.get(LIST)
    here.origin.put(LIST, b"not live", cache="max-age=1", status=404)
    here.clock.advance(2_000)
    assert (await here.get(LIST)).outcome == "stale"
    here.clock.advance(60_000)
    assert (await here.get(LIST)).status == 404


async def test_too_many_waiters_are_sent_away(here: World) -> None:
    async with world(limits=EdgeLimits(waiters=2)) as small:
        held = small.origin.hold(NEXT)
        stays = [small.visit(NEXT) for _ in range(2)]
        await held.asked.wait()
        await small.waiting(2)
        assert (await small.get(NEXT)).status == 503
        held.release(b"x")
        assert [(await visit.done()).status for visit in stays] == [200, 200]


async def test_too_many_different_reloads_are_sent_away_and_parts_still_come() -> None:
    async with world(limits=EdgeLimits(fills=FillLimits(blocked=1))) as small:
        held = small.origin.hold(NEXT)
        stays = small.visit(NEXT)
        await held.asked.wait()
        assert (await small.get(f"{LIST}?_HLS_msn=8")).status == 503
        small.origin.put(PART, b"media", cache="max-age=60")
        assert (await small.get(PART)).status == 200
        held.release(b"x")
        assert (await stays.done()).status == 200


async def test_memory_is_bounded_by_bytes() -> None:
    async with world(limits=EdgeLimits(kept_bytes=30_000)) as small:
        for number in range(10):
            target = f"/live/lina/source/abc-{number}.m4s"
            small.origin.put(target, bytes(9_000), cache="max-age=60")
            await small.get(target)
        assert await small.metric("sluice_edge_kept_bytes") <= 30_000
        assert (await small.get(target)).outcome == "hit"


async def test_a_signed_address_opens_and_is_no_part_of_the_key() -> None:
    async with world(SIGNER) as closed:
        closed.origin.grants["lina"] = set()
        closed.origin.put(LIST, b"x", cache="max-age=60")
        now_s = closed.clock.wall_ms() // 1_000
        for expires_s in (now_s + 10, now_s + 20):
            signed = SIGNER.address("lina", expires_s) + "source/index.m3u8"
            assert (await closed.get(signed)).body == b"x"
        assert closed.origin.asked == {LIST: 1}
        assert (await closed.get(LIST)).status == 401
        other = SIGNER.address("mona", now_s + 10).replace("mona/", "lina/")
        assert (await closed.get(other + "source/index.m3u8")).status == 403
        closed.clock.advance(20_000)
        assert (await closed.get(signed)).status == 403
        assert await closed.metric('sluice_edge_requests_total{outcome="refused"}') == 3


async def test_the_grant_goes_on_to_the_origin_in_a_header() -> None:
    async with world(SIGNER) as closed:
        closed.origin.put(LIST, b"x", cache="max-age=1")
        grant = SIGNER.grant("lina", closed.clock.wall_ms() // 1_000 + 10)
        await closed.get(f"/live/~{grant}/lina/source/index.m3u8")
        assert closed.origin.headers[-1]["x-sluice-grant"] == grant
        closed.clock.advance(1_000)
        await closed.get(LIST, X_Sluice_Grant=grant)
        assert closed.origin.headers[-1]["x-sluice-grant"] == grant


async def test_health_and_metrics_are_its_own(here: World) -> None:
    assert (await here.get("/healthz")).body == b"ok\n"
    here.origin.put(LIST, b"12345", cache="max-age=9")
    await here.get(LIST)
    await here.get(LIST)
    assert await here.metric('sluice_edge_requests_total{outcome="hit"}') == 1
    assert await here.metric('sluice_edge_origin_fetches_total{result="answered"}') == 1
    assert await here.metric("sluice_edge_sent_bytes_total") > 10
    assert await here.metric("sluice_edge_waiters") == 0


async def test_closing_answers_who_waits(here: World) -> None:
    held = here.origin.hold(NEXT)
    visit = here.visit(NEXT)
    await held.asked.wait()
    await here.edge.close()
    assert (await visit.done()).status == 503
    await asyncio.sleep(0)
