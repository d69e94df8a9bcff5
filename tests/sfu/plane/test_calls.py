"""Calls find their answers, or an end."""

from __future__ import annotations

import asyncio

import pytest

from sfu.engine import EngineBusy, OfferRefused
from sfu.plane.calls import MOST, Calls, Gone
from sfu.plane.wire import YES, Busy, Call, Refused, Remove, Reply, WireError, reply
from sluice.ids import PeerId


class World:
    def __init__(self, patience_s: float = 5.0) -> None:
        self.sent: list[Call] = []
        self.reachable = True
        self.calls = Calls(self._send, patience_s)

    async def remove(self) -> asyncio.Task[bool]:
        """A call that is on its way."""
        call = Remove(self.calls.next_number(), PeerId(1))
        task = asyncio.create_task(self.calls.ask(call, YES))
        await asyncio.sleep(0)
        return task

    def _send(self, call: Call) -> bool:
        self.sent.append(call)
        return self.reachable


async def test_answers_find_their_calls_in_any_order() -> None:
    world = World()
    first, second = await world.remove(), await world.remove()
    assert [call.call for call in world.sent] == [1, 2]
    assert world.calls.hear(reply(2, True))
    assert world.calls.hear(reply(1, False))
    assert (await first, await second) == (False, True)
    assert len(world.calls) == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Refused(1, "malformed", "no"), OfferRefused), (Busy(1, "full"), EngineBusy)],
)
async def test_a_refusal_is_raised(answer: Refused | Busy, error: type[Exception]) -> None:
    world = World()
    task = await world.remove()
    assert world.calls.hear(answer)
    with pytest.raises(error, match=answer.detail):
        await task


async def test_where_nobody_hears_it_nobody_waits() -> None:
    world = World()
    world.reachable = False
    with pytest.raises(Gone):
        await (await world.remove())
    assert len(world.calls) == 0


async def test_what_is_not_answered_ends() -> None:
    world = World(patience_s=0.01)
    with pytest.raises(Gone, match="in time"):
        await (await world.remove())
    assert not world.calls.hear(reply(1, True))


async def test_a_dead_media_plane_answers_nobody_any_more() -> None:
    world = World()
    tasks = [await world.remove() for _ in range(3)]
    world.calls.lose()
    for task in tasks:
        with pytest.raises(Gone, match="restarted"):
            await task
    assert not world.calls.hear(reply(1, True))


async def test_an_answer_to_who_gave_up_is_nobodys() -> None:
    world = World()
    task = await world.remove()
    task.cancel()
    assert not world.calls.hear(reply(1, True)) or task.cancelled()
    await asyncio.gather(task, return_exceptions=True)
    assert len(world.calls) == 0
    assert not world.calls.hear(reply(1, True))


async def test_an_answer_of_another_kind_is_an_error() -> None:
    world = World()
    task = await world.remove()
    with pytest.raises(WireError):
        world.calls.hear(Reply(1, reply(1, ["no"]).body))
    with pytest.raises(Gone, match="nonsense"):
        await task


async def test_calls_are_bounded() -> None:
    world = World()
    tasks = [asyncio.create_task(world.calls.ask(Remove(n, PeerId(1)), YES)) for n in range(MOST)]
    await asyncio.sleep(0)
    with pytest.raises(EngineBusy, match="too much"):
        await world.calls.ask(Remove(MOST, PeerId(1)), YES)
    world.calls.lose()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {Gone}
