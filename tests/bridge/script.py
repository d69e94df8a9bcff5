"""What can happen to a studio, as words that a property test puts together."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from bridge.presentation import AUDIO, PackagingSettings
from tests.bridge.studio import Studio

NAMES = ("source", "360p", AUDIO)
Event = tuple[str, str, int]
"""What, to whom, how much."""


def _event(what: str, who: tuple[str, ...], *amounts: int) -> st.SearchStrategy[Event]:
    return st.tuples(st.just(what), st.sampled_from(who), st.sampled_from(amounts))


NOBODY = ("",)
EVENTS = st.one_of(
    _event("run", NOBODY, 30, 100, 370, 1_000, 2_000, 5_000),
    _event("off", NAMES, 0),
    _event("on", NAMES, 0),
    _event("interrupt", NOBODY, 0),
    _event("configure", NAMES[:2], 240, 360, 720, 1_080),
    _event("shed", NAMES, 0),
    _event("restore", NAMES, 0),
    _event("shift", NAMES, -200_000, -5_000, -40, 40, 5_000, 300_000, 9_000_000),
    _event("lag", NAMES, 0, 100, 400, 1_700, 3_000),
    _event("rate", NAMES[:2], 750, 1_500, 3_000, 6_001, 9_100, 18_000, 90_000),
    _event("size", NAMES, 10, 1_000, 60_000),
    _event("key", NOBODY, 0),
    _event("gop", NOBODY, 300, 1_000, 2_000, 3_500, 20_000),
    _event("constant", NOBODY, 0, 1),
    _event("ticks", NOBODY, 0, 1),
)


@dataclass(frozen=True, slots=True)
class Script:
    """Who comes when, and what happens."""

    constant: bool
    begins: dict[str, int]
    """Before which event each source begins."""
    events: list[Event]

    def play(self) -> Studio:
        """Every rule is looked at after each stretch of time."""
        studio = Studio(PackagingSettings(window_ms=14_000, window_bytes=4 << 20))
        studio.packager.constant = self.constant
        for n, event in enumerate([*self.events, ("run", "", 2_000), ("run", "", 2_000)]):
            for name, at in self.begins.items():
                if at <= n and name not in studio.sources:
                    if name == AUDIO:
                        studio.audio()
                    else:
                        studio.video(name, 720 if name == "source" else 360)
            _play(studio, *event)
        studio.end()
        return studio


scripts = st.builds(
    Script,
    st.booleans(),
    st.fixed_dictionaries({name: st.integers(0, 12) for name in NAMES}),
    st.lists(EVENTS, min_size=6, max_size=30),
)


def _play(studio: Studio, what: str, who: str, amount: int) -> None:
    source = studio.sources.get(who)
    match what:
        case "run":
            studio.run(amount)
        case "interrupt":
            studio.packager.interrupt()
        case "key":
            studio.key()
        case "gop":
            studio.gop_ms = amount
        case "constant":
            studio.packager.constant = bool(amount)
        case "ticks":
            studio.ticks = bool(amount)
        case "shed":
            studio.packager.shed(who)
        case "restore":
            studio.packager.restore(who)
        case _ if source is None:
            pass
        case "configure":
            studio.configure(who, amount)
        case "on" | "off":
            source.on = what == "on"
        case "shift":
            source.shift += amount
        case "lag":
            source.lag_ms = amount
        case "rate":
            source.duration = amount
        case "size":
            source.size = amount
