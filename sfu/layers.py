"""A viewer's wish for a layer (WHEP layer selection). An engine may be able to follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sluice.ids import PeerId


@dataclass(frozen=True, slots=True)
class LayerWish:
    """What a viewer asks for. All None: the engine chooses by bandwidth."""

    rid: str | None = None
    """The simulcast encoding to send."""
    spatial: int | None = None
    temporal: int | None = None
    max_spatial: int | None = None
    max_temporal: int | None = None
    """Layer ids inside one encoding (SVC), as the codec numbers them."""


@runtime_checkable
class LayerSelector(Protocol):
    """An engine that follows wishes. Engines without it: the extension is not announced."""

    async def select_layer(self, peer: PeerId, wish: LayerWish) -> bool:
        """False when the peer is gone or has no such layer."""
        ...
