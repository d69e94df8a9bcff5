"""What travels between a client and a room, version 1: JSON text, the same on both transports.

Every frame is an object with `op`. Frames from clients are at most `CLIENT_BYTES`; what cannot be
read is answered with an `error` frame, and a client that goes on sending such is closed. The
tables of docs/chat.md say what a client should do about each code.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

VERSION: Final = 1
CLIENT_BYTES: Final = 4_096
BATCH_BYTES: Final = 15_360
"""A data channel's message should not be larger."""

ClientKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
"""Chosen by the client, its own for ten minutes: who sends again under it, sends nothing twice."""
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Millis = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Emote = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,24}$")]


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the client was."""

    epoch: Annotated[str, Meta(max_length=64)]
    seq: Seq


# --- from clients


class Hello(Struct, frozen=True, tag_field="op", tag="hello", forbid_unknown_fields=True):
    """The first frame, within five seconds."""

    v: int
    ticket: Annotated[str, Meta(max_length=2_048)] | UnsetType = UNSET
    """Without one: a reader of a public channel."""
    resume: Resume | UnsetType = UNSET
    at: Millis | UnsetType = UNSET
    """Where the client's player is (stream time): a newcomer gets the messages before it."""


class Say(Struct, frozen=True, tag_field="op", tag="say", forbid_unknown_fields=True):
    """A message."""

    id: ClientKey
    text: Text
    seen: Millis | UnsetType = UNSET
    """The moment of the stream that was on the sender's screen."""
    reply: Seq | UnsetType = UNSET


class React(Struct, frozen=True, tag_field="op", tag="react", forbid_unknown_fields=True):
    """Hearts and the like, summed by the client for a moment."""

    emote: Emote
    n: Annotated[int, Meta(ge=1, le=20)] = 1
    at: Millis | UnsetType = UNSET


class Vote(Struct, frozen=True, tag_field="op", tag="vote", forbid_unknown_fields=True):
    """One vote a person; the last counts."""

    id: ClientKey
    poll: Seq
    option: Annotated[int, Meta(ge=0, le=9)]


class Fetch(Struct, frozen=True, tag_field="op", tag="fetch", forbid_unknown_fields=True):
    """Entries by number (`after`) or by stream time (`since` to `until`). `after` with `until` goes
    on with a page by stream time."""

    id: ClientKey
    after: Seq | UnsetType = UNSET
    since: Millis | UnsetType = UNSET
    until: Millis | UnsetType = UNSET


class Ping(Struct, frozen=True, tag_field="op", tag="ping", forbid_unknown_fields=True):
    """For the clock, and to be known as alive."""

    id: ClientKey


class Delete(Struct, frozen=True, tag_field="op", tag="delete", forbid_unknown_fields=True):
    """Take a message away: one's own, or as a moderator anybody's."""

    id: ClientKey
    seq: Seq


class Punish(Struct, frozen=True, tag_field="op", tag="punish", forbid_unknown_fields=True):
    """Timeout, ban and shadow ban, and the end of each. Moderators only."""

    id: ClientKey
    act: Literal["timeout", "ban", "shadow", "pardon"]
    user: Annotated[str, Meta(min_length=1, max_length=64)]
    seconds: Annotated[int, Meta(ge=1, le=1_209_600)] | UnsetType = UNSET
    """Of a timeout."""
    reason: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class Mode(Struct, frozen=True, tag_field="op", tag="mode", forbid_unknown_fields=True):
    """Change how the room talks; what is left out stays. Moderators only."""

    id: ClientKey
    slow_s: Annotated[int, Meta(ge=0, le=3_600)] | UnsetType = UNSET
    subscribers_only: bool | UnsetType = UNSET
    emote_only: bool | UnsetType = UNSET
    unique: bool | UnsetType = UNSET
    links: bool | UnsetType = UNSET
    hold: bool | UnsetType = UNSET
    """Every message waits for a moderator."""


class Pin(Struct, frozen=True, tag_field="op", tag="pin", forbid_unknown_fields=True):
    """Pin a message; 0 takes the pin away. Moderators only."""

    id: ClientKey
    seq: Seq


class Settle(Struct, frozen=True, tag_field="op", tag="settle", forbid_unknown_fields=True):
    """Let a held message through, or not. Moderators only."""

    id: ClientKey
    held: Seq
    approve: bool


class Appoint(Struct, frozen=True, tag_field="op", tag="appoint", forbid_unknown_fields=True):
    """Make somebody a moderator, or end it. The owner only."""

    id: ClientKey
    user: Annotated[str, Meta(min_length=1, max_length=64)]
    moderator: bool


class OpenPoll(Struct, frozen=True, tag_field="op", tag="poll", forbid_unknown_fields=True):
    """Ask the room something. Moderators only; one poll at a time."""

    id: ClientKey
    question: Annotated[str, Meta(min_length=1, max_length=200)]
    options: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=80)]], Meta(min_length=2, max_length=10)
    ]
    seconds: Annotated[int, Meta(ge=10, le=3_600)] = 120


class ClosePoll(Struct, frozen=True, tag_field="op", tag="poll_close", forbid_unknown_fields=True):
    """End the poll before its time. Moderators only."""

    id: ClientKey
    poll: Seq


FromClient = (
    Hello | Say | React | Vote | Fetch | Ping | Delete | Punish | Mode | Pin | Settle | Appoint
    | OpenPoll | ClosePoll
)  # fmt: skip

Act = Delete | Punish | Mode | Pin | Settle | Appoint | OpenPoll | ClosePoll
"""What becomes an entry of the log that is not a message."""


# --- from the server


class You(Struct, frozen=True):
    """Who the server takes the client for."""

    id: str | None
    """None: a reader."""
    name: str
    roles: list[str]
    may_say: bool


class Modes(Struct, frozen=True):
    """How the room talks now."""

    slow_s: int = 0
    subscribers_only: bool = False
    emote_only: bool = False
    unique: bool = False
    links: bool = True
    hold: bool = False


class PollView(Struct, frozen=True):
    """A poll as it stands. `id` is the number of the entry that opened it."""

    id: int
    question: str
    options: list[str]
    votes: list[int]
    until: int


class RoomView(Struct, frozen=True):
    """The state of a room that is not in its messages."""

    modes: Modes
    pin: msgspec.Raw | None
    """An entry."""
    poll: PollView | None
    people: int
    people_exact: bool
    emotes: dict[str, str]
    """Name to what is shown: a character, or an address under /static or https."""
    goal: msgspec.Raw | None = None


class Welcome(Struct, frozen=True, tag_field="op", tag="welcome"):
    """The answer to `hello`. What follows is a `batch` with what was missed, or the last messages.

    `recovered`: everything between the client's position and now is in the batches that follow.
    """

    v: int
    room: str
    epoch: str
    seq: int
    now: int
    recovered: bool
    you: You
    state: RoomView
    limits: dict[str, int]


class Ack(Struct, frozen=True, tag_field="op", tag="ack"):
    """The frame with this id took effect, as this entry; 0 where it is none."""

    id: str
    seq: int
    t: int
    held: bool = False
    """It waits for a moderator."""


Code = Literal[
    "malformed", "too-large", "unknown-op", "not-welcome", "version", "ticket", "rate", "slow",
    "muted", "banned", "subscribers-only", "emote-only", "not-unique", "links", "text", "reply",
    "rights", "no-such", "poll", "read-only", "busy", "log",
]  # fmt: skip


class Error(Struct, frozen=True, tag_field="op", tag="error", omit_defaults=True):
    """A frame did not take effect. `id` is that frame's, where it could be read."""

    code: Code
    detail: str
    id: str = ""
    retry_ms: int = 0
    """After this, the same frame may pass; 0: it never will."""


class Gap(Struct, frozen=True, tag_field="op", tag="gap", rename={"since": "from", "until": "to"}):
    """These numbers are not coming by themselves. They can be fetched."""

    since: int
    until: int


class Retract(Struct, frozen=True, tag_field="op", tag="retract", rename={"since": "from"}):
    """After a takeover: what was shown as these numbers of that epoch and later never was."""

    epoch: str
    since: int
    now_epoch: str


class HeartSum(Struct, frozen=True, array_like=True):
    """Of one second of the stream: `[t, emote, n]`."""

    t: int
    emote: str
    n: int


class HeartSums(Struct, frozen=True, tag_field="op", tag="hearts"):
    """Reactions of the last 100 ms, by the second of the stream that they belong to."""

    sums: list[HeartSum]


class Presence(Struct, frozen=True, tag_field="op", tag="presence"):
    people: int
    exact: bool


class Page(Struct, frozen=True, tag_field="op", tag="page"):
    """The answer to `fetch`. What is missing between its numbers is not for this client. `more`:
    there are later ones in what was asked for; they are found `after` `last`."""

    id: str
    items: list[msgspec.Raw]
    more: bool
    last: int = 0
    """The page reaches to this number, even where it has no item of that number."""


class Own(Struct, frozen=True, tag_field="op", tag="own"):
    """The client's own messages that the sample left out. Their numbers are in the batches'
    ranges."""

    items: list[msgspec.Raw]


class Pong(Struct, frozen=True, tag_field="op", tag="pong"):
    id: str
    now: int


class Tally(Struct, frozen=True, tag_field="op", tag="tally"):
    """Votes of the open poll."""

    poll: int
    votes: list[int]


class Rights(Struct, frozen=True, tag_field="op", tag="you"):
    """The client's own rights changed."""

    you: You


class Bye(Struct, frozen=True, tag_field="op", tag="bye"):
    """The last frame; the transport is closed with the same code (WebSocket 4000 + n)."""

    code: int
    detail: str
    retry_ms: int = 0
    """0: do not come back by yourself."""


FromServer = (
    Welcome | Ack | Error | Gap | Retract | HeartSums | Presence | Page | Own | Pong | Tally
    | Rights | Bye
)  # fmt: skip

_decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_encoder = msgspec.json.Encoder()


class Malformed(Exception):
    """A frame that cannot be read. `code` and `id` go into the answer."""

    def __init__(self, code: Code, detail: str, id: str = "") -> None:
        super().__init__(detail)
        self.code: Code = code
        self.detail = detail
        self.id = id


def decode(frame: bytes) -> FromClient:
    """Raises Malformed."""
    if len(frame) > CLIENT_BYTES:
        raise Malformed("too-large", f"A frame is at most {CLIENT_BYTES} bytes.")
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError as error:
        code: Code = "unknown-op" if "`$.op`" in str(error) else "malformed"
        raise Malformed(code, f"{error}.", _id_in(frame)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("malformed", f"The frame is not JSON: {error}.") from None


def is_hello(frame: bytes) -> bool:
    """Whether it is a `hello`; cheap for all that is none."""
    if b'"hello"' not in frame:
        return False
    try:
        return isinstance(decode(frame), Hello)
    except Malformed:
        return False


def encode(frame: FromServer) -> bytes:
    return _encoder.encode(frame)


def batch(epoch: str, first: int, last: int, items: list[bytes], of: int | None = None) -> bytes:
    """The frame `{"op":"batch","epoch":e,"first":f,"last":l,"items":[...]}`.

    It covers all numbers from first to last, though items that are not for this audience are
    missing. `of` is there where it is a sample: so many messages there were.
    """
    sampled = b"" if of is None else b',"of":%d' % of
    return b'{"op":"batch","epoch":%s,"first":%d,"last":%d%s,"items":[%s]}' % (
        _encoder.encode(epoch),
        first,
        last,
        sampled,
        b",".join(items),
    )


class _WithId(Struct):
    id: str = ""


def _id_in(frame: bytes) -> str:
    try:
        return msgspec.json.decode(frame, type=_WithId).id[:36]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
