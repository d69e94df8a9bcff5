"""Silence is noticed where there was talk; a lonely machine has loopback."""

from __future__ import annotations

import aioice.ice
import pytest

from mobile_sim.network import Silence, only, use_loopback_when_alone


def test_a_regular_sender_that_stops_is_gone_after_the_limit() -> None:
    silence = Silence(limit_s=4.0)
    assert not any(silence.feed(second, 10 + second) for second in range(10))
    verdicts = [silence.feed(second, 19) for second in range(10, 16)]
    assert verdicts == [False, False, False, False, True, True]


def test_a_server_that_never_sends_is_left_to_ice() -> None:
    silence = Silence(limit_s=4.0)
    assert not any(silence.feed(second, 10) for second in range(1000))


def test_a_rare_sender_is_given_three_of_its_usual_gaps() -> None:
    silence = Silence(limit_s=4.0)
    for second in range(31):
        assert not silence.feed(second, second // 5)
    last = 30
    assert not silence.feed(last + 15, 6)
    assert silence.feed(last + 16, 6)


def test_a_sender_that_comes_back_is_heard() -> None:
    silence = Silence(limit_s=4.0)
    for second in range(5):
        silence.feed(second, second)
    assert silence.feed(9, 4)
    assert not silence.feed(10, 5)


def test_a_silence_a_little_too_long_is_a_doubt_once_a_second() -> None:
    silence = Silence(limit_s=4.0)
    assert not silence.doubts(50), "nothing is known of it"
    for second in range(100, 110):
        silence.feed(second, second)
        assert not silence.doubts(second)
    asked = [quarter / 4 for quarter in range(4 * 109, 4 * 113) if silence.doubts(quarter / 4)]
    assert asked == [110.5, 111.5, 112.5]
    silence.feed(113, 113)
    assert not silence.doubts(113.75)


def test_loopback_is_used_only_when_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[str] = []

    def found(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return addresses

    monkeypatch.setattr(aioice.ice, "get_host_addresses", found)
    use_loopback_when_alone()
    use_loopback_when_alone()
    assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.1"]
    addresses.append("192.0.2.7")
    assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.7"]
    addresses.clear()
    assert aioice.ice.get_host_addresses(False, True) == []


def test_a_phone_may_have_addresses_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.7"])
    use_loopback_when_alone()
    with only(["127.0.0.3"]):
        assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.3"]
        with only(None):
            assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.7"]
        with only([]):
            assert aioice.ice.get_host_addresses(True, True) == []
    assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.7"]
