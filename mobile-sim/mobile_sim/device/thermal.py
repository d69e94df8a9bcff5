"""The heat of the phone: two nodes, chip and skin, and what the systems call it."""

from __future__ import annotations

import math
from enum import IntEnum, StrEnum

from mobile_sim.device.coefficients import Coefficients

STEFAN_BOLTZMANN = 5.67e-8
KELVIN = 273.15
AIR_W_PER_M_K = 0.0265
AIR_VISCOSITY_M2_S = 1.65e-5
AIR_PRANDTL = 0.71
"""Air at some 35 degrees Celsius: textbook values."""

LONGEST_STEP_S = 1.0
"""A step that is longer is cut up: the chip follows its power within a minute."""


class Thermal(StrEnum):
    """Apple's thermal states (ProcessInfo.ThermalState), coolest first."""

    NOMINAL = "nominal"
    FAIR = "fair"
    SERIOUS = "serious"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 is nominal, 3 critical."""
        return list(Thermal).index(self)


class AndroidThermal(IntEnum):
    """Android's thermal statuses (PowerManager.THERMAL_STATUS_*), coolest first."""

    NONE = 0
    LIGHT = 1
    MODERATE = 2
    SEVERE = 3
    CRITICAL = 4
    EMERGENCY = 5
    SHUTDOWN = 6

    @property
    def thermal(self) -> Thermal:
        """The same in Apple's words, as Chromium's power monitor maps them."""
        if self >= AndroidThermal.CRITICAL:
            return Thermal.CRITICAL
        if self >= AndroidThermal.SEVERE:
            return Thermal.SERIOUS
        return Thermal.FAIR if self >= AndroidThermal.LIGHT else Thermal.NOMINAL


class Body:
    """Two lumps of heat: the chip with its board, and the skin with battery and case.

    The chip warms the skin, the sun too; the skin gives its heat to the air by convection and
    radiation.
    """

    def __init__(self, coefficients: Coefficients, ambient_c: float) -> None:
        """The phone begins as warm as the air, `ambient_c`."""
        c = self._c = coefficients
        faces = c.body_length_m * c.body_width_m
        sides = (c.body_length_m + c.body_width_m) * c.body_depth_m
        self._area = 2 * (faces + sides) * c.body_exposed
        self._skin_heat = c.body_mass_kg * c.body_heat_j_per_kg_k
        self.chip_c = ambient_c
        self.skin_c = ambient_c

    def step(
        self, dt_s: float, chip_w: float, skin_w: float, ambient_c: float, wind_ms: float
    ) -> None:
        """Let `dt_s` seconds pass with so much heat made in the chip and put into the skin."""
        steps = math.ceil(dt_s / LONGEST_STEP_S)
        dt = dt_s / steps
        for _ in range(steps):
            inward = self._c.chip_to_skin_w_per_k * (self.chip_c - self.skin_c)
            outward = self.loss_w(ambient_c, wind_ms)
            self.chip_c += dt * (chip_w - inward) / self._c.chip_heat_j_per_k
            self.skin_c += dt * (inward + skin_w - outward) / self._skin_heat

    def loss_w(self, ambient_c: float, wind_ms: float) -> float:
        """Watts that the skin gives to the air; less than 0 when the air is warmer."""
        difference = self.skin_c - ambient_c
        width = self._c.body_width_m
        still = self._c.natural_convection * (abs(difference) / self._c.body_length_m) ** 0.25
        reynolds = wind_ms * width / AIR_VISCOSITY_M2_S
        nusselt = self._c.forced_convection * math.sqrt(reynolds) * AIR_PRANDTL ** (1 / 3)
        moved = nusselt * AIR_W_PER_M_K / width
        # Both at once: the usual blend of the two laws, by their cubes.
        convection = (still**3 + moved**3) ** (1 / 3) * difference
        hot, cold = self.skin_c + KELVIN, ambient_c + KELVIN
        radiation = self._c.emissivity * STEFAN_BOLTZMANN * (hot**4 - cold**4)
        return float(self._area * (convection + radiation))


class Thermometer:
    """Turns the skin's temperature into a status, with hysteresis: it rises at once, and falls
    only when it has cooled by some degrees more."""

    def __init__(self, coefficients: Coefficients) -> None:
        c = coefficients
        self._rises = {
            AndroidThermal.LIGHT: c.skin_light_c,
            AndroidThermal.MODERATE: c.skin_moderate_c,
            AndroidThermal.SEVERE: c.skin_severe_c,
            AndroidThermal.CRITICAL: c.skin_critical_c,
            AndroidThermal.EMERGENCY: c.skin_emergency_c,
            AndroidThermal.SHUTDOWN: c.skin_shutdown_c,
        }
        self._falls = {
            status: rises
            - (c.hysteresis_critical_k if status is AndroidThermal.CRITICAL else c.hysteresis_k)
            for status, rises in self._rises.items()
        }
        self.status = AndroidThermal.NONE

    def feed(self, skin_c: float) -> AndroidThermal:
        """Take the present temperature and return the status."""
        reached = AndroidThermal.NONE
        for status in self._rises:
            threshold = self._falls if status <= self.status else self._rises
            if skin_c >= threshold[status]:
                reached = status
        self.status = reached
        return reached
