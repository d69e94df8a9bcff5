"""Who may change what a channel has: its owner, by stream key, and the admin."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

from signaling.house import House
from signaling.intake import credential
from sluice.errors import Problem
from sluice.storage import Channel


def admit_owner(house: House, request: Request, channel: Channel) -> Literal["owner", "admin"]:
    """Who it is. Raises Problem 401, 403 or 429."""
    given = credential(request)
    if house.at_admin_port(request):
        try:
            house.gate.check_admin(given)
            return "admin"
        except Problem:
            pass  # then it must be the owner
    try:
        house.gate.may_publish(channel, given)
    except Problem as problem:
        raise house.intake.denied(request, problem) from None
    return "owner"
