"""What everybody may ask: the time, who is live, a channel's state and its events."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signaling.event_streams import CHANNEL_EVENTS, OWNER_EVENTS, EventStream
from signaling.house import House
from signaling.intake import credential
from signaling.negotiation import Negotiation
from signaling.reply import json_reply
from signaling.routing import channel_in, resource
from signaling.views import HealthView, LiveChannel, LiveList, TimeView, channel_state
from sluice.auth import KEY_PREFIX
from sluice.metrics import CONTENT_TYPE

_LIVE_LIST = 200


def routes(house: House) -> list[Route]:
    """The public API, `/metrics` and the health checks."""
    desk = PublicDesk(house)
    return [
        resource("/api/time", GET=desk.time, HEAD=desk.time),
        resource("/api/live", GET=desk.live, HEAD=desk.live),
        resource("/api/channels/{channel}/state", GET=desk.state, HEAD=desk.state),
        resource("/api/channels/{channel}/events", GET=desk.events),
        resource("/metrics", GET=desk.metrics, HEAD=desk.metrics),
        resource("/healthz", GET=desk.health, HEAD=desk.health),
        resource("/readyz", GET=desk.readiness, HEAD=desk.readiness),
    ]


class PublicDesk:
    """Answers from memory only."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._watching = Negotiation(house, "viewer")
        self._publishing = Negotiation(house, "publisher")

    async def time(self, request: Request) -> Response:
        return json_reply(TimeView(self._house.clock.wall_ms()))

    async def live(self, request: Request) -> Response:
        """Public channels that are live, those with most viewers first."""
        found = []
        for broadcast in self._house.rooms.broadcasts():
            channel = self._house.book.get(broadcast.channel)
            if channel is None or channel.access != "public" or broadcast.since_ms is None:
                continue
            viewers = len(broadcast.connected)
            found.append(LiveChannel(channel.id, channel.title, viewers, broadcast.since_ms))
        found.sort(key=lambda one: (-one.viewers, one.channel))
        return json_reply(LiveList(found[:_LIVE_LIST]))

    async def state(self, request: Request) -> Response:
        channel = self._house.channel(channel_in(request))
        broadcast = self._house.rooms.broadcast(channel.id)
        captions = self._house.bridges.captions(channel.id)
        records = self._house.vods.recordings.running(channel.id) is not None
        return json_reply(channel_state(channel, broadcast, captions, records=records))

    async def events(self, request: Request) -> EventStream:
        """A channel's news; a channel for token bearers wants its token here too. Who comes with
        the stream key also hears how the recording goes."""
        self._house.intake.throttle(request)
        channel = self._house.channel(channel_in(request))
        names = CHANNEL_EVENTS
        if (credential(request) or "").startswith(KEY_PREFIX):
            grant, names = self._publishing.admit(request, channel), OWNER_EVENTS
        else:
            grant = self._watching.admit(request, channel)
        if not self._house.healthy:
            self._watching.check_open()
        client = self._house.intake.client(request)
        return self._house.streams.open(channel.id, grant, client, names)

    async def metrics(self, request: Request) -> Response:
        house = self._house
        house.check_admin_port(request)
        if not house.settings.auth.metrics_open:
            house.check_admin(request)
        totals = await house.engine.totals()
        house.metrics.show_engine(totals.counters, totals.peers, totals.queue_depth)
        house.metrics.show_histograms(await house.engine.histograms())
        house.metrics.show_plane(up=house.engine.alive, restarts=house.engine.restarts)
        house.metrics.show_events(house.rooms.events_seen)
        if house.chat is not None:
            counts = house.chat.hub.counts
            house.metrics.show_chat(counts.figures, counts.by_label)
        for thermal, count in house.devices.by_thermal().items():
            house.metrics.device_channels.labels(thermal).set(count)
        house.metrics.broadcasts.set(sum(one.live for one in house.rooms.broadcasts()))
        house.metrics.tasks.set(len(asyncio.all_tasks()))
        return Response(house.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def health(self, request: Request) -> Response:
        """Whether the process should live: engine events are being read."""
        if self._house.ready and not self._house.rooms.pumping:
            return json_reply(HealthView("broken"), 503)
        return json_reply(HealthView("ok"))

    async def readiness(self, request: Request) -> Response:
        """Whether new requests should be sent here."""
        verdict = self._house.verdict()
        view = HealthView(verdict.status, verdict.problems, verdict.warnings)
        return json_reply(view, 200 if verdict.status == "ok" else 503)
