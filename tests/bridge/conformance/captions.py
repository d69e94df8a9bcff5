"""Captions: a rendition of WebVTT segments that are those of the picture again, and may trail it.

Where a master playlist names none, nothing is looked at.
"""

from __future__ import annotations

import re
from datetime import datetime

from tests.bridge.conformance.client import Client, Reply
from tests.bridge.conformance.follow import IMMUTABLE_S, Follower
from tests.bridge.conformance.m3u8 import MediaLines, SegmentLines, attributes
from tests.bridge.conformance.report import Report
from tests.bridge.conformance.rules import ROUNDING, check_step, merge

LAG_TARGETS = 3
"""Target durations after which a segment is listed, with its words or without."""
_MAP = re.compile(r"X-TIMESTAMP-MAP=MPEGTS:(\d+),LOCAL:(\d{2,}:\d\d:\d\d\.\d{3})")
_CUE = re.compile(r"(\d{2,}:\d\d:\d\d\.\d{3}) --> (\d{2,}:\d\d:\d\d\.\d{3})( .*)?")


async def check_captions(client: Client, picture: Follower, segments: int) -> None:
    """All captions that the master names. `picture` is the leading rendition, or the sound."""
    master = (await client.get("master.m3u8")).text
    found = check_master(client.report, master)
    if not found:
        return
    manifest = (await client.get("manifest.mpd")).text
    began = re.search(r'availabilityStartTime="([^"]+)"', manifest)
    if began is None:
        raise AssertionError("the manifest does not say when the presentation began")
    origin_ms = round(datetime.fromisoformat(began[1]).timestamp() * 1_000)
    for path in found:
        await _follow(client, path, picture, segments, origin_ms)
        await _check_refusals(client, path, picture)
    await picture.begin()
    reports = picture.known.reports
    told = all(reports.get(f"../{path}", (0, 0))[1] < 0 for path in found)
    client.report.expect("captions: reported, without parts", told, picture.path, reports)


def check_master(report: Report, master: str) -> list[str]:
    """What the master says of captions; the addresses of their playlists."""
    lines = master.splitlines()
    media = [attributes(one.partition(":")[2]) for one in lines if one.startswith("#EXT-X-MEDIA:")]
    captions = [one for one in media if one["TYPE"] == "SUBTITLES"]
    if not captions:
        return []
    for one in captions:
        said = one.get("NAME") and one.get("LANGUAGE") and one.get("AUTOSELECT") == "YES"
        off = (one.get("DEFAULT"), one.get("FORCED")) == ("NO", "NO")
        report.expect("captions: EXT-X-MEDIA", bool(said) and off, "master.m3u8", one)
    groups = {one["GROUP-ID"] for one in captions}
    variants = [attributes(one.partition(":")[2]) for one in lines if "-STREAM-INF:" in one]
    told = all(one.get("SUBTITLES") in groups for one in variants)
    report.expect("every variant has its captions", told, "master.m3u8", groups)
    return [one["URI"] for one in captions]


def check_playlist(report: Report, where: str, captions: MediaLines, picture: MediaLines) -> None:
    """A playlist of captions, against that of the picture, which is not newer."""
    every = [*captions.segments, captions.open]
    bare = not captions.hints and not any(one.parts or one.map for one in every)
    row = "captions: no parts, hints or MAP"
    report.expect(row, bare and not captions.part_target, where, captions.hints)
    same = (captions.target, captions.control) == (picture.target, picture.control)
    report.expect("captions: targets are those of the picture", same, where, captions.control)
    both = [msn for msn in _listed(captions) if picture.segment(msn) is not None]
    for msn in both:
        mine, theirs = (_shape(one.segment(msn)) for one in (captions, picture))
        row = "captions: segments are those of the picture"
        report.expect(row, mine == theirs, f"{where} segment {msn}", (mine, theirs))
    for msn in both[-1:]:
        numbers = tuple(_breaks(one, msn) for one in (captions, picture))
        row = "captions: DISCONTINUITY-SEQUENCE is that of the picture"
        report.expect(row, numbers[0] == numbers[1], where, numbers)
    missing = [
        one.duration
        for msn in range(captions.next_msn, picture.next_msn)
        if (one := picture.segment(msn)) is not None
    ]
    # The oldest that is missing may be as long as a segment can be.
    near = sum(missing) <= (LAG_TARGETS + 1) * captions.target + 0.5
    report.expect("captions: never far behind", near, where, missing)


def check_text(
    report: Report, where: str, document: str, segment: SegmentLines, origin_ms: int
) -> None:
    """One WebVTT file. `origin_ms`: Unix time at which media time begins."""
    header, blank, body = document.partition("\n\n")
    lines = header.split("\n")
    row = "captions: WEBVTT, a header, an empty line"
    report.expect(row, lines[0] == "WEBVTT" and bool(blank), where, header)
    maps = [found for line in lines[1:] if (found := _MAP.fullmatch(line))]
    if not report.expect("captions: X-TIMESTAMP-MAP", len(maps) == 1, where, header):
        return
    zero_ms = origin_ms + int(maps[0][1]) / 90 - _ms(maps[0][2])
    begin_ms = segment.date_ms or 0
    end_ms = begin_ms + 1_000 * (segment.duration + ROUNDING)
    for line in body.split("\n"):
        cue = _CUE.fullmatch(line)
        if cue is not None:
            start, end = zero_ms + _ms(cue[1]), zero_ms + _ms(cue[2])
            inside = begin_ms - 1 <= end and start <= end_ms and start < end
            row = "captions: cues lie in their segment"
            report.expect(row, inside, where, (line, start - begin_ms))


async def _follow(
    client: Client, path: str, picture: Follower, segments: int, origin_ms: int
) -> None:
    report = client.report
    await picture.begin()
    reply = await client.get(path)
    report.expect("playlist 200", reply.status == 200, path, reply.status)
    kind = reply.headers.get("Content-Type")
    report.expect("playlist content type", kind == "application/vnd.apple.mpegurl", path, kind)
    known = reply.playlist()
    report.expect("cache: playlist TD/2", reply.max_age == known.target // 2, path, reply.max_age)
    check_playlist(report, path, known, picture.known)
    for _ in range(segments):
        await picture.begin()
        where = f"{path}?_HLS_msn={known.next_msn}"
        reply = await client.get(where)
        if not report.expect("blocking reload 200", reply.status == 200, where, reply.status):
            raise AssertionError(f"{where} was answered with {reply.status}")
        kept = reply.max_age
        report.expect("cache: blocking 6 TD", kept == 6 * known.target, where, kept)
        after = reply.playlist()
        row = "captions: _HLS_msn waits for its segment"
        report.expect(row, after.next_msn > known.next_msn or after.ended, where, after.edge)
        check_playlist(report, where, after, picture.known)
        check_step(report, where, known, after)
        known = after
    await _check_forms(client, path, known)
    for msn in _listed(known)[-4:]:
        segment = known.segment(msn)
        assert segment is not None
        where = f"{path.rpartition('/')[0]}/{segment.uri}"
        reply = await client.get(where)
        if report.expect("captions: segment 200", reply.status == 200, where, reply.status):
            _check_headers(report, where, reply)
            check_text(report, where, reply.text, segment, origin_ms)


def _check_headers(report: Report, where: str, reply: Reply) -> None:
    kind = reply.headers.get("Content-Type")
    report.expect("captions: text/vtt", kind == "text/vtt; charset=utf-8", where, kind)
    kept = reply.max_age or 0
    report.expect("cache: media", kept >= IMMUTABLE_S, where, reply.headers)
    report.expect("ETag", bool(reply.headers.get("ETag")), where, dict(reply.headers))


async def _check_forms(client: Client, path: str, known: MediaLines) -> None:
    """The same playlist as a delta, and in gzip."""
    where = f"{path}?_HLS_msn={known.sequence}"
    for _ in range(5):
        whole = (await client.get(where)).playlist()
        short = (await client.get(f"{where}&_HLS_skip=YES")).playlist()
        packed = (await client.unpacked(where)).playlist()
        if whole.edge == short.edge == packed.edge and whole.reports == short.reports:
            break
    else:
        return  # between them there always came a segment
    row = "captions: a delta is the full playlist"
    client.report.expect(row, merge(whole, short) == whole, path, short.skipped)
    row = "captions: gzip is the same playlist"
    client.report.expect(row, packed.segments == whole.segments, path)


async def _check_refusals(client: Client, path: str, picture: Follower) -> None:
    known = (await client.get(path)).playlist()
    folder, uri = path.rpartition("/")[0], known.segments[-1].uri
    stem = uri.rpartition("-")[0]
    for unknown in (
        "captions-x-none/index.m3u8",
        f"{folder}/{stem}-{known.next_msn + 50}.vtt",
        f"{folder}/{uri.removesuffix('.vtt')}.m4s",
        f"{folder}/{stem}-0.init.mp4",
        f"{folder}/elsewhere-{known.sequence}.vtt",
        picture.beside(uri),
    ):
        reply = await client.get(unknown)
        row = "captions: 404 for what is not there"
        client.report.expect(row, reply.status == 404, unknown, reply.status)
    reply = await client.get(f"{path}?_HLS_msn={known.next_msn + 20}")
    row = "captions: 400 for msn beyond last + 2"
    client.report.expect(row, reply.status == 400, path, reply.status)


def _listed(playlist: MediaLines) -> range:
    return range(playlist.sequence + playlist.skipped, playlist.next_msn)


def _shape(one: SegmentLines | None) -> tuple[float, int | None, bool] | None:
    return None if one is None else (one.duration, one.date_ms, one.discontinuity)


def _breaks(playlist: MediaLines, msn: int) -> int:
    """The Discontinuity Sequence Number of a segment."""
    before = [playlist.segment(at) for at in range(playlist.sequence, msn + 1)]
    inside = sum(one.discontinuity for one in before if one is not None)
    return (playlist.discontinuity_sequence or 0) + inside


def _ms(clock: str) -> int:
    """A WebVTT timestamp with hours."""
    hours, minutes, seconds = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1_000)
