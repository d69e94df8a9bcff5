"""Entries as they stand in Redis, and what its scripts answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from chat.entry import ACTS, Draft, Entry, Epoch, EpochEnd, Kind, Position
from chat.log import Appended, Head, LogError
from chat.numbering import entry

Packed = tuple[int, int | None, Kind, bytes, str | None, bool]
"""t_recv, t_seen, kind, body, key, staff; a number and a time come from the record."""
Kept = tuple[str, int, int, int | None, Kind, bytes, str | None, bool]
"""epoch, seq and the same, of an entry that is left of a record; its time stands before it."""
RequestDraft = tuple[int, int | None, Kind, bytes, str | None, bool, int | None]
"""The same, and how long the key is remembered."""

_encoder: Final = msgspec.msgpack.Encoder()
_records: Final = msgspec.msgpack.Decoder(list[Packed])
_kept: Final = msgspec.msgpack.Decoder(Kept)
_requests: Final = msgspec.msgpack.Decoder(tuple[int, list[RequestDraft]])

Whose = Literal["mine", "taken", "free"]


@dataclass(frozen=True, slots=True)
class View:
    """A room as Redis has it."""

    head: Head | None
    """None: there is no such room."""
    inbox: str
    """Up to here the inbox is done with."""
    reply: str
    """The last reply there is."""
    whose: Whose


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the stream `log`: entries, or (none) the beginning of an epoch."""

    id: str
    epoch: Epoch
    entries: Sequence[Entry]


def packed(draft: Draft) -> bytes:
    kept: Packed = (draft.t_recv, draft.t_seen, draft.kind, draft.body, draft.key, draft.staff)
    return _encoder.encode(kept)


def draft_arguments(draft: Draft) -> tuple[bytes | int | str, ...]:
    """What the script APPEND wants to know of a draft."""
    memory: int | str = ""
    if draft.key is not None:
        memory = "lasting" if draft.key_ttl_ms is None else draft.key_ttl_ms
    act = "act" if draft.kind in ACTS else ""
    return (packed(draft), draft.t_recv, draft.key or "", memory, act)


def request(drafts: Sequence[Draft], deadline_ms: int) -> bytes:
    """For the inbox of the node that numbers. After `deadline_ms` nobody waits any more."""
    asked = [(d.t_recv, d.t_seen, d.kind, d.body, d.key, d.staff, d.key_ttl_ms) for d in drafts]
    return _encoder.encode((deadline_ms, asked))


def read_request(blob: bytes) -> tuple[int, Sequence[Draft]]:
    deadline_ms, asked = _requests.decode(blob)
    return deadline_ms, [
        Draft(kind, body, t_recv, t_seen, key, ttl, staff)
        for t_recv, t_seen, kind, body, key, staff, ttl in asked
    ]


def read_view(answer: object) -> View:
    """Of LOOK and TAKE. Raises LogError."""
    epoch, seq, t_show, oldest, chain, inbox, reply, whose = msgspec.convert(
        _texts(answer), tuple[
            str | None, str | None, str | None, str | None, str | None, str | None, str, Whose
        ]
    )  # fmt: skip
    if epoch is None or seq is None or t_show is None or oldest is None:
        return View(None, "0-0", reply, whose)
    position = Position(Epoch(epoch), int(seq))
    head = Head(position, int(t_show), int(oldest), _chain(chain or ""))
    return View(head, inbox or "0-0", reply, whose)


def read_record(raw: object) -> Record:
    """A record as XREAD and the scripts give it: its id, and its fields in their order."""
    id, fields = _record(raw)
    epoch = Epoch(fields[1].decode())
    if len(fields) < 10:
        return Record(id, epoch, ())
    last = int(id.partition("-")[0])
    t_show = int(fields[5])
    entries: list[Entry] = []
    kept = _records.decode(fields[9])
    for seq, one in enumerate(kept, start=last + 1 - len(kept)):
        t_recv, t_seen, kind, body, key, staff = one
        t_show = max(t_show, t_recv)
        draft = Draft(kind, body, t_recv, t_seen, key, None, staff)
        entries.append(entry(draft, epoch, seq, t_show))
    return Record(id, epoch, entries)


def kept(entry: Entry) -> bytes:
    """An entry by itself, where the record that it was in is no more."""
    rest: Kept = (
        entry.epoch, entry.seq, entry.t_recv, entry.t_seen, entry.kind, entry.body, entry.key,
        entry.staff,
    )  # fmt: skip
    return b"%d " % entry.t_show + _encoder.encode(rest)


def read_kept(raw: object) -> Entry:
    """What `kept` made. Raises LogError."""
    if not isinstance(raw, bytes):
        raise LogError("An entry in Redis is not ours.")
    t_show, _, packed = raw.partition(b" ")
    epoch, seq, t_recv, t_seen, kind, body, key, staff = _kept.decode(packed)
    return Entry(Epoch(epoch), seq, t_recv, t_seen, int(t_show), kind, body, key, staff)


def read_found(answer: object) -> tuple[int, Sequence[Record], Sequence[Entry]]:
    """Of AFTER, BEFORE and BETWEEN: the oldest number, records, and what is left of others."""
    if not isinstance(answer, list) or not answer:
        return 0, (), ()
    oldest, records, rest = answer
    return (
        int(oldest),
        [read_record(raw) for raw in records],
        [read_kept(raw) for raw in rest],
    )


def read_records(answer: object) -> Sequence[Entry]:
    """The same as entries that are not forgotten, in their order."""
    oldest, records, rest = read_found(answer)
    found = [one for record in records for one in record.entries] + list(rest)
    return sorted((one for one in found if one.seq >= oldest), key=lambda one: one.seq)


def read_appended(numbers: Sequence[int]) -> Sequence[Appended]:
    """seq, t_show, repeated; and so on."""
    return [
        Appended(numbers[at], numbers[at + 1], bool(numbers[at + 2]))
        for at in range(0, len(numbers), 3)
    ]


def read_fields(raw: object) -> tuple[str, dict[str, bytes]]:
    """A record of the inbox or of the replies."""
    id, fields = _record(raw)
    return id, {fields[at].decode(): fields[at + 1] for at in range(0, len(fields), 2)}


def _record(raw: object) -> tuple[str, Sequence[bytes]]:
    if isinstance(raw, list | tuple) and len(raw) == 2:
        id, fields = raw
        if isinstance(fields, dict):  # as redis-py makes it of some answers
            fields = [part for field in fields.items() for part in field]
        if isinstance(id, bytes) and isinstance(fields, list):
            return id.decode(), fields
    raise LogError("A record in Redis is not ours.")


def _texts(answer: object) -> list[str | None]:
    if not isinstance(answer, list):
        raise LogError("Redis answered something else.")
    return [part.decode() if isinstance(part, bytes) else None for part in answer]


def _chain(text: str) -> Sequence[EpochEnd]:
    """'epoch last,epoch last,'"""
    parts = [end.split(" ") for end in text.split(",") if end]
    return tuple(EpochEnd(Epoch(epoch), int(last)) for epoch, last in parts)
