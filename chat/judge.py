"""What the hub asks of a room's rules, and what each answer means for it.

A judge reads the log and never writes it: `apply` gets every entry in order, `judge` says what
should become of a frame. The loop that drives it:

    for entry in acts, then the last messages, then everything that is appended: apply(entry)
    each frame: verdict = judge(speaker, frame, now_ms); do what the verdict's docstring says
    each second: append due(now_ms)

Nothing here waits, and time is an argument: milliseconds of the server's time, as in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chat.entry import Draft, Entry
from chat.people import Person, Role, UserId
from chat.protocol import Act, Code, RoomView, Say, Vote, You


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sent a frame, and through what."""

    person: Person | None
    """As `admit` gave it back; None: only reads."""
    connection: str
    """Names the connection, as long as the process lives."""
    address: str
    """The network that the client comes from: an IPv4 address or an IPv6 /64."""


@dataclass(frozen=True, slots=True)
class Log:
    """Append the drafts in one call. Ack with the number of the first, and with `held`."""

    drafts: tuple[Draft, ...]
    held: bool = False
    """A moderator has to look at it first; the draft is for staff only."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Ack with number 0: it took effect, and nothing is appended."""


@dataclass(frozen=True, slots=True)
class Shadowed:
    """Append the drafts, which only staff will see, and ack as if it were a message.

    The sender must not be able to tell it from `Log`: same ack, `held` false.
    """

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer with an `error` frame."""

    code: Code
    detail: str
    retry_ms: int = 0
    """After this, the same frame may pass; 0: it never will."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The frame is about an entry that is no longer in memory.

    Read it from the log (`after(seq - 1, 1)`), hand it to `recall`, and judge once more. Where
    the log has no such entry, answer NO_SUCH. A second Missing cannot come.
    """

    seq: int


Verdict = Log | Quiet | Shadowed | Refused | Missing

NO_SUCH: Final = Refused("no-such", "There is no such message in this room any more.")


class Judge(Protocol):
    """The rules of one room, as `chat/room.py` keeps them."""

    def admit(self, person: Person, now_ms: int) -> Person | Refused:
        """A person comes in, at `hello`. The person is given back with a name that is clean and
        nobody else's here; a guest whose name is somebody else's is refused. Banned people come
        in: they read, and are told by `you` that they may not say anything.
        """
        ...

    def judge(self, who: Speaker, frame: Say | Vote | Act, now_ms: int) -> Verdict:
        """What should become of a frame. Counts against the sender's rates."""
        ...

    def apply(self, entry: Entry) -> None:
        """Every entry, in the order of the log; one that was applied before changes nothing."""
        ...

    def recall(self, entry: Entry) -> None:
        """An entry that the last verdict asked for."""
        ...

    def forget(self) -> None:
        """Drop what came from the log: entries were taken back, and all will be applied again."""
        ...

    def due(self, now_ms: int) -> Sequence[Draft]:
        """What time alone brings about, such as the end of a poll. To be appended; their keys
        keep several nodes, and several calls, from doing it twice."""
        ...

    def hides(self, entry: Entry) -> bool:
        """Whether a later act took this entry away: leave it out of history."""
        ...

    def view(self, now_ms: int) -> RoomView:
        """The state for `welcome`. The hub puts in how many people there are."""
        ...

    def rights(self, who: Person, now_ms: int) -> frozenset[Role]:
        """Those of the token and those of the room together; never empty."""
        ...

    def you(self, who: Person | None, now_ms: int) -> You:
        """What a client is told about itself. It can change with any entry that names the user,
        and with time."""
        ...


def client_key(user: UserId, id: str) -> str:
    """The key of a draft that a client's frame became.

    No user's id can make it look like a key of the server's own, such as `donation:<id>`.
    """
    return f"client:{user}:{id}"
