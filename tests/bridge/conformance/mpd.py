"""The DASH manifest against the media playlists: the same segments, numbers and times."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as Xml

from tests.bridge.conformance.client import Client
from tests.bridge.conformance.follow import Follower

PATH = "manifest.mpd"
_NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}


async def check_manifest(client: Client, followers: dict[str, Follower]) -> None:
    """The manifest, its clock, and the open segment as a stream of its parts."""
    report = client.report
    reply = await client.get(PATH)
    if not report.expect("manifest 200", reply.status == 200, PATH, reply.status):
        return
    kind = reply.headers.get("Content-Type")
    report.expect("manifest content type", kind == "application/dash+xml", PATH, kind)
    root = Xml.fromstring(reply.text)
    report.expect("MPD dynamic", root.get("type") == "dynamic", PATH, root.attrib)
    for name in ("availabilityStartTime", "publishTime", "minimumUpdatePeriod"):
        report.expect("MPD attributes", name in root.attrib, PATH, name)
    report.expect("timeShiftBufferDepth", "timeShiftBufferDepth" in root.attrib, PATH)
    for path in (
        "d:UTCTiming",
        "d:ServiceDescription/d:Latency",
        "d:ServiceDescription/d:PlaybackRate",
        ".//d:ProducerReferenceTime",
    ):
        report.expect(path.rpartition(":")[2], root.find(path, _NS) is not None, PATH)
    timing = root.find("d:UTCTiming", _NS)
    if timing is not None:
        clock = await client.absolute(timing.get("value", ""), PATH)
        right = clock.status == 200 and _is_date(clock.body.decode())
        report.expect("UTCTiming tells the time", right, timing.get("value", ""), clock.body)
    begin_ms = _date_ms(root.get("availabilityStartTime", ""))
    periods = root.findall("d:Period", _NS)
    report.expect("MPD has a period", bool(periods), PATH)
    for period in periods:
        for adaptation in period.findall("d:AdaptationSet", _NS):
            for representation in adaptation.findall("d:Representation", _NS):
                follower = followers.get(representation.get("id", ""))
                template = representation.find("d:SegmentTemplate", _NS)
                if template is None:
                    template = adaptation.find("d:SegmentTemplate", _NS)
                found = follower is not None and template is not None
                row = "MPD lists the same renditions"
                report.expect(row, found, str(representation.attrib))
                if follower is not None and template is not None:
                    _check_template(follower, period, template, begin_ms)


def _check_template(
    follower: Follower, period: Xml.Element, template: Xml.Element, begin_ms: float
) -> None:
    report, known, where = follower.report, follower.known, f"{PATH} {follower.path}"
    complete = template.get("availabilityTimeComplete")
    report.expect("availabilityTimeComplete", complete == "false", where, complete)
    offset = float(template.get("availabilityTimeOffset", "0"))
    row = "availabilityTimeOffset is segment - part"
    report.expect(row, 0 < offset <= known.target - known.part_target + 0.01, where, offset)
    scale = int(template.get("timescale", "1"))
    shift = int(template.get("presentationTimeOffset", "0"))
    start_ms = 1_000 * float(re.sub(r"[^0-9.]", "", period.get("start", "PT0S")))
    number = int(template.get("startNumber", "1"))
    for time, ticks in timeline(template):
        one = known.segment(number)
        if one is not None and one.date_ms is not None:
            wall_ms = begin_ms + start_ms + (time - shift) * 1_000 / scale
            label = f"{where} segment {number}"
            same = abs(wall_ms - one.date_ms) <= 2
            report.expect("MPD times are the dates", same, label, (wall_ms, one.date_ms))
            if number < known.next_msn - 1:
                same = abs(ticks / scale - one.duration) < 0.001
                report.expect("MPD durations", same, label, (ticks / scale, one.duration))
        number += 1


async def check_open_segment(one: Follower) -> None:
    """A segment that is asked for before it is there comes part by part, and whole."""
    msn = one.known.next_msn
    stem = one.known.hints["PART"].rpartition("-")[0]
    path = one.beside(f"{stem}-{msn}.m4s")
    streamed = await one.client.get(path)
    ok = streamed.status == 200
    one.report.expect("an open segment is streamed", ok, path, streamed.status)
    again = await one.client.get(path)
    row = "an open segment becomes the same as the complete one"
    one.report.expect(row, again.body == streamed.body, path, len(streamed.body))
    late = await one.client.get(one.beside(f"{stem}-{msn + 40}.m4s"))
    one.report.expect("404: segment far ahead", late.status == 404, path, late.status)


def timeline(template: Xml.Element) -> list[tuple[int, int]]:
    """(time, duration) of each segment, in ticks."""
    found: list[tuple[int, int]] = []
    time = 0
    for span in template.iterfind("d:SegmentTimeline/d:S", _NS):
        time = int(span.get("t", time))
        for _ in range(int(span.get("r", "0")) + 1):
            found.append((time, int(span.attrib["d"])))
            time += int(span.attrib["d"])
    return found


def _is_date(text: str) -> bool:
    try:
        return _date_ms(text) > 0
    except ValueError:
        return False


def _date_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1_000
