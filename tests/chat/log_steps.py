"""Random steps on a log and on the log in memory: both must answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from chat.entry import Draft, Entry, Kind, RoomId
from chat.log import Hearts, RoomLog
from chat.log_memory import MemoryLog
from tests.chat.log_conformance import T0, collect


@dataclass(frozen=True, slots=True)
class Append:
    drafts: Sequence[Draft]


@dataclass(frozen=True, slots=True)
class After:
    seq: int
    limit: int


@dataclass(frozen=True, slots=True)
class Before:
    t_show: int
    limit: int


@dataclass(frozen=True, slots=True)
class Between:
    since: int
    until: int
    limit: int


@dataclass(frozen=True, slots=True)
class Trim:
    before: int


@dataclass(frozen=True, slots=True)
class Erase:
    since: int
    until: int
    also: Sequence[int]


@dataclass(frozen=True, slots=True)
class Heart:
    hearts: Sequence[Hearts]


Step = Append | After | Before | Between | Trim | Erase | Heart

_times = st.integers(T0, T0 + 200_000)
_limits = st.integers(0, 12)
_kinds: st.SearchStrategy[Kind] = st.sampled_from(["message", "ban", "pin", "alert", "held"])
_drafts = st.builds(
    Draft,
    kind=_kinds,
    body=st.text(min_size=1, max_size=8).map(lambda text: b'{"x":"%s"}' % text.encode("utf-16")),
    t_recv=_times,
    t_seen=st.none() | _times,
    key=st.none() | st.sampled_from(["a", "b", "c:1", "ü"]),
    key_ttl_ms=st.none() | st.sampled_from([1, 500, 60_000]),
    staff=st.booleans(),
)
_hearts = st.builds(
    Hearts,
    second=st.integers(T0 // 1_000, T0 // 1_000 + 200),
    kind=st.sampled_from(["heart", "fire"]),
    count=st.integers(1, 9),
)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.builds(Append, st.lists(_drafts, max_size=7)),
        st.builds(Append, st.lists(_drafts, max_size=7)),
        st.builds(After, st.integers(0, 40), _limits),
        st.builds(Before, _times, _limits),
        st.builds(Between, _times, _times, _limits),
        st.builds(Trim, _times),
        st.builds(Erase, _times, _times, st.lists(st.integers(0, 40), max_size=2)),
        st.builds(Heart, st.lists(_hearts, max_size=4)),
    ),
    max_size=14,
)


async def behaves_as_memory(log: RoomLog, room: RoomId, steps: Sequence[Step]) -> None:
    """Raises AssertionError at the first difference."""
    memory = MemoryLog()
    follower, model = log.follow(room), memory.follow(room)
    opened = await log.open(room)
    assert opened.position.seq == 0
    for step in steps:
        assert await _answer(log, room, step) == await _answer(memory, room, step), step
    if not any(isinstance(step, Erase) for step in steps):
        count = (await memory.open(room)).position.seq
        wanted, got = await collect(model, count), await collect(follower, count)
        assert [_same(entry) for entry in got] == [_same(entry) for entry in wanted]
    head, model_head = await log.open(room), await memory.open(room)
    assert (head.position.seq, head.t_show, head.oldest) == (
        model_head.position.seq,
        model_head.t_show,
        model_head.oldest,
    )
    for one in (log, memory):
        acts = [_same(entry) for entry in await one.acts(room)]
        assert acts == [_same(entry) for entry in await memory.acts(room)]
    assert await log.hearts(room, 0, 10**10) == await memory.hearts(room, 0, 10**10)


async def _answer(log: RoomLog, room: RoomId, step: Step) -> object:
    match step:
        case Append(drafts):
            return list(await log.append(room, drafts))
        case After(seq, limit):
            return [_same(entry) for entry in await log.after(room, seq, limit)]
        case Before(t_show, limit):
            return [_same(entry) for entry in await log.before(room, t_show, limit)]
        case Between(since, until, limit):
            return [_same(entry) for entry in await log.between(room, since, until, limit)]
        case Trim(before):
            return await log.trim(room, before)
        case Erase(since, until, also):
            return await log.erase(room, since, until, also)
        case Heart(hearts):
            await log.add_hearts(room, hearts)
            return None


def _same(entry: Entry) -> tuple[object, ...]:
    """All of an entry but its epoch, whose name is chance."""
    return (
        entry.seq, entry.t_recv, entry.t_seen, entry.t_show, entry.kind, entry.body, entry.key,
        entry.staff,
    )  # fmt: skip
