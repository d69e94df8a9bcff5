"""A ticket opens one room, once, within a minute."""

from __future__ import annotations

from chat.entry import RoomId
from chat.tickets import LIVES_MS, Ticket, Tickets
from sluice.auth import Grant

ROOM, OTHER = RoomId("live"), RoomId("other")
TICKET = Ticket(ROOM, None, Grant("public"), None)


def test_it_opens_once() -> None:
    tickets = Tickets()
    text = tickets.issue(TICKET, 0)
    assert tickets.redeem(text, ROOM, 1) == TICKET
    assert tickets.redeem(text, ROOM, 1) is None


def test_it_ends() -> None:
    tickets = Tickets()
    text = tickets.issue(TICKET, 0)
    assert tickets.redeem(text, ROOM, LIVES_MS) is None


def test_at_another_room_it_opens_nothing_and_is_used_up() -> None:
    tickets = Tickets()
    text = tickets.issue(TICKET, 0)
    assert tickets.redeem(text, OTHER, 1) is None
    assert tickets.redeem(text, ROOM, 1) is None


def test_no_two_are_alike_and_old_ones_are_forgotten() -> None:
    tickets = Tickets()
    assert len({tickets.issue(TICKET, 0) for _ in range(100)}) == 100
    tickets.issue(TICKET, LIVES_MS)
    assert len(tickets._waiting) == 1
