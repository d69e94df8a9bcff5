"""Reading requests from strangers: address, credentials, body, rate."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from sluice.clock import Clock
from sluice.config import LimitsConfig, ServerConfig
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.ratelimit import TokenBuckets, address_key

T = TypeVar("T")

_DENIED = {"forbidden", "token-invalid"}
_LINE = re.compile(r" - at `(.*)`$")


def media_type(request: Request) -> str:
    """Content-Type without its parameters: `application/sdp; charset=utf-8` is SDP."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def credential(request: Request) -> str | None:
    """The token from Authorization, with or without the word Bearer, or from `?token=`."""
    header = request.headers.get("authorization", "").strip()
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if header:
        return header
    return request.query_params.get("token") or None


class Intake:
    """What the front door knows of its visitors: bounded, and in memory only."""

    def __init__(self, server: ServerConfig, limits: LimitsConfig, clock: Clock) -> None:
        self._proxies = tuple(ip_network(text, strict=False) for text in server.trusted_proxies)
        self._timeout_s = server.body_timeout_s
        self._limits = limits
        self._clock = clock
        size = limits.rate_table
        self._by_ip = TokenBuckets(limits.ip_rate, limits.ip_burst, size)
        self._by_channel = TokenBuckets(limits.channel_rate, limits.channel_burst, size)
        self._denied = TokenBuckets(limits.denied_rate, limits.denied_burst, size)

    def client(self, request: Request) -> str:
        """The visitor's address; X-Forwarded-For counts only from trusted proxies."""
        address = request.client.host if request.client is not None else "unknown"
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        for hop in reversed([hop.strip() for hop in forwarded.split(",") if hop.strip()]):
            if not _inside(address, self._proxies):
                break
            address = hop
        return address_key(address)

    def throttle(self, request: Request, channel: ChannelId | None = None) -> None:
        """Count a request that changes something. Raises Problem `rate-limited`."""
        now_ms = self._clock.now_ms()
        wait_s = self._by_ip.take(self.client(request), now_ms)
        if wait_s is None and channel is not None:
            wait_s = self._by_channel.take(channel, now_ms)
        if wait_s is not None:
            raise _limited("There were too many requests from this address or for this channel.",
                           wait_s)  # fmt: skip

    def denied(self, request: Request, problem: Problem) -> Problem:
        """What to raise for wrong credentials: after too many of them, `rate-limited`.

        Right credentials are never held up: many people can share one address, and an attacker
        among them must not lock the owner out.
        """
        if problem.kind.code not in _DENIED:
            return problem
        wait_s = self._denied.take(self.client(request), self._clock.now_ms())
        if wait_s is None:
            return problem
        return _limited("There were too many wrong keys or tokens from this address.", wait_s)

    async def body(self, request: Request, limit: int) -> bytes:
        """The body, read piece by piece. Raises Problem `too-large` or `body-timeout`."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise _too_large(limit)
        taken = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                async for piece in request.stream():
                    taken += piece
                    if len(taken) > limit:
                        raise _too_large(limit)
        except TimeoutError:
            detail = f"The body took longer than {self._timeout_s} s."
            raise Problem("body-timeout", detail, headers={"Connection": "close"}) from None
        except ClientDisconnect:
            raise Problem("bad-request", "The client left before its body was whole.") from None
        return bytes(taken)

    async def json(self, request: Request, shape: type[T]) -> T:
        """The body as `shape`. Raises Problem `wrong-media-type` or `json-malformed`."""
        if media_type(request) not in ("application/json", ""):
            raise Problem("wrong-media-type", "The body must be application/json.")
        body = await self.body(request, self._limits.json_bytes)
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.ValidationError as error:
            text = _LINE.sub(r" (at \1)", str(error))
            raise Problem("json-malformed", f"{text}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem("json-malformed", f"The body is not JSON: {error}.") from None


def _inside(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot be used again.
    return Problem(
        "too-large", f"At most {limit} bytes are taken.", headers={"Connection": "close"}
    )


def _limited(detail: str, wait_s: int) -> Problem:
    return Problem("rate-limited", detail, retry_after_s=wait_s)
