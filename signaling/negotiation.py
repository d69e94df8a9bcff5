"""What WHIP and WHEP have in common: offer in, answer out, PATCH and DELETE on the session."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from sfu.engine import Accepted, EngineBusy, OfferRefused
from sfu.rooms import NotLive, Role
from signaling.headers import cors_methods
from signaling.house import House
from signaling.intake import credential, media_type
from signaling.links import ice_links
from signaling.offer import check_offer
from signaling.routing import channel_in
from signaling.sdpfrag import MEDIA_TYPE, Fragment, parse_fragment, restart_answer, usable
from signaling.sessions import Session, etag_matches, etag_of, is_wildcard
from sluice.auth import Grant
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Channel

SDP = "application/sdp"
_TRICKLE_FACTOR = 4
"""A session may trickle this many times `limits.sdp_candidates` in all."""


class Negotiation:
    """The HTTP side of one role. Source: RFC 9725 and draft-ietf-wish-whep."""

    def __init__(self, house: House, role: Role) -> None:
        self._house = house
        self._role: Role = role
        self._room = "whip" if role == "publisher" else "whep"

    # --- the endpoint

    async def offer(self, request: Request) -> tuple[Response, Session | None]:
        """POST of an SDP offer: 201 with the answer, or 307 to the channel's node."""
        house = self._house
        channel_id = channel_in(request)
        house.intake.throttle(request, channel_id)
        self.check_open()
        channel = house.channel(channel_id)
        grant = self.admit(request, channel)
        if media_type(request) != SDP:
            raise Problem("wrong-media-type", f"The offer must be {SDP}.")
        node = await house.placement.where(channel_id, self._role)
        if node is not None:
            query = f"?{request.url.query}" if request.url.query else ""
            location = f"{node}/{self._room}/{channel_id}{query}"
            return Response(status_code=307, headers={"Location": location}), None
        body = await house.intake.body(request, house.settings.limits.sdp_bytes)
        offer = check_offer(body, self._role, house.settings.limits)
        accepted = await self._join(channel_id, offer.text)
        session = house.sessions.open(
            self._role,
            channel_id,
            accepted.peer,
            grant,
            accepted.ice,
            offer.ice,
            offer.mids,
            offer.kind,
        )
        if house.rooms.member(accepted.peer) is None:
            # It was closed between the answer and here, so nobody will tell the session.
            house.sessions.peer_gone(accepted.peer, self._role, "failed")
        return self._created(request, session, accepted.answer), session

    async def options(self, request: Request) -> Response:
        """A plain OPTIONS (preflights never come here). Tells ICE servers to who may join."""
        headers = {"Allow": cors_methods(request.url.path) or ""}
        headers["Access-Control-Allow-Methods"] = headers["Allow"]
        if "session" in request.path_params:
            headers["Accept-Patch"] = MEDIA_TYPE
            return Response(status_code=200, headers=headers)
        headers["Accept-Post"] = SDP
        response = Response(status_code=200, headers=headers)
        channel = self._house.book.get(channel_in(request))
        anybody = channel is not None and channel.access == "public" and self._role == "viewer"
        if channel is not None and (anybody or credential(request) is not None):
            self.admit(request, channel)
            self._add_ice_links(request, response, channel.id)
        return response

    async def look(self, request: Request) -> Response:
        """GET: 204 and nothing else. Credentials that come along must be right."""
        channel = self._house.channel(channel_in(request))
        if credential(request) is not None:
            self.admit(request, channel)
        return Response(status_code=204)

    # --- the session

    async def patch(self, request: Request) -> Response:
        """Trickle (204), or an ICE restart (200 with the server's fragment)."""
        house = self._house
        session = self.session(request)
        house.intake.throttle(request, session.channel)
        self.admit(request, house.channel(session.channel))
        if media_type(request) != MEDIA_TYPE:
            # Not 415: some clients take only 400, 405 and 501 as "no trickle here".
            raise Problem("bad-request", f"A PATCH must be {MEDIA_TYPE}.")
        # One widespread client sends `ETag` where `If-Match` is meant.
        condition = request.headers.get("if-match") or request.headers.get("etag")
        if not condition:
            raise Problem("if-match-missing", "A PATCH needs If-Match (RFC 9725 section 4.3).")
        body = await house.intake.body(request, house.settings.limits.sdp_bytes)
        fragment = parse_fragment(body, session.mids, house.settings.limits)
        async with session.patching:
            if session.closed.is_set():
                raise Problem("session-unknown", "The session ended meanwhile.")
            if is_wildcard(condition):
                if fragment.ice is not None and fragment.ice != session.remote:
                    return await self._restart(session, fragment)
            elif not etag_matches(condition, session.etag):
                raise Problem("etag-mismatch", "If-Match names an older ICE session.")
            elif fragment.ice is not None and fragment.ice != session.remote:
                raise Problem("fragment-malformed", 'New ICE credentials need If-Match: "*".')
            await self._trickle(session, fragment)
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        """Frees the session at once. A second DELETE finds nothing (404)."""
        house, channel = self._house, channel_in(request)
        house.intake.throttle(request, channel)
        left = house.sessions.take_left(request.path_params["session"], self._role, channel)
        session = left or self.session(request)
        self.admit(request, house.channel(channel))
        if left is None:
            await house.rooms.leave(session.peer)
        elif self._role == "publisher":
            house.rooms.end_abandoned(channel)
        return Response(status_code=200)

    # --- used by the extensions too

    def session(self, request: Request) -> Session:
        """The session in the address. Raises Problem `session-unknown`."""
        found = self._house.sessions.find(
            request.path_params["session"], self._role, channel_in(request)
        )
        if found is None:
            raise Problem("session-unknown", "The session has ended or never was.")
        return found

    def admit(self, request: Request, channel: Channel) -> Grant:
        """Who this is and why they may. Raises Problem 401, 403 or 429."""
        gate = self._house.gate
        try:
            if self._role == "publisher":
                return gate.may_publish(channel, credential(request))
            return gate.may_watch(channel, credential(request))
        except Problem as problem:
            raise self._house.intake.denied(request, problem) from None

    def check_open(self) -> None:
        """Raises Problem `stopping`, `media-restarting` or, for viewers while the loop is late,
        `busy`."""
        house = self._house
        if not house.healthy:
            raise Problem("stopping", "Sluice starts or stops.", retry_after_s=5)
        if not house.engine.alive:
            raise self._restarting()
        if self._role == "viewer" and house.overloaded:
            raise self._busy("The machine is at its limit.")

    # --- inside

    async def _join(self, channel: ChannelId, offer: str) -> Accepted:
        house = self._house
        join = house.rooms.publish if self._role == "publisher" else house.rooms.watch
        try:
            # OBS waits 8 s for its answer: say something before it gives up.
            async with asyncio.timeout(house.settings.limits.engine_timeout_ms / 1000):
                return await join(channel, offer)
        except OfferRefused as refused:
            raise Problem(f"offer-{refused.code}", refused.detail) from None
        except NotLive:
            raise Problem(
                "not-live",
                f"Nobody publishes to {channel!r} now.",
                retry_after_s=house.settings.reconnect.retry_after_s,
            ) from None
        except EngineBusy as busy:
            if not house.engine.alive:
                raise self._restarting() from None
            raise self._busy(str(busy)) from None
        except TimeoutError:
            raise self._busy("The media plane did not answer in time.") from None

    def _restarting(self) -> Problem:
        return Problem("media-restarting", "That takes a moment.", retry_after_s=1)

    def _busy(self, detail: str) -> Problem:
        return Problem("busy", detail, retry_after_s=self._house.retry_after_s())

    def _created(self, request: Request, session: Session, answer: str) -> Response:
        response = Response(
            answer,
            status_code=201,
            media_type=SDP,
            headers={
                "Location": f"/{self._room}/{session.channel}/{session.id}",
                "ETag": session.etag,
                "Accept-Patch": MEDIA_TYPE,
            },
        )
        self._add_ice_links(request, response, session.channel)
        return response

    def _add_ice_links(self, request: Request, response: Response, channel: ChannelId) -> None:
        links = ice_links(
            self._house.settings.ice_servers,
            channel,
            self._house.clock.wall_ms(),
            request.headers.get("user-agent", ""),
        )
        for link in links:
            # One header each: clients that split a joined one at commas exist.
            response.headers.append("Link", link)

    async def _restart(self, session: Session, fragment: Fragment) -> Response:
        house = self._house
        assert fragment.ice is not None
        server = await house.engine.restart_ice(session.peer, fragment.ice)
        if server is None:
            raise Problem("session-unknown", "The session ended meanwhile.")
        session.remote = fragment.ice
        session.etag = etag_of(server)
        house.metrics.ice_restarts.inc()
        await self._trickle(session, fragment)
        mid = session.mids[0] if session.mids else "0"
        body = restart_answer(server, mid, session.kind, house.engine.candidates)
        return Response(body, media_type=MEDIA_TYPE, headers={"ETag": session.etag})

    async def _trickle(self, session: Session, fragment: Fragment) -> None:
        """Hand candidates on. What cannot be used is dropped without a word (RFC 9725)."""
        limit = self._house.settings.limits.sdp_candidates * _TRICKLE_FACTOR
        for candidate in fragment.candidates:
            session.trickled += 1
            taken = (
                session.trickled <= limit
                and usable(candidate)
                and await self._house.engine.add_candidate(session.peer, candidate)
            )
            self._house.metrics.candidates.labels("taken" if taken else "dropped").inc()
