"""Recordings with real pictures and sound in them, for the jobs that decode them.

Each picture carries its number as a barcode, so that a test can tell which ones it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from bridge import fmp4
from bridge.h264 import annexb_to_avcc, is_idr, parameter_sets, video_config
from bridge.track import AudioConfig, Sample, TrackConfig, VideoConfig
from mobile_sim import stamp
from recorder import index, records
from recorder.media import LocalMedia
from recorder.recording import Recording
from recorder.replay import Replay
from recorder.work.task import Spec, Task, Value

ORIGIN_MS = 1_700_000_000_000
RATE = 30
PICTURE = 90_000 // RATE
"""Ticks."""
HERTZ = 48_000
AAC = 1_024

Luma = NDArray[np.uint8]
Painter = Callable[[Luma, int], None]
"""Draws the picture of this number into a grey one. The barcode comes over it."""
Wave = NDArray[np.float32]


class Coded(NamedTuple):
    config: TrackConfig
    samples: list[Sample]


@cache
def film(
    first: int,
    count: int,
    *,
    width: int = 320,
    height: int = 180,
    gop: int = 30,
    profile: str = "high",
    paint: Painter | None = None,
    chroma: tuple[int, int] = (128, 128),
) -> Coded:
    """Pictures `first` and those after it, from tick 0 on."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv422p" if profile == "high422" else "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(RATE), Fraction(1, 90_000)
    encoder.gop_size, encoder.max_b_frames = gop, 0
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": profile,
        "crf": "18",
        "x264-params": f"scenecut=0:threads=1:keyint={gop}:min-keyint={gop}",
    }
    units = []
    for number in range(count):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = 90
        planes[height : height * 5 // 4] = chroma[0]
        planes[height * 5 // 4 :] = chroma[1]
        if paint is not None:
            paint(planes[:height], first + number)
        stamp.draw(planes[:height], first + number, 0)
        frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
        frame = frame.reformat(format=encoder.pix_fmt)
        frame.pts, frame.time_base = number * PICTURE, Fraction(1, 90_000)
        units += [bytes(packet) for packet in encoder.encode(frame)]
    units += [bytes(packet) for packet in encoder.encode(None)]
    sps, pps = parameter_sets(units[0])
    assert sps is not None
    assert pps is not None
    return Coded(
        video_config(sps, pps),
        [
            Sample(PICTURE * number, PICTURE, is_idr(unit), annexb_to_avcc(unit))
            for number, unit in enumerate(units)
        ],
    )


def sound(wave: Wave, start: int = 0) -> Coded:
    """A wave as AAC, in stereo. `start` is the tick of its first sample."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = HERTZ, "stereo", "fltp"
    encoder.bit_rate, encoder.time_base = 128_000, Fraction(1, HERTZ)
    encoder.open()
    packets = []
    for at in range(0, len(wave) - AAC + 1, AAC):
        frame = av.AudioFrame.from_ndarray(np.stack([wave[at : at + AAC]] * 2), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = HERTZ, start + at, Fraction(1, HERTZ)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    samples = [
        Sample(packet.pts, AAC, True, bytes(packet))
        for packet in packets
        if packet.pts is not None and packet.pts >= 0
    ]
    return Coded(AudioConfig(bytes(encoder.extradata or b"")), samples)


def tone(seconds: float, level: float = 0.2) -> Wave:
    """A hum."""
    at = np.arange(round(seconds * HERTZ)) / HERTZ
    return (level * np.sin(2 * np.pi * 220 * at)).astype(np.float32)


@dataclass(slots=True)
class Roll:
    """A recording's folder that grows take by take."""

    folder: Path
    segments_a_chunk: int = 3
    lines: list[records.Record] = field(default_factory=list)
    msn: int = 0
    maps: int = 0
    chunks: dict[str, int] = field(default_factory=dict)
    sessions: int = 0

    def __post_init__(self) -> None:
        self.lines.append(records.Began(records.VERSION, "c-1", "c", "Title", ORIGIN_MS))
        self.session(ORIGIN_MS)

    def session(self, origin_ms: int) -> None:
        self.sessions += 1
        self.lines.append(records.Session(self.sessions, f"e{self.sessions}", origin_ms))

    def take(
        self,
        pictures: Mapping[str, Coded],
        heard: Coded | None = None,
        *,
        at_s: Fraction | float = 0,
        breaks: bool = False,
    ) -> None:
        """Renditions of the same pictures, and their sound, from `at_s` of the session on."""
        tracks = dict(pictures) | ({"audio": heard} if heard is not None else {})
        leader = next(iter(tracks.values()))
        scale = leader.config.timescale
        keys = [one.time for one in leader.samples if one.keyframe]
        if not pictures:
            keys = keys[:: HERTZ // AAC]
        edges = [Fraction(key, scale) for key in keys]
        self.maps += 1
        for name, coded in tracks.items():
            self._write(name, coded, edges, Fraction(at_s), breaks)
        self.msn += len(edges)

    def mark(self, at_ms: int, text: str) -> None:
        self.lines.append(records.Mark(ORIGIN_MS + at_ms, "marker", text))

    def recording(self) -> Recording:
        (self.folder / index.FILE).write_bytes(b"".join(map(index.encode, self.lines)))
        return Recording.read(self.folder)

    def replay(self) -> Replay:
        return Replay.of(self.recording())

    @property
    def media(self) -> LocalMedia:
        return LocalMedia(self.folder)

    def task(self, out: Path, kind: str, **parameters: Value) -> Task:
        out.mkdir(exist_ok=True)
        spec = Spec(kind, "c-1", parameters)  # type: ignore[arg-type]
        return Task(spec, self.recording(), self.media, out)

    def _write(
        self, name: str, coded: Coded, edges: Sequence[Fraction], at_s: Fraction, breaks: bool
    ) -> None:
        scale = coded.config.timescale
        shift = round(at_s * scale)
        cuts = [round(edge * scale) for edge in edges] + [1 << 60]
        data, number = b"", 0
        for segment, (begin, end) in enumerate(pairwise(cuts)):
            if segment % self.segments_a_chunk == 0:
                self._flush(name, number, data)
                number = self.chunks[name] = self.chunks.get(name, 0) + 1
                data = fmp4.init(coded.config)
                self.lines.append(self._chunk(name, number, coded.config, data))
            inside = [one for one in coded.samples if begin <= one.time < end]
            for part, samples in enumerate(_parts(inside, scale // 2)):
                first, last = samples[0], samples[-1]
                moved = [Sample(s.time + shift, s.duration, s.keyframe, s.data) for s in samples]
                media = fmp4.part(
                    moved,
                    sequence=self.msn + segment,
                    last_duration=last.duration,
                    wall_ms=ORIGIN_MS,
                    first=part == 0,
                )
                self.lines.append(
                    records.Part(
                        name,
                        number,
                        self.msn + segment,
                        part,
                        moved[0].time,
                        last.time + last.duration - first.time,
                        len(data),
                        len(media),
                        0,
                        i=any(one.keyframe for one in samples) and scale == 90_000,
                        x=breaks and segment == 0 and part == 0,
                    )
                )
                data += media
        self._flush(name, number, data)

    def _chunk(self, name: str, number: int, config: TrackConfig, init: bytes) -> records.Chunk:
        picture = config if isinstance(config, VideoConfig) else None
        return records.Chunk(
            name,
            number,
            self.sessions,
            self.maps,
            init,
            config.codec,
            config.timescale,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            channels=0 if picture else 2,
        )

    def _flush(self, name: str, number: int, data: bytes) -> None:
        if number:
            (self.folder / records.chunk_name(name, number)).write_bytes(data)


def numbers(frames: Iterable[av.VideoFrame]) -> list[int]:
    """The barcodes of pictures; -1 where one cannot be read."""
    found = []
    for frame in frames:
        luma = frame.reformat(format="gray8").to_ndarray()
        read = stamp.read(np.asarray(luma, np.uint8))
        found.append(-1 if read is None else read.counter)
    return found


def _parts(samples: Sequence[Sample], ticks: int) -> list[list[Sample]]:
    parts: list[list[Sample]] = []
    for one in samples:
        if not parts or one.time - parts[-1][0].time >= ticks:
            parts.append([])
        parts[-1].append(one)
    return parts
