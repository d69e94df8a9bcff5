"""User tokens: who somebody is in a channel's room, signed by the app that knows its people."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Final

import jwt
import msgspec

from chat.entry import RoomId
from chat.people import Person, Role, UserId

AUDIENCE: Final = "sluice-chat"
NAME_MOST: Final = 40
USER_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
GUEST: Final = "guest:"
OWNER: Final = "owner:"
"""Begins the id of who holds the stream key. Both are given out by us alone."""


class TokenRefused(Exception):
    """The token proves nothing; the text says why."""


class UserTokens:
    """JWTs (HS256) with `sub`, `name`, `roles`, `channel` and `exp`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(
        self, room: RoomId, user: UserId, name: str, roles: Collection[Role], until_s: int
    ) -> str:
        claims = {"aud": AUDIENCE, "sub": user, "name": name, "roles": sorted(roles),
                  "channel": room, "exp": until_s}  # fmt: skip
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def read(self, token: str, room: RoomId, wall_ms: int) -> tuple[Person, int]:
        """Who it is and until when (wall ms). Raises TokenRefused."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],  # never what the token's own header says
                audience=AUDIENCE,
                # PyJWT would ask the machine's clock; we have our own.
                options={"require": ["exp", "sub", "aud"], "verify_exp": False},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(f"The user token cannot be verified: {error}.") from None
        try:
            found = msgspec.convert(claims, _Claims)
        except msgspec.ValidationError as error:
            raise TokenRefused(f"The user token's claims are wrong: {error}.") from None
        if found.channel != room:
            raise TokenRefused("The user token is for another channel.")
        if found.exp * 1000 <= wall_ms:
            raise TokenRefused("The user token has expired.")
        return Person(UserId(found.sub), found.name, frozenset(found.roles)), found.exp * 1000


class _Claims(msgspec.Struct):
    sub: Annotated[str, msgspec.Meta(pattern=f"^{USER_ID.pattern}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MOST)]
    channel: str
    exp: int
    roles: list[Role] = []
