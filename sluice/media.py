"""The one atom that flows inside Sluice: an access unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Codec(StrEnum):
    """A codec that Sluice forwards. The value is the name in SDP, in lower case."""

    H264 = "h264"
    H265 = "h265"
    VP8 = "vp8"
    VP9 = "vp9"
    AV1 = "av1"
    OPUS = "opus"

    @property
    def is_audio(self) -> bool:
        return self is Codec.OPUS


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture (video) or one coded frame (audio), complete.

    ``payload`` is what a decoder takes: Annex B for H.264 and H.265 (start codes, parameter
    sets as they were sent), a temporal unit of low-overhead OBUs for AV1, the plain frame for
    VP8, VP9 and Opus.
    """

    codec: Codec
    layer: str
    """The simulcast rid, or an empty string where there is one encoding only."""
    keyframe: bool
    """True where a decoder can start. Always true for audio."""
    captured_ms: int
    """When it was captured: milliseconds since the Unix epoch on the server's clock."""
    rtp_time: int
    """The publisher's RTP time, unwrapped (it does not fall back at 2**32)."""
    payload: bytes
    publisher: int = 0
    """Who sent it: another number means that another one has taken over."""
