"""User tokens prove who somebody is, in one room and until they end."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from chat.entry import RoomId
from chat.people import Person, UserId
from chat.user_tokens import AUDIENCE, TokenRefused, UserTokens

SECRET = b"s" * 32
ROOM = RoomId("live")
NOW_MS = 1_000_000
CLAIMS: dict[str, Any] = {
    "aud": AUDIENCE, "sub": "u1", "name": "Ann", "roles": ["moderator"], "channel": "live",
    "exp": 2_000,
}  # fmt: skip


def signed(secret: bytes | None = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return jwt.encode(claims, secret, algorithm=algorithm)  # type: ignore[arg-type]


def test_what_was_issued_is_read() -> None:
    tokens = UserTokens(SECRET)
    text = tokens.issue(ROOM, UserId("u1"), "Ann", ["subscriber"], 2_000)
    ann = Person(UserId("u1"), "Ann", frozenset({"subscriber"}))
    assert tokens.read(text, ROOM, NOW_MS) == (ann, 2_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        signed(b"t" * 32),
        signed(None, algorithm="none"),
        signed(b"s" * 64, algorithm="HS512"),
        signed(aud="sluice-viewer"),
        signed(channel="other"),
        signed(channel=None),
        signed(exp=1_000),
        signed(exp=None),
        signed(sub=None),
        signed(sub="a b"),
        signed(sub="x" * 65),
        signed(name=None),
        signed(name=""),
        signed(name="x" * 41),
        signed(roles=["king"]),
        signed(roles="owner"),
    ],
)
def test_what_proves_nothing(text: str) -> None:
    with pytest.raises(TokenRefused):
        UserTokens(SECRET).read(text, ROOM, NOW_MS)


def test_without_roles_somebody_is_a_viewer_at_most() -> None:
    person, _ = UserTokens(SECRET).read(signed(roles=None), ROOM, NOW_MS)
    assert person.roles == frozenset()
