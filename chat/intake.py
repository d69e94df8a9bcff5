"""What clients send: read, held to its rates, and passed to what answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from msgspec import UNSET

from chat import entering, frame, pages, protocol
from chat.client import Client
from chat.entry import RoomId
from chat.full import Full
from chat.judge import NO_SUCH, Log, Missing, Quiet, Refused, Shadowed
from chat.live_room import LiveRoom
from chat.log import LogError
from chat.people import Person
from chat.protocol import (
    Ack,
    Act,
    Code,
    Error,
    Fetch,
    FromClient,
    Hello,
    Malformed,
    Ping,
    Pong,
    React,
    Say,
    Vote,
)
from chat.tickets import Ticket
from sluice.tasks import Tasks

if TYPE_CHECKING:
    from chat.hub import Hub

log = structlog.get_logger(__name__)

_FLOOD: Final = 100
"""Frames over its rate, less those within it, that close a client."""


class Intake:
    """The hub's ear."""

    def __init__(self, hub: Hub, tasks: Tasks) -> None:
        self._hub = hub
        self._tasks = tasks

    def take(self, client: Client, payload: bytes) -> None:
        """One frame."""
        if client.closed:
            return
        now_ms = self._hub.clock.now_ms()
        try:
            read = protocol.decode(payload)
        except Malformed as error:
            client.malformed += 1
            self._refuse(client, error.code, error.detail, error.id)
            if client.malformed > self._hub.settings.malformed_most:
                self._hub.close(client, "malformed")
            return
        wait_ms = client.frames.take(now_ms)
        if wait_ms:
            client.refused += 1
            self._refuse(client, "rate", "Too many frames.", _id_of(read), wait_ms)
            if client.refused > _FLOOD:
                self._hub.close(client, "flood")
            return
        # Not back to zero: who sends many times its rate has a frame through now and then.
        client.refused = max(0, client.refused - 1)
        self._dispatch(client, read)

    def _dispatch(self, client: Client, read: FromClient) -> None:
        if isinstance(read, Hello):
            if client.greeted:
                self._refuse(client, "not-welcome", "`hello` comes once.")
                return
            client.greeted = True
            self._tasks.spawn(self._welcome(client, read), "chat-hello")
            return
        room = self._room(client)
        if room is None:
            self._refuse(client, "not-welcome", "Wait for `welcome` first.", _id_of(read))
            return
        match read:
            case React():
                self._react(room, client, read)
            case Ping():
                room.tell(client, frame.of(Pong(read.id, self._hub.clock.wall_ms())))
            case Fetch():
                self._fetch(room, client, read)
            case _:
                self._judge(room, client, read)

    async def _welcome(self, client: Client, hello: Hello) -> None:
        room = self._hub.room_of(client)
        if room is None:
            return
        if hello.v != protocol.VERSION:
            self._hub.close(client, "version")
            return
        ticket = self._ticket(room, hello)
        if ticket is None:
            self._hub.close(client, "ticket")
            return
        client.grant, client.until_ms = ticket.grant, ticket.until_ms
        try:
            opened = await self._hub.room(room)
            person = self._admitted(opened, client, ticket.person)
            if client.closed:
                return
            client.join(person)
            opened.enter(client)
            await entering.welcome(opened, client, hello)
        except (LogError, Full) as error:
            log.warning("a client could not come in", room=room, error=str(error))
            self._hub.close(client, "busy")

    def _admitted(self, room: LiveRoom, client: Client, person: Person | None) -> Person | None:
        if person is None:
            return None
        admitted = room.judge.admit(person, self._hub.clock.wall_ms())
        if isinstance(admitted, Refused):
            self._hub.close(client, "name", admitted.detail)
            return None
        return admitted

    def _ticket(self, room: RoomId, hello: Hello) -> Ticket | None:
        if hello.ticket is UNSET:
            grant = self._hub.open_to_readers(room)
            return None if grant is None else Ticket(room, None, grant, None)
        found = self._hub.tickets.redeem(hello.ticket, room, self._hub.clock.now_ms())
        self._hub.counts.tickets["refused" if found is None else "redeemed"] += 1
        return found

    def _judge(self, room: LiveRoom, client: Client, read: Say | Vote | Act) -> None:
        match room.judge.judge(client.speaker, read, self._hub.clock.wall_ms()):
            case Log(drafts, held):
                room.make_for(client, read.id, drafts, held=held)
            case Shadowed(drafts):
                room.make_for(client, read.id, drafts)
            case Quiet():
                room.tell(client, frame.of(Ack(read.id, 0, self._hub.clock.wall_ms())))
            case Refused(code, detail, retry_ms):
                room.refuse(client, code, detail, read.id, retry_ms)
            case Missing(seq):
                self._tasks.spawn(self._recall(room, client, read, seq), "chat-recall")

    async def _recall(
        self, room: LiveRoom, client: Client, read: Say | Vote | Act, seq: int
    ) -> None:
        """The rules need an entry that is not in memory any more."""
        try:
            found = await entering.read_after(room, seq - 1, 1)
        except LogError as error:
            log.warning("an entry could not be read", room=room.room, error=str(error))
            room.refuse(client, "log", "The room's log did not answer.", read.id, 1_000)
            return
        if not found or found[0].seq != seq:
            room.refuse(client, NO_SUCH.code, NO_SUCH.detail, read.id)
            return
        room.judge.recall(found[0])
        self._judge(room, client, read)

    def _react(self, room: LiveRoom, client: Client, read: React) -> None:
        if read.emote not in room.emotes:
            self._refuse(client, "no-such", "There is no such emote here.")
        elif wait_ms := client.reactions.take(self._hub.clock.now_ms(), read.n):
            self._refuse(client, "rate", "Too many reactions.", retry_ms=wait_ms)
        else:
            room.react(read.emote, read.n, None if read.at is UNSET else read.at)

    def _fetch(self, room: LiveRoom, client: Client, read: Fetch) -> None:
        if not pages.readable(read):
            detail = "Give `after`, with or without `until`, or both `since` and `until`."
            self._refuse(client, "malformed", detail, read.id)
        elif wait_ms := client.fetches.take(self._hub.clock.now_ms()):
            self._refuse(client, "rate", "Too many pages.", read.id, wait_ms)
        elif client.fetching:
            self._refuse(client, "busy", "One page at a time.", read.id, 100)
        else:
            client.fetching = True
            self._tasks.spawn(self._page(room, client, read), "chat-page")

    async def _page(self, room: LiveRoom, client: Client, read: Fetch) -> None:
        try:
            await pages.answer(room, client, read)
        except LogError as error:
            log.warning("a page could not be read", room=room.room, error=str(error))
            room.refuse(client, "log", "The room's log did not answer.", read.id, 1_000)
        finally:
            client.fetching = False

    def _room(self, client: Client) -> LiveRoom | None:
        """Where a client is that was welcomed."""
        return self._hub.open_room(client) if client.welcomed else None

    def _refuse(
        self, client: Client, code: Code, detail: str, id: str = "", retry_ms: int = 0
    ) -> None:
        self._hub.counts.errors[code] += 1
        self._hub.tell(client, frame.of(Error(code, detail, id, retry_ms)))


def _id_of(read: FromClient) -> str:
    return "" if isinstance(read, (Hello, React)) else read.id
