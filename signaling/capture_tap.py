"""Hands what the bridge packages to the recorder, part by part, as soon as it is there."""

from __future__ import annotations

from bridge.presentation import AUDIO, SOURCE, Presentation
from bridge.rendition import Part, Rendition, Segment
from bridge.track import AudioConfig, TrackConfig
from recorder.capture import Capture, Track
from signaling.part_cursor import PartCursor


class CaptureTap:
    """Listens to one presentation. Called in the event loop's thread, and never waits."""

    def __init__(self, presentation: Presentation, capture: Capture, *, every: bool) -> None:
        """`every`: all renditions; otherwise the top one and the sound. Of a presentation that has
        begun, what is complete already is left out."""
        self._capture = capture
        self._every = every
        self._cursors = {name: PartCursor(one) for name, one in presentation.renditions.items()}
        self._maps: dict[str, int] = {}
        self._closed = False
        self._next_listener = presentation.changed
        presentation.changed = self._changed

    def close(self) -> None:
        """Hand nothing over any more. Listeners behind it still hear."""
        self._closed = True

    def _changed(self, rendition: Rendition) -> None:
        self._next_listener(rendition)
        if self._closed:
            return
        if not self._every and rendition.name not in (SOURCE, AUDIO):
            return
        cursor = self._cursors.setdefault(rendition.name, PartCursor())
        for segment, part, time in cursor.take(rendition):
            self._hand_over(rendition, segment, part, time)

    def _hand_over(self, rendition: Rendition, segment: Segment, part: Part, time: int) -> None:
        name = rendition.name
        breaks = segment.discontinuity and part.index == 0
        if self._maps.get(name) != segment.map:
            self._maps[name] = segment.map
            init = rendition.inits[segment.map]
            self._capture.set_init(name, segment.map, init, _track(rendition.config))
        if part.gap:
            self._capture.add_gap(
                name, segment.msn, part.index, time, part.ticks, discontinuity=breaks
            )
        else:
            self._capture.add_part(
                name,
                segment.msn,
                part.index,
                time,
                part.ticks,
                independent=part.independent,
                discontinuity=breaks,
                data=part.data,
            )


def _track(config: TrackConfig) -> Track:
    if isinstance(config, AudioConfig):
        return Track(config.codec, config.timescale, channels=config.channels)
    return Track(
        config.codec,
        config.timescale,
        width=config.width,
        height=config.height,
        frame_rate=config.frame_rate,
    )
