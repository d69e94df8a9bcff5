"""The captions of one language as a rendition: WebVTT segments, and their playlist.

They are the segments of the picture again: number, date, length and breaks are the same. A segment
is listed when it is complete and its words are known. Engines need some seconds for that, so the
list trails the picture; but never by more than `LAG_TARGETS`, and then the words are left out.

The playlist says EXT-X-SERVER-CONTROL exactly as all others of the presentation do, because it
must (RFC 8216bis section 6.2.4). So it blocks, and makes deltas. It has no parts, and no
EXT-X-PART-INF: words are known by the sentence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import structlog

from bridge.address import PLAYLIST, captions_folder, text_name
from bridge.captions import EMPTY, timed
from bridge.directives import AHEAD, WHOLE, Directives, refused
from bridge.playlist import HOLD_BACK, SKIP_UNTIL, iso, last_part
from bridge.presentation import Presentation
from bridge.reload import Key
from bridge.rendition import Rendition, Segment

log = structlog.get_logger(__name__)

LAG_TARGETS: Final = 3
"""Target durations of media behind a segment, after which it is listed without its words."""


@dataclass(frozen=True, slots=True)
class TextSegment:
    """One that is listed. Nothing of it changes any more."""

    msn: int
    seconds: float
    discontinuity: bool
    lines: str
    """Of the playlist."""
    data: bytes
    """The WebVTT file."""


class Subtitles:
    """Keeps what is listed, as long as the picture's window has it."""

    def __init__(self, presentation: Presentation, language: str) -> None:
        self.name = captions_folder(language)
        self.segments: deque[TextSegment] = deque()
        """Oldest first, numbers without holes."""
        self.dropped_discontinuities = 0
        """Discontinuities before the first segment: EXT-X-DISCONTINUITY-SEQUENCE."""
        self.ended = False
        """Nothing is added any more, and players are told so."""
        self._presentation = presentation
        self._language = language
        self._next: int | None = None
        """The number that is listed next; None before the first."""
        self._odd = False

    @property
    def edge(self) -> Key:
        """(msn, 0) of the segment that is listed next."""
        return (self._presentation.first_msn if self._next is None else self._next, 0)

    @property
    def report(self) -> str:
        """What other playlists tell of this one."""
        return _report(self.name, self.segments[-1].msn) if self.segments else ""

    def advance(self) -> bool:
        """List what can be listed now, drop what left the window; whether anything changed."""
        if self.ended:
            return False
        dropped = self._drop()
        listed = False
        while self._list_next():
            listed = True
        self.ended = self._presentation.ended
        return dropped or listed or self.ended

    def text(self, msn: int) -> bytes | None:
        """The file of a segment that is listed."""
        at = msn - self.segments[0].msn if self.segments else -1
        return self.segments[at].data if 0 <= at < len(self.segments) else None

    def awaited(self, asked: Directives) -> Key | None:
        """What the playlist must wait for: what was asked, and at the least one segment. As there
        are no parts, a part stands for its segment.

        Raises Problem `directive-refused` for what lies too far ahead.
        """
        following, _ = self.edge
        if asked.msn is not None and asked.msn >= following + AHEAD:
            # Soon it will not be ahead any more.
            raise refused("That is too far ahead.", {"Cache-Control": "no-store"})
        wanted = following - 1 if asked.msn is None else asked.msn
        if wanted < following and self.segments:
            return None
        return (max(wanted, following), WHOLE)

    def render(self, skip: bool = False) -> str:
        """The playlist now. With `skip` a delta, if there is enough to leave out."""
        skipped = self._skippable() if skip and not self.ended else 0
        lines = [self._head()]
        if skipped:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n")
        lines += [one.lines for at, one in enumerate(self.segments) if at >= skipped]
        lines.append("#EXT-X-ENDLIST\n" if self.ended else self._reports())
        return "".join(lines)

    # --- the list

    def _drop(self) -> bool:
        every = self._presentation.renditions.values()
        oldest = min((one.segments[0].msn for one in every if one.segments), default=0)
        before = len(self.segments)
        while self.segments and self.segments[0].msn < oldest:
            self.dropped_discontinuities += self.segments.popleft().discontinuity
        return len(self.segments) < before

    def _list_next(self) -> bool:
        """Whether there was one to list."""
        if not self.segments:
            self._begin()
        found = self._made(self._next) if self._next is not None else None
        if found is None:
            return False
        rendition, segment = found
        from_ms = self._presentation.wall_ms(rendition, segment.time)
        to_ms = self._presentation.wall_ms(rendition, segment.time + segment.ticks)
        data = self._words(from_ms, to_ms)
        if data is None:
            if not self._overdue(rendition, to_ms):
                return False
            data = timed(EMPTY).encode()
        seconds = segment.ticks / rendition.timescale
        broken = "#EXT-X-DISCONTINUITY\n" if segment.discontinuity else ""
        lines = (
            f"{broken}#EXT-X-PROGRAM-DATE-TIME:{iso(from_ms)}\n"
            f"#EXTINF:{seconds:.5f},\n"
            f"{text_name(self._presentation.epoch, segment.msn)}\n"
        )
        listed = TextSegment(segment.msn, seconds, segment.discontinuity, lines, data)
        self.segments.append(listed)
        self._next = segment.msn + 1
        return True

    def _begin(self) -> None:
        """The list begins where the window does, unless it goes on behind what was listed."""
        leader = next((one for one in self._renditions() if one.segments), None)
        if leader is None:
            return
        first = leader.segments[0].msn
        if self._next is None or self._next < first:
            self._next = first
            self.dropped_discontinuities = leader.dropped_discontinuities

    def _made(self, msn: int) -> tuple[Rendition, Segment] | None:
        """The segment of picture or sound that has this number, when it is complete."""
        for one in self._renditions():
            segment = one.segment(msn)
            if segment is not None:
                return (one, segment) if segment.complete else None
        return None

    def _renditions(self) -> list[Rendition]:
        """Those that are made now, best first; then those that are shed."""
        return sorted(self._presentation.renditions.values(), key=lambda one: one.shed)

    def _words(self, from_ms: int, to_ms: int) -> bytes | None:
        """The file of a stretch of stream time; None while it is not known."""
        captions = self._presentation.captions.get(self._language)
        if captions is None:
            return None
        try:
            document = captions.vtt(from_ms, to_ms, self._presentation.origin_ms)
            return None if document is None else timed(document).encode()
        except Exception:
            # It is asked while parts are made: captions must not break the picture.
            if not self._odd:
                log.exception("captions are left out", language=self._language)
            self._odd = True
            return None

    def _overdue(self, rendition: Rendition, end_ms: int) -> bool:
        """Whether nobody waits any longer for the words of a segment that ends there."""
        if self._presentation.ended:
            return True
        last = rendition.segments[-1]
        media_ms = self._presentation.wall_ms(rendition, last.time + last.ticks)
        target_ms = 1_000 * self._presentation.settings.target_duration_s
        return media_ms - end_ms >= LAG_TARGETS * target_ms

    # --- the playlist

    def _head(self) -> str:
        settings = self._presentation.settings
        target = settings.target_duration_s
        first = self.segments[0].msn if self.segments else self.edge[0]
        return (
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            f"#EXT-X-TARGETDURATION:{target}\n"
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"
            f",PART-HOLD-BACK={HOLD_BACK * settings.part_target_s:.5f}"
            f",CAN-SKIP-UNTIL={SKIP_UNTIL * target:.1f}"
            f",HOLD-BACK={HOLD_BACK * target:.1f}\n"
            f"#EXT-X-MEDIA-SEQUENCE:{first}\n"
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.dropped_discontinuities}\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
        )

    def _skippable(self) -> int:
        """How many segments lie farther from the end than a delta tells of."""
        limit = SKIP_UNTIL * self._presentation.settings.target_duration_s
        end = 0.0
        for at in range(len(self.segments), 0, -1):
            if end > limit:
                return at
            end += self.segments[at - 1].seconds
        return 0

    def _reports(self) -> str:
        """Of picture and sound."""
        ends = [(one, last_part(one)) for one in self._renditions() if not one.shed]
        return "".join([_report(one.name, *last) for one, last in ends if last is not None])


def _report(name: str, msn: int, part: int | None = None) -> str:
    line = f'#EXT-X-RENDITION-REPORT:URI="../{name}/{PLAYLIST}",LAST-MSN={msn}'
    return f"{line}\n" if part is None else f"{line},LAST-PART={part}\n"
