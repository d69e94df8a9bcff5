"""The channels of this machine: read from memory, written through to the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from sluice.auth import hash_secret, new_stream_key
from sluice.clock import Clock
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Access, Channel, Store

T = TypeVar("T")


class ChannelBook:
    """All channels and revoked tokens.

    Lookups are a dict access, so the front door never waits for a disk. `refresh` notices what
    the CLI wrote from another process.
    """

    def __init__(self, store: Store, clock: Clock, limit: int) -> None:
        self._store = store
        self._clock = clock
        self._limit = limit
        self._channels: dict[ChannelId, Channel] = {}
        self._revoked: dict[str, int] = {}
        self._version = -1

    @property
    def revoked(self) -> Mapping[str, int]:
        """Revoked viewer tokens (jti) and when they end anyway, in wall ms."""
        return self._revoked

    def get(self, channel: ChannelId) -> Channel | None:
        return self._channels.get(channel)

    def all(self) -> list[Channel]:
        return sorted(self._channels.values(), key=lambda channel: channel.id)

    async def refresh(self) -> bool:
        """Read the store again if another process wrote to it. True when it did."""
        version = await asyncio.to_thread(self._store.version)
        if version == self._version:
            return False
        self._version = version
        found = await asyncio.to_thread(self._store.channels)
        self._channels = {channel.id: channel for channel in found}
        self._revoked = await asyncio.to_thread(self._store.revoked_tokens, self._clock.wall_ms())
        return True

    async def create(self, channel: ChannelId, title: str, access: Access) -> tuple[Channel, str]:
        """A new channel and its stream key, which is shown this once."""
        if len(self._channels) >= self._limit:
            raise Problem("value-refused", f"There are {self._limit} channels, which is the limit.")
        key = new_stream_key()
        made = Channel(channel, title, access, hash_secret(key), self._clock.wall_ms())
        if not await _write(lambda: self._store.add_channel(made)):
            raise Problem("channel-exists", f"There is a channel {channel!r} already.")
        self._channels[channel] = made
        return made, key

    async def change(self, channel: Channel, title: str | None, access: Access | None) -> Channel:
        return await self._update(
            replace(channel, title=title or channel.title, access=access or channel.access)
        )

    async def rotate_key(self, channel: Channel) -> str:
        """A new key; the old one ends at once, and with it whoever publishes by it."""
        key = new_stream_key()
        await self._update(replace(channel, key_hash=hash_secret(key)))
        return key

    async def revoke_key(self, channel: Channel) -> None:
        await self._update(replace(channel, key_hash=None))

    async def delete(self, channel: ChannelId) -> None:
        await _write(lambda: self._store.delete_channel(channel))
        self._channels.pop(channel, None)

    async def revoke_token(self, jti: str, expires_ms: int) -> None:
        await _write(lambda: self._store.revoke_token(jti, expires_ms))
        now_ms = self._clock.wall_ms()
        self._revoked = {known: end for known, end in self._revoked.items() if end > now_ms}
        self._revoked[jti] = expires_ms

    async def _update(self, channel: Channel) -> Channel:
        if not await _write(lambda: self._store.update_channel(channel)):
            raise Problem("channel-unknown", f"There is no channel {channel.id!r}.")
        self._channels[channel.id] = channel
        return channel


async def _write(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except sqlite3.OperationalError as error:  # disk full, read-only, locked for 5 s
        raise Problem("storage-full", f"The store refused to write: {error}.") from error
