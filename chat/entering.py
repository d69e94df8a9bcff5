"""A client comes into a room: welcome, what it missed, and then everything that happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from chat import arrival, frame, protocol
from chat.arrival import Anew, Resumed
from chat.client import Client
from chat.entry import Entry, Epoch, Position
from chat.frame import Item
from chat.live_room import LiveRoom
from chat.log import Head
from chat.protocol import FromServer, Gap, Hello, Retract, Welcome, You

_PAGE: Final = 250
_LAST_MS: Final = 2**53 - 1
_NOBODY: Final = You(None, "", [], False)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the client's entries begin, and what it is told before them."""

    after: int
    recovered: bool
    kind: str
    retract: Retract | None = None
    gap: Gap | None = None


async def welcome(room: LiveRoom, client: Client, hello: Hello) -> None:
    """Raises LogError; then nothing was told. The client must have entered the room."""
    feed = room.feed
    while True:
        epoch = feed.epoch
        start = await _start(room, hello)
        if feed.epoch == epoch:
            break  # or the plan was made for numbers that do not count any more
    room.counts.resumes[start.kind] += 1
    told: list[FromServer] = [_welcome(room, client, start.recovered)]
    told += [one for one in (start.retract, start.gap) if one is not None]
    room.tell(client, frame.of(*told))
    client.welcomed = True
    await _catch_up(room, client, Position(feed.epoch, start.after))


async def _catch_up(room: LiveRoom, client: Client, reached: Position) -> None:
    """Send page after page until there is no more; no await between that and going live."""
    feed = room.feed
    while not client.closed:
        reached, retract = feed.rebase(reached)
        if retract is not None:
            room.tell(client, frame.of(retract))
        if reached.seq >= feed.sent:
            client.go_live(feed, reached)
            client.pump()
            return
        read = await read_after(room, reached.seq, _PAGE)
        entries = [one for one in read if one.seq <= feed.sent]
        if feed.epoch != reached.epoch:
            continue
        if not entries:
            # The rest was trimmed while the client was slow.
            room.tell(client, frame.of(Gap(reached.seq + 1, feed.sent)))
            reached = Position(feed.epoch, feed.sent)
            continue
        if entries[0].seq != reached.seq + 1:
            room.tell(client, frame.of(Gap(reached.seq + 1, entries[0].seq - 1)))
            reached = Position(reached.epoch, entries[0].seq - 1)
        entries = _without_hole(entries)
        last = entries[-1].seq
        items = [Item(one.seq, wire(room, client, one), one.kind == "message") for one in entries]
        room.tell(client, frame.batches(feed.epoch, reached.seq + 1, last, items))
        reached = Position(reached.epoch, last)
        await client.drained()


def _without_hole(entries: Sequence[Entry]) -> list[Entry]:
    """Acts outlive what was trimmed around them: up to the first hole."""
    first = entries[0].seq
    return [one for at, one in enumerate(entries) if one.seq == first + at]


def wire(room: LiveRoom, client: Client, entry: Entry) -> bytes | None:
    """None: not for this client, or taken away since."""
    if (entry.staff and not client.staff) or room.judge.hides(entry):
        return None
    return entry.wire


async def read_after(room: LiveRoom, seq: int, limit: int) -> Sequence[Entry]:
    found = room.recent.after(seq, limit)
    return found if found is not None else await room.history.after(room.room, seq, limit)


async def _start(room: LiveRoom, hello: Hello) -> _Start:
    feed, settings = room.feed, room.settings
    head = Head(Position(feed.epoch, feed.sent), 0, room.head.oldest, feed.chain)
    resume = None
    if hello.resume is not UNSET:
        resume = Position(Epoch(hello.resume.epoch), hello.resume.seq)
    plan = arrival.plan(resume, head, settings.resume_entries)
    if isinstance(plan, Resumed):
        if await _is_there(room, plan.after):
            return _Start(plan.after, True, "recovered", plan.retract)
        plan = Anew(plan.retract, plan.after)
    after, skipped = await _first(room, hello)
    kind = "new" if resume is None else "lost"
    gap = plan.gap_before(after + 1) or skipped
    return _Start(after, False, kind, plan.retract, gap)


async def _is_there(room: LiveRoom, after: int) -> bool:
    """Whether the entry behind this number can still be read: `recovered` needs a proof."""
    if after >= room.feed.sent:
        return True
    found = await read_after(room, after, 1)
    return bool(found) and found[0].seq == after + 1


async def _first(room: LiveRoom, hello: Hello) -> tuple[int, Gap | None]:
    """A newcomer gets the last messages before its place in the stream, and what came since."""
    settings, sent = room.settings, room.feed.sent
    at = _LAST_MS
    if hello.at is not UNSET:
        now_ms = room.clock.wall_ms()
        at = min(max(hello.at, now_ms - settings.back_ms), now_ms)
    found = room.recent.before(at, settings.first_entries)
    if found is None:
        found = await room.history.before(room.room, at, settings.first_entries)
    after = found[0].seq - 1 if found else min(room.head.oldest - 1, sent)
    if sent - after > settings.resume_entries:
        cut = sent - settings.first_entries
        return cut, Gap(after + 1, cut)
    return after, None


def _welcome(room: LiveRoom, client: Client, recovered: bool) -> Welcome:
    settings = room.settings
    return Welcome(
        v=protocol.VERSION,
        room=room.room,
        epoch=room.feed.epoch,
        seq=room.feed.sent,
        now=room.clock.wall_ms(),
        recovered=recovered,
        you=client.you or _NOBODY,
        state=room.view(),
        limits={
            "frame_bytes": protocol.CLIENT_BYTES,
            "frames_per_s": int(settings.frame_rate),
            "reactions_per_s": int(settings.reaction_rate),
            "page_entries": settings.page_entries,
            "display_rate": settings.display_rate,
        },
    )
