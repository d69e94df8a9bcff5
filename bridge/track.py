"""What flows from encoders to the packager: samples, and what a decoder must know before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VIDEO_TIMESCALE: Final = 90_000
AUDIO_TIMESCALE: Final = 48_000
"""Ticks a second. AAC frames are 1024 samples, so their times are exact."""
AAC_FRAME: Final = 1_024


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """H.264 as a decoder is set up for it. Two that differ cannot share an init segment."""

    sps: bytes
    """The sequence parameter set as one NAL unit, without start code."""
    pps: bytes
    width: int
    height: int
    """Pixels, after cropping."""
    frame_rate: float
    """Nominal, pictures a second; 0 where it is not known."""

    @property
    def codec(self) -> str:
        """As CODECS wants it (RFC 6381), such as avc1.64001f."""
        return f"avc1.{self.sps[1:4].hex()}"

    @property
    def timescale(self) -> int:
        return VIDEO_TIMESCALE


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """AAC-LC as a decoder is set up for it."""

    extra: bytes
    """The AudioSpecificConfig (ISO/IEC 14496-3)."""
    channels: int = 2
    rate: int = AUDIO_TIMESCALE
    """Samples a second."""
    codec: str = "mp4a.40.2"

    @property
    def timescale(self) -> int:
        return self.rate


TrackConfig = VideoConfig | AudioConfig


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture or one AAC frame, in decoding order, which is the order of showing."""

    time: int
    """Ticks of its track since the presentation's origin."""
    duration: int
    """Ticks; at least 1."""
    keyframe: bool
    """A decoder can start here. Always true for sound."""
    data: bytes
    """Pictures: NAL units with lengths of four bytes (ISO/IEC 14496-15). Sound: the raw frame."""
