"""What the bench of a room counts, and what it makes of it."""

from __future__ import annotations

import pytest

from chat.frame import Frame
from tests.bench.chat import ChatFigures, table
from tests.bench.chat_load import MARK, Reader, Tally

FIGURES = ChatFigures(
    deliveries_per_cpu_s=5_000_000,
    delivered_per_s=3_900_000,
    server_cores=0.78,
    delivery_ms_p50=60.0,
    delivery_ms_p99=120.0,
    ingest_per_s=None,
    ingest_cores=None,
    kb_per_connection=12.5,
    starlette_deliveries_per_cpu_s=None,
    starlette_batched_deliveries_per_cpu_s=None,
    clients=2_000,
    messages_per_s=2_000,
    gaps=0,
    doubts=[],
)

ITEMS = b"".join(b'{"seq":%d,' % n + MARK + b'1790000000000@ word"},' for n in range(10))
BATCH = Frame(ITEMS, b'{"op":"ack"}', ITEMS, ITEMS + b" ", ITEMS * 2)


@pytest.mark.parametrize("size", [1, 7, 26, 27, 64, 10_000])
@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("stream", [BATCH.websocket, BATCH.deflated], ids=["plain", "deflated"])
async def test_a_message_is_counted_once_wherever_a_read_ends(
    stream: bytes, size: int, timed: bool
) -> None:
    tally = Tally()
    reader = Reader("x", "/", "", tally, timed)
    reader.open.set_result(None)
    for at in range(0, len(stream), size):
        reader.data_received(stream[at : at + size])
    assert (tally.delivered, tally.acked) == (50, 1)
    assert len(tally.delays) == (50 if timed else 0)


def test_what_was_not_measured_is_said_so() -> None:
    rows = {what: figure for what, figure, _ in table(FIGURES)}
    assert rows["memory of a connection"] == "12.5 kB"
    assert [figure for figure in rows.values() if figure == "not measured"] == ["not measured"] * 3
