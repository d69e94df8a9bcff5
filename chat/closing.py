"""Why a client is closed, and what it should do. docs/chat.md has the same table for clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from chat.protocol import Bye

WEBSOCKET_BASE: Final = 4_000

Reason = Literal[
    "restart", "no-hello", "malformed", "ticket", "flood", "version", "slow", "ended", "gone",
    "busy", "silent", "name",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closing:
    """One row. `code` + 4000 is the WebSocket's."""

    code: int
    detail: str
    retry_ms: int
    """0: do not come back by yourself."""


CLOSINGS: Final[dict[Reason, Closing]] = {
    "restart": Closing(1, "The server stops. Come back and resume.", 1_000),
    "no-hello": Closing(2, "No `hello` came in time.", 5_000),
    "malformed": Closing(3, "Too many frames could not be read.", 0),
    "ticket": Closing(
        4, "The ticket is used up, too old, or for another room: get a new one.", 500
    ),
    "flood": Closing(5, "Too many frames.", 10_000),
    "version": Closing(6, "This server does not speak that version: reload the page.", 0),
    "slow": Closing(7, "You read too slowly. Come back and resume.", 2_000),
    "ended": Closing(8, "Your permission has ended: get a new ticket.", 500),
    "gone": Closing(9, "There is no such room any more.", 0),
    "busy": Closing(10, "The room takes no more now.", 5_000),
    "silent": Closing(11, "You did not answer pings. Come back and resume.", 1_000),
    "name": Closing(12, "That name is somebody else's here: choose another.", 0),
}


def bye(reason: Reason, detail: str = "") -> Bye:
    row = CLOSINGS[reason]
    return Bye(row.code, detail or row.detail, row.retry_ms)
