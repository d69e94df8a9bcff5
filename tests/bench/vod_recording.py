"""Writes a long recording for benches: an hour of 1080p in about the time that the disk needs.

    python -m tests.bench.vod_recording .build/bench/hour --minutes 60

A few seconds of pictures and sound are encoded, and repeated with other times. It plays, and each
of its parts is as the bridge makes them.
"""

from __future__ import annotations

import argparse
import time
from binascii import crc32
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bridge import fmp4
from bridge.h264 import annexb_to_avcc, is_idr, parameter_sets, video_config
from bridge.track import (
    AAC_FRAME,
    AUDIO_TIMESCALE,
    AudioConfig,
    Sample,
    TrackConfig,
    VideoConfig,
)
from recorder import records
from recorder.index import FILE, IndexWriter
from recorder.records import Began, Chunk, Closed, Part, Record, Sealed, Session, chunk_name

if TYPE_CHECKING:
    from hashlib import _Hash

FOLDER: Final = Path(".build/bench/hour")
ORIGIN_MS: Final = 1_750_000_000_000
GOP: Final = 60
GOPS: Final = 5
"""Those that are encoded."""
PARTS: Final = 4
"""Of a segment, which is a GOP: 2 s."""
PICTURE: Final = 3_000
SEGMENT_MS: Final = 2_000
SEGMENTS_PER_CHUNK: Final = 15
SOUND_S: Final = 32
"""Length of the sound that is repeated: a whole number of frames."""


def write(
    folder: Path,
    minutes: float = 60,
    size: tuple[int, int] = (1_920, 1_080),
    bitrate: int = 6_000_000,
) -> int:
    """Write a recording to an empty folder. Bytes of its media."""
    folder.mkdir(parents=True)
    segments = max(1, round(minutes * 60_000 / SEGMENT_MS))
    video, pictures = _pictures(size, bitrate)
    audio, sound = _sound()
    lines: list[Record] = [
        Began(records.VERSION, folder.name.lower(), "bench", "Bench", ORIGIN_MS),
        Session(1, "bench", ORIGIN_MS),
    ]
    writers = [
        _Writer(folder, "source", video, pictures),
        _Writer(folder, "audio", audio, sound),
    ]
    for number in range(segments):
        for writer in writers:
            lines += writer.segment(number)
    for writer in writers:
        lines += writer.seal()
    lines.append(Closed(ORIGIN_MS + segments * SEGMENT_MS, "end"))
    with IndexWriter(folder / FILE) as index:
        index.append(lines)
    return sum(writer.total for writer in writers)


@dataclass(slots=True)
class _Writer:
    """One rendition."""

    folder: Path
    name: str
    config: TrackConfig
    loop: Sequence[Sample]
    """Samples that are repeated, with times from 0."""
    total: int = 0
    _chunk: int = 0
    _size: int = 0
    _sequence: int = 0
    _digest: _Hash = field(default_factory=sha256)

    def segment(self, number: int) -> list[Record]:
        """Write a segment; what the index is to say of it."""
        lines: list[Record] = []
        if number % SEGMENTS_PER_CHUNK == 0:
            lines += self.seal()
            lines.append(self._begin())
        data: list[bytes] = []
        for part in range(PARTS):
            samples = self._samples(number * PARTS + part)
            begin, last = samples[0].time, samples[-1]
            self._sequence += 1
            piece = fmp4.part(
                samples,
                sequence=self._sequence,
                last_duration=last.duration,
                wall_ms=ORIGIN_MS + begin * 1_000 // self.config.timescale,
                first=part == 0,
            )
            lines.append(
                Part(
                    r=self.name,
                    c=self._chunk,
                    s=ORIGIN_MS // 1_000 + number,
                    p=part,
                    t=begin,
                    d=last.time + last.duration - begin,
                    o=self._size,
                    n=len(piece),
                    crc=crc32(piece),
                    i=any(sample.keyframe for sample in samples),
                )
            )
            self._size += len(piece)
            data.append(piece)
        self._write(b"".join(data))
        return lines

    def seal(self) -> list[Record]:
        if not self._chunk:
            return []
        return [Sealed(self.name, self._chunk, self._size, self._digest.hexdigest())]

    def _begin(self) -> Chunk:
        self._chunk += 1
        self._digest = sha256()
        init = fmp4.init(self.config)
        self._size = len(init)
        self._write(init)
        pictures = self.config if isinstance(self.config, VideoConfig) else None
        sound = self.config if isinstance(self.config, AudioConfig) else None
        return Chunk(
            rendition=self.name,
            number=self._chunk,
            session=1,
            map=0,
            init=init,
            codec=self.config.codec,
            timescale=self.config.timescale,
            width=pictures.width if pictures else 0,
            height=pictures.height if pictures else 0,
            frame_rate=pictures.frame_rate if pictures else 0.0,
            channels=sound.channels if sound else 0,
        )

    def _samples(self, part: int) -> list[Sample]:
        """Those of a part, by their times."""
        step = self.loop[0].duration
        half = self.config.timescale // 2
        first, last = -(-part * half // step), -(-(part + 1) * half // step)
        found = []
        for number in range(first, last):
            sample = self.loop[number % len(self.loop)]
            found.append(Sample(number * step, step, sample.keyframe, sample.data))
        return found

    def _write(self, data: bytes) -> None:
        with (self.folder / chunk_name(self.name, self._chunk)).open("ab") as file:
            file.write(data)
        self._digest.update(data)
        self.total += len(data)


def _pictures(size: tuple[int, int], bitrate: int) -> tuple[VideoConfig, list[Sample]]:
    """Something that moves and has as much detail as the rate allows; no two GOPs are alike."""
    width, height = size
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 90_000)
    encoder.gop_size, encoder.max_b_frames, encoder.bit_rate = GOP, 0, bitrate
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "high",
        "x264-params": (
            f"keyint={GOP}:min-keyint={GOP}:scenecut=0"
            f":vbv-maxrate={bitrate // 1_000}:vbv-bufsize={bitrate // 1_000}"
        ),
    }
    noise = np.random.default_rng(1)
    texture = noise.integers(0, 90, (height // 2 + 1, width), dtype=np.uint8)
    texture = texture.repeat(2, axis=0).repeat(2, axis=1)[:height]
    packets: list[bytes] = []
    for number in range(GOPS * GOP):
        shift = 5 * number % width
        planes = np.full((height * 3 // 2, width), 100 + 12 * (number // GOP), np.uint8)
        planes[:height] = texture[:, shift : shift + width] + 25 * (number // GOP % 4)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = number * PICTURE, Fraction(1, 90_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    sps, pps = parameter_sets(packets[0])
    assert sps is not None
    assert pps is not None
    samples = [
        Sample(number * PICTURE, PICTURE, is_idr(packet), annexb_to_avcc(packet))
        for number, packet in enumerate(packets)
    ]
    return video_config(sps, pps), samples


def _sound() -> tuple[AudioConfig, list[Sample]]:
    """A tone that comes and goes, with some noise."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_TIMESCALE, "stereo", "fltp"
    encoder.bit_rate, encoder.time_base = 128_000, Fraction(1, AUDIO_TIMESCALE)
    encoder.open()
    count = SOUND_S * AUDIO_TIMESCALE // AAC_FRAME
    at = np.arange((count + 1) * AAC_FRAME) / AUDIO_TIMESCALE
    wave = 0.4 * np.sin(2 * np.pi * 440 * at) * (np.sin(2 * np.pi * at / 8) > -0.5)
    wave += np.random.default_rng(2).normal(0, 0.01, len(at))
    samples = np.stack([wave, wave]).astype(np.float32)
    packets: list[bytes] = []
    for begin in range(0, samples.shape[1], AAC_FRAME):
        piece = np.ascontiguousarray(samples[:, begin : begin + AAC_FRAME])
        frame = AudioFrame.from_ndarray(piece, "fltp", "stereo")
        frame.sample_rate, frame.time_base = AUDIO_TIMESCALE, Fraction(1, AUDIO_TIMESCALE)
        frame.pts = begin
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    # The first one is what the encoder puts in front.
    return AudioConfig(bytes(encoder.extradata or b"")), [
        Sample(number * AAC_FRAME, AAC_FRAME, True, data)
        for number, data in enumerate(packets[1 : count + 1])
    ]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m tests.bench.vod_recording"
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--bitrate", type=int, default=6_000_000)
    given = parser.parse_args(argv)
    width, height = map(int, given.size.split("x"))
    begun = time.monotonic()
    total = write(given.folder, given.minutes, (width, height), given.bitrate)
    print(f"{given.folder}: {total / 1e9:.2f} GB in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
