"""The picture's way through the process: decoded once, paced, scaled, encoded once a rung."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from av.video.frame import VideoFrame

from bridge.ladder import Rung
from bridge.track import VIDEO_TIMESCALE, VideoConfig
from bridge.transcode.decoder import Picture
from bridge.transcode.encoder import Coded, Colours, EncoderMissing, RungEncoder
from bridge.transcode.grid import FrameGrid, Slot
from bridge.transcode.scaler import Scaler
from bridge.transcode.wire import Configured, Encoded, FromChild, Plan, Trouble

LONGEST: Final = VIDEO_TIMESCALE
"""Ticks: when nothing came for longer, a picture is said to last as long as the one before."""


def ticks(time_us: int) -> int:
    """Microseconds as ticks of 90 kHz, rounded as the passthrough rounds them: down."""
    return time_us * 9 // 100


@dataclass(slots=True)
class _Output:
    rung: Rung
    encoder: RungEncoder | None = None
    told: VideoConfig | None = None
    shed: bool = False
    broken: bool = False
    """Its encoder does not open."""

    @property
    def wanted(self) -> bool:
        return not (self.shed or self.broken)


@dataclass(slots=True)
class Pictures:
    """Decoded pictures in, samples of all rungs out. One plan long."""

    plan: Plan
    encoder: str
    send: Callable[[FromChild], None]
    threads: Executor
    """Rungs are encoded side by side; FFmpeg holds no Python lock meanwhile."""
    last: Picture | None = None
    """What a repetition shows."""
    _grid: FrameGrid = field(init=False)
    _scaler: Scaler = field(init=False)
    _outputs: list[_Output] = field(init=False)
    _scaled: list[VideoFrame | None] = field(default_factory=list)
    _colours: Colours | None = None
    _time: int | None = None
    _usual: int = 0
    _held: list[tuple[str, Coded]] = field(default_factory=list)
    """At the source's own pace: how long they last is known when the next picture comes."""
    _anew: bool = True

    def __post_init__(self) -> None:
        self._grid = FrameGrid(self.plan.frame_rate, self.plan.segment_ms)
        self._scaler = Scaler(self.plan.rungs)
        self._outputs = [_Output(rung) for rung in self.plan.rungs]
        self._usual = VIDEO_TIMESCALE // self.plan.frame_rate

    @property
    def most_expensive(self) -> str | None:
        """The rung to shed next: the largest that is made, unless it is the only one."""
        made = [output.rung.name for output in self._outputs if output.wanted]
        return made[0] if len(made) > 1 else None

    @property
    def shed_last(self) -> str | None:
        """The rung to restore next: the smallest that is shed."""
        return next((one.rung.name for one in reversed(self._outputs) if one.shed), None)

    def shed(self, name: str) -> None:
        output = self._named(name)
        output.shed, output.encoder = True, None

    def restore(self, name: str) -> None:
        """It goes on with the next keyframe of all rungs, as players switch only there."""
        self._named(name).shed = False

    def show(self, picture: Picture) -> None:
        """A decoded picture."""
        if not any(output.wanted for output in self._outputs):
            return
        if self.plan.pace == "source":
            self.last, self._scaled = picture, []
            self._at_its_own_time(picture)
            return
        slots = self._grid.place(picture.time_us)
        for slot in slots[:-1]:
            self._fill(slot)
        self.last, self._scaled = picture, []
        for slot in slots[-1:]:
            self._fill(slot)

    def follow(self, sound_us: int) -> None:
        """The sound is there already: pictures that are missing are not waited for any longer."""
        if self.last is None or self.plan.pace == "source" or not self._outputs:
            return
        for slot in self._grid.fill(sound_us):
            self._fill(slot)

    def begin_anew(self) -> None:
        """The next picture is a keyframe."""
        self._grid.begin_anew()
        self._anew = True

    def leave(self) -> None:
        """Nothing follows what came so far."""
        self._release(self._usual)

    def end(self, until_us: int) -> int:
        """Nothing more comes: the last picture is shown until then, about. Returns until when."""
        if self.last is None or not self._outputs:
            return until_us
        if self.plan.pace == "constant":
            for slot in self._grid.end(until_us):
                self._fill(slot)
            return self._grid.end_us or until_us
        if not self._held or self._time is None:
            return until_us
        lasts = ticks(until_us) - self._time
        lasts = lasts if 0 < lasts <= 2 * self._usual else self._usual
        self._release(lasts)
        return (self._time + lasts) * 100 // 9

    def _fill(self, slot: Slot) -> None:
        time = self._grid.ticks(slot.index, VIDEO_TIMESCALE)
        duration = self._grid.ticks(slot.index + 1, VIDEO_TIMESCALE) - time
        for name, coded in self._encode(time, slot.keyframe):
            self._tell(name, coded, duration)

    def _at_its_own_time(self, picture: Picture) -> None:
        time = ticks(picture.time_us)
        if self._time is not None:
            passed = time - self._time
            if passed <= 0:
                return
            self._usual = passed if passed < LONGEST else self._usual
            self._release(self._usual)
        self._time = time
        keyframe, self._anew = picture.keyframe or self._anew, False
        self._held = self._encode(time, keyframe)

    def _release(self, duration: int) -> None:
        held, self._held = self._held, []
        for name, coded in held:
            self._tell(name, coded, duration)

    def _encode(self, time: int, keyframe: bool) -> list[tuple[str, Coded]]:
        """The last picture, once more or for the first time, in all rungs."""
        if self.last is None:
            return []
        if keyframe:
            self._prepare(self.last)
        if not self._scaled:
            making = [output.encoder is not None for output in self._outputs]
            self._scaled = self._scaler.scale(self.last.frame, making)
        work = [
            (output, self.threads.submit(output.encoder.encode, picture, time, keyframe))
            for output, picture in zip(self._outputs, self._scaled, strict=True)
            if output.encoder is not None and picture is not None
        ]
        return [(output.rung.name, coded) for output, done in work for coded in done.result()]

    def _prepare(self, picture: Picture) -> None:
        """At a keyframe: encoders for rungs that have none, and for pixels of another meaning."""
        colours = Colours.of(picture.frame)
        if colours != self._colours:
            self._colours = colours
            for output in self._outputs:
                output.encoder = None
        for output in self._outputs:
            if output.encoder is None and output.wanted:
                self._open(output, colours)
                self._scaled = []

    def _open(self, output: _Output, colours: Colours) -> None:
        try:
            output.encoder = RungEncoder(self.encoder, output.rung, self.plan.frame_rate, colours)
        except EncoderMissing as error:
            output.broken = True
            self.send(Trouble("no-encoder", 1, f"{output.rung.name}: {error}"))

    def _tell(self, name: str, coded: Coded, duration: int) -> None:
        output = self._named(name)
        config = None if output.encoder is None else output.encoder.config
        if config is not None and config != output.told:
            output.told = config
            self.send(Configured.of(name, config))
        self.send(Encoded(name, coded.time, duration, coded.keyframe, coded.data))

    def _named(self, name: str) -> _Output:
        return next(output for output in self._outputs if output.rung.name == name)
