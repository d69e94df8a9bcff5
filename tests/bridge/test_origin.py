"""The origin: the table "Blocking and delta" row by row, media, lifetimes, and shared work."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator

import pytest

from bridge.answer import Answer, Asked
from bridge.origin import Hold, Left, Origin
from bridge.reload import Holds
from sluice.clock import VirtualClock
from sluice.errors import Problem
from tests.bridge.conformance.m3u8 import MediaLines, read_media_playlist
from tests.bridge.windows import EPOCH, Windows


def asked(address: str, query: str, headers: dict[str, str]) -> Asked:
    return Asked(
        address,
        query,
        range=headers.get("range", ""),
        if_range=headers.get("if_range", ""),
        if_none_match=headers.get("if_none_match", ""),
    )


class World:
    """Three segments and two parts of the fourth, behind an origin."""

    def __init__(self, segments: int = 3, limit: int = 100, hold_s: float | None = None) -> None:
        self.windows = Windows()
        self.windows.segments(segments)
        self.windows.parts(2)
        self.holds = Holds(limit)
        self.origin = Origin(self.windows.presentation, VirtualClock(), self.holds, hold_s=hold_s)

    def now(self, address: str, query: str = "", **headers: str) -> Answer:
        """What is answered without waiting."""
        answer = self.origin.respond(asked(address, query, headers))
        assert isinstance(answer, Answer), answer
        return answer

    def refusal(self, address: str, query: str = "", **headers: str) -> Problem:
        with pytest.raises(Problem) as refusal:
            self.origin.respond(asked(address, query, headers))
        return refusal.value

    async def wait(self, address: str, query: str = "") -> asyncio.Task[Answer]:
        """A request that is held now."""
        task = asyncio.create_task(self.origin.answer(Asked(address, query)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not task.done()
        return task

    def reload(self, msn: int, part: int | None = None, more: str = "") -> str:
        at = "" if part is None else f"&_HLS_part={part}"
        return f"_HLS_msn={self.windows.first + msn}{at}{more}"

    def media(self, msn: int, part: int | None = None, name: str = "source") -> str:
        at = "" if part is None else f".{part}"
        return f"{name}/{EPOCH}-{self.windows.first + msn}{at}.m4s"


PLAYLIST = "source/index.m3u8"


def headers(answer: Answer) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in answer.headers}


def lifetime(answer: Answer | Problem) -> str:
    if isinstance(answer, Problem):
        return answer.headers["Cache-Control"]
    return headers(answer)["cache-control"]


def read(answer: Answer) -> MediaLines:
    assert isinstance(answer.body, bytes)
    return read_media_playlist(answer.body.decode())


async def test_a_segment_is_waited_for_until_it_is_complete() -> None:
    world = World()
    waiting = await world.wait(PLAYLIST, world.reload(3))
    world.windows.part()
    await asyncio.sleep(0)
    assert not waiting.done()
    world.windows.part()
    answer = await waiting
    assert read(answer).next_msn == world.windows.first + 4
    assert lifetime(answer) == "public, max-age=12"


async def test_a_part_is_waited_for_and_past_the_end_it_is_part_0_of_the_next() -> None:
    world = World()
    waiting = await world.wait(PLAYLIST, world.reload(3, 2))
    late = await world.wait(PLAYLIST, world.reload(3, 4))
    world.windows.part()
    assert read(await waiting).edge == (world.windows.first + 3, 3)
    world.windows.part()
    await asyncio.sleep(0)
    assert not late.done()
    world.windows.part()
    assert read(await late).edge == (world.windows.first + 4, 1)


async def test_a_segment_that_ends_early_sends_the_waiting_on_to_the_next() -> None:
    world = World()
    waiting = await world.wait(PLAYLIST, world.reload(3, 3))
    world.windows.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    world.windows.part()
    assert read(await waiting).edge == (world.windows.first + 4, 1)


def test_what_is_old_or_there_already_is_answered_at_once_and_in_full() -> None:
    world = World(segments=12)
    for query in (world.reload(-500), world.reload(0, 3), world.reload(12, 1)):
        answer = world.now(PLAYLIST, query)
        assert not read(answer).skipped
        assert lifetime(answer) == "public, max-age=12"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("_HLS_part=1", "public, max-age=8"),
        ("_HLS_msn=1&_HLS_msn=1", "public, max-age=8"),
        ("_HLS_msn=x", "public, max-age=8"),
        ("_HLS_skip=NO", "public, max-age=2"),
        ("_HLS_msn=99999999999999999999", "no-store"),
    ],
)
def test_wrong_directives_are_400_and_kept_only_if_they_stay_wrong(query: str, kept: str) -> None:
    problem = World().refusal(PLAYLIST, query)
    assert problem.kind.code == "directive-refused"
    assert problem.kind.status == 400
    assert lifetime(problem) == kept


async def test_what_does_not_come_is_503_and_gives_its_place_back() -> None:
    world = World(hold_s=0.001)
    for address, query in ((PLAYLIST, world.reload(3)), (world.media(3, 2), "")):
        with pytest.raises(Problem) as late:
            await world.origin.answer(Asked(address, query))
        assert late.value.kind.code == "late"
        assert lifetime(late.value) == "public, max-age=1"
    assert world.holds.held == 0


async def test_after_the_end_directives_are_ignored_and_nobody_waits_any_more() -> None:
    world = World()
    waiting = await world.wait(PLAYLIST, world.reload(4))
    part = await world.wait(world.media(3, 2))
    world.windows.end()
    assert read(await waiting).ended
    with pytest.raises(Problem) as gone:
        await part
    assert gone.value.kind.status == 404
    for query in (world.reload(900), "_HLS_part=1", "_HLS_skip=YES", "_HLS_msn=x"):
        assert read(world.now(PLAYLIST, query)).ended
    assert not read(world.now(PLAYLIST, "_HLS_skip=YES")).skipped


def test_a_delta_is_asked_for_with_yes_or_v2() -> None:
    world = World(segments=12)
    for value in ("YES", "v2"):
        answer = world.now(PLAYLIST, f"_HLS_skip={value}")
        assert read(answer).skipped
        assert lifetime(answer) == "public, max-age=1"
    assert read(world.now(PLAYLIST, world.reload(12, 1, "&_HLS_skip=YES"))).skipped


async def test_a_hinted_part_is_held_until_it_is_complete() -> None:
    world = World()
    waiting = await world.wait(world.media(3, 2))
    world.windows.part()
    answer = await waiting
    assert answer.body == world.windows["source"].segments[-1].parts[2].data
    assert lifetime(answer) == "public, max-age=31536000, immutable"


async def test_a_hinted_part_that_becomes_a_gap_or_never_comes_is_404() -> None:
    world = World()
    waiting = await world.wait(world.media(3, 2))
    world.windows.part(gap=True)
    with pytest.raises(Problem) as gap:
        await waiting
    assert gap.value.kind.code == "media-unknown"
    waiting = await world.wait(world.media(3, 3))
    world.windows.close()
    with pytest.raises(Problem) as never:
        await waiting
    assert never.value.kind.code == "media-unknown"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("nothing", "public, max-age=2"),
        ("../source/index.m3u8", "public, max-age=2"),
        ("none/index.m3u8", "public, max-age=2"),
        ("source/other-1790000000.m4s", "public, max-age=2"),
        (f"source/{EPOCH}-1.m4s", "public, max-age=2"),
        (f"source/{EPOCH}-1790000000.9.m4s", "public, max-age=2"),
        (f"source/{EPOCH}-1790000003.3.m4s", "no-store"),
        (f"source/{EPOCH}-1790000005.m4s", "no-store"),
        (f"source/{EPOCH}-1.init.mp4", "no-store"),
    ],
)
def test_what_is_unknown_is_404_and_what_may_come_is_not_kept(address: str, kept: str) -> None:
    problem = World().refusal(address)
    assert problem.kind.status == 404
    assert lifetime(problem) == kept


def test_a_blocking_question_for_nothing_may_be_kept_longer() -> None:
    assert lifetime(World().refusal("none/index.m3u8", "_HLS_msn=3")) == "public, max-age=8"


async def test_waiters_share_one_future_one_rendering_and_one_body() -> None:
    world = World(limit=1_000)
    question = Asked(PLAYLIST, world.reload(3, 2), gzip=True)
    crowd = [asyncio.create_task(world.origin.answer(question)) for _ in range(500)]
    await asyncio.sleep(0)
    assert world.holds.held == 500
    before = world.origin.renderings
    world.windows.part()
    answers = await asyncio.gather(*crowd)
    assert world.origin.renderings == before + 1
    assert len({id(one.body) for one in answers}) == 1
    assert world.holds.held == 0
    assert isinstance(answers[0].body, bytes)
    assert b"#EXTM3U" in gzip.decompress(answers[0].body)


async def test_a_waiter_that_is_cancelled_or_leaves_disturbs_no_other() -> None:
    world = World()
    stays, goes = [await world.wait(PLAYLIST, world.reload(3, 2)) for _ in range(2)]
    goes.cancel()
    leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    question = Asked(PLAYLIST, world.reload(3, 2))
    left = asyncio.create_task(world.origin.answer(question, leaving))
    await asyncio.sleep(0)
    leaving.set_result(None)
    with pytest.raises(Left):
        await left
    world.windows.part()
    assert (await stays).status == 200
    assert world.holds.held == 0


async def test_waiters_are_capped() -> None:
    world = World(limit=1)
    waiting = await world.wait(PLAYLIST, world.reload(3, 2))
    with pytest.raises(Problem) as busy:
        await world.origin.answer(Asked("360p/index.m3u8", world.reload(3, 2)))
    assert busy.value.kind.code == "busy"
    assert busy.value.retry_after_s
    assert world.now(PLAYLIST).status == 200
    world.windows.part()
    await waiting


async def test_an_open_segment_is_sent_part_by_part() -> None:
    world = World()
    stream = world.now(world.media(3)).body
    assert isinstance(stream, AsyncGenerator)
    pieces = [await anext(stream), await anext(stream)]
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert world.holds.held == 1
    world.windows.part()
    pieces.append(await following)
    world.windows.part()
    pieces += [piece async for piece in stream]
    segment = world.windows["source"].segments[-1]
    assert pieces == [part.data for part in segment.parts]
    assert world.now(world.media(3)).body == b"".join(pieces)
    assert world.holds.held == 0


async def test_the_next_segment_is_held_until_its_first_part() -> None:
    world = World()
    waiting = await world.wait(world.media(4))
    world.windows.parts(3)
    stream = (await waiting).body
    assert isinstance(stream, AsyncGenerator)
    assert await anext(stream) == world.windows["source"].segments[-1].parts[0].data
    await stream.aclose()
    assert world.holds.held == 0


async def test_a_stream_that_stands_still_is_cut() -> None:
    world = World(hold_s=0.001)
    stream = world.now(world.media(3)).body
    assert isinstance(stream, AsyncGenerator)
    with pytest.raises(TimeoutError):
        _ = [piece async for piece in stream]


def test_a_gap_has_no_media() -> None:
    world = World()
    world.windows.close()
    world.windows.segments(1, gap=True)
    assert world.refusal(world.media(4)).kind.status == 404
    assert world.refusal(world.media(4, 0)).kind.status == 404


async def test_master_and_manifest_wait_until_all_rates_are_known() -> None:
    world = World(segments=0)
    master = await world.wait("master.m3u8")
    manifest = await world.wait("manifest.mpd")
    playlist = await world.wait(PLAYLIST)
    assert not world.origin.ready
    world.windows.parts(2)
    assert headers(await master)["content-type"] == "application/vnd.apple.mpegurl"
    assert headers(await manifest)["content-type"] == "application/dash+xml"
    assert lifetime(await manifest) == "public, max-age=1"
    assert len(read(await playlist).segments) == 1
    world.windows.add("late")
    assert world.origin.ready


def test_texts_are_rendered_once_after_each_change() -> None:
    world = World(segments=12)
    for _ in range(10):
        world.now(PLAYLIST)
        world.now(PLAYLIST, "_HLS_skip=YES")
        world.now("master.m3u8")
        world.now("manifest.mpd")
    assert world.origin.renderings == 4
    world.windows.part(only="360p")
    assert read(world.now(PLAYLIST)).reports["../360p/index.m3u8"][1] == 2
    assert world.origin.renderings == 5


def test_ranges_and_etags_of_media() -> None:
    world = World()
    address = world.media(0)
    whole = world.now(address)
    assert isinstance(whole.body, bytes)
    size = len(whole.body)
    piece = world.now(address, range="bytes=10-19")
    assert (piece.status, piece.body) == (206, whole.body[10:20])
    assert headers(piece)["content-range"] == f"bytes 10-19/{size}"
    for odd in ("bytes=2-1", "bytes=0-1,4-5", "bytes=" + ",".join(["0-0"] * 1_000), "x"):
        assert world.now(address, range=odd).status == 200
    outside = world.refusal(address, range=f"bytes={size}-")
    assert outside.kind.status == 416
    assert outside.headers["Content-Range"] == f"bytes */{size}"
    tag = headers(whole)["etag"]
    assert world.now(address, if_none_match=f'"x", W/{tag}').status == 304
    assert world.now(address, if_none_match='"x"').status == 200
    assert world.now(address, range="bytes=0-1", if_range=tag).status == 206
    assert world.now(address, range="bytes=0-1", if_range='"x"').status == 200


def test_init_segments_have_the_type_of_their_track() -> None:
    world = World()
    answer = world.now(f"audio/{EPOCH}-0.init.mp4")
    assert answer.body == b"init audio 0"
    assert headers(answer)["content-type"] == "audio/mp4"


async def test_a_forgotten_broadcast_releases_everybody() -> None:
    world = World()
    waiting = await world.wait(PLAYLIST, world.reload(3, 2))
    world.origin.close()
    with pytest.raises(Problem):
        await waiting
    assert world.refusal(PLAYLIST).kind.status == 404


def test_a_hold_says_what_it_waits_for() -> None:
    world = World()
    hold = world.origin.respond(Asked(world.media(3, 2)))
    assert hold == Hold("source", (world.windows.first + 3, 2))
