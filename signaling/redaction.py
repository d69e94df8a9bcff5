"""Takes secrets out of what is logged: tokens, keys, signed addresses, e-mail addresses.

A structlog processor, and the last one before a line is rendered, so that exceptions and the
libraries' own messages go through it too. What it does not know it cannot find: nobody should log
a secret in the first place.
"""

from __future__ import annotations

import re
from typing import Final

from structlog.typing import EventDict, WrappedLogger

HIDDEN: Final = "[redacted]"
NAMES: Final = frozenset(
    {
        "authorization",
        "cookie",
        "credential",
        "email",
        "grant",
        "password",
        "payer",
        "secret",
        "set-cookie",
        "signature",
        "stream_key",
        "token",
        "user_token",
        "viewer_token",
    }
)
"""Fields whose whole value is hidden."""
LONGEST: Final = 65_536
"""Characters of a text that are looked at; the rest is cut off. A traceback has fewer."""

_PATTERNS: Final = (
    # Authorization: Bearer ..., and Basic, which holds a password
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # ?token=..., &grant=..., password: "...", 'key': '...'
    (
        re.compile(
            r"(?<![A-Za-z0-9])"
            r"((?:access_|viewer_|user_|admin_|stream_|api_)?(?:token|key|secret)"
            r"|grant|password|passwd|signature|sig|authorization)"
            r"([\"']?\s*[=:]\s*[\"']?)"
            r"(?!\[redacted\])(?!(?:bearer|basic)\s)[^\s&\"',;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    # stream keys and admin tokens (sluice/auth.py), Stripe's keys
    (re.compile(r"\b(sk|adm|rk|pk|whsec)_[A-Za-z0-9_-]{8,}"), rf"\1_{HIDDEN}"),
    # JSON Web Tokens
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), HIDDEN),
    # signed paths and what edges send (bridge/signed.py)
    (re.compile(r"(?<![A-Za-z0-9])([1-9][0-9]{0,11})\.[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"),
     rf"\1.{HIDDEN}"),
    # scheme://user:password@host
    (re.compile(r"([a-z][a-z0-9+.-]{1,20}://)[^\s/@:]{0,200}:[^\s/@]{1,200}@", re.IGNORECASE),
     rf"\1{HIDDEN}@"),
    # people
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}"
                r"(?:\.[A-Za-z0-9-]{1,63}){1,8}"), HIDDEN),
)  # fmt: skip


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The processor. Values that are no text, number or truth become text."""
    return {name: _field(name, value) for name, value in event.items()}


def redacted(text: str) -> str:
    """The text without what it should not hold."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + " [cut off]"
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _field(name: object, value: object) -> object:
    if value is not None and str(name).lower() in NAMES:
        return HIDDEN
    return _value(value)


def _value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redacted(value)
        case dict():
            return {name: _field(name, one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_value(one) for one in value]
        case _:
            return redacted(str(value) if isinstance(value, Exception) else repr(value))
