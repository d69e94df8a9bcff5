"""An H.264 layer as it came, made into samples: nothing is decoded and nothing encoded.

A picture's length is only known when the next one comes, so each is passed on one picture late.
What does not suit players is noticed here (`odd`); the owner then lets the encoder take over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.h264 import annexb_to_avcc, parameter_sets, parse_sps
from bridge.track import VIDEO_TIMESCALE, Sample, TrackConfig, VideoConfig

MANY_CONFIGS: Final = 3
"""So many changes of the picture's size within `CONFIG_SPAN_US` are too many for players."""
CONFIG_SPAN_US: Final = 10_000_000
SHORTEST_SHARE: Final = 0.15
"""A part may miss its target by this share, so no picture may be longer than that."""
FEW: Final = 12
"""So many long pictures in a row are no hiccup."""
LONGEST_US: Final = 1_000_000
"""After a picture nothing came for longer: its length is set to the one before."""


class Sink(Protocol):
    """Takes what becomes of a layer; the packager."""

    def configure(self, rendition: str, config: TrackConfig) -> None: ...

    def add(self, rendition: str, sample: Sample) -> None: ...


@dataclass(frozen=True, slots=True)
class _Picture:
    time_us: int
    keyframe: bool
    data: bytes


class Passthrough:
    """One layer's way to one rendition."""

    def __init__(self, rendition: str, sink: Sink, part_ms: int) -> None:
        self.rendition = rendition
        self.odd: str | None = None
        """Why this layer should rather be encoded; None while all is well."""
        self._sink = sink
        self._long_us = int(part_ms * 1_000 * SHORTEST_SHARE)
        self._held: _Picture | None = None
        self._config: VideoConfig | None = None
        self._changes: deque[int] = deque(maxlen=MANY_CONFIGS)
        self._long = 0
        self._usual_us = 33_333

    def take(self, time_us: int, keyframe: bool, payload: bytes) -> None:
        """An access unit in Annex B, captured at `time_us` since the presentation's origin."""
        held, self._held = self._held, None
        if held is not None:
            passed_us = time_us - held.time_us
            if passed_us <= 0:
                self.odd = "its pictures are not sent in the order in which they are shown"
                self._held = held
                return
            self._give(held, passed_us if passed_us <= LONGEST_US else self._usual_us)
            self._watch(passed_us)
        if keyframe:
            self._configure(time_us, payload)
        if self._config is None:
            return
        try:
            self._held = _Picture(time_us, keyframe, annexb_to_avcc(payload))
        except ValueError:
            self.odd = "it is not H.264 as it should be"

    def flush(self, until_us: int = 0) -> int | None:
        """Nothing that follows belongs to what came before; the last picture is passed on.

        It is shown until then, where players bear a picture of that length, and at least as long
        as most are. Returns when it ends; None where there is none.
        """
        held, self._held = self._held, None
        self._long = 0
        if held is None:
            return None
        lasts_us = max(self._usual_us, min(until_us - held.time_us, self._long_us))
        self._give(held, lasts_us)
        return held.time_us + lasts_us

    def _give(self, picture: _Picture, duration_us: int) -> None:
        begin = picture.time_us * VIDEO_TIMESCALE // 1_000_000
        end = (picture.time_us + duration_us) * VIDEO_TIMESCALE // 1_000_000
        sample = Sample(begin, max(1, end - begin), picture.keyframe, picture.data)
        self._sink.add(self.rendition, sample)

    def _watch(self, passed_us: int) -> None:
        self._long = self._long + 1 if passed_us > self._long_us else 0
        if self._long >= FEW:
            self.odd = "it has too few pictures a second"
        if passed_us <= self._long_us:
            self._usual_us += (passed_us - self._usual_us) // 8

    def _configure(self, time_us: int, payload: bytes) -> None:
        sps, pps = parameter_sets(payload)
        if sps is None or pps is None:
            return  # it goes by those that came before
        if self._config is not None and (self._config.sps, self._config.pps) == (sps, pps):
            return
        try:
            size = parse_sps(sps)
        except ValueError as error:
            self.odd = f"its parameters cannot be read: {error}"
            return
        if self._config is not None:
            if len(self._changes) == MANY_CONFIGS and time_us - self._changes[0] < CONFIG_SPAN_US:
                self.odd = "its parameters change too often"
            self._changes.append(time_us)
        rate = round(1_000_000 / self._usual_us, 2)
        self._config = VideoConfig(sps, pps, size.width, size.height, rate)
        self._sink.configure(self.rendition, self._config)
