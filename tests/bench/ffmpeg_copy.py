"""What the MP4 of a recording is compared with: `ffmpeg -c copy -movflags +faststart`.

It reads the same chunks, which its `concat:` makes one fragmented MP4 of for each rendition, so
nothing has to be prepared for it. Where there is no ffmpeg, its libraries do the same here:

    python -m tests.bench.ffmpeg_copy 'concat:source-000001.mp4|...' 'concat:audio-...' out.mp4
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from recorder.jobs import confine
from tests.bench.noisy import Coded

FASTSTART: Final = "+faststart"


@dataclass(frozen=True, slots=True)
class Copied:
    """One copy, from the start of its process."""

    wall_s: float
    """Until the file was on the disk."""
    ended_s: float
    """Until the process had ended, which does not wait for the disk."""
    cpu_s: float
    size: int
    """Bytes of the file."""


def peer() -> str:
    """What makes the copy."""
    program = shutil.which("ffmpeg")
    if program is None:
        return f"PyAV {av.__version__}"
    first = subprocess.run([program, "-version"], check=True, capture_output=True, text=True)
    return " ".join(first.stdout.split()[:3:2])


def run(recording: Path, out: Path) -> Copied:
    """Raises CalledProcessError. What was made is deleted again."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    try:
        # As a job does, it lets others go first.
        subprocess.run(
            command(shutil.which("ffmpeg"), recording, out.absolute()),
            cwd=recording,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            check=True,
            preexec_fn=confine.stand_back,
        )
        ended_s = time.monotonic() - begun
        with out.open("rb") as file:
            os.fdatasync(file.fileno())
        wall_s = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Copied(wall_s, ended_s, cpu_s, out.stat().st_size)
    finally:
        out.unlink(missing_ok=True)


def command(program: str | None, recording: Path, out: Path) -> Sequence[str]:
    """To be run in the recording's folder. `program` None: there is no ffmpeg."""
    pictures, sound = joined(recording, "source"), joined(recording, "audio")
    if program is None:
        return (sys.executable, "-m", "tests.bench.ffmpeg_copy", pictures, sound, str(out))
    options = ("-hide_banner", "-nostdin", "-y", "-v", "error")
    streams = ("-i", pictures, "-i", sound, "-map", "0:v", "-map", "1:a")
    return (program, *options, *streams, "-c", "copy", "-movflags", FASTSTART, str(out))


def joined(recording: Path, rendition: str) -> str:
    """The chunks of a rendition, as one file."""
    names = sorted(one.name for one in recording.glob(f"{rendition}-*.mp4"))
    return "concat:" + "|".join(names)


def remux(pictures: str, sound: str, out: str) -> None:
    """All packets as they are, in the order of their times."""
    with (
        av.open(pictures) as video,
        av.open(sound) as audio,
        av.open(out, "w", format="mp4", options={"movflags": FASTSTART}) as to,
    ):
        streams: tuple[VideoStream | AudioStream, ...] = (
            to.add_stream_from_template(video.streams.video[0]),
            to.add_stream_from_template(audio.streams.audio[0]),
        )
        for _, number, packet in merge(
            packets(0, video.demux(video=0)), packets(1, audio.demux(audio=0)), key=itemgetter(0)
        ):
            packet.stream = streams[number]
            to.mux(packet)


def packets(number: int, demuxed: Iterable[Coded]) -> Iterator[tuple[Fraction, int, Coded]]:
    """With their times in seconds; without the empty one at the end."""
    for packet in demuxed:
        if packet.dts is not None and packet.time_base is not None:
            yield packet.dts * packet.time_base, number, packet


def main() -> None:
    remux(*sys.argv[1:4])


if __name__ == "__main__":
    main()
