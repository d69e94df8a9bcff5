"""Where a room lives in Redis. The room's name is the hash tag: on a Cluster, one slot has it all.

| key | type | holds |
|---|---|---|
| `state` | hash | epoch, last number and its time, oldest number, chain: the truth |
| `lease` | string | the node that numbers now; lapses by itself |
| `log` | stream | a record a batch, its id the last number; marks where epochs begin |
| `acts` | stream | a record for each act; not trimmed |
| `rest` | sorted set | what is left of records of which something was erased, by number |
| `inbox` | stream | what other nodes want appended |
| `replies` | stream | what became of it |
| `lasting` | hash | keys of drafts that are kept for ever |
| `key:...` | string | one key of a draft, until it expires |
| `minutes` | sorted set | which minutes have reactions |
| `hearts:...` | hash | the reactions of one minute |
"""

from __future__ import annotations

from dataclasses import dataclass

from chat.entry import RoomId


@dataclass(frozen=True, slots=True)
class RoomKeys:
    """The names of one room's keys."""

    state: str
    lease: str
    log: str
    acts: str
    rest: str
    inbox: str
    replies: str
    lasting: str
    minutes: str
    hearts: str
    """And a minute: Unix seconds of the stream, divided by 60."""
    _base: str

    @classmethod
    def of(cls, room: RoomId, prefix: str) -> RoomKeys:
        base = f"{prefix}:{{{room}}}:"
        return cls(
            f"{base}state",
            f"{base}lease",
            f"{base}log",
            f"{base}acts",
            f"{base}rest",
            f"{base}inbox",
            f"{base}replies",
            f"{base}lasting",
            f"{base}minutes",
            f"{base}hearts:",
            base,
        )

    def key(self, key: str) -> str:
        """Of a draft's key."""
        return f"{self._base}key:{key}"
