"""The phone's words are as the format says, and a far end's are never believed too far."""

from __future__ import annotations

import json
import math

import pytest

from mobile_sim.signals import (
    MAX_MESSAGE,
    Advice,
    BatterySignal,
    Complaint,
    DeviceSignal,
    EncoderSignal,
    NetworkSignal,
    parse_answer,
)


def signal(rtt_ms: float | None = 45.0, loss: float = 0.01) -> DeviceSignal:
    return DeviceSignal(
        battery=BatterySignal(0.42, charging=False, low_power=True),
        thermal="serious",
        encoder=EncoderSignal("h264", True, 1280, 720, 30, 2_500_000, 3, "heat"),
        network=NetworkSignal("cellular", 0.8, rtt_ms, loss, 3_000_000),
        app="foreground",
    )


def test_a_signal_is_one_object_with_the_sections_of_the_format() -> None:
    assert json.loads(signal().encode()) == {
        "v": 1,
        "type": "device",
        "battery": {"level": 0.42, "charging": False, "low_power": True},
        "thermal": "serious",
        "encoder": {
            "codec": "h264",
            "hardware": True,
            "width": 1280,
            "height": 720,
            "fps": 30,
            "bitrate": 2_500_000,
            "dropped": 3,
            "reason": "heat",
        },
        "network": {
            "kind": "cellular",
            "signal": 0.8,
            "rtt_ms": 45.0,
            "loss": 0.01,
            "available_bps": 3_000_000,
        },
        "app": "foreground",
    }


def test_what_is_not_known_is_left_out_and_all_fits() -> None:
    text = signal(rtt_ms=None).encode()
    assert "rtt_ms" not in json.loads(text)["network"]
    assert len(text.encode()) < MAX_MESSAGE / 4


def test_no_number_that_json_has_not_is_ever_sent() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        signal(loss=math.nan).encode()


def test_advice_is_read_with_its_reasons_and_suggestions() -> None:
    text = json.dumps(
        {
            "v": 1,
            "type": "advice",
            "level": "warn",
            "reasons": ["heat", "battery"],
            "suggest": {"height": 540, "fps": 30, "bitrate": 1_200_000},
            "text": "The phone is hot.",
        }
    )
    assert parse_answer(text) == Advice(
        "warn",
        "The phone is hot.",
        ("heat", "battery"),
        {"height": 540, "fps": 30, "bitrate": 1_200_000},
    )


def test_a_problem_is_read() -> None:
    text = '{"v":1,"type":"problem","code":"device-signal-malformed","detail":"battery.level is 9"}'
    assert parse_answer(text) == Complaint("device-signal-malformed", "battery.level is 9")


@pytest.mark.parametrize(
    "message",
    [
        b"bytes",
        None,
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"type": "weather"}',
        '{"type": ["advice"]}',
        "[" * MAX_MESSAGE,
        " " * (MAX_MESSAGE + 1),
    ],
)
def test_nonsense_says_nothing(message: object) -> None:
    assert parse_answer(message) is None


def test_nonsense_inside_an_advice_is_left_out() -> None:
    suggest = {"fps": True, "height": "x"}
    body = {"type": "advice", "level": 7, "reasons": [1, "heat"], "suggest": suggest}
    assert parse_answer(json.dumps(body)) == Advice("", "", ("heat",), {})
    assert parse_answer('{"type": "advice", "reasons": 1, "suggest": []}') == Advice("", "")
