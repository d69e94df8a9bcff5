"""What the front process and the media plane say to each other, over a local socket.

Each message is msgpack with its name in it, after its length in four bytes. Calls carry a number
and are answered by a `Reply`, a `Refused` or a `Busy` with the same one; all else goes one way.
Both ends read with a bound: what is too long or is no message ends the connection. Peers go by
the numbers that the front process knows; see `Start.first_peer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Generic, Literal, TypeVar, get_args

import msgspec

from sfu.engine import (
    Accepted,
    DataMessage,
    EngineEvent,
    EngineTotals,
    IceCredentials,
    LayerSwitched,
    MediaStarted,
    PeerClosed,
    PeerConnected,
    PeerStats,
)
from sfu.layers import LayerWish
from sluice.histogram import Histogram
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit

LONGEST: Final = 16 << 20
"""Bytes of one message."""
LENGTH: Final = 4
_ROOM: Final = 1 << 18
_LEAST_ROOM: Final = 1 << 14

Message = TypeVar("Message")


class WireError(Exception):
    """The other end said something that is no message; what follows cannot be trusted."""


# --- to the media plane


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The first message, once: bind the ports and begin."""

    config: bytes
    """`MediaConfig` as JSON."""
    first_peer: PeerId
    """Peers of this process have larger numbers than this: no number is ever used again."""


class Offer(msgspec.Struct, frozen=True, tag="offer"):
    """Answered by an `Accepted`."""

    call: int
    role: Literal["publisher", "viewer"]
    channel: ChannelId
    sdp: str


class RestartIce(msgspec.Struct, frozen=True, tag="restart-ice"):
    """Answered by our credentials, or None."""

    call: int
    peer: PeerId
    remote: IceCredentials


class Candidate(msgspec.Struct, frozen=True, tag="candidate"):
    """Answered by whether it can be used."""

    call: int
    peer: PeerId
    candidate: str


class Remove(msgspec.Struct, frozen=True, tag="remove"):
    """Answered by whether there was such a peer."""

    call: int
    peer: PeerId


class Select(msgspec.Struct, frozen=True, tag="select"):
    """Answered by whether there is such a layer."""

    call: int
    peer: PeerId
    wish: LayerWish


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Answered by `PeerStats`, or None."""

    call: int
    peer: PeerId


class Figures(msgspec.Struct, frozen=True, tag="figures"):
    """Answered by `Counted`."""

    call: int


class SendData(msgspec.Struct, frozen=True, tag="send-data"):
    """One message for many peers. Answered by those that did not take it."""

    call: int
    peers: list[PeerId]
    label: str
    payload: bytes
    binary: bool


class OpenTap(msgspec.Struct, frozen=True, tag="open-tap"):
    """From now on `Units` with this number come."""

    tap: int
    channel: ChannelId
    limit: int


class CloseTap(msgspec.Struct, frozen=True, tag="close-tap"):
    """No more of them; some may be on their way."""

    tap: int


class WantKeyframes(msgspec.Struct, frozen=True, tag="want-keyframes"):
    """See `Engine.want_keyframes`."""

    channel: ChannelId


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End all peers, tell of it, and hang up."""


# --- from the media plane


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The ports are bound."""

    candidates: list[str]


class CannotStart(msgspec.Struct, frozen=True, tag="cannot-start"):
    """They cannot be; the process ends."""

    detail: str


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What was asked for; of which type, knows who asked."""

    call: int
    body: msgspec.Raw


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """`OfferRefused`."""

    call: int
    code: Literal["malformed", "unsupported", "limit"]
    detail: str


class Busy(msgspec.Struct, frozen=True, tag="busy"):
    """`EngineBusy`."""

    call: int
    detail: str


class Happened(msgspec.Struct, frozen=True, tag="happened"):
    """An `EngineEvent` by the name of its type."""

    event: str
    body: msgspec.Raw


class Units(msgspec.Struct, frozen=True, tag="units"):
    """Access units of a tap."""

    tap: int
    dropped: int
    """By this process, since the tap was opened."""
    units: list[AccessUnit]


class Counted(msgspec.Struct, frozen=True):
    """All figures since the process started."""

    totals: EngineTotals
    histograms: dict[str, Histogram]


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Twice a second: the event loop runs."""

    workers_ms: int
    """How long ago every media thread last gave an answer."""
    counted: Counted


Call = Offer | RestartIce | Candidate | Remove | Select | Stats | Figures | SendData
ToPlane = Start | Call | OpenTap | CloseTap | WantKeyframes | Stop
FromPlane = Started | CannotStart | Reply | Refused | Busy | Happened | Units | Beat

TO_PLANE: Final[msgspec.msgpack.Decoder[ToPlane]] = msgspec.msgpack.Decoder(ToPlane)
FROM_PLANE: Final[msgspec.msgpack.Decoder[FromPlane]] = msgspec.msgpack.Decoder(FromPlane)

ACCEPTED: Final = msgspec.msgpack.Decoder(Accepted)
ICE: Final[msgspec.msgpack.Decoder[IceCredentials | None]] = msgspec.msgpack.Decoder(
    IceCredentials | None
)
YES: Final = msgspec.msgpack.Decoder(bool)
STATS: Final[msgspec.msgpack.Decoder[PeerStats | None]] = msgspec.msgpack.Decoder(PeerStats | None)
COUNTED: Final[msgspec.msgpack.Decoder[Counted | None]] = msgspec.msgpack.Decoder(Counted | None)
PEERS: Final = msgspec.msgpack.Decoder(list[PeerId])

_ENCODER: Final = msgspec.msgpack.Encoder()
_EVENTS: Final[dict[str, msgspec.msgpack.Decoder[EngineEvent]]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(EngineEvent)
}


def reply(call: int, value: object) -> Reply:
    """The answer to a call."""
    return Reply(call, msgspec.Raw(_ENCODER.encode(value)))


def happened(event: EngineEvent) -> Happened:
    """An event on its way."""
    return Happened(type(event).__name__, msgspec.Raw(_ENCODER.encode(event)))


def event_of(message: Happened) -> EngineEvent:
    """The event that arrived. Raises WireError."""
    decoder = _EVENTS.get(message.event)
    if decoder is None:
        raise WireError(f"an event {message.event[:40]!r}")
    return opened(decoder, message.body)


def opened(decoder: msgspec.msgpack.Decoder[Message], body: msgspec.Raw) -> Message:
    """What is in a message. Raises WireError."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise WireError(f"not what was expected: {error}") from error


def moved(event: EngineEvent, by: int) -> EngineEvent:
    """The same event with its peer under another number."""
    match event:
        case PeerConnected() | PeerClosed() | MediaStarted() | DataMessage() | LayerSwitched():
            return replace(event, peer=PeerId(event.peer + by))
    return event


def packed(message: ToPlane | FromPlane) -> bytearray:
    """A message after its length. Raises WireError when it is too long."""
    buffer = bytearray(LENGTH)
    _ENCODER.encode_into(message, buffer, LENGTH)
    size = len(buffer) - LENGTH
    if size > LONGEST:
        raise WireError(f"a message of {size} bytes")
    buffer[:LENGTH] = size.to_bytes(LENGTH, "big")
    return buffer


class Unpacker(Generic[Message]):
    """Cuts a stream of bytes into messages, in the buffer that the socket wrote them to.

    Holds little more than one message. A message's views into the buffer (`Raw`) are good until
    `room` is asked for the next time.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decoder = decoder
        self._buffer = bytearray(_ROOM)
        self._begin = 0
        self._end = 0

    def room(self) -> memoryview:
        """Where the next bytes go."""
        waiting = self._end - self._begin
        wanted = max(self._announced() + LENGTH, waiting + _LEAST_ROOM, _ROOM)
        if waiting == 0 and wanted == len(self._buffer):
            self._begin = self._end = 0
        elif len(self._buffer) - self._end < _LEAST_ROOM or len(self._buffer) < wanted:
            # A new one: the old one may still be looked at.
            buffer = bytearray(wanted)
            buffer[:waiting] = memoryview(self._buffer)[self._begin : self._end]
            self._buffer, self._begin, self._end = buffer, 0, waiting
        return memoryview(self._buffer)[self._end :]

    def came(self, size: int) -> Iterator[Message]:
        """So many bytes were put there: the messages that are complete. Raises WireError."""
        self._end += size
        view = memoryview(self._buffer)
        while self._end - self._begin >= LENGTH:
            length = self._announced()
            if length > LONGEST:
                raise WireError(f"a message of {length} bytes was announced")
            body = self._begin + LENGTH
            if self._end - body < length:
                return
            self._begin = body + length
            yield self._decoded(view[body : self._begin])

    def _announced(self) -> int:
        """The length of the message that is next; 0 while nothing is known of it."""
        if self._end - self._begin < LENGTH:
            return 0
        return int.from_bytes(self._buffer[self._begin : self._begin + LENGTH], "big")

    def _decoded(self, body: memoryview) -> Message:
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise WireError(f"no message: {error}") from error
