"""The battery: watt-hours that go out, and come in from a charger."""

from __future__ import annotations

from mobile_sim.device.coefficients import Coefficients

SECONDS_PER_HOUR = 3600.0


class Battery:
    """A cell between empty and full. It never rises without a charger."""

    def __init__(self, coefficients: Coefficients, level: float) -> None:
        """`level` is 0 to 1. Raises ValueError for another."""
        if not 0 <= level <= 1:
            raise ValueError("a battery is between 0 and 1")
        self._c = coefficients
        self.level = level

    def step(self, dt_s: float, drawn_w: float, charger_w: float) -> float:
        """Draw `drawn_w` for `dt_s` seconds while a charger offers `charger_w` (0: none).

        The charger feeds the phone first and the cell with what is left. Returns the watts that
        are lost as heat on the way.
        """
        need = drawn_w / self._c.battery_efficiency
        from_charger = min(need, charger_w)
        from_cell = need - from_charger
        accepted = 0.0
        if from_cell == 0:
            accepted = (charger_w - from_charger) * self._willing()
        change = accepted * self._c.charge_efficiency - from_cell
        level = self.level + change * dt_s / SECONDS_PER_HOUR / self._c.battery_wh
        self.level = min(1.0, max(0.0, level))
        return (need - drawn_w) + accepted * (1 - self._c.charge_efficiency)

    def _willing(self) -> float:
        """The share of what is offered that the cell takes: all of it, then less and less."""
        taper = self._c.charge_taper_level
        if self.level <= taper:
            return 1.0
        return max(0.0, (1 - self.level) / max(1 - taper, 1e-9))
