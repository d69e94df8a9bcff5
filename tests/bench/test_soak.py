"""What the soak samples, what its people read, and how it is told."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.bench.fakes import FakeClock
from tests.bench.plot import page
from tests.bench.process_tree import Member
from tests.bench.scraped import Figures
from tests.bench.soak import Soak, told
from tests.bench.soak_figures import (
    FILES,
    HEADER,
    PICTURE_POINTS,
    TASKS,
    THREADS,
    Series,
    bound_of,
    charts,
    grown,
    table,
)
from tests.bench.soak_owner import KEPT, Cleaner
from tests.bench.soak_people import Newest, Place, chat_guest, crowd, hls_viewer, newest
from tests.journeys.server import ServerFailed, SluiceServer

PLAYLIST = """#EXTM3U
#EXT-X-MEDIA-SEQUENCE:40
#EXT-X-PART:DURATION=0.5,URI="a40.0.m4s"
#EXTINF:2.0,
a40.m4s
#EXT-X-PART:DURATION=0.5,URI="a41.0.m4s"
#EXT-X-PART:DURATION=0.5,URI="a41.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="a41.2.m4s"
"""


def figures(tasks: float) -> Figures:
    return {("sluice_tasks", ()): tasks}


def series(mb_per_hour: float, samples: int = 120) -> Series:
    """An hour of a server that leaks, and whose files and tasks go up and down."""
    found = Series()
    for number in range(samples):
        at_s = 3_600 / samples * number
        kb = round(1e6 / 1024 * (100 + mb_per_hour * at_s / 3_600))
        members = [Member(1, "sluice serve", 0.0, kb, 40 + number % 3, 6)]
        if number % 2:
            members.append(Member(2, "recorder.work.run", 0.0, 50, 0, 0))
        found.take(at_s, members, figures(20 + number % 5) if number % 7 else None)
    return found


def test_a_leak_is_told_from_what_goes_up_and_down() -> None:
    found = {one.what: one for one in grown(series(30.0))}
    memory = found["memory, sluice serve"]
    assert memory.per_hour == pytest.approx(30.0, abs=0.5)
    assert memory.verdict == "grows"
    assert (memory.begin, memory.end) == pytest.approx((116.5, 128.5), abs=0.5)
    assert {found[name].verdict for name in (FILES, THREADS)} == {"flat"}


def test_what_stays_is_flat_and_tasks_are_sampled_where_metrics_answered() -> None:
    found = {one.what: one for one in grown(series(0.0))}
    assert found["memory, sluice serve"].verdict == "flat"
    assert TASKS not in found  # six of seven samples are too few


def test_a_process_that_is_there_now_and_then_has_no_slope_of_its_own() -> None:
    assert "memory, recorder.work.run" not in series(0.0).lasting()


def test_a_table_names_the_bound_that_a_verdict_is_about() -> None:
    rows = table(grown(series(30.0, samples=60)))
    assert {len(row) for row in rows} == {len(HEADER)}
    row = next(row for row in rows if row[0] == "memory, sluice serve, MB")
    assert row[3].startswith("+30.")
    assert row[5:] == (f"{bound_of('memory, sluice serve'):g}", "grows")


def test_a_run_that_is_too_short_says_so() -> None:
    rows = table(grown(series(0.0, samples=4)))
    assert {row[-1] for row in rows} == {"too few samples"}


def test_the_picture_has_a_chart_for_each_figure() -> None:
    drawn = charts(series(10.0))
    assert {len(chart.points) for chart in drawn} == {PICTURE_POINTS}
    assert {"open files", "threads"} <= {chart.title for chart in drawn}
    ElementTree.fromstring(page(drawn))


def test_what_was_done_is_a_sentence() -> None:
    soak = Soak(60.0, 10.0, [], {"chat: ack": 1_200, "HLS: parts": 3}, 0, [], [])
    assert told(soak) == "chat: ack 1,200; HLS: parts 3"


def test_the_newest_part_of_a_playlist_and_the_one_after() -> None:
    assert newest(PLAYLIST) == Newest(41, 2, "a41.1.m4s")
    assert newest(PLAYLIST.partition("a41.0")[0].rpartition("#")[0]) == Newest(41, 0, "a40.0.m4s")
    assert newest("#EXTM3U\n") == Newest(0, 0, None)
    assert newest(PLAYLIST + "#EXT-X-ENDLIST\n").over


class Counted(Counter[str]):
    """Tells when one thing was counted so often, in whatever thread."""

    def __init__(self, awaited: str, times: int = 1) -> None:
        super().__init__()
        self.awaited, self.times = awaited, times
        self.told = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        if key == self.awaited and value >= self.times:
            self.loop.call_soon_threadsafe(self.told.set)


class Origin:
    """Answers a viewer of HLS for a while, and then no more."""

    def __init__(self, over_after: int) -> None:
        self._over_after = over_after
        self.asked: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/live/a/{name:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(str(request.rel_url))
        if len(self.asked) > self._over_after:
            return web.Response(status=404)
        if request.path.endswith("master.m3u8"):
            return web.Response(text="#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nsource/index.m3u8\n")
        return web.Response(text=PLAYLIST)


async def test_a_viewer_waits_for_the_next_part_and_loads_it_and_survives_the_end() -> None:
    done = Counted("HLS: 404")
    origin = Origin(over_after=6)
    async with TestServer(origin.app()) as server, aiohttp.ClientSession() as http:
        place = Place(str(server.make_url("/")).rstrip("/"), "a")
        viewing = asyncio.ensure_future(hls_viewer(place, http, done))
        await asyncio.wait_for(done.told.wait(), 10)
        viewing.cancel()
    assert origin.asked[:4] == [
        "/live/a/master.m3u8",
        "/live/a/source/index.m3u8",
        "/live/a/source/index.m3u8?_HLS_msn=41&_HLS_part=2",
        "/live/a/source/a41.1.m4s",
    ]
    assert done["HLS: parts"] == 2


async def test_a_guest_that_finds_no_room_counts_it() -> None:
    done = Counted("chat: 404")
    async with TestServer(web.Application()) as server, aiohttp.ClientSession() as http:
        place = Place(str(server.make_url("/")).rstrip("/"), "a")
        guest = asyncio.ensure_future(chat_guest(place, http, done))
        await asyncio.wait_for(done.told.wait(), 10)
        guest.cancel()
    assert set(done) == {"chat: 404"}


async def test_a_crowd_has_always_so_many() -> None:
    here, most = 0, asyncio.Event()

    async def person(place: Place, http: aiohttp.ClientSession, done: Counter[str]) -> None:
        nonlocal here
        here += 1
        if here == 3:
            most.set()
        await asyncio.Event().wait()

    people = asyncio.ensure_future(crowd(person, 3, Place("", ""), Counter(), random.Random(1)))
    await asyncio.wait_for(most.wait(), 10)
    people.cancel()
    assert here == 3


class Recordings(SluiceServer):
    """Answers without a process."""

    def __init__(self, items: list[dict[str, str]], broken: bool = False) -> None:
        super().__init__(Path("unused"))
        self.items, self.broken = items, broken
        self.deleted: list[str] = []

    def request(self, method: str, path: str, body: object = None) -> object:
        if self.broken:
            raise ServerFailed("500 went wrong")
        if method == "DELETE":
            self.deleted.append(path)
            return None
        return {"items": self.items}


async def cleaned(server: Recordings, awaited: str, times: int = 1) -> Cleaner:
    """When it has counted that."""
    done = Counted(awaited, times)
    cleaner = Cleaner(server, "a", FakeClock(), done)
    work = asyncio.ensure_future(cleaner.recordings_forever())
    await asyncio.wait_for(done.told.wait(), 10)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    return cleaner


async def test_old_recordings_are_deleted_and_the_newest_and_the_running_one_stay() -> None:
    states = ["recording", *["ready"] * (KEPT + 2)]
    server = Recordings([{"id": f"r{at}", "state": one} for at, one in enumerate(states)])
    cleaner = await cleaned(server, "recordings: deleted", 2)
    assert server.deleted[:2] == [f"/api/vods/r{KEPT + 1}", f"/api/vods/r{KEPT + 2}"]
    assert cleaner.done["recordings: begun"] == len(states)


async def test_what_the_server_does_not_do_is_a_trouble_and_not_the_end() -> None:
    cleaner = await cleaned(Recordings([], broken=True), "recordings: ServerFailed")
    assert cleaner.done["recordings: ServerFailed"] >= 1
    assert cleaner.troubles[0] == "recordings: 500 went wrong"
