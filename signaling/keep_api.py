"""The API of keeping: how long a channel's recordings stay, and how much of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recorder.retention import BeyondLimit, Choice, decide, limits, settled
from signaling.house import House
from signaling.owner import admit_owner
from signaling.reply import json_reply
from signaling.routing import channel_in, resource
from signaling.vod_api import told
from signaling.vod_house import VodHouse
from signaling.vod_views import KeepingMost, KeepingView, KeepingWish
from sluice.errors import Problem


def routes(house: House, vods: VodHouse) -> list[Route]:
    """`/api/channels/{channel}/keeping`."""
    desk = KeepDesk(house, vods)
    return [resource("/api/channels/{channel}/keeping", GET=told(desk.show), PUT=told(desk.choose))]


class KeepDesk:
    """For owners, within what the server allows; for the admin, beyond it."""

    def __init__(self, house: House, vods: VodHouse) -> None:
        self._house = house
        self._vods = vods

    async def show(self, request: Request) -> Response:
        """What holds, what was chosen, and how full it is."""
        channel = self._house.channel(channel_in(request))
        admit_owner(self._house, request, channel)
        choice = await self._vods.catalog.keepings.of(channel.id)
        return json_reply(await self._view(channel.id, choice))

    async def choose(self, request: Request) -> Response:
        """All of it anew; the next sweep goes by it."""
        self._house.intake.throttle(request)
        channel = self._house.channel(channel_in(request))
        who = admit_owner(self._house, request, channel)
        wish = await self._house.intake.json(request, KeepingWish)
        try:
            choice = await self._vods.catalog.keepings.choose(
                channel.id,
                Choice(wish.keep_days, wish.quota_gb, wish.keep_clips),
                self._vods.keeping,
                by=who,
                now_ms=self._house.clock.wall_ms(),
                admin=who == "admin",
            )
        except BeyondLimit as error:
            raise Problem("value-refused", str(error)) from None
        return json_reply(await self._view(channel.id, choice))

    async def _view(self, channel: str, choice: Choice) -> KeepingView:
        server = self._vods.keeping
        keeping, most = settled(choice, server), limits(choice, server)
        held = await self._vods.catalog.quota.weigh(channel)
        plan = decide(held.vods, keeping, self._house.clock.wall_ms(), other_bytes=held.other_bytes)
        return KeepingView(
            keeping.keep_days,
            keeping.quota_bytes >> 30,
            keeping.keep_clips,
            KeepingWish(choice.keep_days, choice.quota_gb, choice.keep_clips),
            KeepingMost(most.keep_days, most.quota_gb),
            plan.used_bytes,
            plan.level,
        )
