"""The media playlist of a rendition: LL-HLS (RFC 8216bis) that plain HLS players read as well.

Lines of complete segments never change, so they are kept; a rendering costs about its tail.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.address import PLAYLIST, init_name, part_name, segment_name
from bridge.presentation import Presentation
from bridge.rendition import Part, Rendition, Segment

HOLD_BACK = 3
"""Target durations (and part targets) that a player stays behind the end."""
SKIP_UNTIL = 6
"""Target durations from the end that a delta still tells of."""
PARTS_WITHIN = 3
"""Target durations from the end in which parts are listed."""


def media_playlist(presentation: Presentation, rendition: Rendition, skip: bool = False) -> str:
    """One rendering. Who renders a rendition again and again keeps a `MediaPlaylist`."""
    return MediaPlaylist(presentation, rendition).render(skip)


class MediaPlaylist:
    """Renders one rendition's playlist, full and as a delta."""

    def __init__(self, presentation: Presentation, rendition: Rendition) -> None:
        self._presentation = presentation
        self._rendition = rendition
        self._lines: dict[int, str] = {}
        """By msn: a complete segment without its parts."""
        self._parted_lines: dict[int, str] = {}
        """The same with its parts."""
        self._old: tuple[tuple[int, int], str] = ((0, 0), "")
        """Segments [first, end) as text: those before the tail, as they were rendered last."""

    def render(self, skip: bool = False) -> str:
        """The playlist now. With `skip` a delta, if there is enough to leave out."""
        segments = self._rendition.segments
        tail = self._first_within(PARTS_WITHIN, whole=True)
        skipped = self._first_within(SKIP_UNTIL, whole=False) if skip else 0
        lines = [self._head()]
        if skipped:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n")
            lines += [self._segment(at) for at in range(skipped, tail)]
        else:
            lines.append(self._before(tail))
        for at in range(max(tail, skipped), len(segments)):
            lines.append(self._parted(at))
        lines.append(self._end())
        return "".join(lines)

    def _head(self) -> str:
        settings = self._presentation.settings
        target, part = settings.target_duration_s, settings.part_target_s
        segments = self._rendition.segments
        first = segments[0].msn if segments else self._presentation.first_msn
        return (
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            f"#EXT-X-TARGETDURATION:{target}\n"
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"
            f",PART-HOLD-BACK={HOLD_BACK * part:.5f}"
            f",CAN-SKIP-UNTIL={SKIP_UNTIL * target:.1f}"
            f",HOLD-BACK={HOLD_BACK * target:.1f}\n"
            f"#EXT-X-PART-INF:PART-TARGET={part:.5f}\n"
            f"#EXT-X-MEDIA-SEQUENCE:{first}\n"
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._rendition.dropped_discontinuities}\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
        )

    def _first_within(self, targets: int, whole: bool) -> int:
        """Index of the first segment that lies within so many target durations from the end,
        wholly or at least with its own end. An open segment and the one before always do.
        """
        segments = self._rendition.segments
        limit = targets * self._presentation.settings.target_duration_s * self._rendition.timescale
        end = 0
        at = len(segments)
        while at > 0:
            one = segments[at - 1]
            distance = end + one.ticks if whole else end
            if distance > limit and (not whole or len(segments) - at > 1):
                return at
            end += one.ticks
            at -= 1
        return 0

    def _before(self, tail: int) -> str:
        """The text of the segments before the tail."""
        segments = self._rendition.segments
        if tail == 0:
            return ""
        span = (segments[0].msn, segments[tail - 1].msn + 1)
        if self._old[0] != span:
            _forget(self._lines, before=span[0])
            _forget(self._parted_lines, before=span[1])
            self._old = (span, "".join([self._segment(at) for at in range(tail)]))
        return self._old[1]

    def _segment(self, at: int) -> str:
        """A complete segment: the lines that plain players need, too."""
        return self._kept(at, self._lines, parted=False)

    def _parted(self, at: int) -> str:
        """A segment of the tail with its parts, complete or open."""
        one = self._rendition.segments[at]
        if one.complete:
            return self._kept(at, self._parted_lines, parted=True)
        return self._opening(at) + self._parts(one) if one.parts else ""

    def _kept(self, at: int, lines: dict[int, str], parted: bool) -> str:
        one = self._rendition.segments[at]
        text = lines.get(one.msn)
        if text is None or at == 0:  # the first of a window always has a MAP
            gap = "#EXT-X-GAP\n" if one.gap else ""
            text = (
                f"{self._opening(at)}{self._parts(one) if parted else ''}{gap}"
                f"#EXTINF:{one.ticks / self._rendition.timescale:.5f},\n"
                f"{segment_name(self._presentation.epoch, one.msn)}\n"
            )
            if at > 0:
                lines[one.msn] = text
        return text

    def _parts(self, segment: Segment) -> str:
        return "".join([self._part(segment.msn, part) for part in segment.parts])

    def _opening(self, at: int) -> str:
        """What applies to a segment from its first part on: break, map, date."""
        segments = self._rendition.segments
        one = segments[at]
        lines = "#EXT-X-DISCONTINUITY\n" if one.discontinuity else ""
        if at == 0 or one.map != segments[at - 1].map or one.discontinuity:
            name = init_name(self._presentation.epoch, one.map)
            lines += f'#EXT-X-MAP:URI="{name}"\n'
        return f"{lines}#EXT-X-PROGRAM-DATE-TIME:{self._date(one)}\n"

    def _part(self, msn: int, part: Part) -> str:
        name = part_name(self._presentation.epoch, msn, part.index)
        line = f'#EXT-X-PART:DURATION={part.ticks / self._rendition.timescale:.5f},URI="{name}"'
        if part.independent and not part.gap:
            line += ",INDEPENDENT=YES"
        return line + (",GAP=YES\n" if part.gap else "\n")

    def _end(self) -> str:
        rendition, epoch = self._rendition, self._presentation.epoch
        if rendition.ended:
            return "#EXT-X-ENDLIST\n"
        text = ""
        if rendition.edge is not None:
            msn, part = rendition.edge
            if part == 0 and rendition.map != rendition.segments[-1].map:
                text += f'#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="{init_name(epoch, rendition.map)}"\n'
            text += f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{part_name(epoch, msn, part)}"\n'
        return text + "".join([_report(one) for one in self._others()])

    def _others(self) -> list[Rendition]:
        every = self._presentation.renditions.values()
        return [one for one in every if one is not self._rendition and not one.shed]

    def _date(self, segment: Segment) -> str:
        wall_ms = self._presentation.wall_ms(self._rendition, segment.time)
        return iso(wall_ms)


def iso(wall_ms: int) -> str:
    """Unix milliseconds as ISO 8601 with milliseconds, in UTC."""
    moment = datetime.fromtimestamp(wall_ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ms % 1_000:03d}Z"


def last_part(rendition: Rendition) -> tuple[int, int] | None:
    """(msn, part) of the newest part; None before the first."""
    for segment in reversed(rendition.segments):
        if segment.parts:
            return segment.msn, segment.parts[-1].index
    return None


def _forget(lines: dict[int, str], before: int) -> None:
    for msn in [msn for msn in lines if msn < before]:
        del lines[msn]


def _report(rendition: Rendition) -> str:
    last = last_part(rendition)
    if last is None:
        return ""
    return (
        f'#EXT-X-RENDITION-REPORT:URI="../{rendition.name}/{PLAYLIST}"'
        f",LAST-MSN={last[0]},LAST-PART={last[1]}\n"
    )
