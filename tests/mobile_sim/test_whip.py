"""The WHIP client understands what servers say (RFC 9725)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mobile_sim.whip import (
    MAX_BODY,
    MAX_REDIRECTS,
    Refused,
    Unreachable,
    WhipClient,
    fresh_connections,
    parse_ice_links,
    parse_retry_after,
)

OFFER = "v=0\r\n"
Handler = Callable[[web.Request], web.Response]


class Script:
    """A server that answers with the given responses, one after the other."""

    def __init__(self) -> None:
        self.answers: list[Handler] = []
        self.requests: list[tuple[str, str, str | None, str]] = []
        """Method, path, Authorization, body."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app)

    def url(self, path: str) -> str:
        return str(self.server.make_url(path))

    async def _handle(self, request: web.Request) -> web.Response:
        key = request.headers.get("Authorization")
        self.requests.append((request.method, request.path, key, await request.text()))
        return self.answers.pop(0)(request)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    await script.server.start_server()
    yield script
    await script.server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def created(location: str = "/whip/a/1", **headers: str) -> Handler:
    return lambda request: web.Response(
        status=201,
        text="the answer",
        content_type="application/sdp",
        headers={"Location": location, **headers},
    )


def status(code: int, **headers: str) -> Handler:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: web.Response(status=code, headers=fields)


def problem(code: int, detail: str) -> Handler:
    return lambda request: web.json_response(
        {"title": "No", "detail": detail}, status=code, content_type="application/problem+json"
    )


async def test_the_offer_is_posted_with_the_key(
    script: Script, http: aiohttp.ClientSession
) -> None:
    script.answers = [created(ETag='"abc"')]
    session = await WhipClient(http, script.url("/whip/a"), "secret").post(OFFER)
    assert script.requests == [("POST", "/whip/a", "Bearer secret", OFFER)]
    assert (session.answer, session.etag) == ("the answer", '"abc"')


@pytest.mark.parametrize(
    ("location", "path"),
    [("/s/9", "/s/9"), ("9", "/whip/9"), ("a/9", "/whip/a/9"), ("//{host}/s/9", "/s/9")],
)
async def test_a_relative_location_is_resolved_and_delete_goes_there(
    script: Script, http: aiohttp.ClientSession, location: str, path: str
) -> None:
    host = f"127.0.0.1:{script.server.port}"
    script.answers = [created(location.format(host=host)), status(200)]
    client = WhipClient(http, script.url("/whip/a"), "secret")
    await client.delete(await client.post(OFFER))
    assert script.requests[1] == ("DELETE", path, "Bearer secret", "")


@pytest.mark.parametrize("code", [307, 308])
async def test_a_redirect_is_followed_with_body_and_key(
    script: Script, http: aiohttp.ClientSession, code: int
) -> None:
    script.answers = [status(code, Location="/other/b"), created("c")]
    session = await WhipClient(http, script.url("/whip/a"), "secret").post(OFFER)
    assert script.requests[1] == ("POST", "/other/b", "Bearer secret", OFFER)
    assert session.url == script.url("/other/c")


@pytest.mark.parametrize("code", [301, 302, 303])
async def test_a_redirect_that_would_lose_the_body_is_refused(
    script: Script, http: aiohttp.ClientSession, code: int
) -> None:
    script.answers = [status(code, Location="/other")]
    with pytest.raises(Refused, match="expected 201") as caught:
        await WhipClient(http, script.url("/whip/a"), None).post(OFFER)
    assert caught.value.final


async def test_redirects_end(script: Script, http: aiohttp.ClientSession) -> None:
    script.answers = [status(307, Location="/whip/a")] * (MAX_REDIRECTS + 1)
    with pytest.raises(Refused, match="redirects"):
        await WhipClient(http, script.url("/whip/a"), None).post(OFFER)
    assert len(script.requests) == MAX_REDIRECTS + 1


async def test_a_redirect_to_another_scheme_is_refused(
    script: Script, http: aiohttp.ClientSession
) -> None:
    script.answers = [status(307, Location="ftp://example.invalid/a")]
    with pytest.raises(Refused, match="in the clear"):
        await WhipClient(http, script.url("/whip/a"), "secret").post(OFFER)


@pytest.mark.parametrize(
    ("code", "final"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, False),
        (405, True),
        (406, True),
        (409, False),
        (415, True),
        (422, True),
        (429, False),
        (500, False),
        (503, False),
    ],
)
async def test_an_error_is_final_or_passes(
    script: Script, http: aiohttp.ClientSession, code: int, final: bool
) -> None:
    script.answers = [problem(code, "this is why")]
    with pytest.raises(Refused, match=f"{code}: this is why") as caught:
        await WhipClient(http, script.url("/whip/a"), "k").post(OFFER)
    assert caught.value.final is final


async def test_retry_after_is_taken_along(script: Script, http: aiohttp.ClientSession) -> None:
    script.answers = [status(503, Retry_After="7")]
    with pytest.raises(Refused) as caught:
        await WhipClient(http, script.url("/whip/a"), None).post(OFFER)
    assert (caught.value.retry_after_s, caught.value.final) == (7.0, False)
    assert caught.value.detail == "Service Unavailable"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(200), "expected 201"),
        (status(201), "no Location"),
        (status(201, Location="/s"), "not application/sdp"),
        (created("data:text/plain,x"), "no HTTP address"),
        (status(307), "redirect without Location"),
        (lambda request: web.Response(status=500, text="x" * (MAX_BODY + 1)), "longer than"),
        (lambda request: web.Response(status=500, text="{", content_type="a/json"), "Internal"),
    ],
)
async def test_a_broken_answer_is_refused_with_its_fault(
    script: Script, http: aiohttp.ClientSession, answer: Handler, reason: str
) -> None:
    script.answers = [answer]
    with pytest.raises(Refused, match=reason):
        await WhipClient(http, script.url("/whip/a"), None).post(OFFER)


@pytest.mark.parametrize("code", [200, 204, 404, 410])
async def test_a_session_that_is_gone_is_no_error(
    script: Script, http: aiohttp.ClientSession, code: int
) -> None:
    script.answers = [created(), status(code)]
    client = WhipClient(http, script.url("/whip/a"), None)
    await client.delete(await client.post(OFFER))
    assert script.requests[1][0] == "DELETE"


async def test_a_refused_delete_is_reported(script: Script, http: aiohttp.ClientSession) -> None:
    script.answers = [created(), problem(403, "not yours")]
    client = WhipClient(http, script.url("/whip/a"), None)
    session = await client.post(OFFER)
    with pytest.raises(Refused, match="not yours"):
        await client.delete(session)


async def test_a_server_that_is_down_is_unreachable(
    script: Script, http: aiohttp.ClientSession
) -> None:
    script.answers = [created()]
    client = WhipClient(http, script.url("/whip/a"), None)
    session = await client.post(OFFER)
    await script.server.close()
    with pytest.raises(Unreachable):
        await client.post(OFFER)
    with pytest.raises(Unreachable):
        await client.delete(session)
    with pytest.raises(Unreachable):
        await client.restart_ice(session, "ours")


def restarted(text: str = "the fragment", **headers: str) -> Handler:
    return lambda request: web.Response(
        text=text, content_type="application/trickle-ice-sdpfrag", headers=headers
    )


async def test_a_restart_is_asked_for_with_the_key_and_brings_another_etag(
    script: Script, http: aiohttp.ClientSession
) -> None:
    seen: list[tuple[str, str]] = []

    def handle(request: web.Request) -> web.Response:
        seen.append((request.content_type, request.headers["If-Match"]))
        return restarted(ETag='"2"')(request)

    script.answers = [created(ETag='"1"'), handle]
    client = WhipClient(http, script.url("/whip/a"), "secret")
    session, answer = await client.restart_ice(await client.post(OFFER), "ours")
    assert script.requests[1] == ("PATCH", "/whip/a/1", "Bearer secret", "ours")
    assert seen == [("application/trickle-ice-sdpfrag", "*")]
    assert (session.etag, answer) == ('"2"', "the fragment")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(404, "gone"), 404),
        (problem(405, "no"), 405),
        (status(204), 204),
        (lambda request: web.Response(text="v=0", content_type="text/plain"), 200),
        (status(307, Location="/elsewhere"), 307),
    ],
)
async def test_a_server_that_does_not_restart_refuses(
    script: Script, http: aiohttp.ClientSession, answer: Handler, code: int
) -> None:
    script.answers = [created(ETag='"1"'), answer]
    client = WhipClient(http, script.url("/whip/a"), None)
    session = await client.post(OFFER)
    with pytest.raises(Refused) as caught:
        await client.restart_ice(session, "ours")
    assert caught.value.status == code
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (status(204), False),
        (problem(404, "gone"), True),
        (problem(410, "gone"), True),
        (problem(405, "no trickle here"), False),
        (problem(412, "another session of ICE"), False),
        (problem(503, "not now"), False),
    ],
)
async def test_whether_it_knows_a_session_is_asked_by_a_trickle_of_nothing(
    script: Script, http: aiohttp.ClientSession, answer: Handler, gone: bool
) -> None:
    script.answers = [created(ETag='"1"'), answer]
    client = WhipClient(http, script.url("/whip/a"), "secret")
    assert await client.is_gone(await client.post(OFFER)) is gone
    asked = ("PATCH", "/whip/a/1", "Bearer secret", "a=end-of-candidates\r\n")
    assert script.requests[1] == asked


async def test_who_cannot_be_asked_does_not_say_that_a_session_is_gone(
    script: Script, http: aiohttp.ClientSession
) -> None:
    script.answers = [created()]
    client = WhipClient(http, script.url("/whip/a"), None)
    session = await client.post(OFFER)
    assert not await client.is_gone(session), "without an ETag it takes no PATCH"
    assert len(script.requests) == 1
    await script.server.close()
    assert not await client.is_gone(replace(session, etag='"1"'))


async def test_without_a_network_nothing_is_asked(
    script: Script, http: aiohttp.ClientSession
) -> None:
    online = True
    client = WhipClient(http, script.url("/whip/a"), None, lambda: online)
    script.answers = [created(ETag='"1"')]
    session = await client.post(OFFER)
    online = False
    for request in (
        client.post(OFFER),
        client.delete(session),
        client.restart_ice(session, "ours"),
    ):
        with pytest.raises(Unreachable, match="no network"):
            await request
    assert not await client.is_gone(session)
    assert len(script.requests) == 1


async def test_ice_servers_come_with_the_session(
    script: Script, http: aiohttp.ClientSession
) -> None:
    link = '<turn:127.0.0.1:3478?transport=udp>; rel="ice-server"; username="u"; credential="p"'
    script.answers = [created(Link=link)]
    session = await WhipClient(http, script.url("/whip/a"), None).post(OFFER)
    (server,) = session.ice_servers
    assert (server.urls, server.username, server.credential) == (
        "turn:127.0.0.1:3478?transport=udp",
        "u",
        "p",
    )


async def test_each_request_takes_a_connection_of_its_own(script: Script) -> None:
    ports = []

    def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return created()(request)

    script.answers = [answer, answer]
    async with aiohttp.ClientSession(connector=fresh_connections()) as http:
        client = WhipClient(http, script.url("/whip/a"), "key")
        await client.post(OFFER)
        await client.post(OFFER)
    assert len(set(ports)) == 2


def test_links_of_other_kinds_and_schemes_are_left_out() -> None:
    found = parse_ice_links(
        [
            '<stun:stun.example.net>; rel="ice-server", <turns:t.example.net>; rel=ice-server; '
            'username="a;b,c"; credential="x"; credential-type="password"',
            '</layer>; rel="urn:ietf:params:whep:ext:core:layer"',
            '<http://example.net>; rel="ice-server"',
            "<<>>;;=,",
        ]
    )
    assert [server.urls for server in found] == ["stun:stun.example.net", "turns:t.example.net"]
    assert (found[1].username, found[1].credential) == ("a;b,c", "x")


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
