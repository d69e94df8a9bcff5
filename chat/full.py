"""The hub's refusal to take more."""

from __future__ import annotations

from typing import Literal


class Full(Exception):
    """No more clients in all, from this address, or at all any more; or no more open rooms."""

    def __init__(self, what: Literal["all", "address", "stopping", "rooms"]) -> None:
        super().__init__(what)
        self.what = what
