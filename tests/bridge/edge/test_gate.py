"""Who may have what an edge keeps."""

from __future__ import annotations

import asyncio

import pytest

from bridge.edge.gate import OPEN_S, REFUSED_S, STALE_S, Gate
from bridge.edge.upstream import OriginLost
from bridge.signed import Signer
from sluice.clock import VirtualClock
from sluice.errors import Problem

SIGNER = Signer(b"0123456789abcdef0123456789abcdef")


class World:
    """An origin that says one word, and counts how often."""

    def __init__(self, signer: Signer | None = None, status: int = 204) -> None:
        self.clock = VirtualClock()
        self.status = status
        """0: the origin is lost."""
        self.asked: list[tuple[str, str | None]] = []
        self.gate = Gate(self._ask, signer, self.clock)

    def grant(self, seconds: int, channel: str = "lina") -> str:
        return SIGNER.grant(channel, self.clock.wall_ms() // 1_000 + seconds)

    async def code(self, grant: str | None, channel: str = "lina") -> str | None:
        """Of the problem; None when it is open."""
        try:
            await self.gate.admit(channel, grant)
        except Problem as problem:
            return problem.kind.code
        return None

    async def _ask(self, channel: str, grant: str | None) -> int:
        self.asked.append((channel, grant))
        await asyncio.sleep(0)
        if not self.status:
            raise OriginLost("gone")
        return self.status


async def test_an_open_channel_is_asked_about_once_in_a_while() -> None:
    world = World()
    assert [await world.code(None) for _ in range(3)] == [None] * 3
    assert world.gate.is_open("lina", None)
    assert world.asked == [("lina", None)]
    world.clock.advance(round(OPEN_S * 1_000))
    assert not world.gate.is_open("lina", None)
    assert await world.code(None) is None
    assert len(world.asked) == 2


async def test_all_who_come_at_once_share_the_question() -> None:
    world = World()
    assert await asyncio.gather(*(world.code(None) for _ in range(100))) == [None] * 100
    assert len(world.asked) == 1


async def test_a_refusal_is_remembered_for_a_moment() -> None:
    world = World(status=401)
    assert [await world.code(None) for _ in range(2)] == ["unauthorized"] * 2
    assert len(world.asked) == 1
    world.status = 204
    world.clock.advance(round(REFUSED_S * 1_000))
    assert await world.code(None) is None


async def test_with_the_secret_no_good_grant_is_asked_about() -> None:
    world = World(SIGNER, status=401)
    grant = world.grant(10)
    assert await world.code(grant) is None
    assert world.gate.is_open("lina", grant)
    assert world.asked == []
    world.clock.advance(10_000)
    assert not world.gate.is_open("lina", grant)
    assert await world.code(grant) == "forbidden"


async def test_with_the_secret_false_grants_cost_one_question_together() -> None:
    world = World(SIGNER, status=401)
    forged = [f"{world.grant(10)[:-2]}{n:02}" for n in range(50)]
    assert {await world.code(grant) for grant in forged} == {"forbidden"}
    assert world.asked == [("lina", None)]


async def test_a_false_grant_does_not_close_an_open_channel() -> None:
    world = World(SIGNER, status=204)
    assert await world.code("1.x") is None


async def test_without_the_secret_the_origin_judges_each_grant_once() -> None:
    world = World()
    grant = world.grant(100)
    assert [await world.code(grant) for _ in range(3)] == [None] * 3
    world.clock.advance(99_000)
    assert world.gate.is_open("lina", grant)
    world.clock.advance(1_000)
    assert not world.gate.is_open("lina", grant)
    assert world.asked == [("lina", grant)]


async def test_without_the_secret_what_cannot_be_good_is_not_passed_on() -> None:
    world = World(status=401)
    for grant in ("", "x", "1.x", world.grant(-1)):
        assert await world.code(grant) == "forbidden"
    assert world.asked == [("lina", None)]


async def test_what_is_no_channel_is_left_to_the_origin() -> None:
    assert await World(status=404).code(None) is None


async def test_the_last_word_counts_while_the_origin_is_lost() -> None:
    world = World()
    await world.code(None)
    world.status = 0
    world.clock.advance(round((OPEN_S + STALE_S) * 1_000) - 500)
    assert [await world.code(None) for _ in range(9)] == [None] * 9
    assert len(world.asked) == 2
    world.clock.advance(500)
    assert await world.code(None) == "busy"
    assert await world.code(None, "mona") == "busy"


@pytest.mark.parametrize("status", [500, 503])
async def test_an_origin_that_fails_is_as_good_as_lost(status: int) -> None:
    world = World(status=status)
    assert await world.code(None) == "busy"
    world.status = 204
    assert await world.code(None) is None
