"""Which function makes what. The modules bring FFmpeg along, so only job processes import them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, cast

from recorder.work.task import Kind, Work

WORKS: Final[Mapping[Kind, str]] = {
    "mp4": "recorder.work.mp4:run",
    "storyboard": "recorder.work.storyboard:run",
    "poster": "recorder.work.poster:run",
    "chapters": "recorder.work.chapters:run",
    "captions": "recorder.work.captions:run",
    "clip": "recorder.work.clip:run",
}
"""Module and function of each kind."""

_VERSION: Final = "VERSION"


class NoSuchWork(Exception):
    """No function of this name, or its module has no VERSION. The text names it."""


def load(work: str) -> tuple[Work, int]:
    """Import `module:function`; the function, and its module's VERSION. Raises NoSuchWork."""
    name, _, function = work.partition(":")
    try:
        module = importlib.import_module(name)
        found: object = getattr(module, function)
        number: object = getattr(module, _VERSION)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoSuchWork(f"{work}: {error}") from error
    if not callable(found) or not isinstance(number, int):
        raise NoSuchWork(f"{work} is no work, or its {_VERSION} no number")
    return cast(Work, found), number


@cache
def version(work: str) -> int:
    """The VERSION of a work's module, read from its source without importing it.

    Raises NoSuchWork.
    """
    name, _, _ = work.partition(":")
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise NoSuchWork(f"{work}: {error}") from error
    if spec is None or spec.origin is None:
        raise NoSuchWork(f"{work}: there is no module {name}")
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=to), value=ast.Constant(value=int(number)))
                | ast.Assign(targets=[ast.Name(id=to)], value=ast.Constant(value=int(number)))
            ) if to == _VERSION:
                return number
            case _:
                continue
    raise NoSuchWork(f"{work}: {name} has no {_VERSION}")
