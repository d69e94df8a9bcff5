"""The low-latency DASH manifest (MPD, ISO/IEC 23009-1) of the same segments that HLS lists.

Numbers are the media sequence numbers, times are the ticks of the tracks. The open segment and
the one after it are listed with the length that they should get, so that a player can ask for
them early and is sent their parts as they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from bridge.multivariant import listed
from bridge.playlist import iso
from bridge.presentation import PackagingSettings, Presentation
from bridge.rendition import Rendition, Segment
from bridge.track import AudioConfig, TrackConfig, VideoConfig

UTC_SCHEME: Final = "urn:mpeg:dash:utc:http-iso:2014"
_PROFILES: Final = (
    "urn:mpeg:dash:profile:isoff-live:2011,http://www.dashif.org/guidelines/low-latency-live-v5"
)
_CHANNELS: Final = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


_Track = tuple[Rendition, list[Segment]]
"""A rendition, and its segments in one period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch without breaks, and without holes."""

    msn: int
    """Of its first segment: its lasting name, even when that segment left the window."""
    start_ms: int
    """Since the presentation's origin."""


class Manifest:
    """Renders the MPD. Remembers what the window forgets: where periods began, and the settings
    of earlier init segments.
    """

    def __init__(self, presentation: Presentation, time_address: str) -> None:
        self._presentation = presentation
        self._time_address = time_address
        self._periods: list[Period] = []
        self._judged = -1
        """Segments up to this one are complete, and looked at."""
        self._configs: dict[tuple[str, int], TrackConfig] = {}

    def notice(self, rendition: Rendition) -> None:
        """A rendition changed: keep what a new init segment stands for."""
        self._configs.setdefault((rendition.name, rendition.map), rendition.config)
        leader = self._leader
        if leader is rendition:
            self._note_periods(leader)

    def state(self) -> tuple[object, ...]:
        """As long as it stays the same, so does the manifest: most new parts change nothing."""
        every = [one for one in self._presentation.renditions.values() if one.segments]
        shown = [
            (
                *(one.name, one.map, one.shed, one.ended, one.peak_bps, one.segments[0].msn),
                *(one.segments[-1].msn, one.segments[-1].complete, _goes_on(one)),
            )
            for one in every
        ]
        return (self._presentation.ended, *shown)

    def render(self, wall_ms: int) -> str:
        """The manifest as of `wall_ms` (Unix ms)."""
        leader = self._leader
        if leader is not None:
            self._note_periods(leader)
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', self._root(wall_ms)]
        if not self._presentation.ended:
            lines += self._service()
        for number, period in enumerate(self._periods):
            after = self._periods[number + 1] if number + 1 < len(self._periods) else None
            lines += self._period(period, after)
        if not self._presentation.ended:
            address = quoteattr(self._time_address)
            lines.append(f'  <UTCTiming schemeIdUri="{UTC_SCHEME}" value={address}/>')
        return "\n".join([*lines, "</MPD>", ""])

    @property
    def _leader(self) -> Rendition | None:
        """The rendition that says where periods begin."""
        every = self._presentation.renditions.values()
        return next((one for one in every if not one.shed and one.segments), None)

    def _note_periods(self, leader: Rendition) -> None:
        """Find where periods begin, and forget those that left the window."""
        known = self._periods
        fresh = not known
        judged = self._judged
        before: Segment | None = None
        for segment in reversed(leader.segments):
            if segment.msn <= judged:
                break
            before = leader.segment(segment.msn - 1)
            if before is None:
                begins = segment.discontinuity or fresh
            else:
                begins = segment.discontinuity or not _holds_media(before)
            if begins and _holds_media(segment):
                at = sum(one.msn < segment.msn for one in known)
                start_ms = segment.time * 1_000 // leader.timescale
                if all(one.msn != segment.msn for one in known):
                    known.insert(at, Period(segment.msn, start_ms))
            if segment.complete:
                self._judged = max(self._judged, segment.msn)
        if leader.segments:
            oldest = leader.segments[0].msn
            while len(known) > 1 and known[1].msn <= oldest:
                del known[0]

    def _root(self, wall_ms: int) -> str:
        presentation, settings = self._presentation, self._presentation.settings
        attributes = {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": _PROFILES,
            "type": "static" if presentation.ended else "dynamic",
            "minBufferTime": _duration(settings.part_ms),
            "maxSegmentDuration": _duration(settings.longest_ms),
            "availabilityStartTime": iso(presentation.origin_ms),
        }
        if presentation.ended:
            attributes["mediaPresentationDuration"] = _duration(self._end_ms())
        else:
            attributes["publishTime"] = iso(wall_ms)
            attributes["minimumUpdatePeriod"] = _duration(settings.segment_ms)
            attributes["timeShiftBufferDepth"] = _duration(settings.window_ms)
            attributes["suggestedPresentationDelay"] = _duration(_latency(settings))
        return _tag("MPD", attributes, open_=True)

    def _end_ms(self) -> int:
        ends = [
            (one.segments[-1].time + one.segments[-1].ticks) * 1_000 // one.timescale
            for one in listed(self._presentation)
            if one.segments
        ]
        return max(ends, default=0)

    def _service(self) -> list[str]:
        settings = self._presentation.settings
        target = _latency(settings)
        latency = {"referenceId": "0", "target": target, "min": target // 2, "max": 4 * target}
        return [
            '  <ServiceDescription id="0">',
            "    " + _tag("Latency", latency),
            '    <PlaybackRate min="0.95" max="1.05"/>',
            "  </ServiceDescription>",
        ]

    def _period(self, period: Period, after: Period | None) -> list[str]:
        video: list[_Track] = []
        audio: list[_Track] = []
        for rendition in listed(self._presentation):
            segments = list(self._within(rendition, period, after))
            if segments:
                (video if rendition.is_video else audio).append((rendition, segments))
        lines = [f'  <Period id="{period.msn}" start="{_duration(period.start_ms)}">']
        for number, (kind, tracks) in enumerate((("video", video), ("audio", audio))):
            if tracks:
                lines += self._set(number, kind, tracks, period, last=after is None)
        return [*lines, "  </Period>"] if len(lines) > 1 else []

    @staticmethod
    def _within(rendition: Rendition, period: Period, after: Period | None) -> Iterator[Segment]:
        """The segments of a period that hold media. Holes lie at its end only."""
        for segment in rendition.segments:
            in_it = segment.msn >= period.msn and (after is None or segment.msn < after.msn)
            if in_it and _holds_media(segment):
                yield segment

    def _set(
        self,
        number: int,
        kind: str,
        tracks: list[_Track],
        period: Period,
        last: bool,
    ) -> list[str]:
        attributes = {
            "id": number,
            "contentType": kind,
            "mimeType": f"{kind}/mp4",
            "segmentAlignment": "true",
            "startWithSAP": 1,
        }
        lines = ["    " + _tag("AdaptationSet", attributes, open_=True)]
        if not self._presentation.ended:
            lines += self._clock_reference(tracks[0][0], tracks[0][1][-1])
        lines.append('      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>')
        templates = [self._template(one, segments, period, last) for one, segments in tracks]
        shared = all(template == templates[0] for template in templates)
        if shared:
            lines += templates[0]
        for (rendition, segments), template in zip(tracks, templates, strict=True):
            lines += self._representation(rendition, segments[-1].map, [] if shared else template)
        return [*lines, "    </AdaptationSet>"]

    def _clock_reference(self, rendition: Rendition, segment: Segment) -> list[str]:
        """When the picture of a media time was made; `prft` boxes say the same in the media."""
        attributes = {
            "id": 0 if rendition.is_video or not self._presentation.video else 1,
            "type": "encoder",
            "inband": "true",
            "wallClockTime": iso(self._presentation.wall_ms(rendition, segment.time)),
            "presentationTime": segment.time,
        }
        address = quoteattr(self._time_address)
        return [
            "      " + _tag("ProducerReferenceTime", attributes, open_=True),
            f'        <UTCTiming schemeIdUri="{UTC_SCHEME}" value={address}/>',
            "      </ProducerReferenceTime>",
        ]

    def _template(
        self, rendition: Rendition, segments: list[Segment], period: Period, last: bool
    ) -> list[str]:
        settings, epoch = self._presentation.settings, self._presentation.epoch
        attributes: dict[str, object] = {
            "timescale": rendition.timescale,
            "presentationTimeOffset": period.start_ms * rendition.timescale // 1_000,
            "startNumber": segments[0].msn,
            "initialization": f"$RepresentationID$/{epoch}-{segments[-1].map}.init.mp4",
            "media": f"$RepresentationID$/{epoch}-$Number$.m4s",
        }
        if not self._presentation.ended:
            ahead = (settings.segment_ms - settings.part_ms) / 1_000
            attributes["availabilityTimeOffset"] = f"{ahead:.3f}"
            attributes["availabilityTimeComplete"] = "false"
        going_on = last and not rendition.ended and _goes_on(rendition)
        return [
            "      " + _tag("SegmentTemplate", attributes, open_=True),
            "        <SegmentTimeline>",
            *_timeline(segments, settings.segment_ms * rendition.timescale // 1_000, going_on),
            "        </SegmentTimeline>",
            "      </SegmentTemplate>",
        ]

    def _representation(self, rendition: Rendition, map_: int, template: list[str]) -> list[str]:
        config = self._configs.get((rendition.name, map_), rendition.config)
        attributes: dict[str, object] = {
            "id": rendition.name,
            "bandwidth": rendition.peak_bps,
            "codecs": config.codec,
        }
        inner = [f"  {line}" for line in template]
        match config:
            case VideoConfig():
                attributes |= {"width": config.width, "height": config.height, "sar": "1:1"}
                if config.frame_rate > 0:
                    attributes["frameRate"] = _frame_rate(config.frame_rate)
            case AudioConfig():
                attributes["audioSamplingRate"] = config.rate
                channels = {"schemeIdUri": _CHANNELS, "value": config.channels}
                inner.insert(0, "        " + _tag("AudioChannelConfiguration", channels))
        if not inner:
            return ["      " + _tag("Representation", attributes)]
        opening = "      " + _tag("Representation", attributes, open_=True)
        return [opening, *inner, "      </Representation>"]


def _holds_media(segment: Segment) -> bool:
    """Whether anything in it can be played."""
    if segment.complete:
        return not segment.gap
    return any(not part.gap for part in segment.parts)


def _goes_on(rendition: Rendition) -> bool:
    """Whether media is to be expected next, and not the rest of a hole."""
    newest = rendition.segments[-1]
    return _holds_media(newest) or not newest.parts


def _timeline(segments: list[Segment], expected: int, going_on: bool) -> list[str]:
    """S elements, equal lengths in one. The open segment and the next get what they should."""
    spans = [(one.time, one.ticks) for one in segments if one.complete]
    if going_on:
        newest = segments[-1]
        if not newest.complete:
            spans.append((newest.time, max(expected, newest.ticks)))
        spans.append((sum(spans[-1]), expected))
    elif not segments[-1].complete:
        spans.append((segments[-1].time, segments[-1].ticks))
    lines: list[str] = []
    at = 0
    while at < len(spans):
        time, ticks = spans[at]
        end = at + 1
        while end < len(spans) and spans[end] == (time + (end - at) * ticks, ticks):
            end += 1
        joined = at > 0 and sum(spans[at - 1]) == time
        start = "" if joined else f' t="{time}"'
        repeat = f' r="{end - at - 1}"' if end - at > 1 else ""
        lines.append(f'          <S{start} d="{ticks}"{repeat}/>')
        at = end
    return lines


def _latency(settings: PackagingSettings) -> int:
    """How far behind the camera a player should be, in ms: three parts, as with HLS."""
    return max(1_000, 3 * settings.part_ms)


def _frame_rate(rate: float) -> str:
    """A whole number, or a fraction over 1001 or 1000."""
    if rate == round(rate):
        return str(round(rate))
    thousandths = round(rate * 1_001)
    if abs(thousandths / 1_001 - rate) < 1e-4 and thousandths % 1_000 == 0:
        return f"{thousandths}/1001"
    return f"{round(rate * 1_000)}/1000"


def _duration(ms: int) -> str:
    return f"PT{ms / 1_000:.3f}S"


def _tag(name: str, attributes: Mapping[str, object], open_: bool = False) -> str:
    text = " ".join(f"{key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name} {text}{'' if open_ else '/'}>"
