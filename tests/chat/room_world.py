"""A room with a log of one process: people speak, and what is appended is applied at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import msgspec

from chat import protocol
from chat.entry import Draft, Entry, Epoch
from chat.judge import Log, Missing, Refused, Shadowed, Speaker, Verdict
from chat.moderation.settings import RoomSettings
from chat.people import Person, Role, UserId
from chat.protocol import Act, Say, Vote
from chat.room import Room

MINUTE_MS = 60_000
NOW_MS = 1_790_000_000_000


def person(id: str, *roles: Role, name: str = "") -> Person:
    return Person(UserId(id), name or id.partition(":")[2] or id, frozenset(roles))


OWNER = person("olga", "owner")
MODERATOR = person("mia", "moderator")
BOT = person("beep", "bot")
ANA = person("ana")
BEN = person("ben")


def speaker(who: Person | None, connection: str = "", address: str = "192.0.2.1") -> Speaker:
    return Speaker(who, connection or (who.id if who else "reader"), address)


@dataclass
class World:
    """`now_ms` is moved by hand."""

    settings: RoomSettings = field(default_factory=RoomSettings)
    now_ms: int = NOW_MS
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = Room(self.settings)
        self._keys: dict[str, int] = {}
        self._ids = count(1)
        for who in (OWNER, MODERATOR, BOT, ANA, BEN):
            self.room.admit(who, self.now_ms)

    def id(self) -> str:
        return f"k{next(self._ids)}"

    def judge(self, who: Person | None, frame: Say | Vote | Act) -> Verdict:
        """Only ask."""
        return self.room.judge(speaker(who), frame, self.now_ms)

    def do(self, who: Person | None, frame: Say | Vote | Act) -> Verdict:
        """Ask, and do as the verdict says."""
        verdict = self.judge(who, frame)
        if isinstance(verdict, Missing):
            found = next((one for one in self.entries if one.seq == verdict.seq), None)
            if found is None:
                return Refused("no-such", "")
            self.room.recall(found)
            verdict = self.judge(who, frame)
        if isinstance(verdict, Log | Shadowed):
            for draft in verdict.drafts:
                self.append(draft)
        return verdict

    def say(self, who: Person | None, text: str, id: str = "", reply: int | None = None) -> Verdict:
        frame = Say(id or self.id(), text)
        if reply is not None:
            frame = msgspec.structs.replace(frame, reply=reply)
        return self.do(who, frame)

    def mode(self, **modes: bool | int) -> Verdict:
        frame = msgspec.structs.replace(protocol.Mode(self.id()), **modes)
        return self.do(MODERATOR, frame)

    def append(self, draft: Draft) -> int:
        """The number, as the log gives it; the entry is applied at once."""
        seq = self.log(draft)
        self.room.apply(self.entries[seq - 1])
        return seq

    def log(self, draft: Draft) -> int:
        """Append alone: a key that was there has the first one's number."""
        if draft.key is not None and draft.key in self._keys:
            return self._keys[draft.key]
        seq = self.last + 1
        entry = Entry(
            Epoch("e"), seq, draft.t_recv, draft.t_seen, draft.t_recv, draft.kind, draft.body,
            draft.key, draft.staff,
        )  # fmt: skip
        if draft.key is not None:
            self._keys[draft.key] = seq
        self.entries.append(entry)
        return seq

    @property
    def last(self) -> int:
        return self.entries[-1].seq if self.entries else 0

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.entries]

    def body(self, seq: int = -1) -> dict[str, object]:
        """Of the entry with this number; of the last one by itself."""
        entry = self.entries[-1] if seq < 0 else self.entries[seq - 1]
        return msgspec.json.decode(entry.body, type=dict[str, object])


def code(verdict: Verdict) -> str:
    """Of a refusal; else what it is."""
    return verdict.code if isinstance(verdict, Refused) else type(verdict).__name__.lower()
