"""What /readyz says, and what it is made of."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from signaling.readiness import HUNG_S, DiskWatch, Part, Signs, Status, Verdict, judge
from sluice.storage import Store

WELL = Signs(
    open=True,
    stopping=False,
    events=True,
    engine=True,
    lagging=False,
    store=True,
    recorder=True,
    disk=True,
)


def test_where_all_is_well_requests_may_come() -> None:
    assert judge(WELL) == Verdict("ok")


@pytest.mark.parametrize("part", ["events", "engine", "store", "recorder"])
def test_a_part_that_does_not_work_is_named(part: Part) -> None:
    assert judge(replace(WELL, **{part: False})) == Verdict("broken", (part,))


def test_all_of_them_are_named() -> None:
    verdict = judge(replace(WELL, engine=False, recorder=False, lagging=True))
    assert verdict == Verdict("broken", ("engine", "recorder"))


def test_a_loop_that_lags_wants_no_more() -> None:
    assert judge(replace(WELL, lagging=True)) == Verdict("busy", ("loop",))


def test_a_disk_without_room_is_a_warning() -> None:
    assert judge(replace(WELL, disk=False)) == Verdict("ok", (), ("disk",))


@pytest.mark.parametrize(
    ("signs", "status"),
    [
        (replace(WELL, open=False, events=False), "starting"),
        (replace(WELL, stopping=True, events=False), "stopping"),
        (replace(WELL, stopping=True, open=False), "stopping"),
    ],
)
def test_a_start_and_an_end_are_no_fault(signs: Signs, status: Status) -> None:
    assert judge(signs) == Verdict(status)


class Failing(Store):
    """A store whose disk fails as told."""

    trouble: sqlite3.Error | None = None
    hanging: threading.Event | None = None

    def probe(self) -> None:
        if self.hanging is not None:
            self.hanging.wait()
        if self.trouble is not None:
            raise self.trouble
        super().probe()


def seen(watch: DiskWatch) -> tuple[bool, bool]:
    return watch.writable, watch.roomy


async def test_a_store_that_takes_writes_on_a_roomy_disk_is_well(tmp_path: Path) -> None:
    watch = DiskWatch(Store(tmp_path), tmp_path, low_bytes=1)
    for _ in range(2):
        await watch.look()
    assert seen(watch) == (True, True)


async def test_a_store_that_refuses_is_told_once_and_comes_back(tmp_path: Path) -> None:
    store = Failing(tmp_path)
    store.trouble = sqlite3.OperationalError("attempt to write a readonly database")
    watch = DiskWatch(store, tmp_path, low_bytes=1)
    with structlog.testing.capture_logs() as logs:
        await watch.look()
        await watch.look()
        assert seen(watch) == (False, True)
        store.trouble = None
        await watch.look()
        assert seen(watch) == (True, True)
    assert [entry["log_level"] for entry in logs] == ["error", "info"]


async def test_a_full_disk_is_a_warning_and_no_fault(tmp_path: Path) -> None:
    store = Failing(tmp_path)
    store.trouble = sqlite3.OperationalError("database or disk is full")
    store.trouble.sqlite_errorcode = sqlite3.SQLITE_FULL
    watch = DiskWatch(store, tmp_path, low_bytes=1)
    await watch.look()
    assert seen(watch) == (True, False)


async def test_little_room_is_a_warning(tmp_path: Path) -> None:
    watch = DiskWatch(Store(tmp_path), tmp_path, low_bytes=1 << 62)
    await watch.look()
    assert not watch.roomy


async def test_a_disk_that_hangs_does_not_hang_the_answer(tmp_path: Path) -> None:
    now = [100.0]
    store = Failing(tmp_path)
    store.hanging = threading.Event()
    watch = DiskWatch(store, tmp_path, low_bytes=1, now=lambda: now[0])
    looking = asyncio.create_task(watch.look())
    try:
        await asyncio.sleep(0)
        now[0] += HUNG_S
        assert seen(watch) == (True, True)
        now[0] += 1
        assert seen(watch) == (False, True)
    finally:
        store.hanging.set()
        await looking
    assert seen(watch) == (True, True)


async def test_a_storage_folder_that_vanished_is_no_crash(tmp_path: Path) -> None:
    watch = DiskWatch(Store(tmp_path / "store"), tmp_path / "gone")
    await watch.look()
    assert seen(watch) == (False, False)
