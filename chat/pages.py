"""The answer to `fetch`: entries by number or by stream time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw

from chat import frame
from chat.client import Client
from chat.entering import read_after, wire
from chat.entry import Entry
from chat.live_room import LiveRoom
from chat.protocol import BATCH_BYTES, Fetch, Page

_HEAD_BYTES = 160


def readable(fetch: Fetch) -> bool:
    """Whether it asks for something: by number, or by both ends of a time."""
    if fetch.after is not UNSET:
        return fetch.since is UNSET
    return fetch.since is not UNSET and fetch.until is not UNSET


async def answer(room: LiveRoom, client: Client, fetch: Fetch) -> None:
    """Read and tell. Raises LogError."""
    most = room.settings.page_entries
    if fetch.after is not UNSET:
        entries = await read_after(room, fetch.after, most)
        more = len(entries) == most
        if fetch.until is not UNSET:
            within = [one for one in entries if one.t_show < fetch.until]
            more = more and len(within) == len(entries)
            entries = within
    else:
        assert fetch.since is not UNSET
        assert fetch.until is not UNSET
        entries = await room.history.between(room.room, fetch.since, fetch.until, most)
        more = len(entries) == most
    # What is not sent to anybody yet comes by itself, in its batch.
    sent = [one for one in entries if one.seq <= room.feed.sent]
    page = cut(room, client, fetch.id, sent, more and len(sent) == len(entries))
    room.tell(client, frame.of(page))


def cut(
    room: LiveRoom, client: Client, id: str, entries: Sequence[Entry], more: bool
) -> Page:  # fmt: skip
    """As much as fits into one message."""
    items: list[Raw] = []
    size, last = _HEAD_BYTES, 0
    for entry in entries:
        text = wire(room, client, entry)
        if text is not None:
            size += len(text) + 1
            if items and size > BATCH_BYTES:
                return Page(id, items, True, last)
            items.append(Raw(text))
        last = entry.seq
    return Page(id, items, more, last)
