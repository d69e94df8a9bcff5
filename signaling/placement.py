"""Which node a channel lives on. One machine: always here; many: a later registry answers."""

from __future__ import annotations

from typing import Literal, Protocol

from sluice.ids import ChannelId


class Placement(Protocol):
    """Asked at every POST to a WHIP or WHEP endpoint."""

    async def where(self, channel: ChannelId, role: Literal["publisher", "viewer"]) -> str | None:
        """The origin of the node to go to (`https://b.example.org`), or None for this one."""
        ...


class Here:
    """The placement of a single machine."""

    async def where(self, channel: ChannelId, role: Literal["publisher", "viewer"]) -> str | None:
        return None
