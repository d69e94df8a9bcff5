"""Headers that every response carries, and CORS where other origins may come in.

CORS is open (`*`) on WHIP, WHEP, the public state and recordings' media, for tools and players on
other origins; there are no cookies, so an open door lends nobody's rights. The admin API has none.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CSP = (
    "default-src 'self'; media-src 'self' blob:; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PERMISSIONS = (
    "autoplay=(self), fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), "
    "camera={capture}, microphone={capture}, display-capture={capture}, "
    "geolocation=(), payment=(), usb=(), serial=(), midi=()"
)
_OPEN = re.compile(
    r"/(whip|whep)/.*|/api/(time|live)|/api/channels/[^/]+/(state|events)|/vod/[^/]+/.+", re.DOTALL
)
HSTS = "max-age=31536000"
_METHODS = {
    "endpoint": "GET, HEAD, POST, OPTIONS",
    "session": "PATCH, DELETE, OPTIONS",
    "extension": "GET, POST, OPTIONS",
    "public": "GET, HEAD, OPTIONS",
}
_ALLOW_HEADERS = "Authorization, Content-Type, If-Match, ETag, Last-Event-ID, Range"
_EXPOSE = (
    "Location, Link, ETag, Retry-After, Accept-Post, Access-Control-Allow-Methods, "
    "Content-Length, Content-Range"
)


def cors_methods(path: str) -> str | None:
    """The methods other origins may use at `path`, or None where they may not come in."""
    if not _OPEN.fullmatch(path):
        return None
    if path.startswith(("/api/", "/vod/")):
        return _METHODS["public"]
    depth = path.strip("/").count("/")
    return _METHODS["endpoint" if depth <= 1 else "session" if depth == 2 else "extension"]


class HeadersMiddleware:
    """The outermost layer: problem responses get their headers here too."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        methods = cors_methods(path)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _secure(headers, path, self._https, is_open=methods is not None)
                if methods is not None:
                    headers["Access-Control-Allow-Origin"] = "*"
                    headers["Access-Control-Expose-Headers"] = _EXPOSE
            await send(message)

        if methods is not None and _is_preflight(scope):
            await _preflight(path, methods)(scope, receive, dressed)
            return
        await self._app(scope, receive, dressed)


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and (
        "access-control-request-method" in Headers(scope=scope)
    )


def _preflight(path: str, methods: str) -> Response:
    """A browser's question before the real request. It is anonymous: no ICE servers here."""
    headers = {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _ALLOW_HEADERS,
        "Access-Control-Max-Age": "7200",
    }
    if methods == _METHODS["endpoint"]:
        headers["Accept-Post"] = "application/sdp"
    return Response(status_code=200, headers=headers)


def _secure(headers: MutableHeaders, path: str, https: bool, *, is_open: bool) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"  # addresses may carry a token
    headers["Content-Security-Policy"] = _CSP
    headers["X-Frame-Options"] = "DENY"  # for what does not know frame-ancestors
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_open else "same-origin"
    capture = "(self)" if path == "/studio" else "()"
    headers["Permissions-Policy"] = _PERMISSIONS.format(capture=capture)
    if https:
        headers["Strict-Transport-Security"] = HSTS
    if not path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
