"""Recordings are read once for all who ask, and not longer than they are what the catalog says."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest

from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.index import FILE, encode
from recorder.media import LocalMedia, Media
from recorder.mp4.text import ChapterMark
from recorder.records import Record
from recorder.retention import Keeping
from signaling import shelf as module
from signaling.shelf import FRESH_MS, Shelf
from sluice.clock import VirtualClock
from sluice.database import sqlite_url
from sluice.errors import Problem
from tests.recorder.catalog.world import NOW_MS, lay, records
from tests.signaling.vod_world import VOD as FILM
from tests.signaling.vod_world import film

VOD = "live-20260101-120000-abcdef"


@dataclass
class World:
    """A shelf over a folder, and what was read for it."""

    recordings: Path
    catalog: Catalog
    clock: VirtualClock = field(default_factory=VirtualClock)
    loads: list[str] = field(default_factory=list)
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.catalog.vods, self.recordings, self._media, self.clock)

    async def add(self, vod: str = VOD, seconds: int = 10) -> None:
        lay(self.recordings, vod, records(vod, seconds=seconds))
        await self.adopt(vod)

    async def adopt(self, vod: str = VOD, *, live: bool = False) -> None:
        terms = Terms("public", Keeping(0, 0, keep_clips=True))
        adoption = Adoption(self.catalog.vods, self.recordings, lambda channel: terms)
        await adoption.adopt(vod, live=live)

    async def refused(self, vod: str = VOD) -> str:
        with pytest.raises(Problem) as refused:
            await self.shelf.open(vod)
        return refused.value.kind.code

    def _media(self, folder: Path) -> Media:
        self.loads.append(folder.name)
        return LocalMedia(folder)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    catalog = Catalog.at(sqlite_url(tmp_path / "catalog.db"))
    await catalog.open()
    yield World(tmp_path / "recordings", catalog)
    await catalog.close()


async def test_it_is_read_once_for_many_who_ask_at_once(world: World) -> None:
    await world.add()
    found = await asyncio.gather(*(world.shelf.open(VOD) for _ in range(50)))
    assert world.loads == [VOD]
    assert all(one is found[0] for one in found)
    assert found[0].replay.duration_us == 10_000_000
    assert found[0].parts == 10
    world.clock.advance(10 * FRESH_MS)
    assert await world.shelf.open(VOD) is found[0]
    assert world.loads == [VOD]


async def test_one_that_is_slow_to_read_does_not_hold_up_another(world: World) -> None:
    other = "live-20260102-120000-abcdef"
    await world.add()
    await world.add(other)
    first, second = await asyncio.gather(world.shelf.open(VOD), world.shelf.open(other))
    assert (first.vod.id, second.vod.id) == (VOD, other)


@pytest.mark.parametrize("name", ["", "..", "a/b", "UPPER-1", "x", "\0", VOD])
async def test_what_is_not_in_the_catalog_is_unknown(world: World, name: str) -> None:
    lay(world.recordings, VOD, records(VOD))
    assert await world.refused(name) == "vod-unknown"
    with pytest.raises(Problem):
        await world.shelf.growing(name)
    assert world.loads == []


async def test_a_deletion_elsewhere_is_seen_soon(world: World) -> None:
    await world.add()
    shown = await world.shelf.open(VOD)
    await world.catalog.deletions.delete_vod(VOD, "", "owner", NOW_MS, keep_clips=True)
    world.clock.advance(FRESH_MS - 1)
    assert await world.shelf.open(VOD) is shown
    world.clock.advance(1)
    assert await world.refused() == "vod-unknown"


async def test_a_deletion_here_is_seen_at_once(world: World) -> None:
    await world.add()
    await world.shelf.open(VOD)
    await world.catalog.deletions.delete_vod(VOD, "", "owner", NOW_MS, keep_clips=True)
    world.shelf.forget(VOD)
    assert await world.refused() == "vod-unknown"


async def test_what_grows_is_not_to_be_opened_but_can_be_looked_at(world: World) -> None:
    lay(world.recordings, VOD, records(VOD, seconds=3, closed=None))
    await world.adopt(live=True)
    assert await world.refused() == "vod-live"
    assert (await world.shelf.growing(VOD)).replay.duration_us == 3_000_000
    lines = records(VOD, seconds=5, closed=None)
    (world.recordings / VOD / FILE).write_bytes(b"".join(map(encode, lines)))
    assert (await world.shelf.growing(VOD)).replay.duration_us == 5_000_000


async def test_a_recording_that_went_on_is_read_again(world: World) -> None:
    await world.add()
    shown = await world.shelf.open(VOD)
    await world.adopt(live=True)
    world.clock.advance(FRESH_MS)
    assert await world.refused() == "vod-live"
    await _replace(world, records(VOD, seconds=20))
    assert (await world.shelf.open(VOD)).replay.duration_us == 20_000_000
    assert shown.replay.duration_us == 10_000_000


async def test_a_repaired_recording_is_read_again(world: World) -> None:
    """It ended when it ended, and there is less of it."""
    await world.add()
    await world.shelf.open(VOD)
    closed = records(VOD)[-1]
    await _replace(world, [*records(VOD, seconds=8, closed=None), closed])
    world.clock.advance(FRESH_MS)
    assert (await world.shelf.open(VOD)).replay.duration_us == 8_000_000


async def _replace(world: World, lines: Sequence[Record]) -> None:
    (world.recordings / VOD / FILE).write_bytes(b"".join(map(encode, lines)))
    await world.adopt()


@pytest.mark.parametrize("data", [None, b"", b"nonsense\n"])
async def test_a_damaged_index_is_told(world: World, data: bytes | None) -> None:
    await world.add()
    path = world.recordings / VOD / FILE
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    assert await world.refused() == "vod-damaged"
    assert await world.refused() == "vod-damaged"


async def test_no_more_are_kept_than_there_may_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    names = [f"live-2026010{day}-120000-abcdef" for day in range(1, 6)]
    for name in names:
        await world.add(name)
        await world.shelf.open(name)
    assert world.loads == names
    for name in names[2:]:
        await world.shelf.open(name)
    assert world.loads == names
    await world.shelf.open(names[0])
    assert world.loads == [*names, names[0]]


async def test_long_ones_count_for_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PARTS", 25)
    names = [f"live-2026010{day}-120000-abcdef" for day in range(1, 4)]
    for name in names:
        await world.add(name, seconds=10)
        await world.shelf.open(name)
    await world.shelf.open(names[0])  # two of them are as much as there may be
    assert world.loads == [*names, names[0]]
    huge = "live-20260109-120000-abcdef"
    await world.add(huge, seconds=100)
    for _ in range(2):  # what is asked for is kept, however long it is
        await world.shelf.open(huge)
    assert world.loads == [*names, names[0], huge]


# --- as one file


async def _film(world: World) -> None:
    film(world.recordings.parent)
    await world.adopt(FILM)


def _frames(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))


async def test_a_stretch_is_made_once_and_plays(world: World) -> None:
    await _film(world)
    shown = await world.shelf.open(FILM)
    files = await asyncio.gather(
        *(world.shelf.file(shown, (1_000_000, 3_000_000)) for _ in range(5))
    )
    assert all(one is files[0] for one in files)
    assert _frames(b"".join(files[0].read(0, files[0].size))) == 60
    whole = await world.shelf.file(shown, (0, None))
    assert whole.duration_us == 7_000_000


async def test_other_chapters_or_another_title_are_another_file(world: World) -> None:
    await _film(world)
    shown = await world.shelf.open(FILM)
    plain = await world.shelf.file(shown, (0, None))
    marked = await world.shelf.file(shown, (0, None), [ChapterMark(0, "Begin")])
    assert marked is not plain
    assert marked.etag != plain.etag
    await world.catalog.vods.retitle(FILM, "Roses")
    world.clock.advance(FRESH_MS)
    again = await world.shelf.open(FILM)
    assert again is shown
    titled = await world.shelf.file(again, (0, None))
    assert b"Roses" in b"".join(titled.read(0, titled.size))
    assert await world.shelf.file(again, (0, None), [ChapterMark(0, "Begin")]) is not marked


async def test_an_empty_stretch_is_refused(world: World) -> None:
    await _film(world)
    shown = await world.shelf.open(FILM)
    with pytest.raises(ValueError, match="nothing of the recording"):
        await world.shelf.file(shown, (8_000_000, None))


async def test_no_more_files_are_kept_than_there_may_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 2)
    await _film(world)
    shown = await world.shelf.open(FILM)
    first = await world.shelf.file(shown, (0, 1_000_000))
    second = await world.shelf.file(shown, (0, 2_000_000))
    assert await world.shelf.file(shown, (0, 1_000_000)) is first
    await world.shelf.file(shown, (0, 3_000_000))
    assert await world.shelf.file(shown, (0, 1_000_000)) is first
    assert await world.shelf.file(shown, (0, 2_000_000)) is not second
    world.shelf.forget(FILM)
    assert await world.shelf.file(shown, (0, 1_000_000)) is not first
