"""All that is known of one recording."""

from __future__ import annotations

from pathlib import Path

from recorder.catalog.catalog import Catalog
from recorder.index import FILE, IndexWriter
from recorder.jobs.queue import LocalQueue
from recorder.jobs.settings import JobSettings
from recorder.records import Chunk, Closed, Gap, Record, Stored
from recorder.work.task import Spec
from signaling.vod_sheet import Sheet, sheet_of
from sluice.database import sqlite_url
from tests.recorder.catalog.world import NOW_MS, SECOND, add, lay, records

VOD = "live-20260301-180000-abc234"


async def sheet(storage: Path, found: list[Record], *, known: bool = False) -> Sheet:
    folder = lay(storage / "recordings", VOD, found)
    return await look(storage, folder, known=known)


async def look(storage: Path, folder: Path, *, known: bool = False) -> Sheet:
    catalog = Catalog.at(sqlite_url(storage / "catalog.db"))
    queue = LocalQueue(storage, JobSettings(concurrency=0))
    await catalog.open()
    try:
        if known:
            await add(catalog, VOD)
            await queue.submit(Spec("poster", VOD))
        return await sheet_of(folder, catalog, queue)
    finally:
        await queue.stop()
        await catalog.close()


async def test_gaps_that_follow_each_other_are_one(tmp_path: Path) -> None:
    gaps = [
        Gap("source", 10 + n // 2, n % 2, 10 * SECOND + n * SECOND // 2, SECOND // 2, lost=lost)
        for n, lost in enumerate([False, False, False, True])
    ]
    found = await sheet(tmp_path, records(VOD, gaps=gaps))
    assert [(one.stream_ms - NOW_MS, one.duration_ms, one.lost) for one in found.gaps] == [
        (10_000, 1_500, False),
        (11_500, 500, True),
    ]


async def test_the_catalog_and_the_queue_add_what_they_know(tmp_path: Path) -> None:
    unknown = await sheet(tmp_path, records(VOD))
    assert (unknown.state, unknown.title, unknown.access) == ("unknown", "A title", "")
    known = await look(tmp_path, tmp_path / "recordings" / VOD, known=True)
    assert (known.state, known.access) == ("ready", "public")
    assert [(one.kind, one.state) for one in known.jobs] == [("poster", "waiting")]


async def test_what_grows_and_what_a_crash_left_are_told_apart(tmp_path: Path) -> None:
    left = await sheet(tmp_path, records(VOD, closed=None), known=True)
    assert (left.state, left.ended_ms) == ("unfinished", None)
    folder = tmp_path / "recordings" / VOD
    with IndexWriter(folder / FILE):
        assert (await look(tmp_path, folder)).state == "recording"


async def test_chunks_are_counted_here_and_in_the_store(tmp_path: Path) -> None:
    first, *rest = records(VOD, closed=None)
    second = Chunk("source", 2, 1, 1, b"init", "avc1.64001f", SECOND, 1_280, 720)
    more: list[Record] = [second, Stored("source", 1), Closed(NOW_MS, "end")]
    folder = lay(tmp_path / "recordings", VOD, [first, *rest, *more])
    (folder / "source-000002.mp4").write_bytes(b"x")
    found = await look(tmp_path, folder)
    assert found.store == "some of it"
    [line] = found.renditions
    assert (line.chunks, line.sealed, line.stored, line.local) == (2, 0, 1, 1)
