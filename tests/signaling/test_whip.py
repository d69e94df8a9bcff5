"""WHIP as RFC 9725 says, and as real publishers need it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from sluice.ids import ChannelId
from tests.signaling.door import FRAG, HIDDEN, HOST, SDP, Door, bearer, fragment, offer, open_door


async def test_an_offer_is_answered_with_201_location_and_a_strong_etag(door: Door) -> None:
    response = await door.publish()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/sdp"
    assert response.text.startswith("v=0")
    assert response.headers["location"].startswith("/whip/live/")
    assert len(response.headers["location"].rpartition("/")[2]) >= 22
    assert response.headers["etag"].startswith('"')
    assert response.headers["etag"].endswith('"')


@pytest.mark.parametrize("kind", ["application/sdp; charset=utf-8", "Application/SDP"])
async def test_content_type_is_read_as_a_media_type(door: Door, kind: str) -> None:
    headers = {"Content-Type": kind, **bearer(door.keys["live"])}
    response = await door.http.post("/whip/live", content=offer(), headers=headers)
    assert response.status_code == 201


async def test_the_key_is_taken_with_and_without_the_word_bearer_and_from_the_url(
    door: Door,
) -> None:
    key = door.keys["live"]
    for headers, query in (
        ({"Authorization": f"Bearer {key}"}, ""),
        ({"Authorization": f"bearer   {key}"}, ""),
        ({"Authorization": key}, ""),
        ({}, f"?token={key}"),
    ):
        response = await door.http.post(
            f"/whip/live{query}", content=offer(), headers=SDP | headers
        )
        assert response.status_code == 201, (headers, query, response.text)


async def test_get_and_head_answer_2xx_without_content(door: Door) -> None:
    for method in ("GET", "HEAD"):
        response = await door.http.request(method, "/whip/live")
        assert response.status_code == 204
        assert response.content == b""


async def test_get_with_a_wrong_key_tells_so(door: Door) -> None:
    assert (await door.http.get("/whip/live", headers=bearer("wrong"))).status_code == 403


async def test_delete_is_200_frees_the_session_at_once_and_the_second_is_404(door: Door) -> None:
    location = (await door.go_live()).headers["location"]
    headers = bearer(door.keys["live"]) | {"If-Match": '"whatever"'}
    first = await door.http.delete(location, headers=headers)
    assert first.status_code == 200
    assert (await door.state())["live"] is False
    assert door.engine.peers == {}
    second = await door.http.delete(location, headers=headers)
    assert second.status_code == 404
    assert second.json()["code"] == "session-unknown"


async def test_delete_after_a_goodbye_on_the_connection_ends_the_broadcast(door: Door) -> None:
    location = (await door.go_live()).headers["location"]
    peer = door.engine.publisher("live")
    assert peer is not None
    door.engine.close(peer, "left")
    await door.engine.settled()
    assert (await door.state())["live"] is True  # the grace time runs
    headers = bearer(door.keys["live"])
    assert (await door.http.delete(location, headers=headers)).status_code == 200
    assert (await door.state())["live"] is False
    assert (await door.http.delete(location, headers=headers)).status_code == 404


async def test_such_a_delete_does_not_end_the_next_publisher_s_broadcast(door: Door) -> None:
    location = (await door.go_live()).headers["location"]
    peer = door.engine.publisher("live")
    assert peer is not None
    door.engine.close(peer, "left")
    await door.engine.settled()
    await door.go_live()
    headers = bearer(door.keys["live"])
    assert (await door.http.delete(location, headers=headers)).status_code == 200
    assert (await door.state())["live"] is True


async def test_delete_and_patch_need_the_key_too(door: Door) -> None:
    location = (await door.go_live()).headers["location"]
    assert (await door.http.delete(location)).status_code == 401
    assert (await door.http.delete(location, headers=bearer("wrong"))).status_code == 403
    assert (await door.http.patch(location, headers=FRAG)).status_code == 401
    assert (await door.state())["live"] is True


class TestTrickle:
    async def test_a_candidate_is_taken_with_204_and_neither_body_nor_etag(
        self, door: Door
    ) -> None:
        response = await _patch(door, await door.publish(), fragment("cLnT", _PWD, HOST))
        assert response.status_code == 204
        assert response.content == b""
        assert "etag" not in response.headers
        peer = door.engine.publisher("live")
        assert peer is not None
        assert door.engine.peers[peer].candidates == [HOST]

    async def test_a_hidden_or_unreadable_candidate_is_dropped_without_a_word(
        self, door: Door
    ) -> None:
        body = fragment("cLnT", _PWD, HIDDEN, "candidate:nonsense", HOST)
        assert (await _patch(door, await door.publish(), body)).status_code == 204
        peer = door.engine.publisher("live")
        assert peer is not None
        assert door.engine.peers[peer].candidates == [HOST]
        assert door.counted("sluice_trickled_candidates_total", use="dropped") == 2

    async def test_a_session_takes_only_so_many_candidates_in_all(self, tmp_path: Path) -> None:
        async with open_door(tmp_path, limits={"sdp_candidates": 1}) as door:
            created = await door.publish()
            for _ in range(6):
                body = fragment("cLnT", _PWD, HOST)
                assert (await _patch(door, created, body)).status_code == 204
            assert door.counted("sluice_trickled_candidates_total", use="taken") == 4

    async def test_etag_in_place_of_if_match_is_understood(self, door: Door) -> None:
        created = await door.publish()
        headers = FRAG | bearer(door.keys["live"]) | {"ETag": created.headers["etag"]}
        body = fragment("cLnT", _PWD, HOST)
        response = await door.http.patch(created.headers["location"], content=body, headers=headers)
        assert response.status_code == 204

    async def test_session_level_credentials_and_a_dummy_section_are_understood(
        self, door: Door
    ) -> None:
        body = f"a=ice-ufrag:cLnT\r\na=ice-pwd:{_PWD}\r\nm=audio 9 RTP/AVP 0\r\na={HOST}\r\n"
        assert (await _patch(door, await door.publish(), body)).status_code == 204

    async def test_the_conditions_are_428_412_and_400(self, door: Door) -> None:
        created = await door.publish()
        location = created.headers["location"]
        key = bearer(door.keys["live"])
        body = fragment("cLnT", _PWD, HOST)
        for headers, status in (
            (FRAG | key, 428),
            (FRAG | key | {"If-Match": '"stale"'}, 412),
            (FRAG | key | {"If-Match": "W/" + created.headers["etag"]}, 412),
            (SDP | key | {"If-Match": created.headers["etag"]}, 400),
        ):
            response = await door.http.patch(location, content=body, headers=headers)
            assert response.status_code == status, headers


class TestIceRestart:
    @pytest.mark.parametrize("condition", ['"*"', "*"])
    async def test_new_credentials_give_a_fragment_and_a_new_etag(
        self, door: Door, condition: str
    ) -> None:
        created = await door.publish()
        response = await _patch(door, created, fragment("nEwU", "n" * 24), condition)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("application/trickle-ice-sdpfrag")
        assert response.headers["etag"] != created.headers["etag"]
        assert "a=ice-ufrag:fake000101" in response.text
        assert "a=candidate:1 1 udp" in response.text
        assert "tcptype passive" in response.text
        assert "a=mid:0" in response.text

    async def test_after_it_the_old_etag_is_stale_and_the_new_one_right(self, door: Door) -> None:
        created = await door.publish()
        restarted = await _patch(door, created, fragment("nEwU", "n" * 24), "*")
        late = await _patch(door, created, fragment("cLnT", _PWD, HOST))
        assert late.status_code == 412
        fresh = fragment("nEwU", "n" * 24, HOST)
        assert (await _patch(door, created, fresh, restarted.headers["etag"])).status_code == 204

    async def test_a_wildcard_with_the_present_credentials_is_only_trickle(
        self, door: Door
    ) -> None:
        body = fragment("cLnT", _PWD, HOST)
        assert (await _patch(door, await door.publish(), body, "*")).status_code == 204

    async def test_new_credentials_without_the_wildcard_are_refused_and_nothing_changes(
        self, door: Door
    ) -> None:
        created = await door.publish()
        refused = await _patch(door, created, fragment("nEwU", "n" * 24))
        assert refused.status_code == 400
        assert (await _patch(door, created, fragment("cLnT", _PWD, HOST))).status_code == 204


class TestTakeover:
    async def test_the_owner_replaces_the_publisher_and_viewers_stay(self, door: Door) -> None:
        first = await door.go_live()
        viewer = await door.watch()
        assert viewer.status_code == 201
        second = await door.publish()
        assert second.status_code == 201
        await door.engine.settled()
        assert (await door.state())["stalled"] is True
        door.engine.start_media("live")
        await door.engine.settled()
        state = await door.state()
        assert (state["live"], state["stalled"]) == (True, False)
        assert len(door.viewers()) == 1
        gone = await door.http.delete(first.headers["location"], headers=bearer(door.keys["live"]))
        assert gone.status_code == 404

    async def test_another_key_is_refused_and_the_publisher_goes_on(self, door: Door) -> None:
        await door.go_live()
        other = await door.add_channel("other")
        assert (await door.publish("live", other)).status_code == 403
        state = await door.state()
        assert (state["live"], state["stalled"]) == (True, False)


class TestIceServers:
    servers = (
        {"urls": ["stun:stun.example.org:3478"]},
        {"urls": ["turn:t.example.org:3478", "turns:t.example.org:5349"], "secret": "word"},
    )

    async def test_each_server_is_a_link_header_of_its_own(self, tmp_path: Path) -> None:
        async with open_door(tmp_path, ice_servers=list(self.servers)) as door:
            links = (await door.publish()).headers.get_list("link")
            assert len(links) == 3
            assert links[0] == '<stun:stun.example.org:3478>; rel="ice-server"'
            assert 'username="1790086400:live"' in links[1]
            assert 'credential-type="password"' in links[1]

    async def test_a_preflight_never_shows_them_and_an_authorized_options_does(
        self, tmp_path: Path
    ) -> None:
        async with open_door(tmp_path, ice_servers=list(self.servers)) as door:
            asking = {"Origin": "https://o.test", "Access-Control-Request-Method": "POST"}
            key = bearer(door.keys["live"])
            preflight = await door.http.options("/whip/live", headers=asking | key)
            assert preflight.status_code == 200
            assert preflight.headers["accept-post"] == "application/sdp"
            assert "link" not in preflight.headers
            anonymous = await door.http.options("/whip/live")
            assert anonymous.status_code == 200
            assert "link" not in anonymous.headers
            authorized = await door.http.options("/whip/live", headers=key)
            assert len(authorized.headers.get_list("link")) == 3

    async def test_obs_gets_no_scheme_it_does_not_know(self, tmp_path: Path) -> None:
        async with open_door(tmp_path, ice_servers=list(self.servers)) as door:
            headers = (
                SDP | bearer(door.keys["live"]) | {"User-Agent": "Mozilla/5.0 (OBS-Studio/32)"}
            )
            response = await door.http.post("/whip/live", content=offer(), headers=headers)
            assert not any("turns:" in link for link in response.headers.get_list("link"))


async def test_the_channels_node_is_told_by_307_with_the_query(tmp_path: Path) -> None:
    class Elsewhere:
        async def where(self, channel: ChannelId, role: str) -> str | None:
            return "https://b.example.org"

    async with open_door(tmp_path, Elsewhere()) as door:
        key = door.keys["live"]
        response = await door.http.post(f"/whip/live?token={key}", content=offer(), headers=SDP)
        assert response.status_code == 307
        assert response.headers["location"] == f"https://b.example.org/whip/live?token={key}"
        assert door.engine.peers == {}


async def test_a_busy_or_silent_or_stopping_engine_is_503_with_retry_after(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path, limits={"engine_timeout_ms": 20}) as door:
        door.engine.busy = True
        busy = await door.publish()
        door.engine.busy = False
        door.engine.hanging = asyncio.Event()
        silent = await door.publish()
        door.engine.hanging = None
        door.house.begin_stop()
        stopping = await door.publish()
        for response, code in ((busy, "busy"), (silent, "busy"), (stopping, "stopping")):
            assert response.status_code == 503
            assert response.json()["code"] == code
            assert int(response.headers["retry-after"]) >= 1


async def test_too_many_posts_are_429_by_address_and_by_channel(tmp_path: Path) -> None:
    limits = {"ip_burst": 2, "ip_rate": 1, "channel_burst": 3, "channel_rate": 0.5}
    async with open_door(tmp_path, limits=limits) as door:
        assert [(await door.publish()).status_code for _ in range(3)] == [201, 201, 429]
        async with door.from_address("192.0.2.2") as other:
            headers = SDP | bearer(door.keys["live"])
            third = await other.post("/whip/live", content=offer(), headers=headers)
            fourth = await other.post("/whip/live", content=offer(), headers=headers)
            assert third.status_code == 201
            assert fourth.status_code == 429
            assert fourth.headers["retry-after"] == "2"
            door.clock.advance(2000)
            again = await other.post("/whip/live", content=offer(), headers=headers)
            assert again.status_code == 201


async def test_wrong_keys_run_into_429_but_the_right_key_never_does(tmp_path: Path) -> None:
    async with open_door(tmp_path, limits={"denied_burst": 2}) as door:
        codes = [(await door.publish("live", "wrong")).status_code for _ in range(3)]
        assert codes == [403, 403, 429]
        assert (await door.publish()).status_code == 201


_PWD = "clientpasswordclientpassword"


async def _patch(
    door: Door, created: httpx.Response, body: str, condition: str | None = None
) -> httpx.Response:
    headers = FRAG | bearer(door.keys["live"])
    headers["If-Match"] = condition or created.headers["etag"]
    return await door.http.patch(created.headers["location"], content=body, headers=headers)
