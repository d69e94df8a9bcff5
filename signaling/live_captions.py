"""Captions while it is live: the sound goes to an engine's process, its words into the playlists.

The words are kept as well, so that a recording has captions at once, until the engine has listened
to it once more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import structlog

from bridge.presentation import AUDIO, Presentation
from bridge.rendition import Part, Rendition, Segment
from recorder.captions import vtt
from recorder.captions.cues import Cue, cues
from recorder.captions.live import LiveCaptions
from recorder.captions.process import CaptionProcess
from recorder.captions.wire import Heard, Open
from recorder.captions.words import Word
from recorder.catalog.holding import VodUnknown
from recorder.catalog.tracks import NewTrack, Tracks
from recorder.replay import Replay
from signaling.aftermath import LANGUAGES
from signaling.part_cursor import PartCursor
from signaling.shelf import Shelf
from sluice.clock import Clock
from sluice.database import DatabaseDown
from sluice.errors import Problem
from sluice.metrics import Metrics
from sluice.recorder_config import CaptionsConfig
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

MOST_WORDS: Final = 200_000
"""Of one broadcast: more than a day of talk."""


class SpokenTrack:
    """The bridge's view of the words (bridge/captions.py, Captions)."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.label = LANGUAGES.get(language, language)
        self.words: list[Word] = []
        self._live = LiveCaptions()
        self._until_ms = 0
        self._asked = (0, 0)
        """The stretch that was asked for last."""
        self._ended = False

    def vtt(self, from_ms: int, to_ms: int, zero_ms: int) -> str | None:
        """None until the engine has heard all of it."""
        if from_ms > self._asked[0]:
            # Whoever asks for the next stretch waits no longer for the one before: what was said
            # in it and is not known yet moves on.
            self._live.publish(*self._asked, zero_ms)
            self._asked = (from_ms, to_ms)
        if self._until_ms < to_ms and not self._ended:
            return None
        return vtt.write(self._live.publish(from_ms, to_ms, zero_ms))

    def hear(self, heard: Heard) -> None:
        self._live.add(heard.words)
        self._until_ms = max(self._until_ms, heard.until_ms)
        if len(self.words) < MOST_WORDS:
            self.words += heard.words

    def end(self) -> None:
        """No more words come; what was published stays."""
        self._ended = True


@dataclass(slots=True)
class _Heard:
    track: SpokenTrack
    process: CaptionProcess
    tap: SoundTap


@dataclass(slots=True)
class SoundTap:
    """Feeds the sound of a presentation to the engine, part by part."""

    presentation: Presentation
    process: CaptionProcess
    cursor: PartCursor = field(init=False)
    map: int = -1
    closed: bool = False
    """It hears nothing any more."""

    def __post_init__(self) -> None:
        self.cursor = PartCursor(self.presentation.audio)
        following = self.presentation.changed

        def changed(rendition: Rendition) -> None:
            following(rendition)
            if rendition.name == AUDIO and not self.closed:
                self._hear(rendition)

        self.presentation.changed = changed

    def _hear(self, rendition: Rendition) -> None:
        for segment, part, time in self.cursor.take(rendition):
            if not part.gap:
                self._feed(rendition, segment, part, time)

    def _feed(self, rendition: Rendition, segment: Segment, part: Part, time: int) -> None:
        if segment.map != self.map:
            self.map = segment.map
            self.process.begin(rendition.inits[segment.map])
        scale = rendition.timescale
        at_ms = self.presentation.wall_ms(rendition, time)
        self.process.feed(at_ms, part.ticks * 1_000 // scale, part.data)


class CaptionWriters:
    """One engine for each broadcast that is recorded (signaling/recordings.py, Follower)."""

    def __init__(
        self, config: CaptionsConfig, tracks: Tracks, shelf: Shelf, clock: Clock, metrics: Metrics
    ) -> None:
        self._config = config
        self._tracks = tracks
        self._shelf = shelf
        self._clock = clock
        self._metrics = metrics
        self._heard: dict[str, _Heard] = {}
        self._tasks = Tasks()

    async def begin(self, recording: str, presentation: Presentation) -> None:
        config = self._config
        model = "" if config.model is None else str(config.model)
        track = SpokenTrack(config.language)

        def ended(reason: str) -> None:
            log.warning("captions are given up", recording=recording, reason=reason)
            self._metrics.caption_events.labels("given_up").inc()
            track.end()

        process = CaptionProcess(
            Open(config.engine, config.language, model),
            track.hear,
            ended,
            memory_bytes=config.memory_mb << 20,
        )
        presentation.captions[config.language] = track
        self._heard[recording] = _Heard(track, process, SoundTap(presentation, process))
        process.start()
        self._metrics.caption_events.labels("begun").inc()

    async def end(self, recording: str) -> None:
        """The last words come later; nobody waits for them."""
        heard = self._heard.pop(recording, None)
        if heard is not None:
            heard.tap.closed = True
            self._tasks.spawn(self._finish(recording, heard), f"captions-end-{recording}")

    async def close(self) -> None:
        await self._tasks.close()
        for heard in self._heard.values():
            await heard.process.stop()
        self._heard.clear()

    async def _finish(self, recording: str, heard: _Heard) -> None:
        try:
            await heard.process.finish()
            heard.track.end()
        finally:
            await heard.process.stop()
        if heard.process.numbers.skipped_ms:
            self._metrics.caption_events.labels("skipped").inc()
        try:
            replay = (await self._shelf.growing(recording)).replay
            made = on_replay(cues(heard.track.words), replay)
            if not made:
                return  # nobody is to choose captions that say nothing
            track = heard.track
            new = NewTrack(recording, track.language, "live", track.label, text=vtt.write(made))
            await self._tracks.put(new, made, self._clock.wall_ms())
        except (DatabaseDown, VodUnknown, Problem) as error:
            log.warning("live captions were not kept", recording=recording, error=str(error))


def on_replay(spoken: list[Cue], replay: Replay) -> list[Cue]:
    """Cues of stream time on VOD time. What was said in a gap is left out."""
    found: list[Cue] = []
    for one in spoken:
        at_us = replay.at_vod(one.from_ms * 1_000)
        if at_us is not None:
            at_ms = at_us // 1_000
            found.append(Cue(at_ms, at_ms + one.to_ms - one.from_ms, one.text, one.styles))
    return found
