"""`!marker <text>` in the chat: the streamer, or a moderator, begins a chapter."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from bridge.presentation import Presentation
from chat.entry import Entry, RoomId
from chat.log import RoomLog
from chat.moderation.bodies import Message
from recorder.chapters import clean
from recorder.jobs.job import channel_of
from recorder.records import Mark
from sluice.ids import ChannelId
from sluice.tasks import Tasks

COMMAND: Final = "!marker "
MAY: Final = frozenset({"owner", "moderator"})


class Marked(Protocol):
    """Who keeps marks."""

    def mark(self, channel: ChannelId, mark: Mark) -> bool: ...


class MarkerCommand:
    """Reads the rooms of what is recorded (signaling/recordings.py, Follower)."""

    def __init__(self, history: RoomLog, recordings: Marked) -> None:
        self._history = history
        self._recordings = recordings
        self._listening: dict[str, Tasks] = {}

    async def begin(self, recording: str, presentation: Presentation) -> None:
        tasks = self._listening[recording] = Tasks()
        tasks.spawn(self._listen(ChannelId(channel_of(recording))), f"markers-{recording}")

    async def end(self, recording: str) -> None:
        tasks = self._listening.pop(recording, None)
        if tasks is not None:
            await tasks.close()

    async def _listen(self, channel: ChannelId) -> None:
        async for news in self._history.follow(RoomId(channel)):
            for entry in news.entries:
                mark = mark_in(entry)
                if mark is not None:
                    self._recordings.mark(channel, mark)


def mark_in(entry: Entry) -> Mark | None:
    """What an entry marks: the moment that its writer saw."""
    if entry.kind != "message" or COMMAND.encode() not in entry.body:
        return None
    try:
        said = msgspec.json.decode(entry.body, type=Message)
    except msgspec.MsgspecError:
        return None
    text = clean(said.text.removeprefix(COMMAND))
    if not said.text.startswith(COMMAND) or not text or not MAY & set(said.user.roles):
        return None
    return Mark(entry.t_show, "marker", text, said.user.name)
