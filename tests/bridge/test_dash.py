"""The DASH manifest: the same segments, with the same numbers and times."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree as Xml

from bridge.dash import Manifest
from bridge.track import VideoConfig
from tests.bridge.conformance.mpd import timeline
from tests.bridge.windows import ORIGIN_MS, VIDEO, Windows

NOW_MS = ORIGIN_MS + 60_000
NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}


class World:
    """A window and the manifest that follows it."""

    def __init__(self, windows: Windows | None = None) -> None:
        self.windows = windows or Windows()
        self.manifest = Manifest(self.windows.presentation, "/live/time")
        self.windows.presentation.changed = self.manifest.notice

    def render(self) -> Xml.Element:
        return Xml.fromstring(self.manifest.render(NOW_MS))

    def periods(self) -> list[tuple[int, str]]:
        """(number of the first segment, start) of each."""
        found = self.render().findall("d:Period", NS)
        return [(int(one.attrib["id"]) - self.windows.first, one.attrib["start"]) for one in found]


def template(period: Xml.Element, kind: str) -> Xml.Element:
    found = period.find(f"d:AdaptationSet[@contentType='{kind}']//d:SegmentTemplate", NS)
    assert found is not None
    return found


def test_numbers_and_times_are_those_of_the_renditions() -> None:
    world = World()
    world.windows.segments(5)
    world.windows.drop(2)
    (period,) = world.render().findall("d:Period", NS)
    for kind, name in (("video", "source"), ("audio", "audio")):
        rendition = world.windows[name]
        found = template(period, kind)
        assert int(found.attrib["startNumber"]) == rendition.segments[0].msn
        assert int(found.attrib["timescale"]) == rendition.timescale
        spans = timeline(found)
        assert spans[:3] == [(one.time, one.ticks) for one in rendition.segments]
        assert len(spans) == 4


def test_the_open_segment_and_the_next_are_listed_with_the_length_they_should_get() -> None:
    world = World()
    world.windows.segments(2)
    world.windows.part()
    spans = timeline(template(world.render().findall("d:Period", NS)[0], "video"))
    assert spans == [(at * 180_000, 180_000) for at in range(4)]


def test_equal_lengths_are_one_line_and_a_jump_in_time_begins_another() -> None:
    world = World(Windows(("source",)))
    world.windows.segments(3)
    world.windows["source"].segments[-1].time += 90
    found = template(world.render().findall("d:Period", NS)[0], "video")
    lines = found.findall("d:SegmentTimeline/d:S", NS)
    assert [one.attrib for one in lines] == [
        {"t": "0", "d": "180000", "r": "1"},
        {"t": "360090", "d": "180000", "r": "1"},
    ]


def test_what_low_latency_needs_is_there() -> None:
    world = World()
    world.windows.segments(2)
    root = world.render()
    assert root.attrib["type"] == "dynamic"
    assert root.attrib["minimumUpdatePeriod"] == "PT2.000S"
    assert root.attrib["timeShiftBufferDepth"] == "PT600.000S"
    begin = datetime.fromisoformat(root.attrib["availabilityStartTime"])
    assert round(begin.timestamp() * 1_000) == ORIGIN_MS
    found = template(root.findall("d:Period", NS)[0], "video")
    assert found.attrib["availabilityTimeOffset"] == "1.500"
    assert found.attrib["availabilityTimeComplete"] == "false"
    assert found.attrib["media"] == "$RepresentationID$/k3x9-$Number$.m4s"
    assert found.attrib["initialization"] == "$RepresentationID$/k3x9-0.init.mp4"
    clock = root.find("d:UTCTiming", NS)
    assert clock is not None
    assert clock.attrib["value"] == "/live/time"
    latency = root.find("d:ServiceDescription/d:Latency", NS)
    assert latency is not None
    assert latency.attrib == {"referenceId": "0", "target": "1500", "min": "750", "max": "6000"}
    reference = root.find(".//d:ProducerReferenceTime[@id='0']", NS)
    assert reference is not None
    wall = datetime.fromisoformat(reference.attrib["wallClockTime"]).timestamp() * 1_000
    assert round(wall) == ORIGIN_MS + int(reference.attrib["presentationTime"]) // 90
    assert reference.attrib["inband"] == "true"


def test_representations_say_how_they_are_decoded() -> None:
    world = World()
    world.windows.segments(2)
    root = world.render()
    source = root.find(".//d:Representation[@id='source']", NS)
    audio = root.find(".//d:Representation[@id='audio']", NS)
    assert source is not None
    assert audio is not None
    assert source.attrib["codecs"] == VIDEO.codec
    assert (source.attrib["width"], source.attrib["height"]) == ("1280", "720")
    assert source.attrib["frameRate"] == "30"
    assert int(source.attrib["bandwidth"]) == world.windows["source"].peak_bps
    assert audio.attrib["audioSamplingRate"] == "48000"
    channels = audio.find("d:AudioChannelConfiguration", NS)
    assert channels is not None
    assert channels.attrib["value"] == "2"


def test_fractional_frame_rates() -> None:
    for rate, text in ((29.97002997, "30000/1001"), (12.5, "12500/1000"), (0.0, None)):
        world = World()
        world.windows["source"].config = VideoConfig(VIDEO.sps, VIDEO.pps, 1280, 720, rate)
        world.windows.segments(1)
        source = world.render().find(".//d:Representation[@id='source']", NS)
        assert source is not None
        assert source.attrib.get("frameRate") == text


def test_a_break_begins_a_period_and_both_keep_their_name_and_start() -> None:
    world = World()
    world.windows.segments(3)
    world.windows.break_here()
    world.windows.segments(3)
    both = [(0, "PT0.000S"), (3, "PT6.000S")]
    assert world.periods() == both
    world.windows.drop(2)
    assert world.periods() == both
    world.windows.drop(1)
    world.windows.segments(1)
    assert world.periods() == both[1:]
    world.windows.drop(2)
    assert world.periods() == both[1:]
    (period,) = world.render().findall("d:Period", NS)
    found = template(period, "video")
    assert found.attrib["presentationTimeOffset"] == "540000"
    assert int(found.attrib["startNumber"]) == world.windows.first + 5
    assert found.attrib["initialization"].endswith("-1.init.mp4")


def test_a_period_keeps_the_settings_of_its_own_init_segment() -> None:
    world = World()
    world.windows.segments(2)
    world.windows["source"].config = VideoConfig(VIDEO.sps, VIDEO.pps, 640, 360, 30.0)
    world.windows.break_here()
    world.windows.segments(1)
    sizes = [one.attrib["width"] for one in world.render().iterfind(".//*[@id='source']", NS)]
    assert sizes == ["1280", "640"]


def test_a_hole_ends_a_period_and_is_listed_nowhere() -> None:
    world = World()
    world.windows.segments(2)
    world.windows.segments(2, gap=True)
    world.windows.part(gap=True)
    assert world.periods() == [(0, "PT0.000S")]
    (period,) = world.render().findall("d:Period", NS)
    assert len(timeline(template(period, "video"))) == 2
    world.windows.parts(4)
    assert world.periods() == [(0, "PT0.000S"), (4, "PT8.000S")]


def test_a_rendition_that_comes_late_has_its_own_timeline() -> None:
    world = World(Windows(("source",)))
    world.windows.segments(2)
    late = world.windows.add("360p")
    world.windows.segments(1)
    late.segments[0].msn += 2
    late.segments[0].time = 360_000
    period = world.render().findall("d:Period", NS)[0]
    starts = [one.attrib["startNumber"] for one in period.iterfind(".//d:SegmentTemplate", NS)]
    assert starts == [str(world.windows.first), str(world.windows.first + 2)]


def test_the_end_makes_it_static() -> None:
    world = World()
    world.windows.segments(3)
    world.windows.part()
    world.windows.end()
    root = world.render()
    assert root.attrib["type"] == "static"
    assert root.attrib["mediaPresentationDuration"] == "PT6.506S"
    assert "minimumUpdatePeriod" not in root.attrib
    assert root.find("d:UTCTiming", NS) is None
    spans = timeline(template(root.findall("d:Period", NS)[0], "video"))
    assert spans[-1] == (540_000, 45_000)
