"""The outbox's way into the rooms' log."""

from __future__ import annotations

from chat.donations.alerts import LogAlerts
from chat.entry import Draft, RoomId
from chat.log_memory import MemoryLog


async def test_an_alert_is_a_line_of_the_room_and_only_once() -> None:
    log = MemoryLog()
    alerts = LogAlerts(log)
    draft = Draft("alert", b'{"what":"donation"}', 1_000, key="donation:1", key_ttl_ms=None)
    for _ in range(3):
        await alerts.raise_alert("live", draft)
    (entry,) = await log.after(RoomId("live"), 0, 10)
    assert (entry.kind, entry.body, entry.key) == ("alert", draft.body, draft.key)
