"""One operation of the HTTP API, as the OpenAPI document describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

NAMES = "names"
"""Stands for a JSON list of names, which is no view."""
PROBLEM = "application/problem+json"
JSON = "application/json"
EVENTS = "text/event-stream"
Auth = Literal["none", "key", "watch", "admin"]
Shape = type[msgspec.Struct] | str | None
"""A view, a media type of text, or no body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address."""

    method: str
    path: str
    summary: str
    auth: Auth
    answers: dict[int, Shape]
    body: Shape = None
    refuses: tuple[int, ...] = ()
    paged: bool = False
    keyed: bool = False
    """Takes an Idempotency-Key: repeated under it, the request is the same one."""
    asks: Mapping[str, Literal["string", "integer"]] = field(default_factory=dict)
    """Query parameters by name."""
    tags: tuple[str, ...] = field(default=())
