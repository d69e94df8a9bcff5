"""One route for each address, with its methods in a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sluice.errors import Problem
from sluice.ids import ChannelId, parse_channel_id
from sluice.metrics import Metrics

Handler = Callable[[Request], Awaitable[ASGIApp]]
"""Returns a response; event streams are ASGI apps without being Starlette's Response."""

ROUTE_KEY = "sluice.route"
STREAMED_KEY = "sluice.streamed"


class Resource:
    """An ASGI app for one address: asks the table, and says 405 with a whole `Allow`.

    Starlette's own routes for one address know only their own methods.
    """

    def __init__(self, path: str, methods: dict[str, Handler]) -> None:
        self.path = path
        self.methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE_KEY] = self.path
        request = Request(scope, receive, send)
        handler = self.methods.get(request.method)
        if handler is None:
            allowed = ", ".join(sorted(self.methods))
            raise Problem(
                "method-not-allowed",
                f"{request.method[:20]} is not for this address.",
                headers={"Allow": allowed},
            )
        response = await handler(request)
        await response(scope, receive, send)


def resource(path: str, **methods: Handler) -> Route:
    """`resource("/x", GET=show, POST=make)`."""
    return Route(path, Resource(path, methods))


def channel_in(request: Request) -> ChannelId:
    """The channel in the address. Raises Problem `channel-unknown` when it cannot be one."""
    channel = parse_channel_id(request.path_params["channel"])
    if channel is None:
        raise Problem("channel-unknown", "Channel names are 1 to 64 of a-z, 0-9, _ and -.")
    return channel


class MeterMiddleware:
    """Counts requests by route pattern and status, and times them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = scope.get(ROUTE_KEY, "unmatched")
            # The method is the client's own word: only known ones may become a label.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, str(status)).inc()
            if STREAMED_KEY not in scope:
                self._metrics.seconds.labels(route).observe(perf_counter() - begin)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
