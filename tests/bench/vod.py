"""`make bench-vod`: an hour of 1080p, from the end of its broadcast to all that is made of it.

- The replay: a real server, and a viewer who asks for the playlists, the first segments and two
  pieces of the virtual MP4 from the moment the streamer stops until all of it has come. In it are
  the bridge's last parts, the writer's, the index and the catalog, and the head of the MP4.
- The jobs: each in a process as the runner starts it, until its output is on the disk. Before each
  run the kernel drops its copy of the media. The file is made in turn with the ffmpeg command's,
  which reads the same chunks, has the same low priority, and is waited for until its file is on the
  disk, too; both also with the media in the kernel's cache, where it is right after a broadcast.

A few seconds of noisy pictures are encoded and repeated with new times. Medians count. Prints a
table and, as its last line, one JSON object; with `--store` both go into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from recorder.work.task import Kind
from tests.bench import ffmpeg_copy, rig, vod_jobs, vod_recording, vod_server
from tests.bench.ffmpeg_copy import Copied
from tests.bench.machine import doubt, moment, own_cpu_s
from tests.bench.page import BENCHMARKS, store
from tests.bench.vod_jobs import JobRun
from tests.bench.vod_server import Waited

BUILD: Final = Path(".build/bench")
MINUTES: Final = 60.0
ROUNDS: Final = 3
ALIKE: Final = 0.01
"""The two files have the same samples: so much they may differ in size."""


@dataclass(frozen=True, slots=True)
class VodFigures:
    """The field names are the keys of the JSON object. `_s`: seconds on the clock."""

    replay_ready_s: float
    """From the end of the broadcast."""
    restart_ready_s: float
    """From the start of a server after one was killed while it recorded."""
    mp4_s: float
    mp4_cpu_s: float
    ffmpeg_s: float
    ffmpeg_cpu_s: float
    ffmpeg_ratio: float
    """Its seconds by ours: over 1, ours is quicker."""
    cached_mp4_s: float
    cached_ffmpeg_s: float
    cached_ffmpeg_ratio: float
    """With the media in the kernel's cache."""
    peer: str
    peak_mb: float
    """Resident memory of the process that makes the MP4."""
    storyboard_s: float
    storyboard_cpu_s: float
    chapters_s: float
    chapters_cpu_s: float
    minutes: float
    gigabytes: float
    doubts: list[str]


@dataclass(frozen=True, slots=True)
class Files:
    """The physical MP4, and the one of the other, run by run."""

    ours: list[JobRun]
    theirs: list[Copied]

    @property
    def our_s(self) -> float:
        return median(run.wall_s for run in self.ours)

    @property
    def their_s(self) -> float:
        return median(run.wall_s for run in self.theirs)

    @property
    def ratio(self) -> float:
        """Their time by ours."""
        return round(self.their_s / self.our_s, 2)


def measure(minutes: float, rounds: int, console: Console) -> VodFigures:
    """Raises RuntimeError, CalledProcessError, ServerFailed, NotPlayable and TimeoutError."""
    BUILD.mkdir(parents=True, exist_ok=True)
    # Beside each other, for copies within one file system; and on a disk, which /tmp may not be.
    with tempfile.TemporaryDirectory(dir=BUILD.absolute()) as name:
        folder = Path(name)
        recording = folder / f"bench-{datetime.now(UTC):%Y%m%d-%H%M%S}-aaaaaa"
        console.print(f"a recording of {minutes:g} minutes is written")
        size = vod_recording.write(recording, minutes)
        before, ours_s = moment(), own_cpu_s()
        files = measure_files(recording, folder, rounds, console)
        cached = measure_files(recording, folder, rounds, console, cached=True)
        storyboards = measure_job("storyboard", recording, folder, rounds, console)
        chapters = measure_job("chapters", recording, folder, rounds, console)
        waits: list[Waited] = []
        for waited in vod_server.rounds(recording, folder / "server", rounds):
            console.print(f"replay: {said(waited)}")
            waits.append(waited)
        found = doubt(before, moment(), own_cpu_s() - ours_s)
    doubts = [] if found is None else [found]
    return figures(files, cached, storyboards, chapters, waits, minutes, size, doubts)


def measure_files(
    recording: Path, folder: Path, rounds: int, console: Console, *, cached: bool = False
) -> Files:
    """The one goes first in one round, and the other in the next."""
    found = Files([], [])
    prepare = vod_jobs.remember if cached else vod_jobs.forget
    for number in range(rounds):
        for ours in (True, False) if number % 2 == 0 else (False, True):
            prepare(recording)
            if ours:
                run = vod_jobs.run("mp4", recording, folder / "out")
                console.print(f"mp4: {run.wall_s:.2f} s, {run.cpu_s:.2f} s of CPU")
                found.ours.append(run)
            else:
                copied = ffmpeg_copy.run(recording, folder / "copy.mp4")
                console.print(
                    f"ffmpeg: {copied.wall_s:.2f} s, its end after {copied.ended_s:.2f} s, "
                    f"{copied.cpu_s:.2f} s of CPU"
                )
                found.theirs.append(copied)
    return found


def measure_job(
    kind: Kind, recording: Path, folder: Path, rounds: int, console: Console
) -> list[JobRun]:
    found: list[JobRun] = []
    for _ in range(rounds):
        vod_jobs.forget(recording)
        run = vod_jobs.run(kind, recording, folder / "out")
        console.print(f"{kind}: {run.wall_s:.2f} s, {run.cpu_s:.2f} s of CPU")
        found.append(run)
    return found


def said(waited: Waited) -> str:
    steps = ", ".join(f"{step} {at_s:.2f} s" for step, at_s in waited.steps.items())
    return f"{steps} after the end; {waited.restarted_s:.2f} s after a crash"


def figures(
    files: Files,
    cached: Files,
    storyboards: Sequence[JobRun],
    chapters: Sequence[JobRun],
    waits: Sequence[Waited],
    minutes: float,
    size: int,
    doubts: list[str],
) -> VodFigures:
    """Of all rounds. `size`: bytes of the media."""
    ours, theirs = files.ours[0].size, files.theirs[0].size
    if abs(ours - theirs) > ALIKE * theirs:
        doubts = [*doubts, f"the files have {ours:,} and {theirs:,} bytes"]
    return VodFigures(
        replay_ready_s=round(median(one.ended_s for one in waits), 2),
        restart_ready_s=round(median(one.restarted_s for one in waits), 2),
        mp4_s=round(files.our_s, 2),
        mp4_cpu_s=round(median(run.cpu_s for run in files.ours), 2),
        ffmpeg_s=round(files.their_s, 2),
        ffmpeg_cpu_s=round(median(run.cpu_s for run in files.theirs), 2),
        ffmpeg_ratio=files.ratio,
        cached_mp4_s=round(cached.our_s, 2),
        cached_ffmpeg_s=round(cached.their_s, 2),
        cached_ffmpeg_ratio=cached.ratio,
        peer=ffmpeg_copy.peer(),
        peak_mb=round(max(run.peak_mb for run in files.ours + cached.ours), 1),
        storyboard_s=round(median(run.wall_s for run in storyboards), 2),
        storyboard_cpu_s=round(median(run.cpu_s for run in storyboards), 2),
        chapters_s=round(median(run.wall_s for run in chapters), 2),
        chapters_cpu_s=round(median(run.cpu_s for run in chapters), 2),
        minutes=minutes,
        gigabytes=round(size / 1e9, 2),
        doubts=doubts,
    )


def table(found: VodFigures) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""

    def job(wall_s: float, cpu_s: float) -> str:
        return f"{wall_s:g} s ({cpu_s:g} s of CPU)"

    cached = f"{found.cached_mp4_s:g} s and {found.cached_ffmpeg_s:g} s"
    return [
        ("from the end of the broadcast to its replay", f"{found.replay_ready_s:g} s",
         "at most 2 s"),
        ("the same from the start of a server after a crash", f"{found.restart_ready_s:g} s", ""),
        ("the physical MP4", job(found.mp4_s, found.mp4_cpu_s), ""),
        (f"the same by {found.peer}, copied with faststart",
         job(found.ffmpeg_s, found.ffmpeg_cpu_s), ""),
        ("its time by ours", f"{found.ffmpeg_ratio:g}", "at least 2"),
        ("both with the media in the cache, and theirs by ours",
         f"{cached}, {found.cached_ffmpeg_ratio:g}", ""),
        ("memory of the MP4's process, peak", f"{found.peak_mb:g} MB", "at most 100 MB"),
        ("storyboard", job(found.storyboard_s, found.storyboard_cpu_s), "at most 12 s"),
        ("chapters", job(found.chapters_s, found.chapters_cpu_s), "at most 20 s"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of media")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    options = parser.parse_args()
    console = Console(stderr=True)
    found = measure(options.minutes, options.rounds, console)
    rows = table(found)
    title = f"{found.minutes:g} minutes of 1080p, {found.gigabytes:g} GB"
    shown = Table("what", "measured", "goal", title=title)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for one in found.doubts:
        console.print(f"[yellow]doubt:[/yellow] {one}")
    line = json.dumps(asdict(found))
    if options.store:
        about = rig.about(f"{title}, cold; the goals are for an hour.", "make bench-vod")
        store("vod", about, ("what", "measured", "goal"), rows, line)
    print(line)


if __name__ == "__main__":
    main()
