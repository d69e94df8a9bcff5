"""What the bridge and its transcode process say to each other, over a local socket.

Each message is msgpack with its name in it, after its length in four bytes. Both ends read with
a bound: what is too long or is no message ends the connection, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, Literal, TypeVar

import msgspec

from bridge.ladder import Rung
from bridge.track import AUDIO_TIMESCALE, AudioConfig, Sample, TrackConfig, VideoConfig
from sluice.media import Codec

LONGEST: Final = 16 << 20
"""Bytes of one message."""
LENGTH: Final = 4

Pace = Literal["constant", "source"]


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """What to make from now on. It begins anew, with keyframes, when another plan comes."""

    rungs: list[Rung]
    """Best first; none: only the sound."""
    pace: Pace = "constant"
    """Constant: every slot of the frame rate gets a picture, and keyframes lie on multiples of
    the segment. Source: every picture keeps its own time and is a keyframe where it came as one."""
    frame_rate: int = 30
    segment_ms: int = 2_000
    audio_bitrate: int = 128_000
    encoder: str = "auto"
    """FFmpeg's name of an H.264 encoder, or auto."""


class Unit(msgspec.Struct, frozen=True, tag="unit"):
    """An access unit, as in `sluice.media`."""

    codec: Codec
    time_us: int
    """When it was captured, in microseconds since the presentation's origin."""
    keyframe: bool
    payload: bytes


class Reset(msgspec.Struct, frozen=True, tag="reset"):
    """Another publisher comes: what was decoded so far says nothing about what follows."""


class End(msgspec.Struct, frozen=True, tag="end"):
    """Nothing more comes. What the encoders still hold is given out, and `Ended` after it."""

    until_us: int
    """When the last picture ends, on the time of `Unit.time_us`: the sound ends there, too."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The process is locked in and takes units."""

    encoder: str
    """The one that was chosen."""
    sandbox: tuple[str, ...] = ()
    """What holds it; a measure that the machine does not have is missing."""


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """Comes before the first sample of a rendition, and before one that needs another config."""

    rendition: str
    sps: bytes = b""
    pps: bytes = b""
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    extra: bytes = b""
    """Of the sound; then the fields above say nothing."""
    channels: int = 2
    rate: int = AUDIO_TIMESCALE

    @classmethod
    def of(cls, rendition: str, config: TrackConfig) -> Configured:
        match config:
            case VideoConfig(sps, pps, width, height, frame_rate):
                return cls(rendition, sps, pps, width, height, frame_rate)
            case AudioConfig(extra, channels, rate):
                return cls(rendition, extra=extra, channels=channels, rate=rate)

    @property
    def config(self) -> TrackConfig:
        if self.extra:
            return AudioConfig(self.extra, self.channels, self.rate)
        return VideoConfig(self.sps, self.pps, self.width, self.height, self.frame_rate)


class Encoded(msgspec.Struct, frozen=True, tag="encoded"):
    """One sample of one rendition, as in `bridge.track`."""

    rendition: str
    time: int
    duration: int
    keyframe: bool
    data: bytes

    @property
    def sample(self) -> Sample:
        return Sample(self.time, self.duration, self.keyframe, self.data)


class Shed(msgspec.Struct, frozen=True, tag="shed"):
    """The machine cannot keep up: this rendition gets no more samples."""

    rendition: str


class Restored(msgspec.Struct, frozen=True, tag="restored"):
    """It goes on, with a keyframe."""

    rendition: str


TroubleKind = Literal[
    "undecodable",
    "too-large",
    "keyframe-wanted",
    "no-encoder",
    "behind",
]


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """Something went wrong `count` times since it was told last; once a second at most."""

    kind: TroubleKind
    """Undecodable, too-large: units that were left out. Behind: units dropped to catch up.
    No-encoder: a rung that cannot be made. Keyframe-wanted: nothing goes on without one."""
    count: int = 1
    detail: str = ""


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """All was given out; the answer to `End`."""


class Status(msgspec.Struct, frozen=True, tag="status"):
    """A sign of life, about once a second."""

    rss_bytes: int
    cpu_ms: int
    """User and system, since the process started."""
    behind_ms: int
    """How long the unit in work had waited."""


ToChild = Plan | Unit | Reset | End
FromChild = Ready | Configured | Encoded | Shed | Restored | Trouble | Ended | Status

TO_CHILD: Final = msgspec.msgpack.Decoder(ToChild)
FROM_CHILD: Final = msgspec.msgpack.Decoder(FromChild)
_ENCODER: Final = msgspec.msgpack.Encoder()

Message = TypeVar("Message")


class WireError(Exception):
    """The other end said something that is no message; what follows cannot be trusted."""


def packed(message: ToChild | FromChild) -> bytes:
    """A message with its length. Raises WireError when it is too long."""
    body = _ENCODER.encode(message)
    if len(body) > LONGEST:
        raise WireError(f"a message of {len(body)} bytes")
    return len(body).to_bytes(LENGTH, "big") + body


class Unpacker(Generic[Message]):
    """Cuts a stream of bytes into messages. Holds at most one message and one read."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decoder = decoder
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now. Raises WireError."""
        self._held += data
        start = 0
        try:
            while len(self._held) - start >= LENGTH:
                body = start + LENGTH
                length = int.from_bytes(self._held[start:body], "big")
                if length > LONGEST:
                    raise WireError(f"a message of {length} bytes was announced")
                if len(self._held) - body < length:
                    break
                start = body + length
                yield self._decoded(bytes(self._held[body:start]))
        finally:
            del self._held[:start]

    def _decoded(self, body: bytes) -> Message:
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise WireError(f"no message: {error}") from error
