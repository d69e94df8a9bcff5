"""The JSON bodies of the chat's HTTP routes as types."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chat.user_tokens import NAME_MOST, USER_ID

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MOST)]


class ChatTicketWish(Struct, forbid_unknown_fields=True):
    """Who wants to come in; without `user`, somebody who only reads (or the channel's owner)."""

    user: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET


class ChatTicketView(Struct):
    """A ticket for one `hello`. `url` is where the WebSocket is."""

    ticket: str
    url: str
    expires_ms: int


class ChatGuestWish(Struct, forbid_unknown_fields=True):
    """The name that a guest wants to have."""

    name: Name


class ChatUserWish(Struct, forbid_unknown_fields=True):
    """Somebody whom the app knows."""

    id: Annotated[str, Meta(pattern=f"^{USER_ID.pattern}$")]
    name: Name
    roles: list[Literal["owner", "moderator", "subscriber", "viewer", "bot"]] = []
    ttl_s: Annotated[int, Meta(ge=1)] = 86_400


class ChatUserView(Struct):
    """A user token, for `POST .../chat/ticket`."""

    user: str
    id: str
    expires_ms: int


class ChatHistory(Struct):
    """A page of a room's public entries by stream time. `next` goes into `?after=`, null on the
    last page."""

    epoch: str
    items: list[Raw]
    next: int | None


class HeartTotal(Struct):
    """Reactions of one second of the stream (Unix seconds)."""

    second: int
    emote: str
    n: int


class ChatHearts(Struct):
    """The totals, by second and emote: a heat line for a recording."""

    totals: list[HeartTotal]
