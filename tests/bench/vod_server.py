"""How long a viewer waits for the replay of a long broadcast, at a real server.

The recording is put into the storage of a server that was killed at its end. The next server
recovers it, and its channel goes on air again, so that the same recording goes on: this is how an
hour ends without anybody streaming for an hour.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from recorder import index
from recorder.jobs.outputs import DERIVED
from recorder.records import Began, Closed, Record, Sealed, Session
from signaling.recordings import FOLDER
from tests.bench import rig
from tests.bench.vod_playing import Viewer
from tests.journeys.server import SluiceServer, clean_environment
from tests.journeys.waiting import until

SETTINGS: Final[Mapping[str, Mapping[str, object]]] = {
    **rig.UNLIMITED,
    "recorder": {"record": "always", "keep_days": 0},
    # Jobs of the recovered recording are waited for before its channel goes on air again.
    "reconnect": {"grace_ms": 3_600_000},
}
TORN: Final = 10
"""Bytes of the last line that did not reach the disk."""
LIVE_SEGMENTS: Final = 3
JOBS_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Waited:
    """Seconds until both playlists, their first segments and two pieces of video.mp4 had come."""

    ended_s: float
    """From the moment the streamer's program was told to stop."""
    restarted_s: float
    """From the start of the server's process, after another one was killed while it recorded."""
    steps: Mapping[str, float]
    """Of `ended_s`: when each step was done."""


def rounds(recording: Path, folder: Path, count: int) -> Iterator[Waited]:
    """`folder`, which is not there yet, is on the recording's disk. The recording is another one
    afterwards: its end is torn. Raises ServerFailed, NotPlayable and TimeoutError."""
    records = index.read(recording / index.FILE).records
    began = records[0]
    assert isinstance(began, Began)
    server = SluiceServer(folder, settings=SETTINGS)
    with server:
        key = server.create_channel(began.channel)
    empty, storage = folder / "empty", folder / "storage"
    storage.rename(empty)
    for _ in range(count):
        shutil.copytree(empty, storage)
        with crashed(recording, records, storage / FOLDER / recording.name):
            yield waited(server, began, key)
        shutil.rmtree(storage)


@contextmanager
def crashed(recording: Path, records: Sequence[Record], place: Path) -> Iterator[None]:
    """A recording as a killed server leaves it, for as long as this lasts at another place."""
    there = {one.name for one in recording.iterdir()}
    place.parent.mkdir(exist_ok=True)
    recording.rename(place)
    try:
        (place / index.FILE).write_bytes(torn(records, time.time_ns() // 1_000_000))
        yield
    finally:
        shutil.rmtree(place / DERIVED, ignore_errors=True)
        for one in place.iterdir():
            if one.name not in there:
                one.unlink()
        place.rename(recording)


def torn(records: Sequence[Record], now_ms: int) -> bytes:
    """The index of a recording that was closed in order, had its server been killed at its very
    end, a moment ago."""
    began, closed = records[0], records[-1]
    assert isinstance(began, Began)
    assert isinstance(closed, Closed)
    later_ms = now_ms - closed.wall_ms
    lines: list[Record] = []
    for record in records:
        match record:
            case Began(wall_ms=wall_ms):
                record = msgspec.structs.replace(record, wall_ms=wall_ms + later_ms)
            case Session(origin_ms=origin_ms):
                record = msgspec.structs.replace(record, origin_ms=origin_ms + later_ms)
            case _:
                pass
        lines.append(record)
    while isinstance(lines[-1], Closed | Sealed):
        lines.pop()
    return b"".join(map(index.encode, lines))[:-TORN]


def waited(server: SluiceServer, began: Began, key: str) -> Waited:
    """One round of a server that does not run yet."""
    started_s = time.monotonic()
    server.start()
    try:
        with closing(Viewer(server.host, server.port, began.recording)) as viewer:
            recovered = viewer.play(least_s=0)
            until("its jobs have ended", lambda: jobs_ended(server, began.recording), JOBS_S)
            length_s = length(server, began)
            with phone(server, began.channel, key) as streaming:
                until("it goes on", lambda: state(server, began) == "recording", 30)
                server.await_segments(began.channel, LIVE_SEGMENTS)
                ended_s = time.monotonic()
                streaming.send_signal(signal.SIGINT)
                done = viewer.play(least_s=length_s + 1)
    finally:
        server.stop()
    return Waited(
        done["file"] - ended_s,
        recovered["file"] - started_s,
        {step: at_s - ended_s for step, at_s in done.items()},
    )


@contextmanager
def phone(server: SluiceServer, channel: str, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """A small picture, so that little else is done here than what is measured."""
    command = [sys.executable, "-m", "mobile_sim", "publish", server.whip_url(channel)]
    command += ["--testcard", "--codec", "h264", "--size", "640x360", "--bitrate", "1000k"]
    streaming = subprocess.Popen(
        command,
        env={**clean_environment(), "MOBILE_SIM_KEY": key},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield streaming
    finally:
        streaming.terminate()
        streaming.wait(10)


def jobs_ended(server: SluiceServer, vod: str) -> bool:
    """Whether the last one, which makes the physical file, has ended like all others."""
    told = server.request("GET", f"/api/vods/{vod}")
    assert isinstance(told, dict)
    states = {job["kind"]: job["state"] for job in told["jobs"]}
    return "mp4" in states and set(states.values()) <= {"done", "failed"}


def length(server: SluiceServer, began: Began) -> float:
    """Seconds that can be played."""
    return float(str(shown(server, began)["duration_ms"])) / 1_000


def state(server: SluiceServer, began: Began) -> object:
    return shown(server, began)["state"]


def shown(server: SluiceServer, began: Began) -> Mapping[str, object]:
    """The recording as its channel's list has it."""
    told = server.request("GET", f"/api/channels/{began.channel}/vods")
    assert isinstance(told, dict)
    found: dict[str, Mapping[str, object]] = {one["id"]: one for one in told["items"]}
    return found[began.recording]
