"""The bad day as its viewers see it: a scenario's phone, a server, and two viewers in Chromium.

    python -m tests.journeys.tram
    python -m tests.journeys.tram --scenario SCENARIO.yaml --plot docs/phone-tram.png

Both viewers have the watch page, one over WebRTC, one over LL-HLS. At the end there is a table of
what they saw, one line of JSON with the same, and a picture of the phone's day.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from mobile_sim.device.adaptation import Reason
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.file import Scenario
from mobile_sim.scenario.plot import plot
from mobile_sim.scenario.timeline import Connected, Row, Timeline
from mobile_sim.stamp import COUNTER_MODULUS, TIME_MODULUS, Stamp
from mobile_sim.viewing import Viewing
from tests.journeys.presented import Presented
from tests.journeys.publisher import Publisher
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer
from tests.journeys.watch_page import Frame, WatchPage

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "mobile-sim/scenarios/tram.yaml"
PLOT = ROOT / "docs/phone-tram.png"
CHANNEL = "lina"
LOOK_S = 0.5
SETTLED_MS = 6_000
"""An LL-HLS player looks for its place so long; freezes before that are the player's start."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What one viewer saw. Times in ms."""

    frames: int
    freezes: int
    """Gaps between pictures over max(3 x usual, usual + 150 ms), as in W3C webrtc-stats."""
    frozen_ms: int
    longest_freeze_ms: int
    mean_latency_ms: int
    p95_latency_ms: int
    last_captured_s: float
    """Unix time at which the last picture that was shown was captured."""
    heights: Sequence[int]
    """Of the picture, in the order they came first."""
    joins: int
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ride:
    """One scenario, and what came of it."""

    timeline: Timeline
    """With the WebRTC viewer's latency."""
    webrtc: Watched
    llhls: Watched
    began_s: float
    """Unix time at the scenario's beginning."""
    signals_taken: int
    """Device signals that the server took."""
    states: Sequence[str]
    """That the watch page was in, in the order they came first."""

    def figures(self) -> dict[str, object]:
        """Everything that counts, as JSON has it."""
        rows = self.timeline.rows
        return {
            "scenario": self.timeline.name,
            "seconds": len(rows),
            "rungs": list(dict.fromkeys(row.rung for row in rows if row.rung)),
            "seconds_by_rung": self.timeline.figures().seconds_by_rung,
            "mean_bitrate": round(statistics.fmean(row.bitrate for row in rows)),
            "ice_restarts": rows[-1].restarts,
            "new_sessions": rows[-1].posts,
            "signals_taken": self.signals_taken,
            "page_states": list(self.states),
            "webrtc": asdict(self.webrtc),
            "llhls": asdict(self.llhls),
        }


def ride(browser: Browser, scenario: Path, folder: Path) -> Ride:
    """Play `scenario` before two viewers. Raises TimeoutError when one never sees a picture."""
    with (
        SluiceServer(folder / "server") as server,
        browser.new_context() as context,
        browser.new_context() as other,  # a window of its own, or one tab would hide the other
    ):
        key = server.create_channel(CHANNEL)
        near, far = _Viewer(context), _Viewer(other)
        phone = _phone(server, key, scenario, folder)
        with phone:
            server.await_live(CHANNEL)
            near.page.open(server.watch_url(CHANNEL))
            far.page.open(f"{server.watch_url(CHANNEL)}?transport=llhls")
            near.page.await_frames(1)
            seen_at: list[float] = []
            while phone.running:
                time.sleep(LOOK_S)
                near.look()
                far.look()
                rows = len(phone.rows())
                seen_at += [time.time()] * (rows - len(seen_at))
            taken = server.metric("sluice_device_signals_total", result="taken")
        if not phone.rows():
            raise RuntimeError(f"the phone told nothing: {phone.output[-2_000:]}")
        # We look now and then, so a row is seen too late, never too soon.
        began_s = min(at - row.at_s for at, row in zip(seen_at, phone.rows(), strict=False))
        timeline = Timeline(
            Scenario.read(scenario).name,
            adaptation=True,
            rows=_with_latency(phone.rows(), began_s, near.frames),
        )
        return Ride(
            timeline=timeline,
            webrtc=near.watched(near.frames),
            llhls=far.watched(_settled(far.frames)),
            began_s=began_s,
            signals_taken=round(taken),
            states=list(near.states),
        )


class _Phone(Publisher):
    """`mobile-sim run` against the server."""

    def rows(self) -> list[Row]:
        lines = [line for line in self.output.splitlines() if line.endswith("}")]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [_row(one) for one in found if one["event"] == "second"]


def _phone(server: SluiceServer, key: str, scenario: Path, folder: Path) -> _Phone:
    command = [sys.executable, "-m", "mobile_sim", "run", str(scenario)]
    command += [server.whip_url(CHANNEL), "--json"]
    return _Phone(command, {"MOBILE_SIM_KEY": key}, folder / "phone.log")


class _Viewer:
    """Keeps what the watch page forgets after 600 frames."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = WatchPage(context.new_page())
        self.frames: list[Frame] = []
        self.states: dict[str, None] = {}
        self._joins = 0
        self._errors: list[str] = []
        context.on("weberror", lambda error: self._errors.append(str(error.error)))
        self._presented = Presented(self.page.page)

    def look(self) -> None:
        since = self.frames[-1] if self.frames else None
        self.frames += self.page.frames(since).frames
        self.states[self.page.state] = None
        self._joins = self.page.joins

    def watched(self, frames: Sequence[Frame]) -> Watched:
        """Sum up what was shown, in order. Raises ValueError when that is nothing."""
        if not frames:
            raise ValueError("no picture was seen")
        viewing = Viewing()
        for one in frames:
            stamp = Stamp(one.counter % COUNTER_MODULUS, round(one.capture_ms) % TIME_MODULUS)
            viewing.feed(one.shown_ms / 1000, round(one.shown_ms), stamp)
        total = viewing.total()
        latencies = sorted(one.latency_ms for one in frames)
        return Watched(
            frames=len(frames),
            freezes=total.freezes,
            frozen_ms=total.frozen_ms,
            longest_freeze_ms=total.longest_gap_ms if total.freezes else 0,
            mean_latency_ms=round(statistics.fmean(latencies)),
            p95_latency_ms=round(latencies[int(0.95 * (len(latencies) - 1))]),
            last_captured_s=max(one.capture_ms for one in frames) / 1000,
            heights=list(dict.fromkeys(one.height for one in self._presented.frames)),
            joins=self._joins,
            errors=self._errors,
        )


def _settled(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Without those of the first seconds."""
    return [one for one in frames if one.shown_ms > frames[0].shown_ms + SETTLED_MS]


def _row(found: Mapping[str, object]) -> Row:
    """A row as `mobile-sim run --json` writes it."""
    values = {name: value for name, value in found.items() if name != "event"}
    kinds = {"connected": Connected, "app": App, "thermal": Thermal, "reason": Reason}
    for name, kind in kinds.items():
        values[name] = kind(str(values[name]))
    return Row(**values)  # type: ignore[arg-type]  # the types are those of JSON


def _with_latency(rows: Sequence[Row], began_s: float, frames: Sequence[Frame]) -> list[Row]:
    """The rows with the average latency of what was captured in each second."""
    of_second: dict[int, list[float]] = {}
    for frame in frames:
        of_second.setdefault(int(frame.capture_ms / 1000 - began_s), []).append(frame.latency_ms)
    merged: list[Row] = []
    for row in rows:
        latencies = of_second.get(int(row.at_s) - 1)
        merged.append(replace(row, latency_ms=statistics.fmean(latencies) if latencies else None))
    return merged


def table(one: Ride) -> str:
    """What the two viewers saw, side by side."""
    lines = [f"{one.timeline.name}, {len(one.timeline)} s", ""]
    lines.append(f"{'':24}{'WebRTC':>10}{'LL-HLS':>10}")
    names = {
        "frames": "pictures shown",
        "freezes": "freezes",
        "frozen_ms": "frozen, ms",
        "longest_freeze_ms": "longest freeze, ms",
        "mean_latency_ms": "average latency, ms",
        "p95_latency_ms": "latency p95, ms",
        "joins": "sessions",
    }
    for name, words in names.items():
        lines.append(f"{words:24}{getattr(one.webrtc, name):>10}{getattr(one.llhls, name):>10}")
    errors = [*one.webrtc.errors, *one.llhls.errors]
    lines.append(f"{'errors':24}{len(one.webrtc.errors):>10}{len(one.llhls.errors):>10}")
    lines += [f"    {error}" for error in errors]
    figures = one.figures()
    lines += ["", f"rungs: {figures['seconds_by_rung']}"]
    lines.append(f"heights: WebRTC {list(one.webrtc.heights)}, LL-HLS {list(one.llhls.heights)}")
    lines.append(f"ICE restarts {figures['ice_restarts']}, new sessions {figures['new_sessions']}")
    lines.append(f"device signals taken: {one.signals_taken}")
    return "\n".join(lines)


def main() -> None:
    """Run one scene and tell what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument("--plot", type=Path, default=PLOT)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        one = ride(browser, options.scenario, Path(folder))
        browser.close()
    plot([one.timeline], options.plot)
    print(table(one))
    print(json.dumps(one.figures()))


if __name__ == "__main__":
    main()
