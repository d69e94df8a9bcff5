"""What a job is told, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from recorder.media import Media
from recorder.recording import Recording

Kind = Literal["mp4", "storyboard", "poster", "chapters", "captions", "clip"]

Value = str | int | float | bool | None


class Spec(msgspec.Struct, frozen=True):
    """What is to be made. The same spec always gives the same files."""

    kind: Kind
    recording: str
    parameters: dict[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Task:
    """A spec, and what a worker needs for it."""

    spec: Spec
    recording: Recording
    media: Media
    out: Path
    """An empty folder. What is in it at the end is the output."""


Report = Callable[[float], None]
"""Says how much is done, 0 to 1."""

Facts = dict[str, Value]
"""What the makers of a file know about it, such as its length; kept beside it."""

Work = Callable[[Task, Report], Facts]
"""Raises WorkError where trying again would not help; anything else is tried again."""


class WorkError(Exception):
    """It cannot be made. The text is for the streamer."""
