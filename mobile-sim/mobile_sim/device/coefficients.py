"""The numbers of the phone model, each with where it comes from (coefficients.yaml)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise

from mobile_sim.document import Complaints, parse

LARGEST = 1e12
THRESHOLDS = (
    "skin_light_c",
    "skin_moderate_c",
    "skin_severe_c",
    "skin_critical_c",
    "skin_emergency_c",
    "skin_shutdown_c",
)
"""Each lies above the one before."""
SHARES = (
    "body_exposed",
    "emissivity",
    "battery_efficiency",
    "charge_efficiency",
    "charge_taper_level",
    "low_power_level",
    "slow_severe",
    "slow_critical",
    "dim_moderate",
    "dim_severe",
    "dim_critical",
)
"""Numbers that are at most 1."""


class Origin(StrEnum):
    """Where a number comes from."""

    SOURCED = "sourced"
    """The value itself was read somewhere; the note says where."""
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Every number of the model, in SI units and degrees Celsius; the file explains each."""

    body_length_m: float
    body_width_m: float
    body_depth_m: float
    body_mass_kg: float
    body_heat_j_per_kg_k: float
    body_exposed: float
    emissivity: float
    natural_convection: float
    forced_convection: float
    chip_heat_j_per_k: float
    chip_to_skin_w_per_k: float
    skin_light_c: float
    skin_moderate_c: float
    skin_severe_c: float
    skin_critical_c: float
    skin_emergency_c: float
    skin_shutdown_c: float
    hysteresis_k: float
    hysteresis_critical_k: float
    battery_wh: float
    battery_efficiency: float
    charge_efficiency: float
    charge_taper_level: float
    low_power_level: float
    base_w: float
    screen_w: float
    screen_bright_w: float
    camera_w: float
    camera_per_fps_w: float
    hardware_w: float
    hardware_j_per_pixel: float
    software_w: float
    software_j_per_pixel: float
    software_vp8_factor: float
    cellular_w: float
    cellular_per_mbps_w: float
    cellular_far_w: float
    wifi_w: float
    wifi_per_mbps_w: float
    wifi_far_w: float
    hardware_pixels_per_s: float
    software_pixels_per_s: float
    slow_severe: float
    slow_critical: float
    dim_moderate: float
    dim_severe: float
    dim_critical: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one number comes from."""

    origin: Origin
    note: str


def read(text: str, name: str) -> tuple[Coefficients, dict[str, Provenance]]:
    """Read the file's text. Every number must be there, positive, and marked.

    Raises DocumentError, with a line for each mistake.
    """
    complaints = Complaints(name)
    document = parse(text, complaints)
    values: dict[str, float] = {}
    marks: dict[str, Provenance] = {}
    for field in fields(Coefficients):
        entry = document.section(field.name, required=True)
        if entry is None:
            continue
        values[field.name] = entry.number("value", 0.0, LARGEST)
        if values[field.name] == 0:
            entry.complain("value", f"{field.name} must be more than 0")
        origin = entry.member("from", Origin)
        marks[field.name] = Provenance(origin, entry.text("note"))
        entry.done()
    document.done()
    complaints.check()
    for cooler, hotter in pairwise(THRESHOLDS):
        if values[hotter] <= values[cooler]:
            document.complain(hotter, f"{hotter} must be more than {cooler}")
    for share in SHARES:
        if values[share] > 1:
            document.complain(share, f"{share} is a share, at most 1")
    complaints.check()
    return Coefficients(**values), marks


@cache
def _packaged() -> tuple[Coefficients, dict[str, Provenance]]:
    name = "coefficients.yaml"
    return read((files("mobile_sim.device") / name).read_text("utf-8"), name)


def load() -> Coefficients:
    """Return the coefficients that come with the package."""
    return _packaged()[0]


def provenance() -> dict[str, Provenance]:
    """Return where each number of the package comes from."""
    return dict(_packaged()[1])
