"""Reports are read strictly, refusals say which field and why, and no bytes do any harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signaling.device_message import (
    MOST_BYTES,
    DeviceAdvice,
    DeviceBattery,
    DeviceEncoder,
    DeviceNetwork,
    DeviceSignals,
    DeviceSuggestion,
    SignalRefused,
    advice_frame,
    problem_frame,
    read_signals,
)

WHOLE = {
    "v": 1,
    "type": "device",
    "battery": {"level": 0.42, "charging": False, "low_power": True},
    "thermal": "serious",
    "encoder": {"codec": "h264", "hardware": True, "width": 1280, "height": 720, "fps": 29.97,
                "bitrate": 2_500_000, "dropped": 3, "reason": "heat"},
    "network": {"kind": "cellular", "signal": 0.8, "rtt_ms": 45, "loss": 0.01,
                "available_bps": 3_000_000},
    "app": "foreground",
}  # fmt: skip


def report(**parts: object) -> bytes:
    return json.dumps({"v": 1, "type": "device", **parts}).encode()


def refused(payload: bytes, *, binary: bool = False) -> SignalRefused:
    with pytest.raises(SignalRefused) as caught:
        read_signals(payload, binary=binary)
    return caught.value


def test_a_whole_report_is_read() -> None:
    assert read_signals(json.dumps(WHOLE).encode()) == DeviceSignals(
        battery=DeviceBattery(0.42, False, True),
        thermal="serious",
        encoder=DeviceEncoder("h264", True, 1280, 720, 29.97, 2_500_000, 3, "heat"),
        network=DeviceNetwork("cellular", 0.8, 45, 0.01, 3_000_000),
        app="foreground",
    )


def test_everything_may_be_left_out_or_null() -> None:
    assert read_signals(report()) == DeviceSignals()
    assert read_signals(report(thermal=None, battery={"level": None})) == DeviceSignals(
        battery=DeviceBattery()
    )


def test_keys_of_later_versions_are_ignored() -> None:
    said = read_signals(report(thermal="fair", wheels=4, battery={"level": 1, "watts": 3}))
    assert said == DeviceSignals(battery=DeviceBattery(1), thermal="fair")


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ({"battery": {"level": 9}}, "battery.level is 9, at most 1"),
        ({"battery": {"level": -0.1}}, "battery.level is -0.1, at least 0"),
        ({"battery": {"level": "0.5"}}, 'battery.level is "0.5", it must be a number'),
        ({"battery": {"level": True}}, "battery.level is true, it must be a number"),
        ({"battery": {"charging": 1}}, "battery.charging is 1, it must be true or false"),
        ({"battery": [0.5]}, "battery is [0.5], it must be an object"),
        ({"thermal": "hot"},
         'thermal is "hot", it must be nominal or fair or serious or critical'),
        ({"thermal": 3}, "thermal is 3, it must be a text"),
        ({"encoder": {"width": 720.5}}, "encoder.width is 720.5, it must be a whole number"),
        ({"encoder": {"width": 10**30}}, f"encoder.width is {10**30}, at most 16384"),
        ({"encoder": {"codec": "x" * 900}},
         f'encoder.codec is "{"x" * 38}…, its length must be <= 16'),
        ({"encoder": {"codec": "<b>"}},
         "encoder.codec is \"<b>\", only letters, digits, '.', '_' and '-'"),
        ({"encoder": {"reason": "tired"}},
         'encoder.reason is "tired", it must be none or heat or battery or network or cpu'),
        ({"network": {"kind": "5g"}},
         'network.kind is "5g", it must be wifi or cellular or ethernet or none or other'),
        ({"app": "gone"}, 'app is "gone", it must be foreground or background or interrupted'),
        ({"v": 2}, "v is 2, it must be 1"),
        ({"type": "advice"}, 'type is "advice", it must be device'),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_the_field_and_the_reason(
    parts: dict[str, object], detail: str
) -> None:
    error = refused(report(**parts))
    assert (error.code, error.detail) == ("device-signal-malformed", detail)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b'{"v":1,"type":"device","battery":{"level":NaN}}', "NaN and Infinity are no JSON"),
        (b'{"v":1,"type":"device","battery":{"level":-Infinity}}', "NaN and Infinity are no JSON"),
        (b'{"v":1,"type":"device","battery":{"level":1e999}}', "no number is as large"),
        (b"", "it ends too early"),
        (b"{", "it ends too early"),
        (b"[1]", "must be an object"),
        (b"null", "must be an object"),
        (b"battery low", "no JSON from byte 0"),
        (b'{"type":"device"}', "v is missing"),
        (b'{"v":1}', "type is missing"),
        (b'{"v":1,"type":"\xff"}', "byte 15 is no UTF-8"),
        (b'{"v":1,"type":"device","x":' + b"[" * 1_000 + b"]" * 1_000 + b"}", "too deeply"),
        (b'{"v":1,"type":"device","battery":5,"battery":{}}', "battery: it must"),
    ],
)
def test_what_is_no_report_is_refused(payload: bytes, words: str) -> None:
    error = refused(payload)
    assert error.code == "device-signal-malformed"
    assert words in error.detail


def test_binary_and_large_messages_are_refused_unread() -> None:
    assert refused(report(), binary=True).detail == "the message is binary; it must be text"
    assert read_signals(report() + b" " * (MOST_BYTES - len(report()))) == DeviceSignals()
    error = refused(report() + b" " * 1_000_000)
    assert error.code == "device-signal-too-large"
    assert error.detail.endswith("bytes, at most 2048")


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.sampled_from(["device", "serious", "h264", "wifi", "heat"])
)  # fmt: skip
KEYS = st.sampled_from([*WHOLE, *DeviceBattery.__struct_fields__, *DeviceEncoder.__struct_fields__,
                        *DeviceNetwork.__struct_fields__])  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(KEYS, inside),
    max_leaves=9,
)


def outcome(payload: bytes, *, binary: bool = False) -> DeviceSignals | SignalRefused:
    try:
        return read_signals(payload, binary=binary)
    except SignalRefused as error:
        return error


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.booleans())
@example(b'{"v":1,"type":"device","encoder":{"codec":"x","codec":"<>","x":5},"encoder":5}', False)
@example(b'{"v":1,"type":"\\ud800"}', False)
def test_no_bytes_raise_anything_else(payload: bytes, binary: bool) -> None:
    got = outcome(payload, binary=binary)
    assert isinstance(got, DeviceSignals) or len(got.detail) < 200


@given(st.dictionaries(KEYS, TREES))
def test_no_json_gets_through_out_of_bounds(parts: dict[str, object]) -> None:
    got = outcome(json.dumps({"v": 1, "type": "device"} | parts).encode())
    if isinstance(got, SignalRefused):
        assert len(got.detail) < 200
        return
    assert (parts.get("v", 1), parts.get("type", "device")) == (1, "device")
    battery, network = got.battery or DeviceBattery(), got.network or DeviceNetwork()
    assert all(one is None or 0 <= one <= 1 for one in (battery.level, network.loss))


def test_what_the_device_is_told() -> None:
    advice = DeviceAdvice("warn", ["heat"], DeviceSuggestion(540, 30, 1_500_000), "It is hot.")
    assert json.loads(advice_frame(advice)) == {
        "v": 1, "type": "advice", "level": "warn", "reasons": ["heat"], "text": "It is hot.",
        "suggest": {"height": 540, "fps": 30, "bitrate": 1_500_000},
    }  # fmt: skip
    error = SignalRefused("device-signal-malformed", "battery.level is 9, at most 1")
    assert json.loads(problem_frame(error)) == {
        "v": 1, "type": "problem", "code": "device-signal-malformed",
        "detail": "battery.level is 9, at most 1",
    }  # fmt: skip
