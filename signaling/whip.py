"""WHIP (RFC 9725): publishing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signaling.house import House
from signaling.negotiation import Negotiation
from signaling.routing import resource


def routes(house: House) -> list[Route]:
    """`/whip/{channel}` and its sessions."""
    negotiation = Negotiation(house, "publisher")

    async def publish(request: Request) -> Response:
        response, _ = await negotiation.offer(request)
        return response

    return [
        resource(
            "/whip/{channel}",
            POST=publish,
            GET=negotiation.look,
            HEAD=negotiation.look,
            OPTIONS=negotiation.options,
        ),
        resource(
            "/whip/{channel}/{session}",
            PATCH=negotiation.patch,
            DELETE=negotiation.delete,
            OPTIONS=negotiation.options,
        ),
    ]
