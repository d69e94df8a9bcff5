"""One broadcast on its way to HLS and DASH: access units in, renditions out.

Knows no sockets and no engine: it is handed what comes and the time, and drives the packager, the
layers that are passed on, and the encoder's process.

    live = LiveBridge(config, presentation, encoder, want_keyframes)
    live.set_layers(layers, now_ms); live.take(units, now_ms); live.tick(now_ms)
    live.wind_up(); live.finish(); live.end()
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from bridge.ladder import Rung
from bridge.mode import Choice, Mode, SourceLayer, choose
from bridge.packager import Packager
from bridge.passthrough import Passthrough
from bridge.presentation import AUDIO, Presentation
from bridge.track import VideoConfig
from bridge.transcode.wire import (
    Configured,
    Encoded,
    Ended,
    FromChild,
    Plan,
    Restored,
    Shed,
    Trouble,
    Unit,
)
from sluice.config import BridgeConfig
from sluice.media import AccessUnit, Codec
from sluice.timeline import Timeline

log = structlog.get_logger(__name__)

SETTLE_MS: Final = 600
"""Layers of a simulcast do not begin at once."""
ALONE_MS: Final = 2_500
"""Without a picture for so long, the sound goes alone."""
ASK_EARLY_MS: Final = 100
"""A keyframe takes so long to come, about."""
ASK_AGAIN_MS: Final = 500
LOST_PICTURE_US: Final = 1_500_000
"""So much sound without a picture means that none comes. After an outage of both a keyframe takes
a moment longer than the sound."""
LONG_UNIT_US: Final = 100_000
"""No unit of sound lasts longer: where more time passed, there was none."""
SOUND_UNIT_US: Final = 20_000
"""So long is a unit of sound, nearly always."""
EARLY_SOUNDS: Final = 512
"""Frames of sound that wait for the first picture."""
ALL_MS: Final = 6_000
"""After so long, a rung that did not come is not waited for."""
CLOCK: Final = {True: 48_000, False: 90_000}
"""Of RTP time, by whether it is sound."""


class Encoder(Protocol):
    """The process that decodes and encodes; see bridge/transcode/process.py."""

    def plan(self, plan: Plan) -> None:
        """Make these rungs from now on, beginning with keyframes."""
        ...

    def feed(self, unit: Unit) -> None:
        """Never waits."""
        ...

    def reset(self) -> None:
        """What comes next has nothing to do with what came before."""
        ...

    def end(self, until_us: int) -> None:
        """Nothing more comes: give out what is held, with sound up to then, and say `Ended`."""
        ...


class LiveBridge:
    """Drives one presentation. Called from one thread; `now_ms` is server time (Unix ms)."""

    def __init__(
        self,
        config: BridgeConfig,
        presentation: Presentation,
        encoder: Encoder,
        want_keyframes: Callable[[], None],
        now_ms: int,
    ) -> None:
        self.presentation = presentation
        self.packager = Packager(presentation)
        self.mode: Mode | None = None
        """None until it is decided."""
        self.counts: Counter[str] = Counter()
        """What happened, by name: falls, interruptions, trouble of the encoder."""
        self._config = config
        self._encoder = encoder
        self._want_keyframes = want_keyframes
        self._timeline = Timeline()
        self._publisher: int | None = None
        self._epoch = 0
        self._began_ms = self._patient_until_ms = now_ms
        self._layers: tuple[SourceLayer, ...] = ()
        self._pictured_ms: int | None = None
        self._choice = Choice(Mode.SOUND)
        self._asked_for: frozenset[str] = frozenset()
        """Renditions that the encoder was told to make."""
        self._passed: dict[str, Passthrough] = {}
        self._asked: int | None = None
        self._ask_again_ms = now_ms
        self._sound_us = self._picture_us = 0
        self._alone_us = 0
        """Sound that came since the last picture."""
        self.wound_up = False
        self._early: deque[Configured | Encoded] = deque(maxlen=EARLY_SOUNDS)

    # --- what comes

    def set_layers(self, layers: Iterable[SourceLayer], now_ms: int) -> None:
        """What the publisher sends now."""
        self._layers = tuple(layers)
        if self._pictured_ms is None and self._pictures():
            self._pictured_ms = now_ms
        if self.mode is not None:
            self._follow_layers()

    def take(self, units: Sequence[AccessUnit], now_ms: int) -> None:
        """Access units, in the order in which they came."""
        self._decide(now_ms)
        for unit in units:
            self._take(unit)
        self._look_after()

    def tick(self, now_ms: int) -> None:
        """Time passes. Call it every 50 ms or so."""
        self._decide(now_ms)
        if self.presentation.expected and now_ms >= self._patient_until_ms:
            self.presentation.expected = frozenset()
        if self._early and not self._waits_for_pictures():
            self._let_sound_in()
        self.packager.tick(now_ms)
        if self._passed and now_ms >= self._ask_again_ms and self.packager.waiting:
            self._ask_again_ms = now_ms + ASK_AGAIN_MS
            self._want_keyframes()

    @property
    def pictures(self) -> tuple[tuple[str, bool], ...]:
        """The renditions with a picture, largest first, and whether each is shed now."""
        return tuple((one.name, one.shed) for one in self.presentation.video)

    def wind_up(self) -> None:
        """Nothing more comes. `wound_up` when the encoder has given out what it still holds."""
        if self.mode is None:
            self.wound_up = True
        if self.wound_up or self.presentation.finished:
            return
        # hls.js takes a stream for ended when the middle of its last part is buffered in picture
        # and sound: they end together.
        picture_us = self._picture_us + 1_000_000 // self._config.frame_rate
        until_us = max(picture_us, self._sound_us + SOUND_UNIT_US)
        ends = [passed.flush(until_us) for passed in self._passed.values()]
        self._encoder.end(max((end for end in ends if end is not None), default=until_us))

    def finish(self) -> None:
        """The broadcast is over: its last parts are there."""
        if not self.presentation.finished:
            for passed in self._passed.values():
                passed.flush()
            self.packager.finish()

    def end(self) -> None:
        """Players are told that it is over. Let them load the last parts before."""
        self.finish()
        self.packager.end()

    # --- what the encoder says

    def hear(self, message: FromChild) -> None:
        """A message of the encoder's process."""
        match message:
            case Configured() | Encoded():
                if message.rendition not in self._asked_for:
                    self.counts["misconfigured"] += 1
                elif message.rendition == AUDIO and self._waits_for_pictures():
                    self._early.append(message)
                else:
                    self._let_sound_in()
                    self._package(message)
            case Shed():
                self.counts["shed"] += 1
                log.warning("a rung is shed: the machine is too slow", rung=message.rendition)
                self.packager.shed(message.rendition)
            case Restored():
                self.counts["restored"] += 1
                self.packager.restore(message.rendition)
            case Ended():
                self.wound_up = True
            case Trouble(kind="keyframe-wanted"):
                self._want_keyframes()
            case Trouble():
                self.counts[message.kind] += message.count
            case _:
                pass

    def _waits_for_pictures(self) -> bool:
        """Sound that began alone would be what players find, and all they would ever play."""
        return bool(self.presentation.expected) and not self.presentation.video

    def _package(self, message: Configured | Encoded) -> None:
        if isinstance(message, Encoded):
            self.packager.add(message.rendition, message.sample)
            return
        try:
            self.packager.configure(message.rendition, message.config)
        except ValueError as error:  # the child reads what strangers sent: it is not believed
            self.counts["misconfigured"] += 1
            log.warning("a rendition is left out", reason=str(error))

    def encoder_died(self) -> None:
        """It is started again by its owner; until then nothing comes."""
        self.counts["encoder_died"] += 1
        self._interrupt()

    # --- inside

    def _let_sound_in(self) -> None:
        while self._early:
            self._package(self._early.popleft())

    def _pictures(self) -> list[SourceLayer]:
        return [one for one in self._layers if one.width > 0 and one.active]

    def _decide(self, now_ms: int) -> None:
        if self.mode is not None:
            return
        settled = self._pictured_ms is not None and now_ms - self._pictured_ms >= SETTLE_MS
        if settled or now_ms - self._began_ms >= ALONE_MS:
            self._begin(choose(self._layers, self._config.video, self._config.rungs))
            self._patient_until_ms = now_ms + ALL_MS

    def _begin(self, choice: Choice) -> None:
        log.info("the bridge makes renditions", mode=choice.mode, rungs=len(choice.rungs))
        self.mode, self._choice = choice.mode, choice
        self._passed = {
            rid: Passthrough(name, self.packager, self._config.part_ms)
            for rid, name in choice.passed
        }
        self.presentation.expected = frozenset(
            [name for _, name in choice.passed] + [rung.name for rung in choice.rungs]
        )
        self._asked_for = frozenset([AUDIO, *(rung.name for rung in choice.rungs)])
        self.packager.constant = choice.mode in (Mode.TRANSCODE, Mode.SOUND)
        self._encoder.plan(
            Plan(
                rungs=list(choice.rungs),
                pace="source" if choice.mode is Mode.MIXED else "constant",
                frame_rate=self._config.frame_rate,
                segment_ms=self._config.segment_ms,
                audio_bitrate=self._config.audio_bitrate,
                encoder=self._config.encoder,
            )
        )
        self._want_keyframes()

    def _follow_layers(self) -> None:
        """Layers come and go; a picture may come where only sound was."""
        pictures = {one.rid: one for one in self._pictures()}
        if self.mode is Mode.SOUND:
            if pictures:
                self.packager.interrupt()
                self._begin(choose(self._layers, self._config.video, self._config.rungs))
        elif self.mode is Mode.TRANSCODE:
            largest = choose(self._layers, "transcode", 1).read
            if largest is not None and largest != self._choice.read:
                self._choice = choose(self._layers, "transcode", 1, self._choice.rungs)
                self._encoder.reset()
                self._want_keyframes()
        else:
            for rid, name in self._choice.passed:
                if rid in pictures and self._is_shed(name):
                    self.packager.restore(name)
                    self._want_keyframes()
                elif rid not in pictures and pictures and not self._is_shed(name):
                    self.packager.shed(name)

    def _is_shed(self, name: str) -> bool:
        rendition = self.presentation.renditions.get(name)
        return rendition is not None and rendition.shed

    def _take(self, unit: AccessUnit) -> None:
        if self.mode is None:
            return
        if unit.publisher != self._publisher:
            # The units say it themselves: news of it may come before their last ones, or behind
            # the first, and would then break the timeline once more.
            self._timeline.restart()
            self._publisher = unit.publisher
        sound = unit.codec.is_audio
        track = f"{unit.codec}/{unit.layer}"
        moment = self._timeline.place(track, unit.rtp_time, unit.captured_ms, CLOCK[sound])
        if moment.epoch != self._epoch:
            self._epoch = moment.epoch
            self._interrupt()
            self._encoder.reset()
        time_us = moment.time_us - self.presentation.origin_ms * 1_000
        if time_us < 0:
            self.counts["too_old"] += 1
            return
        if sound:
            self._alone_us += min(max(0, time_us - self._sound_us), LONG_UNIT_US)
            self._sound_us = max(self._sound_us, time_us)
        else:
            self._alone_us = 0
            self._picture_us = max(self._picture_us, time_us)
        if sound or unit.layer == self._choice.read:
            self._encoder.feed(Unit(unit.codec, time_us, unit.keyframe, unit.payload))
        if not sound and (passed := self._passed.get(unit.layer)) is not None:
            if unit.codec is not Codec.H264:
                passed.odd = "another codec comes"
                return
            passed.take(time_us, unit.keyframe, unit.payload)
            if self.mode is Mode.PASSTHROUGH and unit.layer == self._choice.passed[0][0]:
                # Where there is no sound the encoder makes silence, along these times.
                self._encoder.feed(Unit(unit.codec, time_us, unit.keyframe, b""))

    def _interrupt(self) -> None:
        self.counts["interruptions"] += 1
        for passed in self._passed.values():
            passed.flush()
        self.packager.interrupt()
        self._want_keyframes()

    def _look_after(self) -> None:
        """Keyframes in time; and where passing on does not work out, the encoder takes over."""
        if not self._passed:
            return
        reason = self._why_fall()
        if reason is not None:
            self._fall(reason)
            return
        leader = next((one for one in self.presentation.video if not one.shed), None)
        if leader is None or not leader.segments:
            return
        open_segment = leader.segments[-1]
        begun_us = open_segment.time * 1_000_000 // leader.timescale
        due_us = begun_us + (self._config.segment_ms - ASK_EARLY_MS) * 1_000
        if self._picture_us >= due_us and self._asked != open_segment.msn:
            self._asked = open_segment.msn
            self._want_keyframes()

    def _why_fall(self) -> str | None:
        if self._config.video == "passthrough":
            return None
        if self.packager.late_keyframe:
            return "keyframes come too late"
        if self._picture_us and self._alone_us > LOST_PICTURE_US:
            return "no picture comes"
        return next((one.odd for one in self._passed.values() if one.odd is not None), None)

    def _fall(self, reason: str) -> None:
        self.counts["falls"] += 1
        log.warning("pictures are encoded from now on", reason=reason)
        rungs = [
            Rung(one.name, one.config.width, one.config.height, max(400_000, one.average_bps))
            for one in self.presentation.video
            if isinstance(one.config, VideoConfig)
        ]
        self._interrupt()
        self.packager.late_keyframe = False
        self._begin(choose(self._layers, "auto", self._config.rungs, rungs))
