"""The queue of a tap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sfu.tap import QueueTap
from sluice.media import AccessUnit, Codec


def units(count: int) -> list[AccessUnit]:
    return [AccessUnit(Codec.OPUS, "", True, number, 0, b"") for number in range(count)]


async def test_a_slow_reader_loses_the_oldest_units_and_knows_how_many() -> None:
    closed: list[bool] = []
    tap = QueueTap(2, lambda: closed.append(True))
    tap.feed(units(5), 7)
    assert tap.dropped == 7 + 3
    batches = [batch async for batch in closing(tap)]
    assert [unit.captured_ms for batch in batches for unit in batch] == [3, 4]
    assert closed == [True]


async def test_losses_add_up_over_what_fills_it() -> None:
    tap = QueueTap(2, lambda: None)
    tap.feed(units(3), 7)
    tap.change_source()
    assert tap.dropped == 8
    tap.feed([], 2)
    assert tap.dropped == 10


async def closing(tap: QueueTap) -> AsyncIterator[Sequence[AccessUnit]]:
    """The tap's batches until it is empty."""
    tap.close()
    async for batch in tap:
        yield batch
