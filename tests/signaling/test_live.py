"""`/live/...` over ASGI, and over a real server with the conformance check."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from bridge.presentation import PackagingSettings
from signaling.live import Front, Live
from sluice.errors import Problem
from tests.bridge.conformance.walk import check
from tests.bridge.studio import Studio
from tests.bridge.windows import EPOCH, Windows
from tests.signaling.live_world import CHANNEL, LiveWorld, Told, served

LIVE = f"/live/{CHANNEL}/"
PLAYLIST = f"{LIVE}source/index.m3u8"
HIDDEN = (b"etag", b"vary")


def world_of(segments: int = 3, **more: object) -> LiveWorld:
    windows = Windows()
    windows.segments(segments)
    windows.parts(2)
    return LiveWorld(windows, **more)  # type: ignore[arg-type]


async def test_the_conformance_check_holds_on_a_real_server() -> None:
    windows = Windows()
    windows.segments(10)
    world = LiveWorld(windows)
    async with served(world) as base:
        report = await check(base, segments=2)
    assert not report.findings, report
    assert len(report.checked) > 90, report
    for row in ("hints come true", "a delta is the full playlist", "RENDITION-REPORT is true"):
        assert report.checked[row] > 3, report
    assert world.holds.held == 0


async def test_the_conformance_check_holds_with_short_parts_and_a_break() -> None:
    windows = Windows(part_ms=250)
    windows.segments(5)
    windows.break_here()
    windows.segments(2, gap=True)
    windows.segments(4)
    async with served(LiveWorld(windows)) as base:
        report = await check(base, segments=1)
    assert not report.findings, report


@pytest.mark.parametrize(
    ("gop_ms", "part_ms", "constant"), [(2_000, 500, True), (1_730, 333, False)]
)
async def test_the_conformance_check_holds_for_what_the_packager_makes(
    gop_ms: int, part_ms: int, constant: bool
) -> None:
    studio = Studio(PackagingSettings(part_ms=part_ms), gop_ms=gop_ms)
    studio.packager.constant = constant
    studio.video("source")
    studio.video("360p", 360)
    studio.audio()
    studio.run(15_000)
    async with served(LiveWorld(studio=studio)) as base:
        report = await check(base, segments=1)
    assert not report.findings, report


async def test_the_conformance_check_sees_a_server_that_lies() -> None:
    windows = Windows()
    windows.segments(10)
    world = LiveWorld(windows)

    async def liar(scope: Scope, receive: Receive, send: Send) -> None:
        """Keeps everything for too long, names no bytes, and says nothing of its coding."""

        async def lie(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = {key: value for key, value in message["headers"] if key not in HIDDEN}
                kept[b"cache-control"] = b"public, max-age=500"
                message["headers"] = list(kept.items())
            await send(message)

        await world.live(scope, receive, lie)

    async with served(world, liar) as base:
        report = await check(base, segments=1)
    assert {one.row for one in report.findings} == {
        "ETag",
        "Vary: Accept-Encoding",
        "cache: blocking 6 TD",
        "cache: errors 1 TD",
        "cache: errors at most 4 TD",
        "cache: media",
        "cache: playlist TD/2",
        "cache: what is only early is not kept",
    }


async def test_a_playlist_has_its_headers() -> None:
    world = world_of()
    told = await world.ask(PLAYLIST, headers={"Accept-Encoding": "br, gzip"})
    assert told.status == 200
    assert told.whole
    assert told.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert told.headers["content-encoding"] == "gzip"
    assert told.headers["access-control-allow-origin"] == "*"
    assert "Age" in told.headers["access-control-expose-headers"]
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["cross-origin-resource-policy"] == "cross-origin"
    assert told.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in told.headers["content-security-policy"]
    assert "strict-transport-security" not in told.headers
    assert int(told.headers["content-length"]) == len(told.body)
    plain = await world.ask(PLAYLIST)
    assert gzip.decompress(told.body) == plain.body


async def test_behind_tls_browsers_are_told_to_stay_there() -> None:
    world = world_of()
    world.live = Live(world.presentations, world.clock, world.counts, https=True)
    for address in (PLAYLIST, "/live/lina/nothing"):
        told = await world.ask(address)
        assert told.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip", True), ("gzip;q=0", False), ("*", True), ("br", False), ("GZIP; q=0.5", True)],
)
async def test_gzip_goes_to_who_takes_it(accepted: str, packed: bool) -> None:
    told = await world_of().ask(PLAYLIST, headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in told.headers) == packed


@pytest.mark.parametrize(
    "path",
    [
        "/live/",
        "/live/demo",
        "/live/demo/",
        "/live//master.m3u8",
        "/live/demo/../demo/master.m3u8",
        "/live/demo/%2e%2e/demo/master.m3u8",
        "/live/demo/source%2findex.m3u8",
        "/live/demo/source\\index.m3u8",
        "/live/demo/source/index.m3u8%00",
        "/live/DEMO/master.m3u8",
        "/live/other/master.m3u8",
        "/live/" + "a" * 5_000,
        "/live/~" + "a" * 5_000 + "/demo/master.m3u8",
    ],
)
async def test_path_tricks_are_404_with_a_problem(path: str) -> None:
    world = world_of()
    told = await world.ask(path)
    assert told.status == 404
    assert told.headers["content-type"] == "application/problem+json"
    assert told.headers["access-control-allow-origin"] == "*"
    assert json.loads(told.body)["code"] == "media-unknown"
    assert world.counts.refusals == {"media-unknown": 1}


async def test_a_problem_carries_its_lifetime_and_when_to_come_back() -> None:
    world = world_of(limit=0)
    busy = await world.ask(f"{PLAYLIST}?_HLS_msn={world.windows.first + 3}")
    assert (busy.status, busy.headers["retry-after"]) == (503, "1")
    assert busy.headers["cache-control"] == "no-store"
    wrong = await world.ask(f"{PLAYLIST}?_HLS_part=1")
    assert (wrong.status, wrong.headers["cache-control"]) == (400, "public, max-age=8")
    long = await world.ask(f"{PLAYLIST}?{'a' * 3_000}")
    assert long.status == 414


async def test_other_methods_are_refused_and_preflights_answered() -> None:
    world = world_of()
    told = await world.ask(PLAYLIST, method="POST")
    assert (told.status, told.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    asked = await world.ask(PLAYLIST, method="OPTIONS")
    assert asked.status == 204
    assert "Range" in asked.headers["access-control-allow-headers"]


async def test_head_has_the_headers_and_no_body() -> None:
    world = world_of()
    media = f"{LIVE}source/{EPOCH}-{world.windows.first}.m4s"
    told = await world.ask(media, method="HEAD")
    whole = await world.ask(media)
    assert told.headers == whole.headers
    assert told.body == b""
    open_segment = f"{LIVE}source/{EPOCH}-{world.windows.first + 3}.m4s"
    streamed = await world.ask(open_segment, method="HEAD")
    assert (streamed.status, streamed.body, streamed.whole) == (200, b"", True)
    assert (await world.ask(PLAYLIST + "x", method="HEAD")).body == b""


async def test_a_held_request_is_answered_when_its_part_comes() -> None:
    world = world_of()
    query = f"_HLS_msn={world.windows.first + 3}&_HLS_part=2"
    asking = asyncio.create_task(world.ask(f"{PLAYLIST}?{query}"))
    await world.held()
    world.windows.part()
    told = await asking
    assert told.status == 200
    assert b".2.m4s" in told.body


async def test_who_leaves_while_being_held_gives_the_place_back() -> None:
    world = world_of()
    leave = asyncio.Event()
    query = f"_HLS_msn={world.windows.first + 3}&_HLS_part=2"
    asking = asyncio.create_task(world.ask(f"{PLAYLIST}?{query}", leave=leave))
    await world.held()
    leave.set()
    told = await asking
    assert told.status == 0
    assert world.holds.held == 0


async def test_an_open_segment_goes_out_in_pieces() -> None:
    world = world_of()
    told = Told()
    path = f"{LIVE}source/{EPOCH}-{world.windows.first + 3}.m4s"
    asking = asyncio.create_task(world.ask(path, told=told))
    await world.held()
    await asyncio.sleep(0)
    assert len(told.pieces) == 2
    assert "content-length" not in told.headers
    world.windows.parts(2)
    await asking
    assert told.whole
    assert told.body == world.windows["source"].segments[-1].data


async def test_a_stream_that_breaks_off_is_not_said_to_be_whole() -> None:
    world = world_of(hold_s=0.001)
    told = await world.ask(f"{LIVE}source/{EPOCH}-{world.windows.first + 3}.m4s")
    assert told.status == 200
    assert not told.whole


async def test_a_viewer_who_leaves_ends_the_stream() -> None:
    world = world_of()
    leave = asyncio.Event()
    path = f"{LIVE}source/{EPOCH}-{world.windows.first + 3}.m4s"
    asking = asyncio.create_task(world.ask(path, leave=leave))
    await world.held()
    leave.set()
    await asyncio.sleep(0)
    world.windows.part()
    told = await asking
    assert len(told.pieces) == 2
    assert world.holds.held == 0


async def test_a_bridge_is_started_when_somebody_wants_it() -> None:
    world = world_of(asleep=True)
    asking = asyncio.create_task(world.ask(PLAYLIST))
    await world.presentations.starting.wait()
    world.presentations.awake.set()
    assert (await asking).status == 200


async def test_who_leaves_before_the_bridge_has_started_is_forgotten() -> None:
    world = world_of(asleep=True)
    leave = asyncio.Event()
    asking = asyncio.create_task(world.ask(PLAYLIST, leave=leave))
    await world.presentations.starting.wait()
    leave.set()
    assert (await asking).status == 0


async def test_the_time_is_told_for_dash_players() -> None:
    world = world_of()
    told = await world.ask("/live/time")
    assert told.body == b"2026-09-21T14:13:20.000Z"
    assert told.headers["cache-control"] == "no-store"


async def test_what_players_report_is_counted_and_never_changes_the_answer() -> None:
    world = world_of()
    told = await world.ask(f"{PLAYLIST}?CMCD=bl%3D2100%2Cbs")
    assert told.body == (await world.ask(PLAYLIST)).body
    (quality,) = world.counts.qualities
    assert (quality.buffer_ms, quality.starved) == (2_100, True)
    assert world.counts.answers == {("playlist", 200): 2}


async def test_a_signed_path_is_shown_to_the_gate_and_cut_off() -> None:
    world = world_of()
    seen: list[tuple[str, str | None]] = []

    def admit(channel: str, grant: str | None) -> None:
        seen.append((channel, grant))
        if grant is None:
            raise Problem("forbidden", "This channel wants a signed address.")

    world.live = Live(world.presentations, world.clock, world.counts, admit=admit)
    assert (await world.ask(PLAYLIST)).status == 403
    signed = PLAYLIST.replace("/live/", "/live/~9.sig/")
    assert (await world.ask(signed)).status == 200
    assert seen == [(CHANNEL, None), (CHANNEL, "9.sig")]


async def test_a_fault_of_ours_is_a_problem_too() -> None:
    world = world_of()
    world.windows.presentation.renditions["source"].segments[0].parts = None  # type: ignore[assignment]
    world.windows.presentation.renditions["source"].segments[0].data = None
    told = await world.ask(f"{LIVE}source/{EPOCH}-{world.windows.first}.m4s")
    assert told.status == 500
    assert json.loads(told.body)["code"] == "internal"


async def test_the_front_takes_live_addresses_and_leaves_the_rest() -> None:
    taken: list[str] = []

    def named(name: str) -> object:
        async def app(scope: object, receive: object, send: object) -> None:
            taken.append(name)

        return app

    front = Front(named("rest"), named("live"))  # type: ignore[arg-type]
    for scope in (
        {"type": "http", "path": "/live/demo/master.m3u8"},
        {"type": "http", "path": "/livery"},
        {"type": "lifespan"},
    ):
        await front(scope, None, None)  # type: ignore[arg-type]
    assert taken == ["live", "rest", "rest"]
