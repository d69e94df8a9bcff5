"""Keys, tokens and the gate."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from sluice.auth import (
    Gate,
    ViewerTokens,
    hash_secret,
    matches,
    new_admin_token,
    new_stream_key,
)
from sluice.clock import VirtualClock
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.storage import Channel

KEY = "sk_right"
LIVE = Channel(ChannelId("live"), "Live", "public", hash_secret(KEY), 0)
SHY = replace(LIVE, id=ChannelId("shy"), access="token")
SECRET = b"s" * 32


class Book:
    """A few channels in memory."""

    def __init__(self, *channels: Channel) -> None:
        self.channels = {channel.id: channel for channel in channels}
        self.revoked: dict[str, int] = {}

    def get(self, channel: ChannelId) -> Channel | None:
        return self.channels.get(channel)


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.book = Book(LIVE, SHY)
        self.tokens = ViewerTokens(SECRET)
        self.gate = Gate(self.book, self.tokens, hash_secret("adm"), self.clock)

    def token(self, ttl_s: int = 60) -> str:
        return self.tokens.issue(SHY.id, ttl_s, self.clock.wall_ms()).token


@pytest.fixture
def world() -> World:
    return World()


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(Problem) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.kind.code


def test_keys_hold_at_least_160_random_bits_and_differ() -> None:
    keys = {new_stream_key() for _ in range(50)} | {new_admin_token() for _ in range(50)}
    assert len(keys) == 100
    assert all(len(key.partition("_")[2]) * 6 >= 160 for key in keys)


def test_only_the_key_itself_matches_its_hash() -> None:
    assert matches(KEY, hash_secret(KEY))
    assert not matches(KEY + " ", hash_secret(KEY))
    assert KEY.encode() not in hash_secret(KEY)


class TestPublishing:
    def test_the_key_opens(self, world: World) -> None:
        assert world.gate.may_publish(LIVE, KEY).kind == "key"

    def test_everything_else_is_refused(self, world: World) -> None:
        gate = world.gate
        assert refusal(gate.may_publish, LIVE, None) == "unauthorized"
        assert refusal(gate.may_publish, LIVE, "") == "unauthorized"
        assert refusal(gate.may_publish, LIVE, "other") == "forbidden"
        assert refusal(gate.may_publish, LIVE, "k" * 5000) == "forbidden"
        assert refusal(gate.may_publish, replace(LIVE, key_hash=None), KEY) == "forbidden"
        assert refusal(gate.may_publish, SHY, world.token()) == "forbidden"

    def test_a_new_key_ends_the_grant_of_the_old_one(self, world: World) -> None:
        grant = world.gate.may_publish(LIVE, KEY)
        assert world.gate.still_holds(LIVE.id, grant)
        world.book.channels[LIVE.id] = replace(LIVE, key_hash=hash_secret("new"))
        assert not world.gate.still_holds(LIVE.id, grant)
        world.book.channels[LIVE.id] = replace(LIVE, key_hash=None)
        assert not world.gate.still_holds(LIVE.id, grant)
        del world.book.channels[LIVE.id]
        assert not world.gate.still_holds(LIVE.id, grant)


class TestWatching:
    def test_a_public_channel_is_open_until_it_is_not_public_any_more(self, world: World) -> None:
        grant = world.gate.may_watch(LIVE, None)
        assert world.gate.still_holds(LIVE.id, grant)
        world.book.channels[LIVE.id] = replace(LIVE, access="token")
        assert not world.gate.still_holds(LIVE.id, grant)

    def test_a_token_opens_its_channel_until_its_end(self, world: World) -> None:
        grant = world.gate.may_watch(SHY, world.token(60))
        world.clock.advance(59_999)
        assert world.gate.still_holds(SHY.id, grant)
        world.clock.advance(1)
        assert not world.gate.still_holds(SHY.id, grant)

    def test_the_owners_key_opens_it_too(self, world: World) -> None:
        assert world.gate.may_watch(SHY, KEY).kind == "key"

    def test_a_revoked_token_opens_nothing_and_ends_what_it_opened(self, world: World) -> None:
        token = world.token()
        grant = world.gate.may_watch(SHY, token)
        assert grant.jti is not None
        world.book.revoked[grant.jti] = 0
        assert not world.gate.still_holds(SHY.id, grant)
        assert refusal(world.gate.may_watch, SHY, token) == "token-invalid"

    def test_wrong_tokens_are_told_apart(self, world: World) -> None:
        old = world.token(1)
        world.clock.advance(2_000)
        assert refusal(world.gate.may_watch, SHY, None) == "unauthorized"
        assert refusal(world.gate.may_watch, SHY, old) == "token-invalid"
        assert refusal(world.gate.may_watch, SHY, "x") == "token-invalid"
        foreign = world.tokens.issue(LIVE.id, 60, world.clock.wall_ms()).token
        assert refusal(world.gate.may_watch, SHY, foreign) == "forbidden"

    def test_the_tokens_own_header_does_not_choose_the_algorithm(self, world: World) -> None:
        claims = {"aud": "sluice-viewer", "channel": "shy", "exp": 2_000_000_000, "jti": "x"}
        unsigned = jwt.encode(claims, "", algorithm="none")
        assert refusal(world.gate.may_watch, SHY, unsigned) == "token-invalid"


def test_only_the_admin_token_administers(world: World) -> None:
    world.gate.check_admin("adm")
    assert refusal(world.gate.check_admin, None) == "unauthorized"
    assert refusal(world.gate.check_admin, KEY) == "forbidden"
