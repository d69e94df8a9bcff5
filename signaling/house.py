"""What one running Sluice holds: made once, handed to every room of the front door."""

from __future__ import annotations

import asyncio
import secrets
from time import perf_counter

import structlog
from pydantic import SecretStr
from starlette.requests import Request

from bridge.signed import Signer
from chat.donations.till import Till
from chat.donations.wording import Wording
from chat.room import Room
from chat.user_tokens import UserTokens
from sfu.engine import Engine
from sfu.rooms import RoomLimits, Rooms
from signaling.bridges import Bridges
from signaling.chat_house import ChatHouse
from signaling.chat_parts import build_log, emotes_of, hub_settings, room_settings, words_of
from signaling.data_channels import DataChannels
from signaling.device_signals import DeviceDesk
from signaling.event_streams import EventStreams, RecordingNews
from signaling.intake import Intake, credential
from signaling.money import HubAlerts, build_till
from signaling.placement import Placement
from signaling.readiness import DiskWatch, Signs, Verdict, judge
from signaling.sessions import Sessions
from signaling.vod_house import VodHouse
from sluice.auth import Gate, Grant, ViewerTokens, hash_secret, new_admin_token
from sluice.channels import ChannelBook
from sluice.clock import Clock
from sluice.config import Settings
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.metrics import Metrics
from sluice.storage import Channel, Store
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

ENFORCE_S = 1.0
LAG_PROBE_S = 0.25
DAY_MS = 86_400_000


class House:
    """Owns the parts and their lives. `open` and `close` are called by the app's lifespan."""

    def __init__(
        self, settings: Settings, engine: Engine, clock: Clock, placement: Placement
    ) -> None:
        limits = settings.limits
        self.settings = settings
        self.engine = engine
        self.clock = clock
        self.placement = placement
        self.metrics = Metrics()
        self.store = Store(settings.storage.path)
        self.book = ChannelBook(self.store, clock, limits.channels)
        self.new_admin_token: str | None = None
        """Set when this start made one: to be shown once."""
        self.tokens = ViewerTokens(
            self._secret("viewer_token_secret", settings.auth.viewer_token_secret)
        )
        self.gate = Gate(self.book, self.tokens, self._admin_hash(), clock)
        self.intake = Intake(settings.server, limits, clock)
        self.rooms = Rooms(
            engine,
            clock,
            RoomLimits(
                grace_ms=settings.reconnect.grace_ms,
                half_open_max=settings.media.half_open_max,
                half_open_timeout_ms=settings.media.half_open_timeout_ms,
                viewers_per_channel=limits.viewers_per_channel,
            ),
        )
        self.data_channels = DataChannels(self.rooms)
        self.devices = DeviceDesk(engine, self.rooms, self.data_channels, clock, self.metrics)
        self.signer = Signer(self._secret("live_signing_secret", settings.bridge.signing_secret))
        self.bridges = Bridges(settings.bridge, engine, self.rooms, clock, self.metrics)
        self.users = UserTokens(
            self._secret("chat_user_token_secret", settings.chat.user_token_secret)
        )
        self.words = words_of(settings.chat)
        self.chat = self._chat() if settings.chat.enabled else None
        self.till = self._till()
        # Recordings are placed on the same time as media and messages.
        self.vods = VodHouse(
            settings,
            book=self.book,
            chat=self.chat,
            clock=self.bridges.clock,
            metrics=self.metrics,
        )
        self.bridges.recorder = self.vods.recordings
        self.sessions = Sessions(self.metrics)
        self.streams = EventStreams(self.rooms, self.metrics, limits, self._recording)
        self.vods.recordings.changed = self.streams.recording_changed
        self.disk = DiskWatch(self.store, settings.storage.path)
        self.ready = False
        self.stopping = False
        self._told = False
        self._lag_s = [0.0, 0.0]
        self._tasks = Tasks()

    async def open(self) -> None:
        """Start everything. Raises OSError when a media port is taken. Idempotent."""
        if self.ready:
            return
        await self.book.refresh()
        await self.engine.start()
        self.rooms.listen(self.sessions.peer_gone)
        self.rooms.start()
        self.devices.start()
        await self.vods.open()
        self.bridges.start()
        if self.chat is not None:
            self.chat.start()
        if self.till is not None:
            await self.till.open()
        self._tasks.spawn(self._enforce_forever(), "enforce")
        self._tasks.spawn(self._probe_lag(), "loop-lag")
        self._tasks.spawn(self.disk.look_forever(), "disk-watch")
        self.ready = True

    def begin_drain(self) -> None:
        """Refuse newcomers; whoever is here may stay. Sets a flag only."""
        self.stopping = True

    def begin_stop(self) -> None:
        """Send everybody away, event streams first: they would hold up the HTTP server's end."""
        self.begin_drain()
        if not self._told:
            self._told = True
            self.streams.close()
            if self.chat is not None:
                self.chat.begin_stop()

    async def close(self) -> None:
        """End everything, peers last told by the engine. Idempotent."""
        if not self.ready:
            return
        self.begin_stop()
        self.ready = False
        await self._tasks.close()
        if self.till is not None:
            await self.till.close()
        await self.bridges.stop()
        await self.vods.close()
        if self.chat is not None:
            await self.chat.stop()
        await self.devices.stop()
        await self.engine.stop()
        await self.rooms.stop()
        for session in self.sessions:
            self.sessions.peer_gone(session.peer, session.role, "stopped")
        await asyncio.to_thread(self.store.close)

    # --- what many handlers ask

    def channel(self, channel: ChannelId) -> Channel:
        """Raises Problem `channel-unknown`."""
        found = self.book.get(channel)
        if found is None:
            raise Problem("channel-unknown", f"There is no channel {channel!r}.")
        return found

    def check_admin(self, request: Request) -> None:
        """Raises Problem 401, 403 or 429, and 404 where the admin has a port of their own."""
        self.check_admin_port(request)
        try:
            self.gate.check_admin(credential(request))
        except Problem as problem:
            raise self.intake.denied(request, problem) from None

    @property
    def healthy(self) -> bool:
        return self.ready and not self.stopping and self.rooms.pumping

    def check_admin_port(self, request: Request) -> None:
        """Raises Problem 404 where the admin has a port of their own, and this is not it."""
        if not self.at_admin_port(request):
            raise Problem("not-found", "No page and no interface has this address.")

    def at_admin_port(self, request: Request) -> bool:
        """Whether the admin is served where this request came in. The port is that of the
        socket, and nothing that the client says."""
        port = self.settings.server.admin_port
        server: tuple[str, int | None] | None = request.scope.get("server")
        return port is None or (server is not None and server[1] == port)

    def verdict(self) -> Verdict:
        """Whether new requests should be sent here, and why not."""
        return judge(
            Signs(
                open=self.ready,
                stopping=self.stopping,
                events=self.rooms.pumping,
                engine=self.engine.alive,
                lagging=self.overloaded,
                store=self.disk.writable,
                recorder=self.vods.recordings.writing,
                disk=self.disk.roomy,
            )
        )

    @property
    def overloaded(self) -> bool:
        """Whether the event loop was late twice in a row; once can be anything."""
        return min(self._lag_s) * 1000 > self.settings.limits.loop_lag_ms

    def retry_after_s(self) -> int:
        """For `busy`: spread over a few seconds so that a crowd does not come back as one."""
        base = self.settings.reconnect.retry_after_s
        return base + secrets.randbelow(base + 1)

    async def enforce(self) -> None:
        """End every session and event stream whose permission is gone.

        The one place where expiry, revocation, new keys and deleted channels take effect; it
        runs every second and at once after a change through the API.
        """
        for session in self.sessions:
            if not self.gate.still_holds(session.channel, session.grant):
                log.info("permission ended", channel=session.channel, role=session.role)
                await self.rooms.leave(session.peer)
        self.streams.close_if(self._ended)
        if self.chat is not None:
            self.chat.enforce()

    def _recording(self, channel: ChannelId) -> RecordingNews:
        recordings = self.vods.recordings
        return RecordingNews(recordings.running(channel), recordings.trouble(channel))

    def _ended(self, channel: ChannelId, grant: Grant) -> bool:
        return not self.gate.still_holds(channel, grant)

    async def _enforce_forever(self) -> None:
        while True:
            await asyncio.sleep(ENFORCE_S)
            try:
                await self.book.refresh()
                await self.enforce()
            except Exception:
                # A locked database must not end the enforcement for good.
                log.exception("enforcement failed; it is tried again")

    async def _probe_lag(self) -> None:
        while True:
            begin = perf_counter()
            await asyncio.sleep(LAG_PROBE_S)
            lag_s = max(0.0, perf_counter() - begin - LAG_PROBE_S)
            self._lag_s = [self._lag_s[1], lag_s]
            self.metrics.loop_lag.set(lag_s)

    def _chat(self) -> ChatHouse:
        config, window_ms = self.settings.chat, self.settings.bridge.window_ms
        # Messages are placed on the same time as media.
        clock = self.bridges.clock
        rules = room_settings(config, self.words, window_ms)
        return ChatHouse(
            history=build_log(config, self.settings.storage.path, clock),
            judges=lambda room: Room(rules),
            settings=hub_settings(config, window_ms),
            tokens=self.users,
            guests=config.guests == "write",
            keep_ms=config.keep_days * DAY_MS,
            origins=config.origins,
            public_url=self.settings.server.public_url,
            book=self.book,
            gate=self.gate,
            intake=self.intake,
            engine=self.engine,
            rooms=self.rooms,
            channels=self.data_channels,
            clock=clock,
        )

    def _till(self) -> Till | None:
        """Alerts go through the rooms: where there are none, nobody can be told of money."""
        if self.chat is None:
            return None
        config = self.settings.chat
        return build_till(
            self.settings.money,
            self.settings.storage.path,
            self._secret("fake_pay_secret", None),
            HubAlerts(self.chat.hub),
            Wording(self.words, emotes_of(config)),
            self.bridges.clock,
            self.metrics,
        )

    def _admin_hash(self) -> bytes:
        configured = self.settings.auth.admin_token
        if configured is not None:
            return hash_secret(configured.get_secret_value())
        kept = self.store.secret("admin_token_hash")
        if kept is None:
            self.new_admin_token = new_admin_token()
            kept = hash_secret(self.new_admin_token)
            self.store.set_secret("admin_token_hash", kept)
        return kept

    def _secret(self, name: str, configured: SecretStr | None) -> bytes:
        """What the settings say, or what was made at the first start."""
        if configured is not None:
            return configured.get_secret_value().encode()
        kept = self.store.secret(name)
        if kept is None:
            kept = secrets.token_bytes(32)
            self.store.set_secret(name, kept)
        return kept
