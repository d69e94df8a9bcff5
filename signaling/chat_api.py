"""The chat over HTTP: tickets and names for who comes in, and the past of a room."""

from __future__ import annotations

import secrets
from typing import Final

from msgspec import UNSET, Raw
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.entry import Entry, RoomId
from chat.full import Full
from chat.live_room import LiveRoom
from chat.log import LogError
from chat.people import Person, Role, UserId
from chat.tickets import LIVES_MS, Ticket
from chat.user_tokens import GUEST, OWNER, TokenRefused
from signaling.chat_house import ChatHouse
from signaling.chat_views import (
    ChatGuestWish,
    ChatHearts,
    ChatHistory,
    ChatTicketView,
    ChatTicketWish,
    ChatUserView,
    ChatUserWish,
    HeartTotal,
)
from signaling.house import House
from signaling.intake import credential
from signaling.negotiation import Negotiation
from signaling.reply import json_reply
from signaling.routing import channel_in, resource
from sluice.auth import Grant, matches
from sluice.errors import Problem
from sluice.storage import Channel

GUEST_S: Final = 86_400
"""A guest keeps a name for so long."""
USER_MOST_S: Final = 30 * 86_400
PAGE: Final = 200
PAGE_MOST: Final = 500
HEARTS_MOST_S: Final = 86_400
_RETRY_S: Final = 2


def routes(house: House, chat: ChatHouse) -> list[Route]:
    """`/api/channels/{channel}/chat/...`."""
    desk = ChatDesk(house, chat)
    base = "/api/channels/{channel}/chat"
    return [
        resource(f"{base}/ticket", POST=desk.ticket),
        resource(f"{base}/guest", POST=desk.guest),
        resource(f"{base}/users", POST=desk.user),
        resource(f"{base}/history", GET=desk.history),
        resource(f"{base}/hearts", GET=desk.hearts),
    ]


class ChatDesk:
    """Answers for one house."""

    def __init__(self, house: House, chat: ChatHouse) -> None:
        self._house = house
        self._chat = chat
        self._watching = Negotiation(house, "viewer")

    async def ticket(self, request: Request) -> Response:
        """Who may watch the channel gets a ticket; with its stream key, one of the owner."""
        house = self._house
        channel = self._channel(request)
        owner = self._is_owner(request, channel)
        grant = Grant("key", key_hash=channel.key_hash) if owner else None
        grant = grant or self._watching.admit(request, channel)
        wish = await house.intake.json(request, ChatTicketWish)
        person, until_ms = self._person(channel, wish, owner)
        now_ms = house.clock.now_ms()
        ticket = Ticket(RoomId(channel.id), person, grant, until_ms)
        text = self._chat.hub.tickets.issue(ticket, now_ms)
        self._chat.hub.counts.tickets["issued"] += 1
        view = ChatTicketView(text, _socket_url(house, request, channel),
                              house.clock.wall_ms() + LIVES_MS)  # fmt: skip
        return json_reply(view, 201)

    async def guest(self, request: Request) -> Response:
        """A name for somebody whom no app knows."""
        channel = self._channel(request)
        self._watching.admit(request, channel)
        if not self._chat.guests:
            raise Problem("forbidden", "Guests may read here, and not write.")
        wish = await self._house.intake.json(request, ChatGuestWish)
        user = UserId(GUEST + secrets.token_urlsafe(9))
        return self._token(channel, user, wish.name, [], GUEST_S)

    async def user(self, request: Request) -> Response:
        """The app's own people get their names and roles here. For the admin."""
        house = self._house
        house.intake.throttle(request)
        house.check_admin(request)
        channel = house.channel(channel_in(request))
        wish = await house.intake.json(request, ChatUserWish)
        if wish.id.startswith((GUEST, OWNER)):
            raise Problem("value-refused", f"Ids do not begin with {GUEST} or {OWNER}")
        if wish.ttl_s > USER_MOST_S:
            raise Problem("value-refused", f"ttl_s is at most {USER_MOST_S}.")
        return self._token(channel, UserId(wish.id), wish.name, [*wish.roles], wish.ttl_s)

    async def history(self, request: Request) -> Response:
        """Public entries with since <= t < until, oldest first; messages that were taken away
        are not among them."""
        channel = self._reading(request)
        limit = _number(request, "limit", PAGE)
        if not 1 <= limit <= PAGE_MOST:
            raise Problem("value-refused", f"limit must be from 1 to {PAGE_MOST}.")
        since_ms, until_ms = _number(request, "since"), _number(request, "until")
        after = _number(request, "after", 0)
        room = await self._room(channel)
        try:
            if after:
                found = await self._chat.history.after(room.room, after, limit)
            else:
                found = await self._chat.history.between(room.room, since_ms, until_ms, limit)
        except LogError as error:
            raise _late(error) from None
        within = [one for one in found if one.t_show < until_ms]
        items = [Raw(one.wire) for one in within if _is_public(room, one)]
        more = len(within) == limit
        view = ChatHistory(room.feed.epoch, items, within[-1].seq if more else None)
        return json_reply(view)

    async def hearts(self, request: Request) -> Response:
        """Totals of since <= second < until."""
        channel = self._reading(request)
        since_s, until_s = _number(request, "since"), _number(request, "until")
        if until_s - since_s > HEARTS_MOST_S:
            raise Problem("value-refused", f"At most {HEARTS_MOST_S} seconds at once.")
        try:
            found = await self._chat.history.hearts(RoomId(channel.id), since_s, until_s)
        except LogError as error:
            raise _late(error) from None
        return json_reply(ChatHearts([HeartTotal(one.second, one.kind, one.count)
                                      for one in found]))  # fmt: skip

    # --- inside

    def _channel(self, request: Request) -> Channel:
        channel_id = channel_in(request)
        self._house.intake.throttle(request, channel_id)
        if not self._house.healthy:
            raise Problem("stopping", "Sluice starts or stops.", retry_after_s=5)
        return self._house.channel(channel_id)

    def _reading(self, request: Request) -> Channel:
        channel = self._channel(request)
        self._watching.admit(request, channel)
        return channel

    def _is_owner(self, request: Request, channel: Channel) -> bool:
        given = credential(request)
        return (
            given is not None and channel.key_hash is not None and matches(given, channel.key_hash)
        )

    def _person(
        self, channel: Channel, wish: ChatTicketWish, owner: bool
    ) -> tuple[Person | None, int | None]:
        """Who it is, and when that ends on the monotonic clock."""
        if wish.user is UNSET:
            if not owner:
                return None, None
            return Person(UserId(OWNER + channel.id), channel.title[:40], {"owner"}), None
        wall_ms = self._house.clock.wall_ms()
        try:
            person, until_ms = self._chat.tokens.read(wish.user, RoomId(channel.id), wall_ms)
        except TokenRefused as refused:
            raise Problem("user-token-invalid", str(refused)) from None
        if owner:
            person = Person(person.id, person.name, {*person.roles, "owner"})
        return person, self._house.clock.now_ms() + until_ms - wall_ms

    def _token(
        self, channel: Channel, user: UserId, name: str, roles: list[Role], ttl_s: int
    ) -> Response:
        until_s = self._house.clock.wall_ms() // 1000 + ttl_s
        token = self._chat.tokens.issue(RoomId(channel.id), user, name, roles, until_s)
        return json_reply(ChatUserView(token, user, until_s * 1000), 201)

    async def _room(self, channel: Channel) -> LiveRoom:
        try:
            return await self._chat.hub.room(RoomId(channel.id))
        except LogError as error:
            raise _late(error) from None
        except Full:
            raise Problem("busy", "Too many rooms are open.", retry_after_s=_RETRY_S) from None


def _is_public(room: LiveRoom, entry: Entry) -> bool:
    return not entry.staff and not room.judge.hides(entry)


def _late(error: LogError) -> Problem:
    return Problem("late", f"The room's log does not answer: {error}.", retry_after_s=_RETRY_S)


def _socket_url(house: House, request: Request, channel: Channel) -> str:
    base = house.settings.server.public_url or str(request.base_url).rstrip("/")
    return f"ws{base.removeprefix('http')}/chat/{channel.id}"


def _number(request: Request, name: str, default: int | None = None) -> int:
    text = request.query_params.get(name)
    if text is None:
        if default is None:
            raise Problem("value-refused", f"?{name}= is needed.")
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise Problem("value-refused", f"{name}: {text[:40]!a} is not a whole number.")
    return int(text)
