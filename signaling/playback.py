"""Where a channel's HLS and DASH are, and who may have them.

A public channel's addresses are plain. Those of a channel for token bearers are signed and end;
a player asks for them here with its viewer token, and again before they end.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge import signed
from signaling.house import House
from signaling.negotiation import Negotiation
from signaling.reply import json_reply
from signaling.routing import channel_in, resource
from signaling.views import PlaybackView
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Channel

OPEN_GRANT_S: Final = 5
"""An edge asks again so soon whether a channel is still public."""


class PlaybackDesk:
    """Signs addresses and checks them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._watching = Negotiation(house, "viewer")

    async def playback(self, request: Request) -> Response:
        """POST: the addresses of a channel's playlists, for who may watch it."""
        house = self._house
        house.intake.throttle(request)
        channel = house.channel(channel_in(request))
        grant = self._watching.admit(request, channel)
        if house.settings.bridge.start == "never":
            raise Problem("not-found", "This server makes no HLS and no DASH.")
        folder, expires_ms = f"{signed.ROOT}{channel.id}/", None
        if channel.access != "public":
            now_ms = house.clock.wall_ms()
            until_ms = now_ms + house.settings.bridge.signed_ttl_s * 1_000
            if grant.deadline_ms is not None:  # no address outlives the token it was given for
                until_ms = min(until_ms, now_ms + grant.deadline_ms - house.clock.now_ms())
            expires_s = until_ms // 1_000
            folder, expires_ms = house.signer.address(channel.id, expires_s), expires_s * 1_000
        return json_reply(PlaybackView(f"{folder}master.m3u8", f"{folder}manifest.mpd", expires_ms))

    async def grant(self, request: Request) -> Response:
        """GET: 204 where `X-Sluice-Grant` opens the channel. Edges keep the answer a while."""
        channel = self._house.channel(channel_in(request))
        given = request.headers.get(signed.HEADER, "")
        check_grant(self._house, channel, given)
        ends_s = signed.expiry(given)
        left_s = OPEN_GRANT_S
        if channel.access != "public" and ends_s is not None:
            # Nothing takes a grant back before its end, so there is no more to ask until then.
            left_s = max(0, ends_s - self._house.clock.wall_ms() // 1_000)
        return Response(status_code=204, headers={"Cache-Control": f"max-age={left_s}"})


def check_grant(house: House, channel: Channel, given: str | None) -> None:
    """Raises Problem 401 or 403 where this grant does not open the channel."""
    if channel.access == "public":
        return
    if not given:
        raise Problem("unauthorized", "A signed address is needed; ask POST .../playback for one.")
    if not house.signer.verify(given, channel.id, house.clock.wall_ms() / 1_000):
        raise Problem("forbidden", "The signed address has ended or is for something else.")


def admit_live(house: House, channel: str, given: str | None) -> None:
    """Raises Problem 401, 403 or 404 where this grant does not open the channel's addresses."""
    check_grant(house, house.channel(ChannelId(channel)), given)


def routes(house: House) -> list[Route]:
    """`POST /api/channels/{channel}/playback` and `GET /live-grant/{channel}`."""
    desk = PlaybackDesk(house)
    return [
        resource("/api/channels/{channel}/playback", POST=desk.playback),
        resource("/live-grant/{channel}", GET=desk.grant, HEAD=desk.grant),
    ]
