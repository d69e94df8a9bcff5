"""The pages of `signaling/web/`: plain HTML and ES modules, served as they are."""

from __future__ import annotations

from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from signaling.routing import ROUTE_KEY, channel_in, resource
from sluice.errors import Problem

WEB = Path(__file__).parent / "web"


def routes(web: Path = WEB) -> list[BaseRoute]:
    """`/`, `/watch/{channel}`, `/channel/{channel}`, `/vod/{vod}`, `/clip/{clip}`, `/studio` and
    `/static/...`."""

    def page(name: str) -> Response:
        file = web / name
        if not file.is_file():
            raise Problem("not-found", f"The page {name} is not installed.")
        # Pages are small and change with each release: ask again each time.
        return FileResponse(file, headers={"Cache-Control": "no-cache"})

    async def index(request: Request) -> Response:
        return page("index.html")

    async def watch(request: Request) -> Response:
        # The page itself says whether the channel exists; here only the name's form counts.
        channel_in(request)
        return page("watch.html")

    async def channel(request: Request) -> Response:
        channel_in(request)
        return page("channel.html")

    async def vod(request: Request) -> Response:
        return page("vod.html")

    async def clip(request: Request) -> Response:
        return page("clip.html")

    async def studio(request: Request) -> Response:
        return page("studio.html")

    return [
        resource("/", GET=index, HEAD=index),
        resource("/watch/{channel}", GET=watch, HEAD=watch),
        resource("/channel/{channel}", GET=channel, HEAD=channel),
        resource("/vod/{vod}", GET=vod, HEAD=vod),
        resource("/clip/{clip}", GET=clip, HEAD=clip),
        resource("/studio", GET=studio, HEAD=studio),
        *([Mount("/static", _static(web))] if web.is_dir() else []),
    ]


def _static(web: Path) -> ASGIApp:
    # hls.js is 600 kB, and a quarter of that on the wire.
    return GZipMiddleware(_Static(directory=web), minimum_size=2_048, compresslevel=5)


class _Static(StaticFiles):
    """Static files with a fixed route name for metrics; browsers ask again at each use."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE_KEY] = "/static"
        await super().__call__(scope, receive, send)

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response
