"""Viewer tokens: made and revoked by the admin, for channels that are not public."""

from __future__ import annotations

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signaling.house import House
from signaling.reply import empty, json_reply
from signaling.routing import channel_in, resource
from signaling.views import TokenRevocation, ViewerTokenView, ViewerTokenWish
from sluice.errors import Problem


def routes(house: House) -> list[Route]:
    """`POST /api/channels/{channel}/viewer-tokens` and `POST /api/viewer-tokens/revoke`."""

    async def issue(request: Request) -> Response:
        house.intake.throttle(request)
        house.check_admin(request)
        channel = house.channel(channel_in(request))
        wish = await house.intake.json(request, ViewerTokenWish)
        longest = house.settings.auth.viewer_token_max_ttl_s
        if wish.ttl_s > longest:
            raise Problem("value-refused", f"ttl_s is at most {longest}.")
        made = house.tokens.issue(channel.id, wish.ttl_s, house.clock.wall_ms())
        return json_reply(ViewerTokenView(channel.id, made.token, made.jti, made.expires_ms), 201)

    async def revoke(request: Request) -> Response:
        """Its viewers are closed at once; the token opens nothing any more."""
        house.intake.throttle(request)
        house.check_admin(request)
        wish = await house.intake.json(request, TokenRevocation)
        now_ms = house.clock.wall_ms()
        if wish.token is not UNSET and wish.jti is UNSET:
            _, jti, expires_ms = house.tokens.read(wish.token, now_ms)
        elif wish.jti is not UNSET and wish.token is UNSET:
            # Its expiry is unknown, but no token lives longer than this.
            jti = wish.jti
            expires_ms = now_ms + house.settings.auth.viewer_token_max_ttl_s * 1000
        else:
            raise Problem("value-refused", "Give either `token` or `jti`.")
        await house.book.revoke_token(jti, expires_ms)
        await house.enforce()
        return empty()

    return [
        resource("/api/channels/{channel}/viewer-tokens", POST=issue),
        resource("/api/viewer-tokens/revoke", POST=revoke),
    ]
