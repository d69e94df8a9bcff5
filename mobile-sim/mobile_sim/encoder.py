"""H.264, VP8 and Opus as a phone would encode them.

aiortc's own video encoders send a keyframe once in minutes and clamp the bitrate (H.264 to
3 Mbit/s, VP8 to 1.5). These keep the requested bitrate and GOP, answer keyframe requests and let
the receiver's estimate (REMB) lower the bitrate, never raise it above what was asked for. What is
asked for may change while they run; a new size or frame rate begins with a keyframe.

Only the coding is done here; aiortc's public `pack()` cuts the result into RTP payloads
(RFC 6184, RFC 7741).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import av
from aiortc import RTCRtpSender
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder as H264Packer
from aiortc.codecs.vpx import Vp8Encoder as Vp8Packer
from av import AudioFrame, VideoFrame
from av.frame import Frame
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

VIDEO_CLOCK = 90_000
AUDIO_CLOCK = 48_000
VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK)
AUDIO_TIME_BASE = Fraction(1, AUDIO_CLOCK)
MIN_BITRATE = 100_000
"""Bits per second. A lower estimate from the far end is not followed: no picture is left."""

KEYFRAME_SPACING_S = 0.5
"""Forced keyframes are at least this far apart: a storm of requests must not eat the bitrate."""
RATE_STEP = 0.1
"""A new bitrate is taken over when it differs by more than this share ..."""
RAISE_SPACING_S = 2.0
"""... and upwards at most this often, so that a nervous estimate does not make it flicker."""
BUFFER_S = 0.4
"""Rate-control buffer in seconds of the bitrate. It bounds the size of a keyframe."""
REOPEN_BELOW = 0.6
"""The codec is opened anew, at a keyframe, when the bitrate has fallen below this share of the one
that it was opened with: its buffer, and so the largest keyframe, is made for that. Its upper limit
is, too, so more bitrate is given in the same way."""
NO_GOP = 1_000_000
"""Frames. The codecs' own GOP is out of the way: keyframes follow the media time instead."""


class VideoCodec(StrEnum):
    """A video codec that the phone can send."""

    H264 = "h264"
    VP8 = "vp8"


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """What is asked of the video encoder."""

    codec: VideoCodec = VideoCodec.H264
    bitrate: int = 2_500_000
    """Bits per second; also the upper bound for the far end's estimate."""
    fps: int = 30
    gop_s: float = 2.0
    """Seconds between regular keyframes."""


class VideoEncoder(Encoder):
    """An aiortc encoder with its own rate control and keyframe schedule.

    `encode` runs in a worker thread, one call at a time; `target_bitrate` is set by aiortc from
    the event loop when a REMB arrives; `change` and `want_keyframe` are called there. All only
    assign plain values.
    """

    def __init__(self, settings: VideoSettings) -> None:
        self.frames = 0
        self.keyframes = 0
        self.bytes = 0
        """Coded bytes, before RTP."""
        self._settings = settings
        self._packer: Encoder = Vp8Packer() if settings.codec is VideoCodec.VP8 else H264Packer()
        self._codec: VideoCodecContext | None = None
        self._asked = settings.bitrate
        self._fps = settings.fps
        self._estimate: int | None = None
        self._bitrate = settings.bitrate
        self._bitrate_pts = 0
        self._opened_bitrate = settings.bitrate
        self._opened_fps = settings.fps
        self._keyframe_pts = 0
        self._keyframe_wanted = False

    @property
    def target_bitrate(self) -> int:
        """Bits per second that the encoder aims at."""
        lowest = min(MIN_BITRATE, self._asked)
        estimate = self._asked if self._estimate is None else self._estimate
        return max(lowest, min(estimate, self._asked))

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._estimate = bitrate

    @property
    def estimate(self) -> int | None:
        """The far end's last estimate (REMB) in bits per second, None before there was one."""
        return self._estimate

    def change(self, bitrate: int, fps: int) -> None:
        """Ask for another bitrate, the new upper bound for the estimate, and frame rate.

        The size follows the pictures that come.
        """
        self._asked, self._fps = bitrate, fps

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe, or the first that may be one."""
        self._keyframe_wanted = True

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Return the RTP payloads of one picture and its RTP time.

        The frame is yuv420p, its time in ticks of 90 kHz. A keyframe request that comes too soon
        after a keyframe waits; it is not lost.
        """
        if not isinstance(frame, VideoFrame) or frame.pts is None:
            raise TypeError("the video encoder takes video frames with a time")
        self._keyframe_wanted |= force_keyframe
        codec = self._codec_for(frame)
        key = codec is not self._codec or self._keyframe_is_due(frame.pts)
        self._codec = codec
        if key:
            self._keyframe_pts = frame.pts
            self._keyframe_wanted = False
        frame.pict_type = PictureType.I if key else PictureType.NONE

        payloads: list[bytes] = []
        for packet in codec.encode(frame):
            self.keyframes += packet.is_keyframe
            self.bytes += packet.size
            packet.pts, packet.time_base = frame.pts, VIDEO_TIME_BASE
            payloads += self._packer.pack(packet)[0]
        self.frames += 1
        return payloads, frame.pts

    def pack(self, packet: Packet[Stream]) -> tuple[list[bytes], int]:
        """Cut an already coded picture into RTP payloads."""
        return self._packer.pack(packet)

    def _keyframe_is_due(self, pts: int) -> bool:
        age = (pts - self._keyframe_pts) / VIDEO_CLOCK
        # A tick less: frame times are whole RTP ticks and may fall just short of the GOP.
        due = age > self._settings.gop_s - 0.5 / self._fps
        return due or (self._keyframe_wanted and age >= KEYFRAME_SPACING_S)

    def _codec_for(self, frame: VideoFrame) -> VideoCodecContext:
        codec = self._codec
        pts = frame.pts or 0
        new_rate = self._rate_changes(self.target_bitrate, pts)
        if new_rate:
            self._bitrate, self._bitrate_pts = self.target_bitrate, pts
        if codec is None or self._fps != self._opened_fps:
            return self._open(frame.width, frame.height)
        if (frame.width, frame.height) != (codec.width, codec.height):
            return self._open(frame.width, frame.height)
        if self._outgrown(pts) or (new_rate and self._settings.codec is VideoCodec.VP8):
            # FFmpeg's libvpx wrapper reads the bitrate only when it opens.
            return self._open(frame.width, frame.height)
        if new_rate:
            codec.bit_rate = self._bitrate  # libx264 takes this over before the next picture
        return codec

    def _outgrown(self, pts: int) -> bool:
        """Whether the open codec's limits no longer suit. With a keyframe, it costs nothing."""
        share = self._bitrate / self._opened_bitrate
        return not REOPEN_BELOW <= share <= 1 and self._keyframe_is_due(pts)

    def _rate_changes(self, target: int, pts: int) -> bool:
        if abs(target - self._bitrate) <= RATE_STEP * self._bitrate:
            return False
        age = (pts - self._bitrate_pts) / VIDEO_CLOCK
        return target < self._bitrate or age >= RAISE_SPACING_S

    def _open(self, width: int, height: int) -> VideoCodecContext:
        h264 = self._settings.codec is VideoCodec.H264
        codec = av.CodecContext.create("libx264" if h264 else "libvpx", "w")
        assert isinstance(codec, VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        self._opened_bitrate, self._opened_fps = self._bitrate, self._fps
        codec.bit_rate = self._bitrate
        codec.framerate = Fraction(self._opened_fps)
        codec.time_base = VIDEO_TIME_BASE
        codec.gop_size = NO_GOP
        codec.max_b_frames = 0
        codec.thread_count = 1  # the cheapest in all; a second thread only shortens the latency
        codec.options = _h264_options(self._bitrate) if h264 else _vp8_options(self._bitrate)
        return codec


class OpusEncoder(Encoder):
    """Opus in frames of 20 ms whose RTP time is the frame's own time (RFC 7587).

    aiortc's encoder counts samples itself and would close the gap when a frame is left out, so
    that sound and picture drift apart.
    """

    def __init__(self, bitrate: int = 64_000) -> None:
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.bit_rate = bitrate
        self._codec.format = "s16"
        self._codec.layout = "mono"
        self._codec.sample_rate = AUDIO_CLOCK
        self._codec.time_base = AUDIO_TIME_BASE
        self._codec.options = {
            "application": "audio",
            "frame_duration": "20",
            "compression_level": "4",
        }

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe, or the first that may be one."""
        self._keyframe_wanted = True

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Return one Opus packet and its RTP time. The frame is 960 samples, s16 mono, 48 kHz."""
        if not isinstance(frame, AudioFrame) or frame.pts is None:
            raise TypeError("the audio encoder takes audio frames with a time")
        return [bytes(packet) for packet in self._codec.encode(frame)], frame.pts

    def pack(self, packet: Packet[Stream]) -> tuple[list[bytes], int]:
        """Return an already coded packet as it is."""
        return [bytes(packet)], packet.pts or 0


def use_encoder(sender: RTCRtpSender, encoder: Encoder) -> None:
    """Make `sender` use `encoder`. Call it before the connection starts.

    aiortc has no supported way: a track may return coded packets, but then keyframe requests and
    REMB never reach it. Its sender makes an encoder only when it has none, so ours is put there.
    Raises RuntimeError when this aiortc keeps its encoder elsewhere.
    """
    attribute = "_RTCRtpSender__encoder"
    state = vars(sender)
    if attribute not in state:
        raise RuntimeError("this version of aiortc is not supported: it needs 1.16")
    state[attribute] = encoder


def _h264_options(bitrate: int) -> dict[str, str]:
    return {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "sc_threshold": "0",
        "maxrate": str(bitrate),
        "bufsize": str(int(bitrate * BUFFER_S)),
    }


def _vp8_options(bitrate: int) -> dict[str, str]:
    return {
        "deadline": "realtime",
        "cpu-used": "-12",
        "lag-in-frames": "0",
        "static-thresh": "1",
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "minrate": str(bitrate),
        "maxrate": str(bitrate),
        "bufsize": str(int(bitrate * BUFFER_S)),
    }
