"""Where the outbox puts what rooms must be told."""

from __future__ import annotations

from typing import Protocol

from chat.entry import Draft


class Alerts(Protocol):
    """The rooms. Called again with the same key until it returns once."""

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        """Append the draft; its key makes it happen once. Raises LogError."""
        ...
