"""Who a request comes from, and reading its body."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from signaling.intake import Intake, credential, media_type
from sluice.clock import VirtualClock
from sluice.config import LimitsConfig, ServerConfig
from sluice.errors import Problem
from sluice.ids import ChannelId


def request(
    *, peer: str = "192.0.2.1", query: str = "", body: Sequence[bytes] | None = (b"",),
    **headers: Any,
) -> Request:  # fmt: skip
    pieces = list(body) if body is not None else []

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces) or body is None}

    raw = [(k.replace("_", "-").lower().encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http", "method": "POST", "path": "/", "query_string": query.encode(),
        "headers": raw, "client": (peer, 1),
    }  # fmt: skip
    return Request(scope, receive)


def intake(**server: object) -> Intake:
    config = ServerConfig.model_validate(server)
    limits = LimitsConfig(ip_burst=2, ip_rate=1, channel_burst=3, json_bytes=50)
    return Intake(config, limits, VirtualClock())


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({"Authorization": "Bearer abc"}, "", "abc"),
        ({"Authorization": "BEARER  abc "}, "", "abc"),
        ({"Authorization": "abc"}, "", "abc"),
        ({"Authorization": "Bearer"}, "token=x", None),
        ({}, "token=abc", "abc"),
        ({"Authorization": "Bearer abc"}, "token=other", "abc"),
        ({}, "token=", None),
        ({}, "", None),
    ],
)
def test_where_the_credential_stands(
    headers: dict[str, Any], query: str, expected: str | None
) -> None:
    assert credential(request(query=query, **headers)) == expected


def test_the_media_type_without_its_parameters() -> None:
    assert media_type(request(Content_Type="Application/SDP ; charset=UTF-8")) == "application/sdp"
    assert media_type(request()) == ""


class TestTheVisitorsAddress:
    def test_forwarded_addresses_of_strangers_are_not_believed(self) -> None:
        asked = request(X_Forwarded_For="203.0.113.9")
        assert intake().client(asked) == "192.0.2.1"

    def test_a_trusted_proxy_is_believed_and_only_its_own_word(self) -> None:
        own = intake(trusted_proxies=["192.0.2.0/24"])
        asked = request(X_Forwarded_For="10.0.0.1, 203.0.113.9, 192.0.2.8")
        assert own.client(asked) == "203.0.113.9"

    def test_an_unreadable_hop_ends_the_search(self) -> None:
        own = intake(trusted_proxies=["192.0.2.0/24"])
        assert own.client(request(X_Forwarded_For="10.0.0.1, <script>")) == "<script>"


def test_rates_hold_by_address_and_by_channel() -> None:
    own = intake()
    live = ChannelId("live")
    own.throttle(request(), live)
    own.throttle(request(), live)
    with pytest.raises(Problem, match="too many"):
        own.throttle(request(), live)
    own.throttle(request(peer="192.0.2.2"), live)
    with pytest.raises(Problem, match="too many"):
        own.throttle(request(peer="192.0.2.3"), live)


class TestTheBody:
    async def test_it_is_put_together(self) -> None:
        assert await intake().body(request(body=[b"a", b"b", b"c"]), 3) == b"abc"

    async def test_a_length_over_the_limit_is_refused_before_reading(self) -> None:
        with pytest.raises(Problem) as caught:
            await intake().body(request(body=None, Content_Length="4"), 3)
        assert caught.value.kind.code == "too-large"

    async def test_more_than_was_declared_is_refused_on_the_way(self) -> None:
        with pytest.raises(Problem) as caught:
            await intake().body(request(body=[b"ab", b"cd", b"x"], Content_Length="2"), 3)
        assert caught.value.headers["Connection"] == "close"

    async def test_a_body_that_never_ends_runs_into_the_time_limit(self) -> None:
        own = intake()
        own._timeout_s = 0
        with pytest.raises(Problem) as caught:
            await own.body(request(body=None), 3)
        assert caught.value.kind.code == "body-timeout"

    async def test_a_visitor_that_leaves_is_a_problem_and_no_crash(self) -> None:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        asked = Request(request().scope, receive)
        with pytest.raises(Problem, match="left"):
            await intake().body(asked, 3)
