"""What `sluice doctor` says of recordings: room for them, what a crash left, and who helps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich import filesize

from recorder import index
from recorder.captions.engine import EngineMissing
from recorder.captions.engine import check as check_engine
from recorder.disk import LocalDisk
from recorder.jobs.queue import QueueDown
from recorder.recording import ID, NotARecording, Recording
from recorder.records import Chunk, Closed, Gap, Part, Session
from recorder.store.address import AddressError, refuse_own_folder
from recorder.store.doctor import check as check_object_store
from signaling.doctor import Check
from signaling.recordings import FOLDER
from signaling.vod_archive import is_growing
from signaling.vod_house import job_settings, open_store
from sluice.config import ConfigError, Settings
from sluice.recorder_config import CaptionsConfig

BYTES_AN_HOUR: Final = 6_000_000 // 8 * 3_600
"""Of a broadcast of 6 Mbit/s."""
ENOUGH_H: Final = 4
_TAIL: Final = 1 << 16
_NAMED: Final = 3
"""Recordings that are named; of more, the number tells."""


async def examine_recorder(settings: Settings) -> list[Check]:
    """All checks, in the order a person should read them."""
    checks = [check_room(settings), await asyncio.to_thread(check_recordings, settings)]
    checks += await asyncio.gather(check_store(settings), check_jobs(settings))
    checks.append(check_captions(settings.recorder.captions))
    return checks


def check_room(settings: Settings) -> Check:
    """How much can be recorded before the disk is full."""
    name = "Room for recordings"
    config = settings.recorder
    if config.record == "never":
        return Check(name, "ok", "Not needed: recorder.record is never.")
    folder = _nearest(settings.storage.path / FOLDER)
    try:
        room = LocalDisk().free(folder) - (config.reserve_mb << 20)
    except OSError as error:
        return Check(name, "fail", f"{folder} cannot be looked at: {error.strerror}.")
    todo = "Free disk space, or keep less: recorder.keep_days and recorder.quota_gb."
    if room <= 0:
        text = f"Less is free than the reserve of {config.reserve_mb} MiB: nothing is recorded."
        return Check(name, "fail", text, todo)
    hours = room / BYTES_AN_HOUR
    text = f"{filesize.decimal(room)} are free: some {hours:.1f} hours at 6 Mbit/s."
    return Check(name, "warn", text, todo) if hours < ENOUGH_H else Check(name, "ok", text)


def check_recordings(settings: Settings) -> Check:
    """Whether all recordings were ended in order. Only the ends of their indexes are read."""
    name = "Recordings"
    folder = settings.storage.path / FOLDER
    open_, torn, unreadable, growing, count = [], [], [], 0, 0
    try:
        for one in _recordings(folder):
            count += 1
            try:
                closed, rest = _ending(one / index.FILE)
                if not closed and is_growing(one, Recording.read(one)):
                    growing += 1
                elif not closed:
                    open_.append(one.name)
                elif rest:
                    torn.append(one.name)
            except (OSError, NotARecording):
                unreadable.append(one.name)
    except OSError as error:
        return Check(name, "fail", f"{folder} cannot be read: {error.strerror}.")
    if unreadable or torn:
        found = {"Cannot be read": unreadable, "Index torn": torn, "Not closed": open_}
        text = " ".join(f"{what}: {_names(names)}." for what, names in found.items() if names)
        return Check(name, "warn", text, "Run `sluice vod repair` with its id.")
    if open_:
        text = f"Not closed after a crash: {_names(open_)}."
        return Check(name, "warn", text, "The next start of Sluice does it, or `sluice vod adopt`.")
    text = f"{count} in {folder}" + (f", {growing} being written." if growing else ".")
    return Check(name, "ok", text)


async def check_store(settings: Settings) -> Check:
    """Write, read, list and delete an object."""
    name = "Object store"
    try:
        store = open_store(settings.recorder)
        if store is None:
            return Check(name, "ok", "None is set: recordings only lie in the storage folder.")
        refuse_own_folder(store, settings.storage.path / FOLDER / "probe")
    except (ConfigError, AddressError) as error:
        return Check(name, "fail", str(error), "Correct recorder.store.")
    wrong = await check_object_store(store)
    if wrong:
        return Check(name, "fail", " ".join(wrong), "Correct recorder.store, or the store itself.")
    return Check(name, "ok", f"{settings.recorder.store.url} takes and gives what it should.")


async def check_jobs(settings: Settings) -> Check:
    """Whether Redis answers, where jobs go through it."""
    name = "Jobs"
    jobs = settings.recorder.jobs
    if jobs.redis_url is None:
        if jobs.workers:
            return Check(name, "ok", f"Done on this machine, {jobs.workers} at a time.")
        return Check(
            name,
            "ok",
            "Not done by this server: recorder.jobs.workers is 0.",
            "Another server must run on this storage folder, or nothing is made of recordings.",
        )
    # Imported only where it is used.
    from recorder.jobs.redis_jobs import RedisJobs

    try:
        queue = RedisJobs(jobs.redis_url.get_secret_value(), jobs.prefix, job_settings(jobs))
    except ValueError as error:
        return Check(name, "fail", f"recorder.jobs.redis_url: {error}.", "Correct it.")
    try:
        running = len(await queue.running())
    except QueueDown as error:
        return Check(name, "fail", f"{error}.", "Start Redis, or correct recorder.jobs.redis_url.")
    finally:
        await queue.close()
    return Check(
        name,
        "ok",
        f"Redis answers; {running} being done.",
        "" if running else "`sluice vod worker` must run somewhere.",
    )


def check_captions(captions: CaptionsConfig) -> Check:
    """Whether the engine is installed, and its model there. It is not loaded."""
    name = "Captions"
    if captions.engine == "none":
        return Check(name, "ok", "Nobody writes them: recorder.captions.engine is none.")
    try:
        check_engine(captions.engine, captions.model, captions.language)
    except EngineMissing as error:
        return Check(name, "fail", str(error), "Correct recorder.captions.")
    return Check(name, "ok", f"{captions.engine} is installed, for {captions.language!r}.")


def _nearest(folder: Path) -> Path:
    """It, or what of it is there already."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _recordings(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for one in sorted(folder.iterdir()):
            if ID.fullmatch(one.name) and (one / index.FILE).is_file():
                yield one


def _ending(path: Path) -> tuple[bool, int]:
    """Whether a recording is closed, and the bytes of a torn line. Raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        reach = _TAIL
        while True:
            start = max(0, size - reach)
            file.seek(start)
            data = file.read(size - start)
            if start:
                data = data[data.find(b"\n") + 1 :]
            found = index.parse(data)
            for record in reversed(found.records):
                if isinstance(record, Closed):
                    return True, found.torn
                if isinstance(record, Part | Gap | Session | Chunk):
                    return False, found.torn
            if start == 0:
                return False, found.torn
            reach *= 8


def _names(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
