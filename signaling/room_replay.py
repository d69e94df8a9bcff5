"""A room's log on a recording's time: its chat for viewers, its liveliness for the heat line."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from chat.entry import Entry, RoomId
from chat.hub import Hub
from chat.log import RoomLog
from recorder import heat
from recorder.replay import Replay
from signaling.vod_views import HeatView, ReplayedChat, ReplayedEntry

MOST_READ: Final = 50_000
"""Entries that are counted for one recording; a livelier room is counted by its reactions."""
PAGE: Final = 1_000
HEARTS_S: Final = 3_600
"""Reactions are asked for an hour at a time."""
SHOWN: Final = frozenset({"message", "alert", "poll", "poll_end", "pin", "goal"})


class RoomReplay:
    """Reads the log for all recordings. Raises LogError and Full, as the hub does."""

    def __init__(self, hub: Hub, history: RoomLog) -> None:
        self._hub = hub
        self._history = history

    async def page(
        self, channel: str, replay: Replay, from_ms: int, to_ms: int, after: int, limit: int
    ) -> ReplayedChat:
        """Entries that belong into [from, to) of VOD time, without what moderators took away.

        What was said in a gap stands where the stream came back. `after`: a number of the log.
        """
        room = await self._hub.room(RoomId(channel))
        since_ms, until_ms = self._stream(replay, from_ms, to_ms)
        if after:
            found = await self._history.after(room.room, after, limit)
        else:
            found = await self._history.between(room.room, since_ms, until_ms, limit)
        within = [one for one in found if one.t_show < until_ms]
        items = [
            ReplayedEntry(_at_ms(replay, one.t_show), Raw(one.wire))
            for one in within
            if one.kind in SHOWN and not one.staff and not room.judge.hides(one)
        ]
        return ReplayedChat(items, within[-1].seq if len(within) == limit else None)

    async def heat(self, channel: str, replay: Replay) -> HeatView:
        """Reactions and messages, each message as much as a few hearts."""
        counts = await self.messages(channel, replay)
        for second, hearts in (await self._hearts(channel, replay)).items():
            counts[second] += hearts
        line = heat.line(counts.items(), replay)
        return HeatView(line.step_ms, line.points)

    async def messages(self, channel: str, replay: Replay) -> Counter[int]:
        """Messages by second of the stream (Unix s)."""
        counts: Counter[int] = Counter()
        if not replay.periods:
            return counts
        since_ms, until_ms = self._stream(replay, 0, replay.duration_us // 1_000)
        found: Sequence[Entry] = await self._history.between(
            RoomId(channel), since_ms, until_ms, PAGE
        )
        read = 0
        while found:
            for one in found:
                if one.kind == "message" and one.t_show < until_ms:
                    counts[one.t_show // 1_000] += 1
            read += len(found)
            if len(found) < PAGE or found[-1].t_show >= until_ms or read >= MOST_READ:
                break
            found = await self._history.after(RoomId(channel), found[-1].seq, PAGE)
        return counts

    async def _hearts(self, channel: str, replay: Replay) -> Counter[int]:
        counts: Counter[int] = Counter()
        if not replay.periods:
            return counts
        since_ms, until_ms = self._stream(replay, 0, replay.duration_us // 1_000)
        for since_s in range(since_ms // 1_000, until_ms // 1_000 + 1, HEARTS_S):
            until_s = min(since_s + HEARTS_S, until_ms // 1_000 + 1)
            for one in await self._history.hearts(RoomId(channel), since_s, until_s):
                counts[one.second] += one.count
        return counts

    def _stream(self, replay: Replay, from_ms: int, to_ms: int) -> tuple[int, int]:
        """[from, to) of VOD time as stream time. With the gaps in it."""
        if not replay.periods:
            return 0, 0
        return _stream_ms(replay, from_ms), _stream_ms(replay, to_ms)


def _stream_ms(replay: Replay, vod_ms: int) -> int:
    """The first ms of the stream that stands at this moment or later. Where a gap was left out,
    that is the first one of the gap."""
    at_us = vod_ms * 1_000
    number = bisect_left(replay.periods, at_us, key=lambda one: one.at_us) - 1
    period = replay.periods[max(0, number)]
    passed_us = min(at_us - period.at_us, period.duration_us)
    return -(-(period.stream_us + passed_us) // 1_000)


def _at_ms(replay: Replay, stream_ms: int) -> int:
    """VOD time of a moment; of one in a gap, where the stream came back."""
    at_us = replay.at_vod(stream_ms * 1_000)
    if at_us is None:
        after = (one.at_us for one in replay.periods if one.stream_us > stream_ms * 1_000)
        at_us = next(after, replay.duration_us)
    return at_us // 1_000
