"""What is passed on as it came, and what is encoded anew.

H.264 plays everywhere as it is; anything else, and anything odd, goes through the encoder. A
decision is pure: the same layers and wishes always give the same mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bridge.ladder import Rung, below, ladder
from bridge.presentation import SOURCE
from sluice.media import Codec

VideoWish = Literal["auto", "passthrough", "transcode"]


class Mode(StrEnum):
    """How the pictures get into the renditions."""

    SOUND = "sound"
    """There is no picture that can be used: sound alone."""
    PASSTHROUGH = "passthrough"
    """Every layer is a rung, as it came."""
    MIXED = "mixed"
    """The one layer is the top rung as it came; those below are encoded from it."""
    TRANSCODE = "transcode"
    """All rungs are encoded, at a constant rate."""


@dataclass(frozen=True, slots=True)
class SourceLayer:
    """One encoding that the publisher sends. Sizes in pixels; 0 while they are not known."""

    rid: str
    codec: Codec
    width: int
    height: int
    active: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode, and which layer becomes which rendition."""

    mode: Mode
    passed: tuple[tuple[str, str], ...] = ()
    """(rid, rendition) of the layers that are passed on, best first."""
    read: str | None = None
    """The rid that the encoder is fed with; None: it gets sound only."""
    rungs: tuple[Rung, ...] = ()
    """What the encoder makes, best first."""


def choose(
    layers: Sequence[SourceLayer], wish: VideoWish, most_rungs: int, fallen: Sequence[Rung] = ()
) -> Choice:
    """How to make renditions from these layers.

    `fallen`: passing on did not work out, and these are the rungs that players know already;
    from now on the encoder makes them.
    """
    pictures = sorted(
        (one for one in layers if one.active and one.width > 0 and not one.codec.is_audio),
        key=lambda one: one.width * one.height,
        reverse=True,
    )
    if not pictures:
        return Choice(Mode.SOUND)
    largest = pictures[0]
    if fallen:
        return Choice(Mode.TRANSCODE, read=largest.rid, rungs=tuple(fallen))
    passable = [one for one in pictures if one.codec is Codec.H264]
    if wish == "transcode" or (wish == "auto" and largest not in passable):
        rungs = ladder(largest.width, largest.height, most_rungs)
        return Choice(Mode.TRANSCODE, read=largest.rid, rungs=tuple(rungs))
    if not passable:
        return Choice(Mode.SOUND)
    if wish == "auto" and len(passable) == 1:
        rungs = below(largest.width, largest.height, most_rungs)
        if rungs:
            passed = ((largest.rid, SOURCE),)
            return Choice(Mode.MIXED, passed, largest.rid, tuple(rungs))
    return Choice(Mode.PASSTHROUGH, _named(passable[:most_rungs]))


def _named(layers: Sequence[SourceLayer]) -> tuple[tuple[str, str], ...]:
    """Each layer's rendition: the best is the source, the others go by their short side."""
    named: dict[str, str] = {}
    for layer in layers:
        name = f"{min(layer.width, layer.height)}p" if named else SOURCE
        if name not in named:
            named[name] = layer.rid
    return tuple((rid, name) for name, rid in named.items())
