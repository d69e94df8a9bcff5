"""What the server and its caption process say to each other.

A message is a packet of a local socket that keeps packets apart (SOCK_SEQPACKET): msgpack with
its name in it. What is no message ends the connection, and nothing else.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from recorder.captions.words import Word

LONGEST: Final = 160 << 10
"""Bytes of a message: some seconds of sound, and less than the kernel takes at once."""


class Open(msgspec.Struct, frozen=True, tag="open"):
    """The first message: what to hear with."""

    engine: str
    language: str
    model_dir: str = ""
    """Empty: the engine's own model."""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """What follows is behind this init segment."""

    init: bytes


class Part(msgspec.Struct, frozen=True, tag="part"):
    """Sound, as CMAF."""

    number: int
    """Rises."""
    time_ms: int
    """Stream time of its beginning."""
    length_ms: int
    data: bytes


class Flush(msgspec.Struct, frozen=True, tag="flush"):
    """Say what you have, nothing more comes for now."""

    number: int
    length_ms: int = 0


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The engine is loaded."""

    measures: tuple[str, ...] = ()
    """What the process gave up."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The engine cannot be used, and trying again would not help. The text is for the owner."""

    reason: str


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """A part, or a flush, is done with."""

    number: int
    words: list[Word]
    """That became final with it; stream time."""
    until_ms: int
    """Stream time before which all words are known."""
    problem: str = ""
    """Why the part could not be heard."""


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """A sign of life, once a second."""


ToChild = Open | Begin | Part | Flush
FromChild = Ready | Refused | Heard | Alive

TO_CHILD: Final = msgspec.msgpack.Decoder(ToChild)
FROM_CHILD: Final = msgspec.msgpack.Decoder(FromChild)
_ENCODER: Final = msgspec.msgpack.Encoder()

Message = TypeVar("Message")


class WireError(Exception):
    """The other end said something that is no message."""


def packed(message: ToChild | FromChild) -> bytes:
    """Raises WireError when it is too long."""
    packet = _ENCODER.encode(message)
    if len(packet) > LONGEST:
        raise WireError(f"a message of {len(packet)} bytes")
    return packet


def unpacked(decoder: msgspec.msgpack.Decoder[Message], packet: bytes) -> Message:
    """Raises WireError."""
    try:
        return decoder.decode(packet)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"no message: {error}") from error
