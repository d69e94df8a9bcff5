"""Everything wrong that a stranger can send, in one table.

Each row must give the right problem, be counted, and leave the live broadcast beside it alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from sluice.errors import KINDS, TYPE_PREFIX
from sluice.ids import ChannelId
from tests.signaling.door import (
    ADMIN,
    FRAG,
    SDP,
    SECRET,
    Door,
    bearer,
    fragment,
    offer,
    open_door,
)


@dataclass(frozen=True)
class Beside:
    """The door, a live broadcast `live` with one viewer, and a second channel `shy`."""

    door: Door
    session: str
    etag: str
    viewer: str

    @property
    def key(self) -> dict[str, str]:
        return bearer(self.door.keys["live"])

    async def post(self, body: bytes | str, **headers: str) -> httpx.Response:
        return await self.door.http.post("/whip/other", content=body, headers=self._to(headers))

    async def patch(self, body: bytes | str, **headers: str) -> httpx.Response:
        sent = FRAG | self.key | {"If-Match": self.etag}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        return await self.door.http.patch(self.session, content=body, headers=sent)

    async def admin(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        headers = bearer(ADMIN) | {"Content-Type": "application/json"}
        return await self.door.http.request(method, path, content=body, headers=headers)

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        return await self.door.http.request(method, path, headers=headers)

    def _to(self, headers: dict[str, str]) -> dict[str, str]:
        own = SDP | bearer(self.door.keys["other"])
        return own | {name.replace("_", "-"): value for name, value in headers.items()}


Call = Callable[[Beside], Awaitable[httpx.Response]]


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[Beside]:
    async with open_door(tmp_path, limits={"json_bytes": 2000}) as door:
        await door.add_channel("other")
        await door.add_channel("shy", "token")
        created = await door.go_live()
        viewer = await door.watch()
        door.engine.connect(door.viewers()[0])
        await door.engine.settled()
        yield Beside(
            door, created.headers["location"], created.headers["etag"], viewer.headers["location"]
        )


def sdp(*replaced: tuple[str, str], extra: tuple[str, ...] = ()) -> str:
    text = offer(extra=extra)
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return text


def token(channel: object = "shy", *, alg: str = "HS256", **claims: Any) -> str:
    whole = {"aud": "sluice-viewer", "channel": channel, "exp": 1_790_000_900, "jti": "j1"}
    whole |= claims
    return jwt.encode(
        {name: value for name, value in whole.items() if value is not None},
        "" if alg == "none" else SECRET,
        algorithm=alg,
    )


def shy(made: Callable[[], str]) -> Call:
    async def call(b: Beside) -> httpx.Response:
        headers = SDP | bearer(made())
        return await b.door.http.post("/whep/shy", content=offer("recvonly"), headers=headers)

    return call


def whip(body: bytes | str, **headers: str) -> Call:
    return lambda b: b.post(body, **headers)


def patch(body: bytes | str, **headers: str) -> Call:
    return lambda b: b.patch(body, **headers)


def api(method: str, path: str, body: bytes = b"") -> Call:
    return lambda b: b.admin(method, path, body)


def get(path: str, method: str = "GET", **headers: str) -> Call:
    return lambda b: b.get(path, method, **headers)


async def declared_only(b: Beside) -> httpx.Response:
    """Content-Length says 10 MB: refused before a byte of it is read."""

    read: list[bytes] = []

    async def never() -> AsyncIterator[bytes]:
        read.append(b"the body was read")
        yield b""

    headers = SDP | bearer(b.door.keys["other"]) | {"Content-Length": "10000000"}
    response = await b.door.http.post("/whip/other", content=never(), headers=headers)
    assert read == []
    return response


async def endless(b: Beside) -> httpx.Response:
    """No Content-Length and no end: refused at the limit."""

    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"a" * 8192

    headers = SDP | bearer(b.door.keys["other"])
    return await b.door.http.post("/whip/other", content=forever(), headers=headers)


async def second_delete(b: Beside) -> httpx.Response:
    created = await b.post(offer())
    headers = bearer(b.door.keys["other"])
    assert (await b.door.http.delete(created.headers["location"], headers=headers)).is_success
    return await b.door.http.delete(created.headers["location"], headers=headers)


async def patch_of_the_dead(b: Beside) -> httpx.Response:
    created = await b.post(offer())
    peer = b.door.engine.publisher("other")
    assert peer is not None
    b.door.engine.close(peer, "timeout")
    await b.door.engine.settled()
    headers = FRAG | bearer(b.door.keys["other"]) | {"If-Match": created.headers["etag"]}
    return await b.door.http.patch(created.headers["location"], content=fragment(), headers=headers)


async def revoked_key(b: Beside) -> httpx.Response:
    channel = b.door.house.book.get(ChannelId("other"))
    assert channel is not None
    await b.door.house.book.revoke_key(channel)
    return await b.post(offer())


async def old_key(b: Beside) -> httpx.Response:
    channel = b.door.house.book.get(ChannelId("other"))
    assert channel is not None
    await b.door.house.book.rotate_key(channel)
    return await b.post(offer())


async def revoked_token(b: Beside) -> httpx.Response:
    await b.door.house.book.revoke_token("j1", 1_790_000_900_000)
    return await shy(token)(b)


async def foreign_publisher(b: Beside) -> httpx.Response:
    return await b.door.publish("live", b.door.keys["other"])


async def foreign_delete(b: Beside) -> httpx.Response:
    return await b.door.http.delete(b.session, headers=bearer(b.door.keys["other"]))


async def session_of_another_channel(b: Beside) -> httpx.Response:
    path = b.session.replace("/live/", "/other/")
    return await b.door.http.delete(path, headers=bearer(b.door.keys["other"]))


async def viewer_session_as_publisher(b: Beside) -> httpx.Response:
    return await b.door.http.delete(b.viewer.replace("/whep/", "/whip/"), headers=b.key)


async def busy_engine(b: Beside) -> httpx.Response:
    b.door.engine.busy = True
    return await b.post(offer())


VOD = "live-20260101-120000-abcdef"
CANDIDATE = "a=candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host"
DEEP = b"[" * 1900

ROWS: tuple[tuple[str, Call, str, str], ...] = (
    # name, request, problem code, words in its detail
    # --- offers
    ("an empty offer", whip(b""), "offer-malformed", "empty"),
    ("an offer of blank lines", whip(b"\r\n\r\n"), "offer-malformed", "empty"),
    ("a picture in place of SDP", whip(b"\x89PNG\r\n\x1a\n\xff\xfe"), "offer-malformed", "Line 1"),
    ("an HTML page", whip("<!doctype html>\n<p>"), "offer-malformed", "Line 1"),
    ("JSON in place of SDP", whip('{"sdp": "v=0"}'), "offer-malformed", "Line 1"),
    ("wrong UTF-8 on line 2", whip(b"v=0\r\ns=\xff\r\n"), "offer-malformed", "Line 2"),
    ("UTF-16", whip(offer().encode("utf-16")), "offer-malformed", "UTF-8"),
    ("a NUL byte", whip(sdp(("s=-", "s=\x00"))), "offer-malformed", "Line 3"),
    ("a hidden carriage return", whip(sdp(("s=-", "s=a\rb"))), "offer-malformed", "Line 3"),
    ("no v= line", whip(sdp(("v=0\r\n", ""))), "offer-malformed", "v=0"),
    ("a wrong version", whip(sdp(("v=0", "v=1"))), "offer-malformed", "Line 1"),
    ("a line without =", whip(sdp(extra=("a rtcp-mux",))), "offer-malformed", "Line 22"),
    ("an empty line inside", whip(sdp(extra=("", "a=x"))), "offer-malformed", "Line 22"),
    ("only the first line", whip("v=0\r\n"), "offer-malformed", "m="),
    ("no ICE credentials", whip(sdp(("a=ice-ufrag:cLnT\r\n", ""))), "offer-malformed", "ufrag"),
    ("a short ufrag", whip(sdp(("ufrag:cLnT", "ufrag:c"))), "offer-malformed", "Line 6"),
    ("a ufrag with a quote", whip(sdp(("ufrag:cLnT", 'ufrag:c"nT'))), "offer-malformed", "Line 6"),
    ("a short pwd", whip(sdp(("a=ice-pwd:client", "a=ice-pwd:c "))), "offer-malformed", "Line 7"),
    ("no fingerprint", whip(sdp(("a=fingerprint:", "a=print:"))), "offer-malformed", "fingerprint"),
    ("payload type 128", whip(sdp((" 96", " 128"), (":96 ", ":128 "))), "offer-malformed", "128"),
    ("an rtpmap of 300", whip(sdp((":96 ", ":300 "))), "offer-malformed", "Line 21"),
    ("a payload type in words", whip(sdp(("SAVPF 96", "SAVPF x"))), "offer-malformed", "Line 16"),
    ("Arabic digits", whip(sdp(("SAVPF 96", "SAVPF \u0669"))), "offer-malformed", "Line 16"),
    ("a number of 1,000 digits", whip(sdp((":96 ", ":" + "9" * 1000 + " "))),
     "offer-malformed", "Line 21"),
    ("an m= line cut short", whip(sdp(("UDP/TLS/RTP/SAVPF 96", ""))), "offer-malformed", "m= line"),
    ("10,000 lines", whip("v=0\r\n" + "a=x\r\n" * 10_000), "offer-malformed", "Line 2001"),
    ("17 media sections", whip(sdp(extra=("m=video 9 UDP/TLS/RTP/SAVPF 96",) * 15)),
     "offer-limit", "16 media sections"),
    ("65 candidates", whip(sdp(extra=(CANDIDATE,) * 65)), "offer-limit", "64 candidates"),
    ("codecs that nobody knows", whip(offer(codec="XYZ9")), "offer-unsupported", "codec"),
    ("a data channel alone",
     whip(sdp(("m=audio", "m=application"), ("m=video", "m=application"))),
     "offer-unsupported", "neither audio nor video"),
    ("a publisher who only receives", whip(offer("recvonly")), "offer-unsupported", "sendonly"),
    ("an inactive publisher", whip(offer("inactive")), "offer-unsupported", "sendonly"),
    ("10 MB of letters", whip(b"a" * 10_000_000), "too-large", "65536"),
    ("10 MB that are only declared", declared_only, "too-large", "65536"),
    ("a body without an end", endless, "too-large", "65536"),
    ("one byte too many", whip(b"v=0\r\n" + b"a" * 65_532), "too-large", "65536"),
    ("no Content-Type", whip(offer(), Content_Type=""), "wrong-media-type", "application/sdp"),
    ("JSON as Content-Type", whip(offer(), Content_Type="application/json"), "wrong-media-type",
     "application/sdp"),
    ("text/plain", whip(offer(), Content_Type="text/plain"), "wrong-media-type", "sdp"),
    ("an engine that is busy", busy_engine, "busy", "busy"),
    # --- keys
    ("no key", whip(offer(), Authorization=""), "unauthorized", "stream key"),
    ("an empty Bearer", whip(offer(), Authorization="Bearer "), "unauthorized", "stream key"),
    ("a wrong key", whip(offer(), Authorization="Bearer sk_wrong"), "forbidden", "stream key"),
    ("a key of 8,000 letters", whip(offer(), Authorization="Bearer " + "k" * 8000), "forbidden",
     "4096"),
    ("Basic credentials", whip(offer(), Authorization="Basic YTpi"), "forbidden", "stream key"),
    ("the admin token as key", whip(offer(), **bearer(ADMIN)), "forbidden", "stream key"),
    ("a revoked key", revoked_key, "forbidden", "revoked"),
    ("a rotated key", old_key, "forbidden", "stream key"),
    ("a second publisher with another key", foreign_publisher, "forbidden", "stream key"),
    ("DELETE with another key", foreign_delete, "forbidden", "stream key"),
    # --- channels and addresses
    ("an unknown channel", lambda b: b.door.publish("nobody", "k"), "channel-unknown", "nobody"),
    ("a channel in capitals", get("/whip/Live"), "channel-unknown", "a-z"),
    ("a channel of 65 letters", get("/api/channels/" + "a" * 65 + "/state"), "channel-unknown",
     "64"),
    ("dots as channel", get("/whep/%2e%2e"), "channel-unknown", "a-z"),
    ("a NUL in the channel", get("/whip/li%00ve"), "channel-unknown", "a-z"),
    ("a slash in the channel", get("/watch/..%2f..%2fetc"), "not-found", "address"),
    ("a way out of /static", get("/static/../../pyproject.toml"), "not-found", "address"),
    ("an encoded way out", get("/static/%2e%2e/%2e%2e/pyproject.toml"), "not-found", "address"),
    ("an absolute path in /static", get("/static//etc/passwd"), "not-found", "address"),
    ("a NUL in /static", get("/static/index.html%00.js"), "not-found", "address"),
    ("an unknown address", get("/wp-admin/setup.php"), "not-found", "address"),
    ("an address of 9,000 bytes", get("/api/time?x=" + "y" * 9000), "uri-too-long", "8192"),
    ("20 kB of headers", get("/api/time", X="y" * 20_000), "headers-too-large", "16384"),
    ("PUT on the endpoint", get("/whip/live", "PUT"), "method-not-allowed", "PUT"),
    ("GET on a session", lambda b: b.get(b.session), "method-not-allowed", "GET"),
    ("POST on a session", lambda b: b.get(b.session, "POST"), "method-not-allowed", "POST"),
    ("a made-up method", get("/api/time", "BREW"), "method-not-allowed", "BREW"),
    ("DELETE on a page", get("/studio", "DELETE"), "method-not-allowed", "DELETE"),
    # --- sessions
    ("PATCH without If-Match", patch(fragment(), If_Match=""), "if-match-missing", "If-Match"),
    ("PATCH with a stale ETag", patch(fragment(), If_Match='"old"'), "etag-mismatch", "ICE"),
    ("PATCH with a weak ETag", patch(fragment(), If_Match='W/"x"'), "etag-mismatch", "ICE"),
    ("PATCH of a whole offer", patch(offer(), Content_Type="application/sdp"), "bad-request",
     "trickle-ice-sdpfrag"),
    ("an empty PATCH", patch(b""), "fragment-malformed", "empty"),
    ("garbage as PATCH", patch(b"\x00\x01\x02"), "fragment-malformed", "Line 1"),
    ("PATCH of a strange section", patch("m=audio 9 RTP/AVP 0\r\na=mid:77\r\n"),
     "fragment-malformed", "Line 2"),
    ("PATCH with 65 candidates", patch(f"{CANDIDATE}\r\n" * 65), "fragment-malformed", "64"),
    ("PATCH with 17 sections", patch("m=audio 9 RTP/AVP 0\r\n" * 17), "fragment-malformed", "16"),
    ("PATCH with half the credentials", patch("a=ice-ufrag:abcd\r\n"), "fragment-malformed",
     "together"),
    ("a restart with a short password", patch(fragment("nEwU", "short"), If_Match="*"),
     "fragment-malformed", "22"),
    ("10 MB of PATCH", patch(b"a" * 10_000_000), "too-large", "65536"),
    ("PATCH of a dead session", patch_of_the_dead, "session-unknown", "ended"),
    ("a second DELETE", second_delete, "session-unknown", "ended"),
    ("a session of another channel", session_of_another_channel, "session-unknown", "ended"),
    ("a viewer's session as publisher", viewer_session_as_publisher, "session-unknown", "ended"),
    ("a guessed session", get("/whep/live/AAAAAAAAAAAAAAAAAAAAAA", "DELETE"), "session-unknown",
     "ended"),
    # --- viewer tokens
    ("no viewer token", lambda b: b.door.watch("shy"), "unauthorized", "viewer token"),
    ("a word as token", shy(lambda: "hello"), "token-invalid", "verified"),
    ("an expired token", shy(lambda: token(exp=1_789_999_999)), "token-invalid", "expired"),
    ("a token without end", shy(lambda: token(exp=None)), "token-invalid", "exp"),
    ("a token without id", shy(lambda: token(jti=None)), "token-invalid", "jti"),
    ("a token signed with none", shy(lambda: token(alg="none")), "token-invalid", "verified"),
    ("a token signed with HS512", shy(lambda: token(alg="HS512")), "token-invalid", "verified"),
    ("a token for somebody else", shy(lambda: token(aud="x")), "token-invalid", "verified"),
    ("a token with a number as channel", shy(lambda: token(channel=5)), "token-invalid", "types"),
    ("a token whose end is a word", shy(lambda: token(exp="soon")), "token-invalid", "token"),
    ("a tampered token", shy(lambda: token()[:-4] + "AAAA"), "token-invalid", "verified"),
    ("a token of another channel", shy(lambda: token("live")), "forbidden", "another channel"),
    ("a revoked token", revoked_token, "token-invalid", "revoked"),
    ("events without the token", get("/api/channels/shy/events"), "unauthorized", "viewer token"),
    ("watching what is not live", lambda b: b.door.watch("other"), "not-live", "other"),
    # --- the API
    ("no admin token", get("/api/channels"), "unauthorized", "admin token"),
    ("a wrong admin token", get("/api/channels", Authorization="Bearer x"), "forbidden", "admin"),
    ("broken JSON", api("POST", "/api/channels", b'{"channel": '), "json-malformed", "JSON"),
    ("no JSON at all", api("POST", "/api/channels"), "json-malformed", "JSON"),
    ("deep JSON", api("POST", "/api/channels", DEEP), "json-malformed", "array"),
    ("a list for an object", api("POST", "/api/channels", b"[]"), "json-malformed", "object"),
    ("an unknown field", api("POST", "/api/channels", b'{"channel":"x","admin":true}'),
     "json-malformed", "admin"),
    ("a number as name", api("POST", "/api/channels", b'{"channel":5}'), "json-malformed",
     "$.channel"),
    ("a name with a slash", api("POST", "/api/channels", b'{"channel":"a/b"}'), "json-malformed",
     "$.channel"),
    ("a made-up access", api("POST", "/api/channels", b'{"channel":"x","access":"all"}'),
     "json-malformed", "$.access"),
    ("a title without letters", api("PATCH", "/api/channels/live", b'{"title":""}'),
     "json-malformed", "$.title"),
    ("3 kB of JSON", api("POST", "/api/channels", b" " * 3000), "too-large", "2000"),
    ("a channel twice", api("POST", "/api/channels", b'{"channel":"live"}'), "channel-exists",
     "live"),
    ("a token that lives for years",
     api("POST", "/api/channels/shy/viewer-tokens", b'{"ttl_s":99999999}'), "value-refused",
     "86400"),
    ("a token that lives backwards",
     api("POST", "/api/channels/shy/viewer-tokens", b'{"ttl_s":-1}'), "json-malformed", "ttl_s"),
    ("a revocation of nothing", api("POST", "/api/viewer-tokens/revoke", b"{}"), "value-refused",
     "jti"),
    ("a page of a million", api("GET", "/api/channels?limit=1000000"), "value-refused", "1000"),
    ("a page of minus one", api("GET", "/api/channels?limit=-1"), "value-refused", "number"),
    ("a peer in words", api("GET", "/api/peers/first"), "value-refused", "number"),
    ("a peer with 40 digits", api("GET", "/api/peers/" + "1" * 40), "value-refused", "number"),
    ("a peer that is not", api("DELETE", "/api/peers/999"), "not-found", "peer"),
    ("a broadcast that is not", api("GET", "/api/broadcasts/other"), "not-found", "broadcast"),
    ("a key for nobody", api("POST", "/api/channels/nobody/key"), "channel-unknown", "nobody"),
    # --- recordings and clips
    ("a recording that is not", get(f"/api/vods/{VOD}"), "vod-unknown", "no such recording"),
    ("dots as recording", get("/api/vods/%2e%2e"), "vod-unknown", "no such recording"),
    ("a NUL in a recording", get("/vod/li%00ve/master.m3u8"), "vod-unknown", "name"),
    ("a way out of a recording", get("/vod/..%2f..%2fetc/passwd"), "vod-unknown", "name"),
    ("a folder above all recordings", get("/vod//etc/passwd"), "vod-unknown", "name"),
    ("media of a recording that is not", get(f"/vod/{VOD}/video.mp4"), "vod-unknown", "such"),
    ("a made-up signature", get(f"/vod/~1790000999.AAAA/{VOD}/video.mp4"), "forbidden", "signed"),
    ("POST on media", get(f"/vod/{VOD}/video.mp4", "POST"), "method-not-allowed", "POST"),
    ("recordings without the token", get("/api/channels/shy/vods"), "unauthorized",
     "viewer token"),
    ("clips without the token", get("/api/channels/shy/clips"), "unauthorized", "viewer token"),
    ("a page of recordings that is none", api("GET", "/api/channels/live/vods?before=x"),
     "value-refused", "before"),
    ("a page of clips in words", api("GET", "/api/channels/live/clips?limit=x"), "value-refused",
     "limit"),
    ("a stranger's marker", get("/api/channels/live/markers", "POST"), "unauthorized",
     "stream key"),
    ("a viewer's marker", get("/api/channels/live/markers", "POST", Authorization="Bearer x"),
     "forbidden", "stream key"),
    ("a marker that nobody sees", api("POST", "/api/channels/live/markers", b'{"text":"\\u202e"}'),
     "value-refused", "shown"),
    ("a marker for what is not recorded",
     api("POST", "/api/channels/live/markers", b'{"text":"x"}'), "not-live", "recorded"),
    ("a clip of what is not recorded", api("POST", "/api/channels/live/clips", b"{}"),
     "clip-refused", "recorded"),
    ("a clip of two hours", api("POST", "/api/channels/live/clips", b'{"seconds":7200}'),
     "json-malformed", "seconds"),
    ("a clip that begins below zero",
     api("POST", f"/api/vods/{VOD}/clips", b'{"from_ms":-1,"to_ms":5}'), "vod-unknown", "such"),
    ("a clip that is not", get("/api/clips/abcdefghijkl"), "clip-unknown", "no such clip"),
    ("another's file as a clip's", get("/vod-clip/abcdefghijkl/index.log"), "clip-unknown",
     "no such clip"),
    ("the deletions for a stranger", get("/api/channels/live/deletions"), "unauthorized",
     "stream key"),
    ("how recordings are kept, for a stranger", get("/api/channels/live/keeping"), "unauthorized",
     "stream key"),
    ("recordings kept for minus one day",
     api("PUT", "/api/channels/live/keeping", b'{"keep_days":-1}'), "json-malformed", "keep_days"),
    ("captions for a recording that is not", api("PUT", f"/api/vods/{VOD}/captions/en", b"x"),
     "vod-unknown", "such"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "code", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
async def test_it_is_refused_counted_and_hurts_nobody(
    beside: Beside, call: Call, code: str, words: str
) -> None:
    door = beside.door
    publisher, viewers = door.engine.publisher("live"), door.viewers("live")
    before = door.counted("sluice_http_problems_total", code=code)

    response = await call(beside)

    assert response.status_code == KINDS[code].status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == TYPE_PREFIX + code
    assert body["code"] == code
    assert body["title"] == KINDS[code].title
    assert body["status"] == response.status_code
    assert words in body["detail"]
    assert body["detail"].endswith(KINDS[code].todo)
    if body["detail"].startswith("Line "):
        assert body["line"] == int(body["detail"].split(":")[0].removeprefix("Line "))
    if response.status_code in (409, 429, 503) and code != "channel-exists":
        assert int(response.headers["retry-after"]) >= 1
    if response.status_code == 401:
        assert response.headers["www-authenticate"].startswith("Bearer")
    if response.status_code == 405:
        assert response.headers["allow"]
    assert door.counted("sluice_http_problems_total", code=code) == before + 1

    state = await door.state()
    assert (state["live"], state["stalled"], state["viewers"]) == (True, False, 1)
    assert (door.engine.publisher("live"), door.viewers("live")) == (publisher, viewers)
    assert door.counted("sluice_http_problems_total", code="internal") == 0


def test_the_table_is_long_and_its_names_differ() -> None:
    assert len(ROWS) >= 100
    assert len({row[0] for row in ROWS}) == len(ROWS)
