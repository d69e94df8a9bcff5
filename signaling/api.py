"""The admin API: channels, broadcasts and peers. Every request needs the admin token."""

from __future__ import annotations

from itertools import islice

import structlog
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recorder.jobs.queue import QueueDown
from recorder.records import Mark
from signaling.house import House
from signaling.reply import empty, json_reply
from signaling.routing import Handler, channel_in, resource
from signaling.views import (
    BroadcastList,
    ChannelChange,
    ChannelList,
    KeyView,
    NewChannel,
    PeerList,
    broadcast_view,
    channel_view,
    peer_view,
)
from sluice.database import DatabaseDown
from sluice.errors import Problem
from sluice.ids import ChannelId, PeerId
from sluice.storage import Channel

log = structlog.get_logger(__name__)

_PAGE = 100
_PAGE_MAX = 1_000


def routes(house: House) -> list[Route]:
    """The admin's routes; each asks for the admin token first."""
    desk = AdminDesk(house)

    def admin(handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            house.intake.throttle(request)
            house.check_admin(request)
            response = await handler(request)
            assert isinstance(response, Response)
            return response

        return guarded

    return [
        resource("/api/channels", GET=admin(desk.channels), POST=admin(desk.create)),
        resource(
            "/api/channels/{channel}",
            GET=admin(desk.channel),
            PATCH=admin(desk.change),
            DELETE=admin(desk.delete),
        ),
        resource(
            "/api/channels/{channel}/key",
            POST=admin(desk.rotate_key),
            DELETE=admin(desk.revoke_key),
        ),
        resource("/api/broadcasts", GET=admin(desk.broadcasts)),
        resource("/api/broadcasts/{channel}", GET=admin(desk.broadcast)),
        resource("/api/broadcasts/{channel}/peers", GET=admin(desk.peers)),
        resource("/api/peers/{peer}", GET=admin(desk.peer), DELETE=admin(desk.kick)),
    ]


class AdminDesk:
    """One method for each operation."""

    def __init__(self, house: House) -> None:
        self._house = house

    # --- channels

    async def channels(self, request: Request) -> Response:
        """A page of channels, by name."""
        limit = _page_size(request)
        after = request.query_params.get("after", "")
        found = [channel for channel in self._house.book.all() if channel.id > after]
        page, more = found[:limit], len(found) > limit
        views = [channel_view(one, self._house.rooms.broadcast(one.id)) for one in page]
        return json_reply(ChannelList(views, page[-1].id if more else None))

    async def create(self, request: Request) -> Response:
        """A new channel; the answer holds its stream key, which is shown this once."""
        wish = await self._house.intake.json(request, NewChannel)
        title = wish.channel if wish.title is UNSET else wish.title
        channel, key = await self._house.book.create(
            ChannelId(wish.channel), str(title), wish.access
        )
        location = f"/api/channels/{channel.id}"
        return json_reply(KeyView(channel.id, key), 201, location)

    async def channel(self, request: Request) -> Response:
        channel = self._channel(request)
        return json_reply(channel_view(channel, self._house.rooms.broadcast(channel.id)))

    async def change(self, request: Request) -> Response:
        """Title and access. Viewers who may no longer watch are closed at once."""
        channel = self._channel(request)
        change = await self._house.intake.json(request, ChannelChange)
        title = None if change.title is UNSET else change.title
        access = None if change.access is UNSET else change.access
        before = channel.title
        channel = await self._house.book.change(channel, title, access)
        if channel.title != before:
            now_ms = self._house.bridges.clock.wall_ms()
            self._house.vods.recordings.mark(channel.id, Mark(now_ms, "title", channel.title))
        await self._house.enforce()
        return json_reply(channel_view(channel, self._house.rooms.broadcast(channel.id)))

    async def delete(self, request: Request) -> Response:
        """The channel, its key, and whoever publishes or watches."""
        channel = self._channel(request)
        await self._house.book.delete(channel.id)
        await self._house.enforce()
        if self._house.chat is not None:
            await self._house.chat.drop(channel.id)
        try:
            await self._house.vods.drop(channel.id)
        except (DatabaseDown, QueueDown) as error:
            log.error(
                "a deleted channel's recordings go later", channel=channel.id, error=str(error)
            )
        return empty()

    async def rotate_key(self, request: Request) -> Response:
        """A new key. Who publishes by the old one is closed: a leaked key must not go on."""
        channel = self._channel(request)
        key = await self._house.book.rotate_key(channel)
        await self._house.enforce()
        return json_reply(KeyView(channel.id, key), 201)

    async def revoke_key(self, request: Request) -> Response:
        """No key opens the channel until a new one is made; the publisher is closed."""
        await self._house.book.revoke_key(self._channel(request))
        await self._house.enforce()
        return empty()

    # --- broadcasts and peers

    async def broadcasts(self, request: Request) -> Response:
        views = [broadcast_view(one) for one in self._house.rooms.broadcasts()]
        return json_reply(BroadcastList(views))

    async def broadcast(self, request: Request) -> Response:
        found = self._house.rooms.broadcast(channel_in(request))
        if found is None:
            raise Problem("not-found", "The channel has no broadcast now.")
        return json_reply(broadcast_view(found))

    async def peers(self, request: Request) -> Response:
        """A page of the broadcast's peers, in order of joining."""
        channel = channel_in(request)
        if self._house.rooms.broadcast(channel) is None:
            raise Problem("not-found", "The channel has no broadcast now.")
        limit = _page_size(request)
        after = _number(request.query_params.get("after", "0"))
        ids = (one.peer for one in self._house.rooms.members(channel) if one.peer > after)
        found = sorted(ids)
        stats = [await self._house.engine.peer_stats(peer) for peer in islice(found, limit)]
        views = [peer_view(one) for one in stats if one is not None]
        return json_reply(PeerList(views, found[limit - 1] if len(found) > limit else None))

    async def peer(self, request: Request) -> Response:
        stats = await self._house.engine.peer_stats(self._peer(request))
        if stats is None:
            raise Problem("not-found", "There is no such peer.")
        return json_reply(peer_view(stats))

    async def kick(self, request: Request) -> Response:
        """Close a peer. It may join again if its key or token still opens the channel."""
        if not await self._house.rooms.leave(self._peer(request)):
            raise Problem("not-found", "There is no such peer.")
        return empty()

    # --- inside

    def _channel(self, request: Request) -> Channel:
        return self._house.channel(channel_in(request))

    def _peer(self, request: Request) -> PeerId:
        return PeerId(_number(request.path_params["peer"]))


def _page_size(request: Request) -> int:
    size = _number(request.query_params.get("limit", str(_PAGE)))
    if not 1 <= size <= _PAGE_MAX:
        raise Problem("value-refused", f"limit must be from 1 to {_PAGE_MAX}.")
    return size


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Problem("value-refused", f"{text[:40]!a} is not a whole number.")
    return int(text)
