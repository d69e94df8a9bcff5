"""`make bench-bridge`: what the ladder costs, here and with the ffmpeg command, and what it costs
to pass layers on and to package them.

The same noisy 1080p source goes through the transcode process and through `ffmpeg`, which makes
the same sizes, rates and keyframes with the same preset. Prints a table and, as its last line,
one JSON object; with `--store` both go into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Condition, Thread

from rich.console import Console
from rich.table import Table

from bridge.ladder import Rung, below
from bridge.packager import Packager
from bridge.passthrough import Passthrough
from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.track import AUDIO_TIMESCALE, VIDEO_TIMESCALE
from bridge.transcode.sandbox import MEMORY_BYTES
from bridge.transcode.wire import FROM_CHILD, Encoded, Plan, Ready, Unit, Unpacker, packed
from signaling.process_meter import ProcessMeter
from sluice.media import Codec
from tests.bench import noisy, rig
from tests.bench.machine import doubt, moment, own_cpu_s
from tests.bench.page import BENCHMARKS, store

SIZE = (1920, 1080)
BITRATE = 4_500_000
LAYERS = (
    Rung("source", 1920, 1080, BITRATE),
    Rung("h", 1280, 720, 2_000_000),
    Rung("q", 640, 360, 600_000),
)
"""Of a simulcast, as browsers divide it."""
IN_FLIGHT_MS = 400
"""Media that the process has not answered yet: it must not think that it is late."""
ENDING_MS = 150
"""What no unit follows may not come out."""
ROUNDS = 3
"""Each measured in turn; the smallest counts, as others on the machine only ever add."""
INSTALL = "apt-get install ffmpeg"


@dataclass(frozen=True, slots=True)
class Bridge:
    """The figures, in cores of real time; the field names are the keys of the JSON object."""

    ladder_cores: float
    """1080p to 720p, 480p, 360p and AAC, the whole process."""
    ladder_rss_mb: float
    sound_cores: float
    """Opus to AAC alone, the whole process."""
    ffmpeg_cores: float | None
    """None: there is no ffmpeg."""
    ffmpeg_ratio: float | None
    """Its cores by ours: over 1, ours needs less."""
    passthrough_cores: float
    """Three layers passed on and packaged, without the sound."""
    us_per_part: float
    """The packager's share of that."""
    encoder: str
    doubts: list[str]


def measure(seconds: int, console: Console) -> Bridge:
    console.print(f"a source of {seconds} s is made")
    video = noisy.h264(*SIZE, BITRATE, noisy.RATE * seconds)
    audio = noisy.opus(seconds)
    before, ours = moment(), own_cpu_s()
    children_s = 0.0
    ladders, sounds, peers = [], [], []
    for number in range(ROUNDS):
        console.print(f"round {number + 1} of {ROUNDS}")
        pictures, sound = noisy.units(video, Codec.H264), noisy.units(audio, Codec.OPUS)
        ladders.append(transcode(below(*SIZE), sorted_by_time(pictures, sound), seconds))
        sounds.append(transcode([], sound, seconds))
        peers.append(ffmpeg(video, audio, seconds))
    children_s = seconds * sum(run.cores for run in ladders + sounds)
    passed, us_per_part = passthrough(video, seconds)
    found = doubt(before, moment(), own_cpu_s() - ours + children_s)
    best = min(ladders, key=lambda run: run.cores)
    ffmpeg_cores = min((cores for cores in peers if cores is not None), default=None)
    return Bridge(
        ladder_cores=round(best.cores, 3),
        ladder_rss_mb=round(best.rss_kb / 1_024, 1),
        sound_cores=round(min(run.cores for run in sounds), 4),
        ffmpeg_cores=None if ffmpeg_cores is None else round(ffmpeg_cores, 3),
        ffmpeg_ratio=None if ffmpeg_cores is None else round(ffmpeg_cores / best.cores, 2),
        passthrough_cores=round(passed, 5),
        us_per_part=round(us_per_part, 1),
        encoder=best.encoder,
        doubts=[] if found is None else [found],
    )


def sorted_by_time(*streams: Sequence[Unit]) -> list[Unit]:
    return sorted((unit for stream in streams for unit in stream), key=lambda one: one.time_us)


@dataclass(frozen=True, slots=True)
class Run:
    cores: float
    rss_kb: int
    encoder: str


def transcode(rungs: list[Rung], units: Sequence[Unit], seconds: int) -> Run:
    """The process with these units, as fast as it can; its start is not counted."""
    ours, theirs = socket.socketpair()
    arguments = [str(theirs.fileno()), str(MEMORY_BYTES), str(os.getpid())]
    command = [sys.executable, "-m", "bridge.transcode", *arguments]
    # On its own, and not by `bridge.transcode.process`: nothing is left out when it is slow.
    with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        ours.sendall(packed(Plan(rungs, encoder="libx264")))
        answers = Answers(ours)
        answers.until(lambda: answers.encoder is not None)
        meter = ProcessMeter(process.pid)
        start = meter.read().cpu_s
        last = rungs[-1].name if rungs else AUDIO
        try:
            for unit in units:
                ours.sendall(packed(unit))
                answers.until_reached(last, unit.time_us // 1_000 - IN_FLIGHT_MS)
            answers.until_reached(last, seconds * 1_000 - ENDING_MS)
            used = meter.read()
        finally:
            # Closing alone would not do: a thread still reads from it.
            ours.shutdown(socket.SHUT_RDWR)
        return Run((used.cpu_s - start) / seconds, used.rss_kb, answers.encoder or "")


class Answers:
    """How far the process has come, heard by a thread."""

    def __init__(self, connection: socket.socket) -> None:
        self.reached_ms: dict[str, int] = {}
        """Up to where each rendition has come."""
        self.encoder: str | None = None
        self._connection = connection
        self._changed = Condition()
        Thread(target=self._read, daemon=True).start()

    def until(self, happened: Callable[[], bool]) -> None:
        """Raises RuntimeError when it takes a minute."""
        with self._changed:
            if not self._changed.wait_for(happened, 60):
                raise RuntimeError(f"the process does not go on: {self.reached_ms}")

    def until_reached(self, rendition: str, time_ms: int) -> None:
        self.until(lambda: self.reached_ms.get(rendition, 0) >= time_ms)

    def _read(self) -> None:
        unpacker = Unpacker(FROM_CHILD)
        while data := self._connection.recv(1 << 18):
            for message in unpacker.feed(data):
                with self._changed:
                    if isinstance(message, Encoded):
                        timescale = (
                            AUDIO_TIMESCALE if message.rendition == AUDIO else VIDEO_TIMESCALE
                        )
                        self.reached_ms[message.rendition] = message.time * 1_000 // timescale
                    elif isinstance(message, Ready):
                        self.encoder = message.encoder
                    self._changed.notify_all()


def ffmpeg(video: list[noisy.Coded], audio: list[noisy.Coded], seconds: int) -> float | None:
    """The same ladder by the command line, decoding to muxing; None where there is none."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mkv"
        noisy.write(source, video, SIZE, audio)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, *arguments(source)], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds


def arguments(source: Path) -> list[str]:
    rungs = below(*SIZE)
    split = f"[0:v]split={len(rungs)}" + "".join(f"[s{n}]" for n in range(len(rungs)))
    scales = [
        f"[s{n}]scale={rung.width}:{rung.height}:flags=area[v{n}]" for n, rung in enumerate(rungs)
    ]
    command = ["-hide_banner", "-nostdin", "-y", "-i", str(source)]
    command += ["-filter_complex", ";".join([split, *scales])]
    for number, rung in enumerate(rungs):
        command += ["-map", f"[v{number}]", f"-b:v:{number}", str(rung.bitrate)]
        command += [f"-maxrate:v:{number}", str(rung.bitrate * 11 // 10)]
        command += [f"-bufsize:v:{number}", str(rung.bitrate)]
    command += ["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency"]
    command += ["-x264-params", "sliced-threads=0:scenecut=0", "-threads", "1"]
    command += ["-g", str(2 * noisy.RATE), "-map", "0:a", "-c:a", "aac", "-b:a", "128k"]
    return [*command, "-f", "matroska", os.devnull]


def passthrough(top: list[noisy.Coded], seconds: int) -> tuple[float, float]:
    """Cores for three layers, and microseconds of packaging a part. In this process."""
    streams = [noisy.units(top, Codec.H264)]
    for layer in LAYERS[1:]:
        size = (layer.width, layer.height, layer.bitrate)
        streams.append(noisy.units(noisy.h264(*size, noisy.RATE * seconds), Codec.H264))
    order = sorted(
        ((unit, number) for number, stream in enumerate(streams) for unit in stream),
        key=lambda one: (one[0].time_us, one[1]),
    )
    results = []
    for _ in range(ROUNDS):
        presentation = Presentation("bench", 1_790_000_000_000, PackagingSettings())
        packager = Packager(presentation)
        with timed(packager) as spent:
            layers = [Passthrough(one.name, packager, 500) for one in LAYERS]
            begun = time.process_time()
            for unit, number in order:
                layers[number].take(unit.time_us, unit.keyframe, unit.payload)
            whole = time.process_time() - begun
        parts = sum(len(s.parts) for one in presentation.video for s in one.segments)
        results.append((whole / seconds, spent[0] / max(1, parts) * 1e6))
    return min(results)


@contextmanager
def timed(packager: Packager) -> Iterator[list[float]]:
    """Seconds spent in `Packager.add`, in the one element."""
    spent, plain = [0.0], packager.add

    def add(rendition: str, sample: object) -> None:
        begun = time.process_time()
        plain(rendition, sample)  # type: ignore[arg-type]
        spent[0] += time.process_time() - begun

    packager.add = add  # type: ignore[method-assign,assignment]
    yield spent


def table(found: Bridge) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""
    peer = "not measured" if found.ffmpeg_cores is None else f"{found.ffmpeg_cores} cores"
    ratio = "" if found.ffmpeg_ratio is None else f"{found.ffmpeg_ratio} times ours"
    return [
        ("1080p to 720p, 480p, 360p and AAC", f"{found.ladder_cores} cores", "at most 0.5"),
        ("its memory", f"{found.ladder_rss_mb} MB", ""),
        ("the same by the ffmpeg command", f"{peer} ({ratio})" if ratio else peer, ""),
        ("Opus to AAC alone", f"{found.sound_cores} cores", ""),
        (
            "three layers passed on and packaged",
            f"{100 * found.passthrough_cores:.2f} % of a core",
            "at most 0.5 %",
        ),
        ("packaging a part", f"{found.us_per_part} us", ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of media")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    options = parser.parse_args()
    console = Console(stderr=True)
    found = measure(options.seconds, console)
    if found.ffmpeg_cores is None:
        console.print(f"[yellow]left out:[/yellow] ffmpeg is not installed ({INSTALL})")
    rows = table(found)
    shown = Table("what", "measured", "goal", title="The bridge")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for one in found.doubts:
        console.print(f"[yellow]doubt:[/yellow] {one}")
    figures = json.dumps(asdict(found))
    if options.store:
        text = "a noisy 1080p30 source (H.264, 4.5 Mbit/s, Opus), x264 superfast."
        about = rig.about(text, "make bench-bridge")
        store("bridge", about, ("what", "measured", "goal"), rows, figures)
    print(figures)


if __name__ == "__main__":
    main()
