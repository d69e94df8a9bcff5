"""The media plane's process is kept running: killed, hung, or talking nonsense."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from sfu.plane.supervisor import Supervisor
from sfu.plane.wire import Beat, FromPlane, Start, Started, WireError
from sluice.config import MediaConfig
from tests.sfu.plane.planes import Heard, start


class Front:
    def __init__(self) -> None:
        self.config = MediaConfig(port=0, workers=1)
        self.heard = Heard()
        self.ups = 0
        self.downs = 0
        self.distrusts = False
        """Take the next beat for nonsense."""

    def greeting(self) -> Start:
        return start(config=self.config)

    def up(self, started: Started) -> None:
        self.ups += 1
        self.heard.hear(started)

    def hear(self, message: FromPlane) -> None:
        if self.distrusts and isinstance(message, Beat):
            self.distrusts = False
            raise WireError("a beat that is none")
        self.heard.hear(message)

    def down(self) -> None:
        self.downs += 1

    async def until_up(self, times: int) -> None:
        await self.heard.next(Started, times)


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
async def supervisor(front: Front) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(front)
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


def signalled(number: signal.Signals) -> Callable[[Supervisor], None]:
    def send(supervisor: Supervisor) -> None:
        assert supervisor.pid is not None
        os.kill(supervisor.pid, number)

    return send


def garbage(supervisor: Supervisor) -> None:
    assert supervisor._line is not None
    assert supervisor._line._transport is not None
    supervisor._line._transport.write(b"\xff" * 100)


@pytest.mark.parametrize(
    "harm",
    [signalled(signal.SIGKILL), signalled(signal.SIGSEGV), signalled(signal.SIGSTOP), garbage],
    ids=["killed", "crashed", "hung", "told nonsense"],
)
async def test_another_takes_its_place(
    front: Front, supervisor: Supervisor, harm: Callable[[Supervisor], None]
) -> None:
    first = supervisor.pid
    harm(supervisor)
    await front.until_up(2)
    assert supervisor.pid not in {None, first}
    assert (supervisor.restarts, front.ups, front.downs) == (1, 2, 1)
    assert supervisor.up
    await front.heard.next(Beat)


async def test_one_that_talks_nonsense_is_replaced(front: Front, supervisor: Supervisor) -> None:
    front.distrusts = True
    await front.until_up(2)
    assert (supervisor.restarts, front.downs) == (1, 1)


async def test_the_same_ports_are_taken_again(front: Front) -> None:
    supervisor = Supervisor(front)
    await supervisor.start()
    [first] = front.heard.of(Started)
    port = int(first.candidates[0].rpartition(":")[2])
    await supervisor.stop()

    front.config = MediaConfig(port=port, workers=1)
    supervisor = Supervisor(front)
    await supervisor.start()
    signalled(signal.SIGKILL)(supervisor)
    await front.until_up(3)
    assert [one.candidates for one in front.heard.of(Started)] == [first.candidates] * 3
    await supervisor.stop()


async def test_a_port_that_is_taken_at_the_start_is_the_callers_trouble(
    front: Front, supervisor: Supervisor
) -> None:
    [started] = front.heard.of(Started)
    other = Front()
    other.config = MediaConfig(port=int(started.candidates[0].rpartition(":")[2]), workers=1)
    second = Supervisor(other)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()
    assert (other.ups, other.downs, second.restarts) == (0, 0, 0)


async def test_stopped_in_order_it_is_not_started_again(
    front: Front, supervisor: Supervisor
) -> None:
    await supervisor.stop()
    assert (supervisor.exit_status, supervisor.up, supervisor.pid) == (0, False, None)
    assert (front.downs, supervisor.restarts) == (1, 0)
    await supervisor.stop()


async def test_one_that_hangs_can_be_stopped_too(front: Front, supervisor: Supervisor) -> None:
    signalled(signal.SIGSTOP)(supervisor)
    await supervisor.stop()
    assert supervisor.exit_status == -signal.SIGKILL
    assert not supervisor.up


async def test_the_one_in_reserve_takes_over(front: Front, supervisor: Supervisor) -> None:
    filling = supervisor._filling
    assert filling is not None
    await filling
    reserve = supervisor._reserve
    assert reserve is not None
    signalled(signal.SIGKILL)(supervisor)
    await front.until_up(2)
    assert supervisor.pid == reserve.pid


async def test_a_reserve_that_died_is_not_taken(front: Front, supervisor: Supervisor) -> None:
    assert supervisor._filling is not None
    await supervisor._filling
    reserve = supervisor._reserve
    assert reserve is not None
    os.kill(reserve.pid, signal.SIGKILL)
    await reserve._process.wait()
    signalled(signal.SIGKILL)(supervisor)
    await front.until_up(2)
    assert supervisor.pid != reserve.pid
    assert supervisor.restarts == 1


async def test_a_start_that_is_given_up_leaves_nothing(front: Front) -> None:
    supervisor = Supervisor(front)
    starting = asyncio.create_task(supervisor.start())
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await supervisor.stop()
    assert (supervisor.pid, front.ups) == (None, 0)
