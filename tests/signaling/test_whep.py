"""WHEP: watching, tokens, and the two extensions."""

from __future__ import annotations

from pathlib import Path

from sfu.engine import Layer
from sfu.layers import LayerWish
from sluice.media import Codec
from tests.signaling.door import SDP, Door, Listening, bearer, fragment, offer, open_door


async def test_a_viewer_of_a_live_channel_gets_201(door: Door) -> None:
    await door.go_live()
    response = await door.watch()
    assert response.status_code == 201
    assert response.headers["location"].startswith("/whep/live/")
    assert response.headers["etag"]


async def test_a_channel_that_is_not_live_is_409_with_retry_after(door: Door) -> None:
    response = await door.watch()
    assert response.status_code == 409
    assert response.headers["retry-after"] == "2"
    assert response.json()["code"] == "not-live"


async def test_a_publisher_without_media_is_not_live_yet(door: Door) -> None:
    await door.publish()
    assert (await door.watch()).status_code == 409


async def test_head_tells_sdp_and_get_has_no_content(door: Door) -> None:
    head = await door.http.head("/whep/live")
    assert (head.status_code, head.headers["content-type"]) == (200, "application/sdp")
    assert (await door.http.get("/whep/live")).status_code == 204


async def test_a_channel_for_tokens_wants_one(door: Door) -> None:
    await door.add_channel("shy", "token")
    await door.go_live("shy")
    assert (await door.watch("shy")).status_code == 401
    made = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {"ttl_s": 60})).json()
    assert (await door.watch("shy", made["token"])).status_code == 201
    assert (await door.watch("shy", door.keys["shy"])).status_code == 201
    by_url = await door.http.post(
        f"/whep/shy?token={made['token']}", content=offer("recvonly"), headers=SDP
    )
    assert by_url.status_code == 201


async def test_an_expired_token_closes_its_session(door: Door) -> None:
    await door.add_channel("shy", "token")
    await door.go_live("shy")
    made = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {"ttl_s": 60})).json()
    location = (await door.watch("shy", made["token"])).headers["location"]
    door.clock.advance(59_000)
    await door.house.enforce()
    assert len(door.viewers("shy")) == 1
    door.clock.advance(1_000)
    await door.house.enforce()
    assert door.viewers("shy") == []
    assert (await door.http.delete(location, headers=bearer(made["token"]))).status_code == 404


async def test_a_jump_of_the_wall_clock_closes_nobody(door: Door) -> None:
    await door.add_channel("shy", "token")
    await door.go_live("shy")
    made = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {"ttl_s": 60})).json()
    await door.watch("shy", made["token"])
    door.clock.jump_wall(3_600_000)
    await door.house.enforce()
    assert len(door.viewers("shy")) == 1


async def test_a_machine_at_its_limit_refuses_new_viewers_only(door: Door) -> None:
    await door.go_live()
    door.house._lag_s = [0.5, 0.5]
    assert (await door.watch()).status_code == 503
    assert (await door.publish()).status_code == 201


async def test_a_full_channel_is_503(tmp_path: Path) -> None:
    async with open_door(tmp_path, limits={"viewers_per_channel": 1}) as door:
        await door.go_live()
        assert (await door.watch()).status_code == 201
        assert (await door.watch()).status_code == 503


async def test_offers_that_never_connect_are_bounded_and_forgotten(tmp_path: Path) -> None:
    media = {"half_open_max": 3, "half_open_timeout_ms": 10_000}
    async with open_door(tmp_path, media=media) as door:
        await door.go_live()
        codes = [(await door.watch()).status_code for _ in range(4)]
        assert codes == [201, 201, 201, 503]
        door.clock.advance(10_000)
        door.house.rooms.tick()
        await door.engine.settled()
        assert len(door.house.sessions) == 1
        assert (await door.watch()).status_code == 201


class TestEventsExtension:
    async def test_the_201_announces_it(self, door: Door) -> None:
        await door.go_live()
        links = (await door.watch()).headers.get_list("link")
        events = next(link for link in links if "server-sent-events" in link)
        assert events.startswith("</whep/live/")
        assert "viewercount" in events

    async def test_a_subscription_streams_the_events_it_named(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        made = await door.http.post(f"{session}/events", json=["inactive", "active"])
        assert made.status_code == 201
        async with Listening(door, made.headers["location"]) as client:
            first = await client.chunk()
            assert "event: active" in first
            assert "viewercount" not in first
            await door.http.delete(_whip(door), headers=bearer(door.keys["live"]))
            assert "event: inactive" in await client.chunk()
            await client.ended()

    async def test_a_viewer_hears_of_its_own_layer_and_nobody_elses(self, door: Door) -> None:
        await door.go_live()
        sessions = [(await door.watch()).headers["location"] for _ in range(2)]
        own, other = door.viewers()
        door.engine.switch_layer(own, "h")
        await door.engine.settled()
        made = await door.http.post(f"{sessions[0]}/events", json=["layer", "stalled"])
        async with (
            Listening(door, made.headers["location"]) as viewer,
            Listening(door, "/api/channels/live/events") as everybody,
        ):
            assert 'event: layer\ndata: {"rid":"h","audio_only":false}' in await viewer.chunk()
            assert "event: layer\n" not in await everybody.chunk()
            door.engine.switch_layer(other, "q")
            door.engine.switch_layer(own, None)
            door.engine.stall("live")
            assert await viewer.chunk() == (
                'event: layer\ndata: {"rid":null,"audio_only":true}\n\n'
            )
            for client in (viewer, everybody):
                assert "event: stalled" in await client.chunk()
        assert door.house.rooms._fanouts == {}

    async def test_unknown_names_and_an_empty_list_are_422(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        for names in ([], ["nonsense"]):
            response = await door.http.post(f"{session}/events", json=names)
            assert response.status_code == 422
            assert "viewercount" in response.json()["detail"]

    async def test_a_session_keeps_only_its_newest_subscriptions(self, tmp_path: Path) -> None:
        async with open_door(tmp_path, limits={"sse_per_session": 1}) as door:
            await door.go_live()
            session = (await door.watch()).headers["location"]
            old = await door.http.post(f"{session}/events", json=["active"])
            await door.http.post(f"{session}/events", json=["active"])
            async with Listening(door, old.headers["location"]) as client:
                assert client.status == 404


class TestLayerExtension:
    async def test_a_wish_reaches_the_engine(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        wish = {"mediaId": "1", "rid": "q", "maxTemporalLayerId": 1}
        assert (await door.http.post(f"{session}/layer", json=wish)).status_code == 200
        peer = door.engine.peers[door.viewers()[0]]
        assert peer.wish == LayerWish(rid="q", max_temporal=1)

    async def test_a_layer_that_is_not_sent_and_a_strange_section_are_422(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        for wish in ({"rid": "x"}, {"mediaId": "9"}):
            assert (await door.http.post(f"{session}/layer", json=wish)).status_code == 422

    async def test_an_unknown_layer_is_answered_with_those_there_are(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        refused = await door.http.post(f"{session}/layer", json={"rid": "x"})
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "value-refused"
        assert "sends no layer 'x'; there are: h, q." in refused.json()["detail"]
        door.engine.set_layers("live", (Layer("", Codec.VP8, 1, 640, 360, True),))
        await door.engine.settled()
        refused = await door.http.post(f"{session}/layer", json={"rid": "x"})
        assert "it sends one without a name." in refused.json()["detail"]

    async def test_a_viewer_that_left_meanwhile_is_404(self, door: Door) -> None:
        await door.go_live()
        session = (await door.watch()).headers["location"]
        (viewer,) = door.viewers()
        door.house.rooms._members.pop(viewer)
        door.engine.peers.pop(viewer)
        gone = await door.http.post(f"{session}/layer", json={"rid": "q"})
        assert (gone.status_code, gone.json()["code"]) == (404, "session-unknown")

    async def test_the_201_announces_it(self, door: Door) -> None:
        await door.go_live()
        created = await door.watch()
        layer = next(link for link in created.headers.get_list("link") if "core:layer" in link)
        assert layer.startswith(f"<{created.headers['location']}/layer>")


async def test_a_viewer_can_restart_ice(door: Door) -> None:
    await door.go_live()
    created = await door.watch()
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": '"*"'}
    response = await door.http.patch(
        created.headers["location"], content=fragment("nEwU", "n" * 24), headers=headers
    )
    assert response.status_code == 200
    assert response.headers["etag"] != created.headers["etag"]


def _whip(door: Door) -> str:
    session = next(one for one in door.house.sessions if one.role == "publisher")
    return f"/whip/{session.channel}/{session.id}"
