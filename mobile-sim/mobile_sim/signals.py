"""What the phone tells the platform of itself, and what the platform advises. No I/O.

JSON on the data channel `device`, one object a message; docs tell the format to apps' makers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

LABEL = "device"
INTERVAL_S = 2.0
"""The state is sent so often; the platform takes two messages a second."""
MAX_MESSAGE = 2048
"""Bytes that the platform takes in one message; of an answer, more is not read here."""

Reason = Literal["none", "heat", "battery", "network", "cpu"]
Thermal = Literal["nominal", "fair", "serious", "critical"]
App = Literal["foreground", "background", "interrupted"]
Kind = Literal["wifi", "cellular", "ethernet", "none", "other"]


@dataclass(frozen=True, slots=True)
class BatterySignal:
    """The battery."""

    level: float
    """0 to 1."""
    charging: bool
    low_power: bool


@dataclass(frozen=True, slots=True)
class EncoderSignal:
    """What the camera's picture is coded as. Width 0: no picture is sent."""

    codec: str
    hardware: bool
    width: int
    height: int
    fps: int
    bitrate: int
    """Bits per second."""
    dropped: int
    """Pictures left out since the start."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class NetworkSignal:
    """The uplink as the phone sees it."""

    kind: Kind
    signal: float
    rtt_ms: float | None
    loss: float
    available_bps: int | None


@dataclass(frozen=True, slots=True)
class DeviceSignal:
    """One message."""

    battery: BatterySignal
    thermal: Thermal
    encoder: EncoderSignal
    network: NetworkSignal
    app: App

    def encode(self) -> str:
        """As it is sent: keys without a value are left out."""
        body: dict[str, object] = {"v": 1, "type": "device"}
        for name, section in asdict(self).items():
            if isinstance(section, dict):
                section = {key: value for key, value in section.items() if value is not None}
            body[name] = section
        return json.dumps(body, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Advice:
    """What the platform suggests. It is shown, the app decides."""

    level: str
    text: str
    reasons: tuple[str, ...] = ()
    suggest: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The platform could not use a message."""

    code: str
    detail: str


def parse_answer(message: object) -> Advice | Complaint | None:
    """Read a message of the platform; None for one that says nothing to us."""
    if not isinstance(message, str) or len(message) > MAX_MESSAGE:
        return None
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    match body.get("type"):
        case "advice":
            reasons, suggest = body.get("reasons"), body.get("suggest")
            return Advice(
                level=_text(body, "level"),
                text=_text(body, "text"),
                reasons=tuple(one for one in reasons if isinstance(one, str))
                if isinstance(reasons, list)
                else (),
                suggest={
                    name: value
                    for name, value in suggest.items()
                    if isinstance(value, int) and not isinstance(value, bool)
                }
                if isinstance(suggest, dict)
                else {},
            )
        case "problem":
            return Complaint(_text(body, "code"), _text(body, "detail"))
        case _:
            return None


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
