"""What a publisher's data channel `device` carries, both ways (docs/device-signals.md).

A message is a whole report: what it leaves out is not known from then on. Whatever the bytes are,
`read_signals` gives signals or raises `SignalRefused` with a text for the app's author.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

MOST_BYTES: Final = 2_048
"""A whole report has some 500 bytes."""
_SHOWN: Final = 40
"""No more of a stranger's own words is said back to it."""

Thermal = Literal["nominal", "fair", "serious", "critical"]
Limit = Literal["none", "heat", "battery", "network", "cpu"]
NetworkKind = Literal["wifi", "cellular", "ethernet", "none", "other"]
AppState = Literal["foreground", "background", "interrupted"]
Level = Literal["ok", "warn", "urgent"]
Reason = Literal["heat", "battery", "network", "cpu"]
ProblemCode = Literal[
    "device-signal-malformed", "device-signal-too-large", "device-signal-too-often"
]

_Share = Annotated[float, Meta(ge=0, le=1)]
_Pixels = Annotated[int, Meta(ge=0, le=16_384)]
_Bps = Annotated[int, Meta(ge=0, le=100_000_000_000)]


class DeviceBattery(Struct, frozen=True):
    """`level`: 1 is full. `low_power`: the owner wants it to last."""

    level: _Share | None = None
    charging: bool | None = None
    low_power: bool | None = None


class DeviceEncoder(Struct, frozen=True):
    """What the video encoder makes now: pixels, frames a second, bits a second. `dropped`: frames
    that it left out since the connection began; `reason`: why it makes less than it could."""

    codec: Annotated[str, Meta(max_length=16, pattern="^[A-Za-z0-9._-]*$")] | None = None
    hardware: bool | None = None
    width: _Pixels | None = None
    height: _Pixels | None = None
    fps: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    bitrate: _Bps | None = None
    dropped: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    reason: Limit | None = None


class DeviceNetwork(Struct, frozen=True):
    """`signal`: 1 is the best; `loss`: share of packets; `available_bps`: what the sender believes
    that its way to the server carries."""

    kind: NetworkKind | None = None
    signal: _Share | None = None
    rtt_ms: Annotated[float, Meta(ge=0, le=600_000)] | None = None
    loss: _Share | None = None
    available_bps: _Bps | None = None


class DeviceSignals(Struct, frozen=True):
    """What a publisher's device tells of itself; null: it does not say."""

    battery: DeviceBattery | None = None
    thermal: Thermal | None = None
    encoder: DeviceEncoder | None = None
    network: DeviceNetwork | None = None
    app: AppState | None = None


class DeviceSuggestion(Struct, frozen=True):
    """The most that the device should send: `height` is the shorter side in pixels, `fps` frames
    and `bitrate` bits a second."""

    height: int
    fps: int
    bitrate: int


class DeviceAdvice(Struct, frozen=True):
    """What the streamer is told: how bad it is, why (the worst first), and what to do."""

    level: Level
    reasons: list[Reason]
    suggest: DeviceSuggestion | None
    text: str


class SignalRefused(Exception):
    """A message says nothing; `detail` says which field and why."""

    def __init__(self, code: ProblemCode, detail: str) -> None:
        super().__init__(detail)
        self.code: ProblemCode = code
        self.detail = detail


class _Message(DeviceSignals, frozen=True, kw_only=True):
    v: Literal[1]
    type: Literal["device"]


class _AdviceFrame(Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1
    type: Literal["advice"] = "advice"
    level: Level
    reasons: list[Reason]
    suggest: DeviceSuggestion | None
    text: str


class _ProblemFrame(Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1
    type: Literal["problem"] = "problem"
    code: ProblemCode
    detail: str


_DECODER: Final = msgspec.json.Decoder(_Message)
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "v": ("1",),
    "type": ("device",),
    "thermal": get_args(Thermal),
    "encoder.reason": get_args(Limit),
    "network.kind": get_args(NetworkKind),
    "app": get_args(AppState),
}
_PLACE: Final = re.compile(r"(?P<why>.*) - at `\$\.(?P<path>[a-z_.]+)`", re.DOTALL)
_WHYS: Final = (
    (re.compile(r"Expected `(?:int|float)` <= ([\d.]+)"), r"at most \1"),
    (re.compile(r"Expected `(?:int|float)` >= ([\d.]+)"), r"at least \1"),
    (re.compile(r"Expected `str` of length (.*)"), r"its length must be \1"),
    (re.compile(r"Expected `str` matching.*"), "only letters, digits, '.', '_' and '-'"),
    (re.compile(r"Expected `float.*"), "it must be a number"),
    (re.compile(r"Expected `int.*"), "it must be a whole number"),
    (re.compile(r"Expected `bool.*"), "it must be true or false"),
    (re.compile(r"Expected `str.*"), "it must be a text"),
    (re.compile(r"Expected `object.*"), "it must be an object"),
    (re.compile(r"Number out of range"), "no number is as large"),
)


def read_signals(payload: bytes, *, binary: bool = False) -> DeviceSignals:
    """One message. Keys that are not known are ignored; another `v` or `type` is refused.

    Raises SignalRefused, and nothing else.
    """
    if binary:
        raise _malformed("the message is binary; it must be text")
    if len(payload) > MOST_BYTES:
        raise SignalRefused(
            "device-signal-too-large", f"the message has {len(payload)} bytes, at most {MOST_BYTES}"
        )
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is no UTF-8") from None
    try:
        said = _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise _malformed(_explained(str(error), payload)) from None
    except msgspec.DecodeError as error:
        raise _malformed(_not_json(str(error), text)) from None
    except RecursionError:
        raise _malformed("the message is nested too deeply") from None
    return DeviceSignals(said.battery, said.thermal, said.encoder, said.network, said.app)


def advice_frame(advice: DeviceAdvice) -> bytes:
    """As the device gets it."""
    return msgspec.json.encode(
        _AdviceFrame(
            level=advice.level, reasons=advice.reasons, suggest=advice.suggest, text=advice.text
        )
    )


def problem_frame(refused: SignalRefused) -> bytes:
    """The answer to a message that was refused."""
    return msgspec.json.encode(_ProblemFrame(code=refused.code, detail=refused.detail))


def _malformed(detail: str) -> SignalRefused:
    return SignalRefused("device-signal-malformed", detail)


def _explained(error: str, payload: bytes) -> str:
    """`battery.level is 9, at most 1` of what msgspec says."""
    placed = _PLACE.fullmatch(error)
    if placed is None:
        missing = re.fullmatch(r"Object missing required field `(\w+)`", error)
        return f"{missing[1]} is missing" if missing else "the message must be an object"
    path, why = placed["path"], placed["why"]
    if why.startswith("Invalid enum value") or path in ("v", "type"):
        why = f"it must be {' or '.join(_CHOICES[path])}" if path in _CHOICES else why
    for pattern, words in _WHYS:
        if pattern.fullmatch(why):
            why = pattern.sub(words, why).removesuffix(".0")
            break
    shown = _shown(payload, path)
    return f"{path}: {why}" if shown is None else f"{path} is {shown}, {why}"


def _shown(payload: bytes, path: str) -> str | None:
    """What stands at `path`, as JSON, cut short; None where that is odd: a key that is there
    twice, or a number with thousands of digits."""
    found: object
    try:
        found = json.loads(payload, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    text = json.dumps(found)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _not_json(error: str, text: str) -> str:
    place = re.search(r"\(byte (\d+)\)", error)
    if place is None:
        return "the message is no JSON: it ends too early"
    rest = text.encode()[int(place[1]) :][:12].decode(errors="ignore")
    hint = "; NaN and Infinity are no JSON" if rest.lstrip("-").startswith(("NaN", "Inf")) else ""
    return f"the message is no JSON from byte {place[1]} on: {json.dumps(rest)}{hint}"
