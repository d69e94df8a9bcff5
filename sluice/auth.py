"""Keys and tokens, and the gate that says who may publish, watch and administer.

Stream keys and the admin token are random (192 bits), so one SHA-256 is the right hash at rest:
slow hashes protect words that people choose, which can be guessed; nobody guesses 192 bits, and
a slow hash on the POST path would be a gift to attackers. Comparison is in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import jwt

from sluice.clock import Clock
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Channel

KEY_PREFIX = "sk_"
"""Of stream keys; no token begins so."""
_AUDIENCE = "sluice-viewer"
_MAX_CREDENTIAL = 4096


def new_stream_key() -> str:
    """192 random bits with a prefix that secret scanners can find."""
    return KEY_PREFIX + secrets.token_urlsafe(24)


def new_admin_token() -> str:
    return "adm_" + secrets.token_urlsafe(24)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, digest: bytes) -> bool:
    """Whether `secret` is the one that was hashed; takes the same time either way."""
    return hmac.compare_digest(hash_secret(secret), digest)


@dataclass(frozen=True, slots=True)
class Grant:
    """Why a session was let in; looked at again every second while it lasts."""

    kind: Literal["key", "token", "public"]
    key_hash: bytes | None = None
    jti: str | None = None
    deadline_ms: int | None = None
    """Monotonic, so that a jump of the wall clock ends no session."""


@dataclass(frozen=True, slots=True)
class ViewerToken:
    """A signed permission to watch one channel."""

    token: str
    jti: str
    expires_ms: int


class ViewerTokens:
    """JWTs (HS256) with `channel`, `exp` and `jti`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, channel: ChannelId, ttl_s: int, wall_ms: int) -> ViewerToken:
        jti = secrets.token_urlsafe(12)
        expires_s = wall_ms // 1000 + ttl_s
        claims = {"aud": _AUDIENCE, "channel": channel, "exp": expires_s, "jti": jti}
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        return ViewerToken(token, jti, expires_s * 1000)

    def read(self, token: str, wall_ms: int) -> tuple[ChannelId, str, int]:
        """Channel, jti and expiry in wall ms. Raises Problem `token-invalid`."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],  # never what the token's own header says
                audience=_AUDIENCE,
                # PyJWT would ask the machine's clock; we have our own.
                options={"require": ["exp", "jti", "aud"], "verify_exp": False},
            )
        except jwt.PyJWTError as error:
            raise _invalid(f"The viewer token cannot be verified: {error}.") from None
        channel, jti, exp = claims.get("channel"), claims["jti"], claims["exp"]
        if not (isinstance(channel, str) and isinstance(jti, str) and isinstance(exp, int)):
            raise _invalid("The viewer token's claims have wrong types.")
        if exp * 1000 <= wall_ms:
            raise _invalid("The viewer token has expired.")
        return ChannelId(channel), jti, exp * 1000


class Channels(Protocol):
    """What the gate needs to know of channels."""

    def get(self, channel: ChannelId) -> Channel | None: ...

    @property
    def revoked(self) -> Mapping[str, int]:
        """Revoked token ids."""
        ...


class Gate:
    """Who may come in. Raises Problem for those who may not."""

    def __init__(
        self, channels: Channels, tokens: ViewerTokens, admin_hash: bytes, clock: Clock
    ) -> None:
        self._channels = channels
        self._tokens = tokens
        self._admin_hash = admin_hash
        self._clock = clock

    def may_publish(self, channel: Channel, credential: str | None) -> Grant:
        """Only the channel's present stream key opens it."""
        secret = _required(credential, "A stream key is needed to publish.")
        if channel.key_hash is None:
            raise Problem("forbidden", "The stream key of this channel was revoked.")
        if not matches(secret, channel.key_hash):
            raise Problem("forbidden", "This is not the stream key of this channel.")
        return Grant("key", key_hash=channel.key_hash)

    def may_watch(self, channel: Channel, credential: str | None) -> Grant:
        """A public channel is open to all; another to its viewer tokens and its owner."""
        if channel.access == "public":
            return Grant("public")
        secret = _required(credential, "A viewer token is needed to watch this channel.")
        if channel.key_hash is not None and matches(secret, channel.key_hash):
            return Grant("key", key_hash=channel.key_hash)
        wall_ms = self._clock.wall_ms()
        named, jti, expires_ms = self._tokens.read(secret, wall_ms)
        if named != channel.id:
            raise Problem("forbidden", "The viewer token is for another channel.")
        if jti in self._channels.revoked:
            raise _invalid("The viewer token was revoked.")
        deadline_ms = self._clock.now_ms() + expires_ms - wall_ms
        return Grant("token", jti=jti, deadline_ms=deadline_ms)

    def check_admin(self, credential: str | None) -> None:
        secret = _required(credential, "The admin token is needed.")
        if not matches(secret, self._admin_hash):
            raise Problem("forbidden", "This is not the admin token.")

    def still_holds(self, channel: ChannelId, grant: Grant) -> bool:
        """Whether a session that was let in by `grant` may go on."""
        present = self._channels.get(channel)
        if present is None:
            return False
        if grant.kind == "key":
            return present.key_hash is not None and present.key_hash == grant.key_hash
        if grant.kind == "token":
            expired = grant.deadline_ms is not None and grant.deadline_ms <= self._clock.now_ms()
            return not expired and grant.jti not in self._channels.revoked
        return present.access == "public"


def _required(credential: str | None, detail: str) -> str:
    if not credential:
        raise Problem("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})
    if len(credential) > _MAX_CREDENTIAL:
        raise Problem("forbidden", f"Credentials are at most {_MAX_CREDENTIAL} characters.")
    return credential


def _invalid(detail: str) -> Problem:
    challenge = 'Bearer error="invalid_token"'
    return Problem("token-invalid", detail, headers={"WWW-Authenticate": challenge})
