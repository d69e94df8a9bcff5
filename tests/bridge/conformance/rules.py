"""The rows of the facts' table "Playlist", as rules over texts. No network."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

from tests.bridge.conformance.m3u8 import MediaLines, PartLine, SegmentLines
from tests.bridge.conformance.report import Report

ROUNDING = 0.001
"""Seconds: durations are written with five decimals, dates with three."""
SOUND_FRAME = 0.022
"""Seconds; where sound breaks off into a gap, its last frame may stand for more or less."""
SHORTEST_PART = 0.85
"""Of the part target."""


def check_playlist(report: Report, where: str, playlist: MediaLines) -> None:
    """What must hold for every playlist by itself."""
    expect = report.expect
    target, part = playlist.target, playlist.part_target
    control = playlist.control
    expect("VERSION", playlist.version >= 9, where, playlist.version)
    expect("TARGETDURATION", target >= 1, where, target)
    expect("CAN-BLOCK-RELOAD", control.get("CAN-BLOCK-RELOAD") == "YES", where, control)
    hold_back = float(control.get("PART-HOLD-BACK", 0))
    expect("PART-HOLD-BACK", hold_back >= 3 * part - ROUNDING, where, control)
    skip = float(control.get("CAN-SKIP-UNTIL", 0))
    expect("CAN-SKIP-UNTIL", skip >= 6 * target, where, control)
    expect("HOLD-BACK", float(control.get("HOLD-BACK", 0)) >= 3 * target, where, control)
    sequence = playlist.discontinuity_sequence
    expect("DISCONTINUITY-SEQUENCE", sequence is not None, where, "it is not there")
    expect("INDEPENDENT-SEGMENTS", playlist.independent_segments, where)
    if not playlist.skipped and playlist.segments:
        expect("MAP", playlist.segments[0].map is not None, where, "the first segment has none")
    for at, segment in enumerate(playlist.segments):
        msn = playlist.sequence + playlist.skipped + at
        _check_segment(report, f"{where} segment {msn}", playlist, segment)
    _check_parts(report, f"{where} open segment", playlist, playlist.open)
    _check_dates(report, where, playlist)
    _check_listed_parts(report, where, playlist)
    _check_end(report, where, playlist)


def check_step(report: Report, where: str, before: MediaLines, after: MediaLines) -> None:
    """What must hold between two full playlists of one rendition, the later second."""
    expect = report.expect
    same = (before.target, before.part_target) == (after.target, after.part_target)
    expect("targets never change", same, where)
    expect("SERVER-CONTROL never changes", before.control == after.control, where)
    forward = after.sequence >= before.sequence and after.edge >= before.edge
    expect("MEDIA-SEQUENCE never goes back", forward, where, (before.edge, after.edge))
    gone = [
        one
        for msn in range(before.sequence, min(after.sequence, before.next_msn))
        if (one := before.segment(msn)) is not None
    ]
    breaks = sum(one.discontinuity for one in gone)
    if after.sequence <= before.next_msn:
        counted = (after.discontinuity_sequence or 0) - (before.discontinuity_sequence or 0)
        expect("DISCONTINUITY-SEQUENCE", counted == breaks, where, (counted, breaks))
    for msn in range(max(after.sequence, before.sequence), before.next_msn):
        old, new = before.segment(msn), after.segment(msn)
        if old is None or new is None:
            continue
        kept = (old.uri, old.duration, old.date_ms, old.gap, old.discontinuity)
        now = (new.uri, new.duration, new.date_ms, new.gap, new.discontinuity)
        expect("segments never change", kept == now, f"{where} segment {msn}", (kept, now))
        if new.parts:
            expect("parts never change", old.parts == new.parts, f"{where} segment {msn}")
    grown = after.segment(before.next_msn) or after.open
    if before.open.parts and after.next_msn >= before.next_msn and grown.parts:
        begin = grown.parts[: len(before.open.parts)]
        expect("parts never change", begin == before.open.parts, where)


def merge(before: MediaLines, delta: MediaLines) -> MediaLines:
    """What a player has after a delta update. Raises IndexError for what it does not know."""
    merged = deepcopy(delta)
    merged.skipped = 0
    known: list[SegmentLines] = []
    for msn in range(delta.sequence, delta.sequence + delta.skipped):
        segment = before.segment(msn)
        if segment is None:
            raise IndexError(f"segment {msn} was skipped, and was never known")
        copied = deepcopy(segment)
        copied.parts = []
        known.append(copied)
    merged.segments = known + merged.segments
    if merged.segments and merged.segments[0].map is None:
        # The MAP of a window whose begin was skipped is that of the segments before.
        maps = [
            one.map
            for msn in range(before.sequence, delta.sequence + 1)
            if (one := before.segment(msn)) is not None and one.map is not None
        ]
        merged.segments[0].map = maps[-1] if maps else None
    return merged


def end_ms(playlist: MediaLines, edge: tuple[int, int]) -> float | None:
    """The date at which what comes before (msn, part) ends; None where the playlist has no word."""
    msn, part = edge
    one = playlist.segment(msn)
    before = playlist.segment(msn - 1)
    if one is not None and one.date_ms is not None and len(one.parts) >= part:
        return one.date_ms + 1_000 * sum(each.duration for each in one.parts[:part])
    if one is None and msn == playlist.next_msn and before is not None:
        if before.date_ms is None or len(playlist.open.parts) < part:
            return None
        parts = sum(each.duration for each in playlist.open.parts[:part])
        return before.date_ms + 1_000 * (before.duration + parts)
    return None


def _check_segment(report: Report, where: str, playlist: MediaLines, one: SegmentLines) -> None:
    fits = round(one.duration) <= playlist.target
    report.expect("no segment over TARGETDURATION", fits, where, one.duration)
    report.expect("PROGRAM-DATE-TIME", one.date_ms is not None, where)
    if one.discontinuity:
        report.expect("MAP after DISCONTINUITY", one.map is not None, where)
    if one.parts:
        total = sum(part.duration for part in one.parts)
        broken = any(part.gap for part in one.parts)
        same = abs(total - one.duration) < (SOUND_FRAME if broken else ROUNDING)
        report.expect("parts add up to their segment", same, where, (total, one.duration))
    _check_parts(report, where, playlist, one)


def _check_parts(report: Report, where: str, playlist: MediaLines, one: SegmentLines) -> None:
    target = playlist.part_target
    if one.parts and not one.parts[0].gap:
        row = "a segment begins with INDEPENDENT"
        report.expect(row, one.parts[0].independent, where)
    for at, part in enumerate(one.parts):
        label = f"{where} part {at}"
        report.expect("no part over PART-TARGET", part.duration <= target + 1e-5, label, part)
        is_last = bool(one.uri) and at == len(one.parts) - 1
        if not (is_last or _may_be_short(one.parts, at)):
            long_enough = part.duration >= SHORTEST_PART * target
            report.expect("no part under 85 % of PART-TARGET", long_enough, label, part)
        elif is_last:
            report.checked["a segment's last part may be short"] += 1
    if one.gap and one.parts:
        every = all(part.gap for part in one.parts)
        report.expect("the parts of a gap are gaps", every, where)


def _may_be_short(parts: list[PartLine], at: int) -> bool:
    part = parts[at]
    before_gap = at + 1 < len(parts) and parts[at + 1].gap
    return (part.independent and at == 0) or part.gap or before_gap


def _check_dates(report: Report, where: str, playlist: MediaLines) -> None:
    for before, after in pairwise(playlist.segments):
        if before.date_ms is None or after.date_ms is None or after.discontinuity:
            continue
        passed = (after.date_ms - before.date_ms) / 1_000
        same = abs(passed - before.duration) <= 2 * ROUNDING
        report.expect("dates follow durations", same, where, (passed, before.duration))


def _check_listed_parts(report: Report, where: str, playlist: MediaLines) -> None:
    """Parts stand within three target durations from the end, and all of them do."""
    limit = 3 * playlist.target
    end = sum(part.duration for part in playlist.open.parts)
    for number, one in enumerate(reversed(playlist.segments)):
        begin = end + one.duration
        if one.parts:
            near = begin <= limit + ROUNDING or number == 0
            report.expect("parts leave after 3 TARGETDURATION", near, f"{where} {one.uri}", begin)
        elif number == 0 or begin <= limit - ROUNDING:
            report.expect("parts are listed near the end", False, f"{where} {one.uri}", begin)
        if one.discontinuity:
            return  # Time may have jumped there, and then it is not near any more.
        end = begin


def _check_end(report: Report, where: str, playlist: MediaLines) -> None:
    if playlist.ended:
        report.expect("no hint after ENDLIST", not playlist.hints, where, playlist.hints)
    else:
        report.expect("PRELOAD-HINT", "PART" in playlist.hints, where, playlist.hints)
