"""The admin API."""

from __future__ import annotations

from sluice.ids import ChannelId
from tests.signaling.door import ADMIN, SDP, Door, bearer, offer


async def test_a_new_channel_can_be_published_to_with_the_key_shown(door: Door) -> None:
    made = await door.admin("POST", "/api/channels", {"channel": "lina", "title": "Lina live"})
    assert made.status_code == 201
    assert made.headers["location"] == "/api/channels/lina"
    key = made.json()["key"]
    assert (await door.publish("lina", key)).status_code == 201
    shown = (await door.admin("GET", "/api/channels/lina")).json()
    assert shown == {
        "channel": "lina", "title": "Lina live", "access": "public", "has_key": True,
        "live": False, "created_ms": door.clock.wall_ms(),
    }  # fmt: skip
    assert key not in (await door.admin("GET", "/api/channels")).text


async def test_channels_come_in_pages(door: Door) -> None:
    for name in ("a", "b", "c"):
        await door.add_channel(name)
    first = (await door.admin("GET", "/api/channels?limit=2")).json()
    assert [one["channel"] for one in first["channels"]] == ["a", "b"]
    rest = (await door.admin("GET", f"/api/channels?after={first['next']}")).json()
    assert [one["channel"] for one in rest["channels"]] == ["c", "live"]
    assert rest["next"] is None


async def test_a_change_leaves_the_rest_alone(door: Door) -> None:
    changed = await door.admin("PATCH", "/api/channels/live", {"title": "New"})
    assert (changed.json()["title"], changed.json()["access"]) == ("New", "public")


async def test_a_channel_that_closes_sends_its_anonymous_viewers_away(door: Door) -> None:
    await door.go_live()
    await door.watch()
    await door.admin("PATCH", "/api/channels/live", {"access": "token"})
    assert door.viewers() == []
    assert (await door.state())["live"] is True


async def test_a_revoked_key_closes_the_publisher_without_grace(door: Door) -> None:
    await door.go_live()
    response = await door.admin("DELETE", "/api/channels/live/key")
    assert response.status_code == 204
    assert (await door.state())["live"] is False
    assert door.engine.publisher("live") is None


async def test_a_rotated_key_closes_who_uses_the_old_one(door: Door) -> None:
    await door.go_live()
    made = await door.admin("POST", "/api/channels/live/key")
    assert door.engine.publisher("live") is None
    assert (await door.publish()).status_code == 403
    assert (await door.publish("live", made.json()["key"])).status_code == 201


async def test_a_deleted_channel_takes_all_its_peers_along(door: Door) -> None:
    await door.go_live()
    await door.watch()
    assert (await door.admin("DELETE", "/api/channels/live")).status_code == 204
    await door.removals()
    assert door.engine.peers == {}
    assert (await door.http.get("/api/channels/live/state")).status_code == 404


async def test_what_the_cli_changes_takes_effect_at_the_next_second(door: Door) -> None:
    from sluice.channels import ChannelBook
    from sluice.storage import Store

    await door.go_live()
    store = Store(door.house.settings.storage.path)
    cli = ChannelBook(store, door.clock, 10)
    await cli.refresh()
    channel = cli.get(ChannelId("live"))
    assert channel is not None
    await cli.revoke_key(channel)
    await door.house.book.refresh()
    await door.house.enforce()
    assert door.engine.publisher("live") is None


async def test_broadcasts_and_peers_are_shown(door: Door) -> None:
    await door.go_live()
    await door.watch()
    listed = (await door.admin("GET", "/api/broadcasts")).json()["broadcasts"]
    assert [one["channel"] for one in listed] == ["live"]
    one = (await door.admin("GET", "/api/broadcasts/live")).json()
    assert one["publisher"] == door.engine.publisher("live")
    page = (await door.admin("GET", "/api/broadcasts/live/peers?limit=1")).json()
    assert [peer["role"] for peer in page["peers"]] == ["publisher"]
    rest = (await door.admin("GET", f"/api/broadcasts/live/peers?after={page['next']}")).json()
    assert [peer["role"] for peer in rest["peers"]] == ["viewer"]
    assert rest["next"] is None
    peer = (await door.admin("GET", f"/api/peers/{rest['peers'][0]['id']}")).json()
    assert peer == rest["peers"][0]


async def test_a_viewer_is_shown_with_the_layer_that_it_is_sent(door: Door) -> None:
    await door.go_live()
    await door.watch()
    (viewer,) = door.viewers()
    door.engine.switch_layer(viewer, "q")
    first = (await door.admin("GET", f"/api/peers/{viewer}")).json()
    assert (first["layer"], first["audio_only"], first["switches"]) == ("q", False, 1)
    door.engine.switch_layer(viewer, None)
    then = (await door.admin("GET", f"/api/peers/{viewer}")).json()
    assert (then["layer"], then["audio_only"], then["switches"]) == ("", True, 2)
    assert (then["estimate_bps"], then["drops"]) == (None, 0)


async def test_a_kicked_viewer_is_gone_and_its_session_too(door: Door) -> None:
    await door.go_live()
    location = (await door.watch()).headers["location"]
    peer = door.viewers()[0]
    assert (await door.admin("DELETE", f"/api/peers/{peer}")).status_code == 204
    assert door.viewers() == []
    assert (await door.http.delete(location)).status_code == 404
    assert (await door.admin("DELETE", f"/api/peers/{peer}")).status_code == 404


async def test_no_route_of_the_admin_opens_without_its_token(door: Door) -> None:
    await door.go_live()
    for method, path in (
        ("GET", "/api/channels"), ("POST", "/api/channels"), ("GET", "/api/channels/live"),
        ("PATCH", "/api/channels/live"), ("DELETE", "/api/channels/live"),
        ("POST", "/api/channels/live/key"), ("DELETE", "/api/channels/live/key"),
        ("POST", "/api/channels/live/viewer-tokens"), ("POST", "/api/viewer-tokens/revoke"),
        ("GET", "/api/broadcasts"), ("GET", "/api/broadcasts/live"),
        ("GET", "/api/broadcasts/live/peers"), ("GET", "/api/peers/1"),
        ("DELETE", "/api/peers/1"),
    ):  # fmt: skip
        assert (await door.http.request(method, path)).status_code == 401, path
        wrong = await door.http.request(method, path, headers=bearer(door.keys["live"]))
        assert wrong.status_code == 403, path
    assert (await door.state())["live"] is True


async def test_the_admin_token_does_not_publish(door: Door) -> None:
    response = await door.http.post("/whip/live", content=offer(), headers=SDP | bearer(ADMIN))
    assert response.status_code == 403
