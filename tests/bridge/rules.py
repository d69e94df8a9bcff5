"""What every presentation keeps, whatever comes: facts about parts and segments as code."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise

from bridge.presentation import Presentation
from bridge.rendition import Part, Rendition, Segment
from tests.bridge.media import box, boxes


class Witness:
    """Sees each change as a player does, and holds what it saw against what it sees later."""

    def __init__(self, presentation: Presentation) -> None:
        self.presentation = presentation
        self.versions: dict[str, int] = {}
        self._parts: dict[tuple[str, int, int], tuple[int, bool, bytes]] = {}
        self._segments: dict[tuple[str, int], tuple[int, int, bool]] = {}
        self._complete: dict[tuple[str, int], tuple[int, bytes | None]] = {}
        presentation.changed = self.see

    def see(self, rendition: Rendition) -> None:
        assert rendition.version > self.versions.get(rendition.name, 0)
        self.versions[rendition.name] = rendition.version
        for segment in list(rendition.segments)[-3:]:
            key = (rendition.name, segment.msn)
            head = (segment.time, segment.map, segment.discontinuity)
            assert self._segments.setdefault(key, head) == head
            for part in segment.parts:
                seen = (part.ticks, part.gap, part.data)
                assert self._parts.setdefault((*key, part.index), seen) == seen
            if segment.complete:
                whole = (segment.ticks, segment.data)
                assert self._complete.setdefault(key, whole) == whole


def check(presentation: Presentation) -> None:
    """Raises AssertionError where a rule is broken."""
    renditions = [one for one in presentation.renditions.values() if one.segments]
    for rendition in renditions:
        check_rendition(presentation, rendition)
    check_together(presentation, renditions)


def check_rendition(presentation: Presentation, rendition: Rendition) -> None:
    segments = list(rendition.segments)
    target = presentation.settings.part_ms * rendition.timescale // 1_000
    for one, after in pairwise(segments):
        assert after.msn == one.msn + 1
        assert one.complete
        hole = after.time - one.time - one.ticks
        assert hole >= -target // 2
        if not after.discontinuity:
            assert after.map == one.map, "a new map without a discontinuity"
            assert abs(hole) < target, "time does not go on"
    for segment in segments:
        check_segment(presentation, rendition, segment, target)
    times = [time for segment in segments for time in decode_times(segment)]
    assert times == sorted(set(times)), "decoding times do not grow"
    assert {segment.map for segment in segments} <= set(rendition.inits)
    assert set(rendition.inits) <= {segment.map for segment in segments} | {rendition.map}


def check_segment(
    presentation: Presentation, rendition: Rendition, segment: Segment, target: int
) -> None:
    seconds = segment.ticks / rendition.timescale
    assert segment.ticks > 0
    assert int(seconds + 0.5) <= presentation.settings.target_duration_s, seconds
    parts = segment.parts
    assert [part.index for part in parts] == list(range(len(parts)))
    if parts:
        assert abs(sum(part.ticks for part in parts) - segment.ticks) < target // 2 + 1
        assert segment.gap == all(part.gap for part in parts)
        assert segment.size == sum(len(part.data) for part in parts)
    for part, after in pairwise(parts):
        assert long_enough(part, after, target), f"{part.ticks} of {target} ticks"
    if parts and not segment.complete:
        assert long_enough(parts[-1], None, target), f"{parts[-1].ticks} of {target} ticks"
    for part in parts:
        assert 0 < part.ticks <= target
        assert part.gap == (part.data == b"")
    real = [part for part in parts if not part.gap]
    if real:
        assert begins_with_keyframe(real[0]), "does not begin with a keyframe"
        for part in real:
            assert part.independent == any(keyframes(part))
    if segment.complete and parts:
        whole = b"".join(part.data for part in parts)
        assert segment.data == (None if segment.gap else whole)


def check_together(presentation: Presentation, renditions: list[Rendition]) -> None:
    """Rules between the renditions."""
    breaks: dict[int, bool] = {}
    sequence: dict[int, int] = {}
    for rendition in renditions:
        count = rendition.dropped_discontinuities
        for segment in rendition.segments:
            assert breaks.setdefault(segment.msn, segment.discontinuity) == segment.discontinuity
            count += segment.discontinuity
            assert sequence.setdefault(segment.msn, count) == count
    check_periods(renditions)
    held = sum(segment.size for one in renditions for segment in one.segments)
    if any(len(one.segments) > 2 for one in renditions):
        assert held <= 1.6 * presentation.settings.window_bytes
    if presentation.ended:
        assert len({one.segments[-1].msn for one in renditions}) <= 1
        assert all(one.ended and one.segments[-1].complete for one in renditions)


def check_periods(renditions: list[Rendition]) -> None:
    """Between two discontinuities no sound is alone, if there was a picture before."""
    pictures: set[int] = set()
    sounds: set[int] = set()
    for rendition in renditions:
        period = rendition.dropped_discontinuities
        for segment in rendition.segments:
            period += segment.discontinuity
            if not segment.gap:
                (pictures if rendition.is_video else sounds).add(period)
    if not pictures:
        return
    over = {period for period in sounds if min(pictures) < period < max(pictures)}
    assert over <= pictures, f"sound alone between discontinuities: {sorted(over - pictures)}"


def long_enough(part: Part, after: Part | None, target: int) -> bool:
    if part.independent or part.gap or (after is not None and after.gap):
        return True
    return part.ticks >= 0.85 * target


def decode_times(segment: Segment) -> Iterator[int]:
    """Of every sample, in order."""
    for part in segment.parts:
        if not part.gap:
            yield from (time for time, _ in samples(part))


def begins_with_keyframe(part: Part) -> bool:
    return next(iter(keyframes(part)))


def keyframes(part: Part) -> list[bool]:
    return [key for _, key in samples(part)]


def samples(part: Part) -> list[tuple[int, bool]]:
    """(decoding time, keyframe) of each sample of a part, read from its boxes."""
    fragment = next(found.body for found in boxes(part.data) if found.kind == "moof")
    tfhd, tfdt, trun = (box(fragment, "traf", kind) for kind in ("tfhd", "tfdt", "trun"))
    duration, default_flags = struct.unpack_from(">II", tfhd, 8)
    (time,) = struct.unpack_from(">Q", tfdt, 4)
    flags, count = struct.unpack_from(">II", trun)
    at, first_flags = 12, None
    if flags & 4:
        (first_flags,) = struct.unpack_from(">I", trun, at)
        at += 4
    found: list[tuple[int, bool]] = []
    for n in range(count):
        length, sample_flags = duration, default_flags
        if flags & 0x100:
            (length,) = struct.unpack_from(">I", trun, at)
            at += 4
        assert flags & 0x200
        at += 4
        if flags & 0x400:
            (sample_flags,) = struct.unpack_from(">I", trun, at)
            at += 4
        if n == 0 and first_flags is not None:
            sample_flags = first_flags
        found.append((time, not sample_flags & 0x1_0000))
        assert length > 0
        time += length
    assert at == len(trun)
    return found
