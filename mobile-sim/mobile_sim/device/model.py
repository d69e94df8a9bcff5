"""The phone as a body: what it does in, how it feels out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from mobile_sim.device.battery import Battery
from mobile_sim.device.coefficients import Coefficients
from mobile_sim.device.ladder import Rung
from mobile_sim.device.thermal import AndroidThermal, Body, Thermal, Thermometer
from mobile_sim.encoder import VideoCodec


class Radio(StrEnum):
    """What the phone sends with: the names of a device signal's `network.kind`."""

    WIFI = "wifi"
    CELLULAR = "cellular"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the phone is held."""

    ambient_c: float = 25.0
    sun_w: float = 0.0
    """Watts of sunlight that the case takes up."""
    wind_ms: float = 0.0
    """Metres per second over the case; 0 is still air."""
    charger_w: float = 0.0
    """Watts that a charger offers; 0 is no charger."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the phone does during a step."""

    rung: Rung | None
    """What is encoded; None: no picture."""
    bitrate_bps: float = 0.0
    """Bits per second that the radio sends, sound included."""
    codec: VideoCodec = VideoCodec.H264
    hardware: bool = True
    """Whether the encoder is the chip's own block and not a program on the CPU."""
    camera: bool = True
    screen: bool = True
    brightness: float = 1.0
    """0 to 1, as the user set it; the system may show less."""
    radio: Radio = Radio.CELLULAR
    signal: float = 1.0
    """0 to 1: how well the radio hears the other side."""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How the phone is after a step."""

    battery: float
    """0 to 1."""
    charging: bool
    low_power: bool
    """The battery is low and no charger is there: the system asks to save."""
    power_w: float
    """Watts that the phone took during the step, from wherever."""
    chip_c: float
    skin_c: float
    android: AndroidThermal
    brightness: float
    """0 to 1: what the screen shows of what was asked for."""
    camera_allowed: bool
    """False while the phone is too hot for its camera, and when it is off."""
    hardware_allowed: bool
    """Whether the hardware encoder may be used: there is one for the codec, and no heat forbids."""
    software_capacity: float
    """Pixels per second that the software encoder manages now; heat makes it less."""
    hardware_capacity: float
    """Pixels per second that the hardware encoder manages."""
    off: bool
    """The battery is empty or the heat was too much: the phone has shut down."""

    @property
    def thermal(self) -> Thermal:
        """The heat in Apple's words."""
        return self.android.thermal


LONGEST_S = 3600.0
TURN_S = 1.0
"""How often the system looks at the heat and does something about it."""


class DeviceModel:
    """Battery, heat and what the system does about them. Time goes on only by `step`."""

    def __init__(
        self,
        coefficients: Coefficients,
        battery: float = 1.0,
        ambient_c: float = 25.0,
        hardware: frozenset[VideoCodec] = frozenset({VideoCodec.H264}),
        codec: VideoCodec = VideoCodec.H264,
    ) -> None:
        """`battery` is 0 to 1; the phone begins as warm as `ambient_c`.

        `hardware` are the codecs that it has a block for, `codec` is what it will be asked for
        first.
        """
        self._c = coefficients
        self._battery = Battery(coefficients, battery)
        self._body = Body(coefficients, ambient_c)
        self._thermometer = Thermometer(coefficients)
        self._thermometer.feed(ambient_c)
        self._hardware = hardware
        self._off = False
        self._load = Load(None, codec=codec)
        self._power_w = 0.0

    @property
    def state(self) -> DeviceState:
        """How the phone is now."""
        status = self._thermometer.status
        charging = self._load.place.charger_w > 0
        level = self._battery.level
        hot = status >= AndroidThermal.CRITICAL
        return DeviceState(
            battery=level,
            charging=charging,
            low_power=level <= self._c.low_power_level and not charging,
            power_w=self._power_w,
            chip_c=self._body.chip_c,
            skin_c=self._body.skin_c,
            android=status,
            brightness=self._brightness(self._load),
            camera_allowed=not (hot or self._off),
            hardware_allowed=self._load.codec in self._hardware and not (hot or self._off),
            software_capacity=self._c.software_pixels_per_s * self._speed(),
            hardware_capacity=self._c.hardware_pixels_per_s,
            off=self._off,
        )

    def step(self, dt_s: float, load: Load) -> DeviceState:
        """Let `dt_s` seconds pass under `load`. Raises ValueError unless 0 < dt_s <= 3600.

        What the heat forbids is not done, whatever the load says: no camera, no hardware
        encoder, a dimmer screen.
        """
        if not 0 < dt_s <= LONGEST_S:
            raise ValueError("a step takes more than 0 and at most 3600 seconds")
        self._load = load
        turns = math.ceil(dt_s / TURN_S)
        energy = 0.0
        for _ in range(turns):
            energy += self._turn(dt_s / turns, load) * dt_s / turns
        self._power_w = energy / dt_s
        return self.state

    def _turn(self, dt_s: float, load: Load) -> float:
        place = load.place
        chip_w, screen_w = self._power(load)
        cool = self._thermometer.status < AndroidThermal.SEVERE
        lost_w = self._battery.step(
            dt_s, chip_w + screen_w, place.charger_w if cool and not self._off else 0.0
        )
        self._body.step(
            dt_s, chip_w, screen_w + lost_w + place.sun_w, place.ambient_c, place.wind_ms
        )
        status = self._thermometer.feed(self._body.skin_c)
        if status is AndroidThermal.SHUTDOWN or self._battery.level == 0:
            self._off = True
        return chip_w + screen_w

    def _power(self, load: Load) -> tuple[float, float]:
        """Watts in the chip and in the screen."""
        if self._off:
            return 0.0, 0.0
        c = self._c
        hot = self._thermometer.status >= AndroidThermal.CRITICAL
        chip = c.base_w + self._radio(load)
        if load.camera and not hot:
            chip += c.camera_w + c.camera_per_fps_w * (load.rung.fps if load.rung else 0)
            chip += self._encoder(load)
        screen = 0.0
        if load.screen:
            screen = c.screen_w + c.screen_bright_w * self._brightness(load)
        return chip, screen

    def _encoder(self, load: Load) -> float:
        if load.rung is None:
            return 0.0
        c, pixels = self._c, load.rung.pixels_per_second
        if load.hardware and load.codec in self._hardware:
            return c.hardware_w + c.hardware_j_per_pixel * min(pixels, c.hardware_pixels_per_s)
        # What is too much for the CPU is left out and costs nothing.
        done = min(pixels, c.software_pixels_per_s * self._speed())
        factor = c.software_vp8_factor if load.codec is VideoCodec.VP8 else 1.0
        return c.software_w + c.software_j_per_pixel * factor * done

    def _radio(self, load: Load) -> float:
        c, mbps, far = self._c, load.bitrate_bps / 1e6, 1 - load.signal
        match load.radio:
            case Radio.CELLULAR:
                return c.cellular_w + c.cellular_per_mbps_w * mbps + c.cellular_far_w * far
            case Radio.WIFI:
                return c.wifi_w + c.wifi_per_mbps_w * mbps + c.wifi_far_w * far
            case Radio.NONE:
                return 0.0

    def _speed(self) -> float:
        """The share of the CPU's speed that the heat leaves."""
        status = self._thermometer.status
        if status >= AndroidThermal.CRITICAL:
            return self._c.slow_critical
        return self._c.slow_severe if status >= AndroidThermal.SEVERE else 1.0

    def _brightness(self, load: Load) -> float:
        if self._off or not load.screen:
            return 0.0
        status, most = self._thermometer.status, 1.0
        if status >= AndroidThermal.CRITICAL:
            most = self._c.dim_critical
        elif status >= AndroidThermal.SEVERE:
            most = self._c.dim_severe
        elif status >= AndroidThermal.MODERATE:
            most = self._c.dim_moderate
        return min(load.brightness, most)
