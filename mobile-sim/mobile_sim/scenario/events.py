"""The events of a scenario file, played out into what holds when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mobile_sim.device.model import Place
from mobile_sim.document import Section
from mobile_sim.scenario.conditions import App, Conditions, Happening, Network

MOST_EVENTS = 500
KINDS = (
    "outage",
    "network",
    "background",
    "call",
    "place",
    "screen",
    "signal",
    "loss",
)

Stretches = tuple[tuple[float, Conditions], ...]


@dataclass(slots=True)
class _Day:
    """What holds while the events are gone through."""

    network: Network
    since_s: float
    place: Place
    address: int = 1
    going_on: Counter[str] = field(default_factory=Counter)
    """How many of each kind of trouble overlap."""
    screen: bool = True
    signal: float | None = None
    losses: list[float] = field(default_factory=list)

    def conditions(self) -> Conditions:
        network = self.network
        if self.signal is not None:
            network = replace(network, signal=self.signal)
        if self.losses:
            loss = max(network.settings.loss, *self.losses)
            network = replace(network, settings=replace(network.settings, loss=loss))
        app = App.FOREGROUND
        if self.going_on["call"]:
            app = App.INTERRUPTED
        elif self.going_on["background"]:
            app = App.BACKGROUND
        return Conditions(
            network=network,
            network_since_s=self.since_s,
            address=self.address,
            outage=self.going_on["outage"] > 0,
            place=self.place,
            app=app,
            sound=self.going_on["mute"] == 0,
            screen=self.screen,
        )


Change = Callable[[_Day], None]


class _Plan:
    """Changes and happenings, each with its time."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, Change]] = []
        self.happenings: list[Happening] = []

    def at(self, at_s: float, change: Change, text: str = "") -> None:
        self.changes.append((at_s, change))
        if text:
            self.happenings.append(Happening(at_s, text))


def play_out(
    document: Section,
    start: str,
    duration_s: float,
    networks: Mapping[str, Network],
    place: Place,
) -> tuple[tuple[Happening, ...], Stretches]:
    """Read the list `events` and return what happens, and what holds from when on."""
    plan = _Plan()
    for entry in document.sections("events", MOST_EVENTS):
        at_s = entry.seconds("at", 0, duration_s)
        kinds = [kind for kind in KINDS if kind in entry]
        if len(kinds) == 1:
            _event(entry, kinds[0], at_s, networks, plan)
        elif kinds:
            entry.complain(kinds[1], f"one event a time: {kinds[0]} or {kinds[1]}?")
        entry.done()
        if set(entry.keys()) <= {"at"}:
            entry.complain("at", f"nothing happens; it may be {', '.join(KINDS)}")
    day = _Day(networks[start], 0.0, place)
    stretches = [(0.0, day.conditions())]
    for at_s, change in sorted(plan.changes, key=lambda item: item[0]):
        change(day)
        if at_s == stretches[-1][0]:
            stretches.pop()
        # An equal network stays the same object, so that only a real change makes a new link.
        now = day.conditions()
        if stretches and now.network == stretches[-1][1].network:
            now = replace(now, network=stretches[-1][1].network)
        stretches.append((at_s, now))
    happenings = sorted(plan.happenings, key=lambda happening: happening.at_s)
    return tuple(happenings), tuple(stretches)


def _event(
    entry: Section, kind: str, at_s: float, networks: Mapping[str, Network], plan: _Plan
) -> None:
    match kind:
        case "outage":
            lasts_s = entry.seconds("outage", 0.1, 3600)
            _during(plan, at_s, lasts_s, "outage", f"no network for {lasts_s:g} s")
        case "network":
            _move(entry, at_s, networks, plan)
        case "background":
            lasts_s = entry.seconds("background", 0.1, 3600)
            _during(plan, at_s, lasts_s, "background", "the app goes to the background")
            plan.happenings.append(Happening(at_s + lasts_s, "the app is in front again"))
        case "call":
            lasts_s = entry.seconds("call", 0.1, 3600)
            _during(plan, at_s, lasts_s, "call", "a call comes in")
            if not entry.flag("sound", False):
                _during(plan, at_s, lasts_s, "mute", "")
            plan.happenings.append(Happening(at_s + lasts_s, "the call is over"))
        case "place":
            _place(entry, at_s, plan)
        case "screen":
            _screen(entry, at_s, plan)
        case "signal":
            _signal(entry, at_s, plan)
        case "loss":
            _loss(entry, at_s, plan)


def _move(entry: Section, at_s: float, networks: Mapping[str, Network], plan: _Plan) -> None:
    network = networks[entry.choice("network", list(networks))]
    gap_s = entry.seconds("gap", 0, 600, 1)
    new = entry.choice("address", ["new", "same"], "new") == "new"

    def move(day: _Day) -> None:
        day.network, day.since_s, day.signal = network, at_s + gap_s, None
        day.address += new

    text = f"to {network.name}" + (", a new address" if new else "")
    if gap_s:
        _during(plan, at_s, gap_s, "outage", "")
    plan.at(at_s + gap_s, move)
    plan.happenings.append(Happening(at_s, text))


def _place(entry: Section, at_s: float, plan: _Plan) -> None:
    section = entry.section("place", required=True)
    if section is None:
        return
    said = [name for name in ("ambient_c", "sun_w", "wind_ms", "charger_w") if name in section]
    place = read_place(section, Place())
    values: dict[str, float] = {name: getattr(place, name) for name in said}

    def change(day: _Day) -> None:
        day.place = replace(day.place, **values)

    units = {"ambient_c": "{:g} C", "sun_w": "sun {:g} W", "wind_ms": "wind {:g} m/s"}
    words = [form.format(values[name]) for name, form in units.items() if name in values]
    if "charger_w" in values:
        watts = values["charger_w"]
        words.append(f"charger {watts:g} W" if watts else "no charger")
    plan.at(at_s, change, ", ".join(words))


def _screen(entry: Section, at_s: float, plan: _Plan) -> None:
    lit = entry.flag("screen", True)

    def change(day: _Day) -> None:
        day.screen = lit

    plan.at(at_s, change, f"screen {'on' if lit else 'off'}")


def _signal(entry: Section, at_s: float, plan: _Plan) -> None:
    signal = entry.number("signal", 0, 1)

    def change(day: _Day) -> None:
        day.signal = signal

    plan.at(at_s, change, f"signal {signal:.0%}")


def _loss(entry: Section, at_s: float, plan: _Plan) -> None:
    loss = entry.number("loss", 0, 1)
    lasts_s = entry.seconds("for", 0.1, 3600, 30)

    def begin(day: _Day) -> None:
        day.losses.append(loss)

    def end(day: _Day) -> None:
        day.losses.remove(loss)

    plan.at(at_s, begin, f"{loss:.0%} loss for {lasts_s:g} s")
    plan.at(at_s + lasts_s, end)


def _during(plan: _Plan, at_s: float, lasts_s: float, kind: str, text: str) -> None:
    """Have a kind of trouble for so long."""

    def begin(day: _Day) -> None:
        day.going_on[kind] += 1

    def end(day: _Day) -> None:
        day.going_on[kind] -= 1

    plan.at(at_s, begin, text)
    plan.at(at_s + lasts_s, end)


def read_place(section: Section, before: Place) -> Place:
    """Read where the phone is held; what is not said stays as before."""
    place = Place(
        ambient_c=section.number("ambient_c", -20, 50, before.ambient_c),
        sun_w=section.number("sun_w", 0, 12, before.sun_w),
        wind_ms=section.number("wind_ms", 0, 20, before.wind_ms),
        charger_w=section.number("charger_w", 0, 60, before.charger_w),
    )
    section.done()
    return place
