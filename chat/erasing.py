"""Takes what people wrote in a time out of a room: out of its log, and out of every memory of it.

First an act says which numbers are gone: whoever follows the room, in any process and on any page,
shows nothing of them from then on. Then the log forgets. What breaks off in between is hidden
already, and the same call finishes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from chat.entry import Draft, Entry, RoomId
from chat.log import RoomLog
from chat.moderation import bodies
from chat.moderation.bodies import UNREADABLE, read

Heard = Callable[[int], Awaitable[None]]
"""Waits until a room that is open here has taken in the entry with that number."""

_LAST_MS: Final = 2**53 - 1


async def erase(
    history: RoomLog,
    room: RoomId,
    since_ms: int,
    until_ms: int,
    now_ms: int,
    heard: Heard,
) -> int:
    """How many entries went. Again is harmless. Raises LogError."""
    first, last = await _numbers(history, room, since_ms, until_ms)
    pins = [one for one in await history.acts(room) if one.kind == "pin"]
    quoting = {one.seq for one in pins if first <= _of(one) <= last}
    if first <= last:
        going = quoting.union(one.seq for one in pins if first <= one.seq <= last)
        newest = max((one.seq for one in pins), default=0)
        body = bodies.write(bodies.Erase(first, last, newest if newest in going else 0))
        key = f"erase:{first}:{last}"
        [act] = await history.append(room, [Draft("erase", body, now_ms, None, key, None)])
        await heard(act.seq)
    return await history.erase(room, since_ms, until_ms, quoting)


async def _numbers(history: RoomLog, room: RoomId, since_ms: int, until_ms: int) -> tuple[int, int]:
    """First and last number of that time, those included that are gone; the first is larger than
    the last where there are none."""
    head = await history.open(room)
    before = await history.before(room, since_ms - 1, 1)
    after = await history.between(room, until_ms, _LAST_MS, 1)
    newest = await history.before(room, _LAST_MS, 1)
    first = before[-1].seq + 1 if before else head.oldest
    if after:
        return first, after[0].seq - 1
    # Of several servers, one may not have followed as far as the log goes.
    return first, max([head.position.seq, *(one.seq for one in newest)])


def _of(pin: Entry) -> int:
    """Whose pin it is; 0 where nobody can read that."""
    try:
        return read(pin, bodies.Pin).of
    except UNREADABLE:
        return 0
