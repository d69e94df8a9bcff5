"""WHEP (draft-ietf-wish-whep): watching, with its two extensions.

The server always answers the client's offer with 201; the 406 counter-offer of the draft is left
out because players in use take any 406 for a refusal.
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sfu.layers import LayerSelector, LayerWish
from signaling.event_streams import VIEWER_EVENTS, EventStream
from signaling.house import House
from signaling.negotiation import SDP, Negotiation
from signaling.routing import resource
from signaling.sessions import Session
from signaling.views import LayerChoice
from sluice.errors import Problem

EVENTS_EXTENSION = "urn:ietf:params:whep:ext:core:server-sent-events"
LAYER_EXTENSION = "urn:ietf:params:whep:ext:core:layer"
_EVENT_ORDER = (
    "active",
    "inactive",
    "layers",
    "reconnect",
    "viewercount",
    "stalled",
    "resumed",
    "layer",
    "renditions",
)
"""The draft's own, then ours."""


def routes(house: House) -> list[Route]:
    """`/whep/{channel}`, its sessions and their extensions."""
    viewing = Viewing(house)
    negotiation = viewing.negotiation
    found = [
        resource(
            "/whep/{channel}",
            POST=viewing.watch,
            GET=negotiation.look,
            HEAD=viewing.head,
            OPTIONS=negotiation.options,
        ),
        resource(
            "/whep/{channel}/{session}",
            PATCH=negotiation.patch,
            DELETE=negotiation.delete,
            OPTIONS=negotiation.options,
        ),
        resource("/whep/{channel}/{session}/events", POST=viewing.subscribe),
        resource("/whep/{channel}/{session}/events/{subscription}", GET=viewing.listen),
    ]
    if viewing.selector is not None:
        found.append(resource("/whep/{channel}/{session}/layer", POST=viewing.choose_layer))
    return found


class Viewing:
    """WHEP's own part; the rest is `Negotiation`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.negotiation = Negotiation(house, "viewer")
        engine = house.engine
        self.selector: LayerSelector | None = engine if isinstance(engine, LayerSelector) else None

    async def watch(self, request: Request) -> Response:
        """POST of an offer; the 201 announces the extensions."""
        response, session = await self.negotiation.offer(request)
        if session is not None:
            base = f"/whep/{session.channel}/{session.id}"
            events = ",".join(_EVENT_ORDER)
            response.headers.append(
                "Link", f'<{base}/events>; rel="{EVENTS_EXTENSION}"; events="{events}"'
            )
            if self.selector is not None:
                response.headers.append("Link", f'<{base}/layer>; rel="{LAYER_EXTENSION}"')
        return response

    async def head(self, request: Request) -> Response:
        """HEAD tells that this is a WHEP endpoint."""
        await self.negotiation.look(request)
        return Response(status_code=200, media_type=SDP)

    async def subscribe(self, request: Request) -> Response:
        """A JSON list of event names: 201 with the address of the stream."""
        session = self.negotiation.session(request)
        self._house.intake.throttle(request, session.channel)
        self.negotiation.admit(request, self._house.channel(session.channel))
        names = await self._house.intake.json(request, list[str])
        unknown = [name for name in names if name not in VIEWER_EVENTS]
        if not names or unknown:
            known = ", ".join(_EVENT_ORDER)
            what = f"{unknown[0][:40]!a} is no event" if unknown else "the list is empty"
            raise Problem("value-refused", f"{what}; the events are {known}.")
        subscription = secrets.token_urlsafe(12)
        session.subscriptions[subscription] = frozenset(names)
        while len(session.subscriptions) > self._house.settings.limits.sse_per_session:
            session.subscriptions.popitem(last=False)
        location = f"/whep/{session.channel}/{session.id}/events/{subscription}"
        return Response(status_code=201, headers={"Location": location})

    async def listen(self, request: Request) -> EventStream:
        """The stream. Its address is unguessable, as EventSource can send no Authorization."""
        session = self.negotiation.session(request)
        self._house.intake.throttle(request)
        names = session.subscriptions.get(request.path_params["subscription"])
        if names is None:
            raise Problem("not-found", "There is no such subscription.")
        self.negotiation.check_open()
        return self._house.streams.open(
            session.channel,
            session.grant,
            self._house.intake.client(request),
            names,
            until=session.closed,
            viewer=session.peer,
        )

    async def choose_layer(self, request: Request) -> Response:
        """Follow a viewer's wish for a layer; without any, the server chooses by bandwidth."""
        session = self.negotiation.session(request)
        self._house.intake.throttle(request, session.channel)
        self.negotiation.admit(request, self._house.channel(session.channel))
        choice = await self._house.intake.json(request, LayerChoice)
        if choice.media_id is not None and choice.media_id not in session.mids:
            raise Problem("value-refused", "The offer has no such mediaId.")
        assert self.selector is not None
        wish = LayerWish(
            rid=choice.rid,
            spatial=choice.spatial_layer_id,
            temporal=choice.temporal_layer_id,
            max_spatial=choice.max_spatial_layer_id,
            max_temporal=choice.max_temporal_layer_id,
        )
        if not await self.selector.select_layer(session.peer, wish):
            raise self._refused(session, choice)
        return Response(status_code=200)

    def _refused(self, session: Session, choice: LayerChoice) -> Problem:
        """Why the engine did not follow a wish."""
        if self._house.rooms.member(session.peer) is None:
            return Problem("session-unknown", "The session ended meanwhile.")
        broadcast = self._house.rooms.broadcast(session.channel)
        layers = () if broadcast is None else broadcast.layers
        rids = sorted({one.rid for one in layers if one.rid and not one.codec.is_audio})
        there = f"there are: {', '.join(rids)}" if rids else "it sends one without a name"
        what = "such layer" if choice.rid is None else f"layer {choice.rid!a}"
        return Problem("value-refused", f"The publisher sends no {what}; {there}.")
