"""What a packager makes stands in the recording, part by part: a real one, in a real folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.origin import Origin
from bridge.presentation import AUDIO, SOURCE
from bridge.reload import Holds
from bridge.rendition import Rendition
from recorder.capture import Capture, Trouble
from recorder.media import LocalMedia
from recorder.note import PART_NOTE
from recorder.recording import Recording
from recorder.records import Began, Gap, Part, chunk_name
from recorder.verify import verify
from signaling.capture_tap import CaptureTap
from sluice.clock import VirtualClock
from tests.bridge.studio import ORIGIN_MS, Studio
from tests.recorder.studio import SETTINGS

BEGAN = Began(1, "live-20260921-120000-abcdef", "live", "Roses", ORIGIN_MS)


class Span(NamedTuple):
    """A part or a gap, as a presentation has it and as the recording is to have it."""

    msn: int
    part: int
    time: int
    ticks: int
    gap: bool
    independent: bool
    breaks: bool
    data: bytes


class Taping:
    """A studio whose broadcast is recorded."""

    def __init__(self, folder: Path, capture: Capture, troubles: list[Trouble]) -> None:
        self.studio = Studio()
        self.capture = capture
        self.troubles = troubles
        self._folder = folder

    def tap(self, *, every: bool = False) -> CaptureTap:
        presentation = self.studio.presentation
        self.capture.begin_session(presentation.epoch, presentation.origin_ms)
        return CaptureTap(presentation, self.capture, every=every)

    async def recording(self) -> Recording:
        """Close, and read what the index says."""
        await self.capture.close("end")
        assert self.troubles == []
        assert verify(self._folder, LocalMedia(self._folder)) == []
        return Recording.read(self._folder)

    async def recorded(self) -> dict[str, list[Span]]:
        found = await self.recording()
        return {
            name: [self._recorded(span) for _, span in one.spans]
            for name, one in found.renditions.items()
        }

    def packaged(self, *names: str) -> dict[str, list[Span]]:
        renditions = self.studio.presentation.renditions
        return {name: _packaged(renditions[name]) for name in names or renditions}

    def _recorded(self, span: Part | Gap) -> Span:
        if isinstance(span, Gap):
            assert not span.lost
            return Span(span.s, span.p, span.t, span.d, True, False, span.x, b"")
        chunk = (self._folder / chunk_name(span.r, span.c)).read_bytes()
        # What the recorder says of a part stands behind it.
        data = chunk[span.o : span.o + span.n - PART_NOTE]
        return Span(span.s, span.p, span.t, span.d, False, span.i, span.x, data)


def _packaged(rendition: Rendition) -> list[Span]:
    found = []
    for segment in rendition.segments:
        time = segment.time
        for part in segment.parts:
            breaks = segment.discontinuity and part.index == 0
            place = (segment.msn, part.index, time, part.ticks)
            found.append(Span(*place, part.gap, part.independent, breaks, part.data))
            time += part.ticks
    return found


@pytest.fixture
async def taping(tmp_path: Path) -> Taping:
    troubles: list[Trouble] = []
    folder = tmp_path / BEGAN.recording
    capture = await Capture.open(
        folder, BEGAN, SETTINGS, on_trouble=troubles.append, clock=VirtualClock()
    )
    return Taping(folder, capture, troubles)


async def test_every_part_is_recorded_once(taping: Taping) -> None:
    taping.tap()
    taping.studio.video()
    taping.studio.audio()
    taping.studio.run(9_300)
    taping.studio.end()
    recorded = await taping.recorded()
    assert recorded == taping.packaged(SOURCE, AUDIO)
    assert len(recorded[SOURCE]) >= 18


async def test_only_the_top_rung_and_the_sound_unless_every_one_is_wanted(taping: Taping) -> None:
    taping.tap()
    for name in (SOURCE, "360p"):
        taping.studio.video(name)
    taping.studio.audio()
    taping.studio.run(3_000)
    taping.studio.end()
    assert set(await taping.recorded()) == {SOURCE, AUDIO}


async def test_every_rung_where_that_is_wanted(taping: Taping) -> None:
    taping.tap(every=True)
    taping.studio.video(SOURCE)
    taping.studio.video("360p", 360)
    taping.studio.audio()
    taping.studio.run(3_000)
    taping.studio.end()
    recording = await taping.recording()
    assert {name: one.is_video for name, one in recording.renditions.items()} == {
        SOURCE: True,
        "360p": True,
        AUDIO: False,
    }
    assert recording.renditions["360p"].chunks[1].chunk.height == 360


async def test_a_gap_stands_in_the_recording(taping: Taping) -> None:
    taping.tap()
    source, _ = taping.studio.video(), taping.studio.audio()
    taping.studio.run(3_000)
    source.on = False
    taping.studio.run(6_000)
    source.on = True
    taping.studio.run(3_000)
    taping.studio.end()
    recorded = await taping.recorded()
    assert recorded == taping.packaged()
    assert any(one.gap for one in recorded[SOURCE])
    assert not all(one.gap for one in recorded[SOURCE][-4:])


async def test_another_size_is_another_map_with_its_own_chunk(taping: Taping) -> None:
    taping.tap()
    taping.studio.video(side=720)
    taping.studio.audio()
    taping.studio.run(3_000)
    taping.studio.configure(SOURCE, 360)
    taping.studio.run(3_000)
    taping.studio.end()
    recording = await taping.recording()
    chunks = [file.chunk for file in recording.renditions[SOURCE].chunks.values()]
    assert [(one.map, one.height) for one in chunks] == [(0, 720), (1, 360)]
    assert chunks[0].init != chunks[1].init
    breaks = [span for _, span in recording.renditions[SOURCE].spans if span.x]
    assert len(breaks) == 1


async def test_a_break_of_the_source_is_a_break_of_the_recording(taping: Taping) -> None:
    taping.tap()
    taping.studio.video()
    taping.studio.audio()
    taping.studio.run(3_000)
    taping.studio.packager.interrupt()
    taping.studio.key()
    taping.studio.run(3_000)
    taping.studio.end()
    recorded = await taping.recorded()
    assert recorded == taping.packaged()
    for name in (SOURCE, AUDIO):
        assert sum(one.breaks for one in recorded[name]) == 1


async def test_players_and_the_recorder_listen_to_the_same_presentation(taping: Taping) -> None:
    """Whoever came first, and whoever came last."""
    before = Origin(taping.studio.presentation, VirtualClock(), Holds(1))
    taping.tap()
    after = Origin(taping.studio.presentation, VirtualClock(), Holds(1))
    witnessed = taping.studio.witness.versions
    taping.studio.video()
    taping.studio.audio()
    taping.studio.run(3_000)
    taping.studio.end()
    assert await taping.recorded() == taping.packaged()
    renditions = taping.studio.presentation.renditions
    assert witnessed == {name: one.version for name, one in renditions.items()}
    assert before.presentation is after.presentation


async def test_a_recording_that_is_over_is_in_nobodys_way(taping: Taping) -> None:
    taping.tap()
    taping.studio.video()
    taping.studio.run(3_000)
    before = await taping.recording()
    taping.studio.run(3_000)
    taping.studio.end()
    assert taping.studio.timeline(SOURCE) == ["2000", "2000", "2000"]
    assert (await taping.recording()).size == before.size


async def test_one_that_comes_later_records_from_the_open_segment_on(taping: Taping) -> None:
    taping.studio.video()
    taping.studio.audio()
    taping.studio.run(5_200)
    taping.tap()
    taping.studio.run(3_000)
    taping.studio.end()
    packaged = taping.packaged()
    first = min(one.msn for one in packaged[SOURCE]) + 2
    for name, spans in (await taping.recorded()).items():
        assert spans == [one for one in packaged[name] if one.msn >= first]


async def test_one_that_is_closed_hears_nothing_more(taping: Taping) -> None:
    tap = taping.tap()
    taping.studio.video()
    taping.studio.run(3_000)
    tap.close()
    so_far = len(_packaged(taping.studio.presentation.renditions[SOURCE]))
    taping.studio.run(3_000)
    assert len((await taping.recorded())[SOURCE]) == so_far
    assert taping.capture.health.lost_parts == 0
