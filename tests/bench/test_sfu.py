"""How the bench of forwarding finds the most that another server carries."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from signaling.load_door import LoadFailed
from signaling.load_result import LoadResult
from tests.bench.sfu import Peer, beside, most
from tests.bench.test_rig import result


async def test_the_first_count_that_is_served_well_is_taken() -> None:
    tried: list[int] = []

    async def run(viewers: int) -> LoadResult:
        tried.append(viewers)
        return await result(viewers)

    peer = await most((9, 5, 2, 1), run, lambda result: result.viewers <= 5)
    assert (peer.viewers, peer.result.joined, tried) == (5, 5, [9, 5])


async def test_a_server_that_serves_nobody_well_has_no_figure() -> None:
    with pytest.raises(LoadFailed, match="not even 1"):
        await most((2, 1), result, lambda result: False)


async def test_what_cannot_be_measured_here_is_left_out_and_named() -> None:
    async def absent() -> Peer:
        raise LoadFailed("Janus is not installed")

    said = io.StringIO()
    assert await beside(absent(), Console(file=said)) is None
    assert "left out: Janus is not installed" in said.getvalue()
