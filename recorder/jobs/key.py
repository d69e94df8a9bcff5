"""The key of an output: the same for the same spec, work and recording, whoever asks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from recorder.replay import Replay
from recorder.work import kinds
from recorder.work.task import Kind, Spec

KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a recording there is. It changes when media is added, or found broken.

    It does not change when a chunk is sealed or stored, nor with the streamer's marks: what
    depends on those has them in its parameters.
    """

    parts: int
    """Parts that can be played, of all renditions."""
    duration_us: int

    @classmethod
    def of(cls, replay: Replay) -> Extent:
        parts = sum(len(piece.parts) for slot in replay.slots for piece in slot.pieces.values())
        return cls(parts, replay.duration_us)


def key_of(spec: Spec, version: int, extent: Extent) -> str:
    """32 hex digits. `version` is of the work, so that a better one makes its outputs anew."""
    source = {
        "spec": spec,
        "version": version,
        "parts": extent.parts,
        "duration_us": extent.duration_us,
    }
    return hashlib.sha256(msgspec.json.encode(source, order="sorted")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Keys:
    """Of the outputs that one recording can have, as much as there is of it now."""

    extent: Extent
    works: Mapping[Kind, str] = field(default_factory=lambda: kinds.WORKS)

    def of(self, spec: Spec) -> str:
        """Raises kinds.NoSuchWork."""
        return key_of(spec, kinds.version(self.works[spec.kind]), self.extent)
