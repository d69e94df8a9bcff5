"""What packaging costs: microseconds of one core for a part of ten pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from bridge import fmp4
from bridge.h264 import annexb_to_avcc
from bridge.packager import Packager
from bridge.presentation import PackagingSettings, Presentation
from bridge.track import Sample, VideoConfig

PICTURES = 10
FRAME_RATE = 30
BITRATE = 2_500_000
ROUNDS = 400
SPS = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
PPS = bytes.fromhex("68ebecb22c")


def us_per_part() -> float:
    """The way of a part's pictures through the packager, which writes the part."""
    pictures = [annexb_to_avcc(picture) for picture in access_units(PICTURES)]
    packager = Packager(Presentation("bench", 0, PackagingSettings(part_ms=334)))
    packager.constant = True
    packager.configure("source", VideoConfig(SPS, PPS, 1_280, 720, float(FRAME_RATE)))
    step = 90_000 // FRAME_RATE
    made = 0

    def a_part() -> None:
        nonlocal made
        for picture in pictures:
            keyframe = made % (2 * FRAME_RATE) == 0
            packager.add("source", Sample(made * step, step, keyframe, picture))
            made += 1

    return _median_us(a_part)


def us_per_write() -> float:
    """Only the bytes of a part: moof and mdat."""
    data = [annexb_to_avcc(picture) for picture in access_units(PICTURES)]
    step = 90_000 // FRAME_RATE
    samples = [Sample(step * n, step, n == 0, each) for n, each in enumerate(data)]
    return _median_us(
        lambda: fmp4.part(samples, sequence=1, last_duration=step, wall_ms=1_760_000_000_000)
    )


def us_per_conversion() -> float:
    """Annex B to lengths, one picture."""
    pictures = access_units(PICTURES)
    return _median_us(lambda: [annexb_to_avcc(picture) for picture in pictures]) / PICTURES


def access_units(count: int) -> list[bytes]:
    """As large as real ones: a delimiter, SEI, and a slice."""
    noise = np.random.default_rng(1)
    size = BITRATE // 8 // FRAME_RATE
    start, short = b"\0\0\0\1", b"\0\0\1"
    return [
        start
        + b"\x09\xf0"
        + short
        + b"\x06\x05\x01\x80"
        + short
        + b"\x41"
        + noise.integers(1, 256, size, dtype=np.uint8).tobytes()
        for _ in range(count)
    ]


def _median_us(work: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - begin) / 1_000)
    return median(taken)
