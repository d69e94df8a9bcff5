"""Signed addresses: who may watch a channel stands in front of its path, with an end.

    /live/~{expiry}.{signature}/{channel}/source/index.m3u8

Players resolve what stands in a playlist against its own address, so the grant goes along by
itself, through every player, without cookies or headers. It is checked in front of the cache and
then cut off: what is cached is the same for everybody. From an edge to the origin the grant
travels in a header: `X-Sluice-Grant: {expiry}.{signature}`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

HEADER: Final = "x-sluice-grant"
ROOT: Final = "/live/"
SECRET_BYTES: Final = 32

_MARK: Final = "~"
"""No channel's name begins with it."""
_SIGNATURE_BYTES: Final = 16
"""Of the 32 that HMAC-SHA256 gives. Who guesses must ask a server for each guess, and 2^128 of
them are out of reach; the full length would only make every address of every request longer."""
_GRANT: Final = re.compile(r"([1-9][0-9]{0,11})\.[A-Za-z0-9_-]{22}")
_CONTEXT: Final = b"sluice live grant 1"
"""So that a signature made for something else with the same secret opens nothing here."""


class Signer:
    """Makes and checks grants. The origin and its edges share the secret."""

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError for a secret under 32 bytes."""
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"the secret must have at least {SECRET_BYTES} bytes")
        self._secret = secret

    def grant(self, channel: str, expires_s: int) -> str:
        """`{expiry}.{signature}`: opens one channel until `expires_s` (Unix seconds), as it
        stands in the header. Raises ValueError for a time before 1970 or beyond 12 digits."""
        if not 0 < expires_s < 10**12:
            raise ValueError(f"{expires_s} is not a time in Unix seconds")
        said = b"\0".join((_CONTEXT, channel.encode(), str(expires_s).encode()))
        digest = hmac.digest(self._secret, said, hashlib.sha256)[:_SIGNATURE_BYTES]
        return f"{expires_s}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def prefix(self, channel: str, expires_s: int) -> str:
        """The segment that stands between `/live/` and the channel. Raises as `grant` does."""
        return _MARK + self.grant(channel, expires_s)

    def address(self, channel: str, expires_s: int) -> str:
        """The signed folder of a channel, with the slash at its end. Raises as `grant` does."""
        return f"{ROOT}{self.prefix(channel, expires_s)}/{channel}/"

    def verify(self, segment: str, channel: str, now_s: float) -> bool:
        """Whether a grant, with or without the `~` of a path, opens this channel now.

        Takes the same time wherever a signature is wrong.
        """
        text = segment.removeprefix(_MARK)
        expires_s = expiry(text)
        if expires_s is None or now_s >= expires_s:
            return False
        return hmac.compare_digest(self.grant(channel, expires_s), text)


def expiry(grant: str) -> int | None:
    """When a grant ends (Unix seconds); None for what cannot be one. Nothing is checked."""
    form = _GRANT.fullmatch(grant)
    return int(form[1]) if form is not None else None


def split(path: str) -> tuple[str | None, str]:
    """The grant that stands in a path, without its `~`, and the path without it.

    A first segment with `~` is always taken for a grant, so that a damaged one is refused
    and not looked for as a channel.
    """
    start = len(ROOT)
    if not path.startswith(ROOT + _MARK):
        return None, path
    grant, slash, rest = path[start + 1 :].partition("/")
    return grant, ROOT + rest if slash else ROOT
