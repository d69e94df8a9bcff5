"""A short loss is made good at once; a long one does not fill the line with what was lost."""

from __future__ import annotations

import pytest
from aiortc import RTCPeerConnection

from mobile_sim.resend import AGAIN_S, BURST_S, PACKET_BITS, SHARE, ResendBudget, limit_resends

RATE = 1_000_000
AT_ONCE = int(SHARE * RATE * BURST_S / PACKET_BITS)


def test_a_short_loss_is_made_good_at_once() -> None:
    budget = ResendBudget(lambda: RATE)
    assert all(budget.allows(100.0, number) for number in range(AT_ONCE))
    assert budget.refused == 0


def test_a_storm_gets_its_share_and_no_more() -> None:
    budget = ResendBudget(lambda: RATE)
    seconds = 20
    allowed = sum(
        budget.allows(100 + step / 100, number)
        for step in range(seconds * 100)
        for number in range(step * 10, step * 10 + 10)
    )
    share = allowed * PACKET_BITS / seconds
    assert share == pytest.approx(SHARE * RATE, rel=0.05)
    assert budget.refused == seconds * 1000 - allowed


def test_the_share_follows_the_bitrate() -> None:
    rate = RATE
    budget = ResendBudget(lambda: rate)
    assert sum(budget.allows(100, number) for number in range(1000)) == AT_ONCE
    rate = RATE // 10
    assert sum(budget.allows(200, number) for number in range(1000)) == 1


def test_at_the_lowest_bitrate_a_packet_may_still_be_sent_again() -> None:
    budget = ResendBudget(lambda: 1_000)
    assert budget.allows(100, 1)
    assert not budget.allows(100, 2)


def test_the_same_packet_is_not_sent_again_while_it_may_be_on_its_way() -> None:
    budget = ResendBudget(lambda: RATE)
    assert budget.allows(100.0, 7)
    assert not budget.allows(100.0 + AGAIN_S / 2, 7)
    assert budget.allows(100.0 + AGAIN_S, 7)


async def test_a_sender_asks_the_budget() -> None:
    peer = RTCPeerConnection()
    sender = peer.addTransceiver("video").sender
    sent: list[int] = []

    async def resend(number: int) -> None:
        sent.append(number)

    vars(sender)["_retransmit"] = resend
    now = 100.0
    limit_resends(sender, ResendBudget(lambda: RATE), lambda: now)
    for _ in range(3):
        await sender._retransmit(7)
    assert sent == [7]
    await peer.close()


async def test_an_unknown_aiortc_is_reported() -> None:
    class Other:
        pass

    with pytest.raises(RuntimeError, match=r"needs 1\.16"):
        limit_resends(Other(), ResendBudget(lambda: RATE), lambda: 0.0)  # type: ignore[arg-type]
