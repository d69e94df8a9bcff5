"""A scenario file: who streams where, over which networks, and what happens when."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from mobile_sim.device import coefficients
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.model import DeviceModel, Place, Radio
from mobile_sim.document import Complaints, DocumentError, Section, parse, read
from mobile_sim.encoder import VideoCodec
from mobile_sim.scenario.conditions import App, Conditions, Happening, Network
from mobile_sim.scenario.events import play_out, read_place
from mobile_sim.uplink import generators
from mobile_sim.uplink.link import LinkSettings
from mobile_sim.uplink.trace import HIGHEST_BPS, LOWEST_BPS, Trace, TraceError

__all__ = ["App", "Conditions", "Happening", "Network", "Scenario", "ScenarioError"]

LONGEST_S = 4 * 3600.0
MOST_NETWORKS = 16

ScenarioError = DocumentError
"""A file that cannot be played; the text has one line `file:line: reason` a mistake."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A file that has been read and found good."""

    name: str
    duration_s: float
    seed: int
    battery: float
    """0 to 1 at the start."""
    codec: VideoCodec
    hardware: frozenset[VideoCodec]
    """Codecs that the phone has a hardware encoder for."""
    brightness: float
    """0 to 1, as the user set it."""
    start_rung: str
    """The rung to begin with, and the largest that is used."""
    happenings: tuple[Happening, ...]
    """In order of time."""
    stretches: tuple[tuple[float, Conditions], ...]
    """What holds from when on; the first from 0."""

    @classmethod
    def read(cls, path: Path) -> Scenario:
        """Read a file; traces are looked for beside it. Raises ScenarioError."""
        return cls.parse(read(path), path.name, path.parent)

    @classmethod
    def parse(cls, text: str, name: str, folder: Path) -> Scenario:
        """Read a file's text. `folder` is where traces are. Raises ScenarioError."""
        complaints = Complaints(name)
        document = parse(text, complaints)
        title = document.text("name")
        duration_s = document.seconds("duration", 1, LONGEST_S)
        seed = int(document.number("seed", 0, 2**31, 1))
        device = document.section("device") or _nothing(complaints)
        battery = device.number("battery", 0.01, 1, 1)
        codec = device.member("codec", VideoCodec, VideoCodec.H264)
        hardware = device.words("hardware", list(VideoCodec), [VideoCodec.H264])
        brightness = device.number("brightness", 0, 1, 0.8)
        rungs = [rung.name for rung in LADDER]
        start_rung = device.choice("rung", rungs, rungs[0])
        device.done()
        place = read_place(document.section("place") or _nothing(complaints), Place())
        networks = _networks(document, complaints, folder, seed)
        start = document.choice("start", networks, next(iter(networks), "")) if networks else ""
        before = (duration_s, networks, place)
        happenings, stretches = play_out(document, start, *before) if networks else ((), ())
        document.done()
        complaints.check()
        return cls(
            name=title,
            duration_s=duration_s,
            seed=seed,
            battery=battery,
            codec=codec,
            hardware=frozenset(VideoCodec(word) for word in hardware),
            brightness=brightness,
            start_rung=start_rung,
            happenings=happenings,
            stretches=stretches,
        )

    def conditions(self, at_s: float) -> Conditions:
        """Return what holds at `at_s` seconds from the start."""
        index = bisect_right(self.stretches, at_s, key=lambda stretch: stretch[0])
        return self.stretches[max(index - 1, 0)][1]

    def device(self) -> DeviceModel:
        """Make the phone as it is at the start."""
        ambient_c = self.conditions(0.0).place.ambient_c
        numbers = coefficients.load()
        return DeviceModel(numbers, self.battery, ambient_c, self.hardware, self.codec)


def _networks(
    document: Section, complaints: Complaints, folder: Path, seed: int
) -> dict[str, Network]:
    section = document.section("networks", required=True)
    if section is None:
        return {}
    names = section.keys()
    if not 1 <= len(names) <= MOST_NETWORKS:
        document.complain("networks", f"there must be 1 to {MOST_NETWORKS} networks")
    networks: dict[str, Network] = {}
    for name in names[:MOST_NETWORKS]:
        if not name.isidentifier() or len(name) > 32:
            section.complain(name, "a network's name is a short word")
            continue
        entry = section.section(name)
        if entry is not None:
            networks[name] = _network(name, entry, folder, seed + len(networks))
    return networks


def _network(name: str, entry: Section, folder: Path, seed: int) -> Network:
    kind = Radio(entry.choice("kind", [Radio.WIFI, Radio.CELLULAR], Radio.CELLULAR))
    signal = entry.number("signal", 0, 1, 0.8)
    settings = LinkSettings(
        delay_s=entry.number("delay_ms", 0, 5000, 30) / 1000,
        jitter_s=entry.number("jitter_ms", 0, 5000, 0) / 1000,
        loss=entry.number("loss", 0, 1, 0),
        burst_loss=entry.number("burst_loss", 0, 0.9, 0),
        burst_packets=entry.number("burst_packets", 1, 1000, 5),
        queue_bytes=int(entry.number("queue_kb", 2, 10_000, 256) * 1000),
    )
    trace = _trace(entry, folder, seed)
    entry.done()
    return Network(name, kind, signal, trace, settings)


def _trace(entry: Section, folder: Path, seed: int) -> Trace:
    nothing = Trace([1])
    sources = [key for key in ("rate", "trace", "generator") if key in entry]
    if len(sources) != 1:
        entry.complain(
            sources[1] if sources else "rate", "a network has one of rate, trace and generator"
        )
        return nothing
    try:
        if sources == ["rate"]:
            return Trace.constant(entry.rate("rate", LOWEST_BPS, HIGHEST_BPS))
        if sources == ["trace"]:
            path = folder / entry.text("trace")
            if not path.resolve().is_relative_to(folder.resolve()):
                entry.complain("trace", "a trace lies beside its scenario")
                return nothing
            return Trace.read(path)
        return _generated(entry, seed)
    except TraceError as error:
        entry.complain(sources[0], str(error))
        return nothing


def _generated(entry: Section, seed: int) -> Trace:
    kind = entry.choice("generator", ["lte", "wifi", "tunnel", "handover"])
    mean = entry.rate("mean", 50_000, 50_000_000)
    length_s = entry.seconds("length", 1, 3600, 300)
    match kind:
        case "wifi":
            return generators.wifi(seed, length_s, mean)
        case "tunnel":
            enter_s = entry.seconds("enter", 0, length_s, length_s / 3)
            dark_s = entry.seconds("dark", 0, length_s, 10)
            return generators.tunnel(seed, length_s, mean, enter_s, dark_s)
        case "handover":
            every_s, gap_s = entry.seconds("every", 2, 3600, 30), entry.seconds("gap", 0.1, 1, 0.3)
            return generators.handover(seed, length_s, mean, every_s, gap_s)
        case _:
            return generators.lte(seed, length_s, mean, entry.number("spread", 0, 1.5, 0.45))


def _nothing(complaints: Complaints) -> Section:
    return parse("{}", complaints)
