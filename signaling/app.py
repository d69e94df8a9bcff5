"""The composition root: introduces the rooms to each other and makes the ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from sfu.engine import Engine
from signaling import (
    api,
    chat_api,
    clip_api,
    device_api,
    keep_api,
    money_api,
    openapi,
    pages,
    playback,
    public,
    tokens,
    vod_api,
    vod_folder,
    whep,
    whip,
)
from signaling.headers import HeadersMiddleware
from signaling.house import House
from signaling.live import Front, Live
from signaling.live_meter import LiveMeter
from signaling.placement import Here, Placement
from signaling.playback import admit_live
from signaling.problems import ProblemMiddleware, from_starlette
from signaling.routing import MeterMiddleware
from signaling.vod_folder import VodFolder
from sluice.clock import Clock, SystemClock
from sluice.config import MediaConfig, Settings


def native_engine(config: MediaConfig) -> Engine:
    """The real media plane. Imported here so that tests run without the extension."""
    if config.process == "own":
        from sfu.plane.remote import RemoteEngine

        return RemoteEngine(config)
    from sfu.native import NativeEngine

    return NativeEngine(config)


def build_house(
    settings: Settings,
    *,
    engine: Engine | None = None,
    clock: Clock | None = None,
    placement: Placement | None = None,
) -> House:
    """Everything behind the app. Opens the store: raises OSError or sqlite3.Error."""
    return House(
        settings,
        engine or native_engine(settings.media),
        clock or SystemClock(),
        placement or Here(),
    )


def create_app(house: House) -> Starlette:
    """The ASGI app. Its lifespan opens and closes the house."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await house.open()
        try:
            yield
        finally:
            await house.close()

    public_url = house.settings.server.public_url or ""
    return Starlette(
        routes=all_routes(house),
        # From outside to inside: problems get their headers and are counted like all else.
        middleware=[
            Middleware(HeadersMiddleware, https=public_url.startswith("https://")),
            Middleware(MeterMiddleware, metrics=house.metrics),
            Middleware(ProblemMiddleware, metrics=house.metrics, limits=house.settings.limits),
        ],
        exception_handlers={HTTPException: from_starlette},
        lifespan=lifespan,
    )


def create_front(house: House) -> ASGIApp:
    """The whole server: playlists and media past the frameworks, all else through the app."""
    public_url = house.settings.server.public_url or ""
    live = Live(
        house.bridges,
        house.bridges.clock,
        LiveMeter(house.metrics),
        admit=lambda channel, grant: admit_live(house, channel, grant),
        https=public_url.startswith("https://"),
    )
    return Front(create_app(house), live)


def all_routes(house: House) -> list[BaseRoute]:
    """Every address of the front door."""
    return [
        *whip.routes(house),
        *whep.routes(house),
        *public.routes(house),
        *api.routes(house),
        *tokens.routes(house),
        *playback.routes(house),
        *openapi.routes(),
        *pages.routes(),
        *([] if house.chat is None else chat_api.routes(house, house.chat)),
        *money_api.routes(house, house.till, house.users),
        *vod_api.routes(house, house.vods),
        *keep_api.routes(house, house.vods),
        *clip_api.routes(house, house.vods),
        *device_api.routes(house),
        *vod_folder.routes(VodFolder(house, house.vods)),
    ]
