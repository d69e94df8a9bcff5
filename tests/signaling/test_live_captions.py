"""Words while it is live: on the playlists' time, on the recording's, and without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from bridge.presentation import AUDIO, Presentation
from bridge.rendition import Part, Rendition, Segment
from bridge.track import AudioConfig
from recorder.captions import vtt
from recorder.captions.cues import Cue, Style
from recorder.captions.process import CaptionProcess
from recorder.captions.wire import Heard, Open
from recorder.captions.words import Word
from recorder.media import LocalMedia
from signaling import live_captions as module
from signaling.live_captions import CaptionWriters, SoundTap, SpokenTrack, on_replay
from signaling.shelf import Shelf
from sluice.recorder_config import CaptionsConfig
from tests.bridge.windows import ORIGIN_MS as WINDOW_MS
from tests.bridge.windows import Windows
from tests.recorder.captions.speech import Coded, both, coded
from tests.recorder.timelines import ORIGIN_S, replay
from tests.signaling.recording_world import LIVE, Recorder, recorder_on

ZERO: Final = 1_790_000_000_000
SECOND: Final = 1_000
BEHIND_MS: Final = 3_000
"""Of sound that was not listened to: more than this would be left out."""


def heard(until_ms: int, *words: tuple[str, int]) -> Heard:
    """Words of 400 ms, and up to when all are known; since ZERO."""
    made = [Word(text, ZERO + at_ms, ZERO + at_ms + 400) for text, at_ms in words]
    return Heard(1, made, ZERO + until_ms)


class Asked:
    """A track, asked for stretches of two seconds, as the bridge does."""

    def __init__(self) -> None:
        self.track = SpokenTrack("en")

    def text(self, number: int) -> list[tuple[int, int, str]] | None:
        from_ms = ZERO + 2_000 * number
        document = self.track.vtt(from_ms, from_ms + 2_000, ZERO)
        if document is None:
            return None
        return [(one.from_ms, one.to_ms, one.text) for one in vtt.read(document.encode())]


# --- what the bridge sees


def test_nothing_is_said_of_what_was_not_heard_yet() -> None:
    asked = Asked()
    assert asked.text(0) is None
    asked.track.hear(heard(1_999, ("Red", 500)))
    assert asked.text(0) is None
    asked.track.hear(heard(2_000))
    assert asked.text(0) == [(500, 1_500, "Red")]
    assert asked.text(1) is None
    asked.track.hear(heard(6_000))
    assert asked.text(1) == asked.text(2) == []


def test_what_was_answered_once_stays_so() -> None:
    asked = Asked()
    asked.track.hear(heard(2_000, ("Red", 500)))
    before = asked.text(0)
    asked.track.hear(heard(2_500, ("late", 1_000)))
    assert asked.text(0) == before


def test_words_that_come_when_their_stretch_was_passed_over_move_on() -> None:
    asked = Asked()
    assert asked.text(0) is None
    assert asked.text(1) is None  # whoever asks for this has given up the first
    asked.track.hear(heard(4_000, ("Red", 500)))
    assert asked.text(1) == [(2_000, 3_000, "Red")]
    assert asked.text(0) == []


def test_an_engine_that_is_gone_leaves_empty_stretches() -> None:
    asked = Asked()
    asked.track.hear(heard(2_000, ("Red", 500)))
    assert asked.text(0) == [(500, 1_500, "Red")]
    assert asked.text(1) is None
    asked.track.end()
    assert asked.text(1) == asked.text(2) == []
    assert asked.text(0) == [(500, 1_500, "Red")]


def test_words_are_kept_for_the_recording_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORDS", 3)
    track = SpokenTrack("en")
    for number in range(5):
        track.hear(heard(1_000 * number, ("a", 1_000 * number), ("b", 1_000 * number + 500)))
    assert [word.text for word in track.words] == ["a", "b", "a", "b"]


@pytest.mark.parametrize(("language", "label"), [("de", "Deutsch"), ("pt-BR", "pt-BR")])
def test_people_choose_it_by_a_name(language: str, label: str) -> None:
    track = SpokenTrack(language)
    assert (track.language, track.label) == (language, label)


# --- what the engine hears


class Ear(CaptionProcess):
    """Keeps what it is fed."""

    def __init__(self) -> None:
        super().__init__(Open("none", "en"), lambda heard: None, lambda reason: None)
        self.inits: list[bytes] = []
        self.fed: list[tuple[int, int, bytes]] = []

    def begin(self, init: bytes) -> None:
        self.inits.append(init)

    def feed(self, time_ms: int, length_ms: int, data: bytes) -> None:
        self.fed.append((time_ms, length_ms, data))


def test_the_sound_is_heard_part_by_part_with_its_stream_time() -> None:
    windows, ear = Windows(), Ear()
    SoundTap(windows.presentation, ear)
    windows.parts(6)
    windows.part(gap=True)
    windows.break_here()
    windows.part()
    assert ear.inits == [b"init audio 0", b"init audio 1"]
    parts = [part for segment in windows["audio"].segments for part in segment.parts]
    assert [data for _, _, data in ear.fed] == [part.data for part in parts if not part.gap]
    times = [time for time, _, _ in ear.fed]
    assert times[0] == WINDOW_MS
    assert times[1] == WINDOW_MS + ear.fed[0][1]
    assert times == sorted(times)


def test_a_tap_in_the_middle_hears_what_comes_and_a_closed_one_nothing() -> None:
    windows, ear = Windows(), Ear()
    windows.segments(3)
    tap = SoundTap(windows.presentation, ear)
    windows.part()
    assert len(ear.fed) == 1
    tap.closed = True
    windows.part()
    assert len(ear.fed) == 1


# --- on the recording's time


def test_cues_stand_on_the_recordings_time_and_those_of_a_gap_are_left_out() -> None:
    origin_ms = ORIGIN_S * 1_000
    bold = (Style("b", 0, 1),)
    spoken = [
        Cue(origin_ms + at_ms, origin_ms + at_ms + 900, text, bold)
        for at_ms, text in ((-500, "before"), (500, "first"), (10_000, "gap"), (25_000, "late"))
    ]
    assert on_replay(spoken, replay((0, 4), (24, 3))) == [
        Cue(500, 1_400, "first", bold),
        Cue(5_000, 5_900, "late", bold),
    ]
    assert on_replay(spoken, replay()) == []


# --- with real engines


@asynccontextmanager
async def writing(
    storage: Path, config: CaptionsConfig
) -> AsyncIterator[tuple[Recorder, CaptionWriters]]:
    """A recorder whose broadcasts are listened to."""
    async with recorder_on(storage) as recorder:
        shelf = Shelf(recorder.catalog.vods, storage / "recordings", LocalMedia, recorder.clock)
        writers = CaptionWriters(
            config, recorder.catalog.tracks, shelf, recorder.clock, recorder.metrics
        )
        recorder.recordings.followers.append(writers)
        try:
            yield recorder, writers
        finally:
            await writers.close()


async def speak(presentation: Presentation, sound: Coded, process: CaptionProcess) -> None:
    """Real sound, a segment for each part, as fast as it is listened to."""
    rendition = Rendition(AUDIO, AudioConfig(b"\x11\x90"), inits={0: sound.init})
    presentation.renditions[AUDIO] = rendition
    for number, one in enumerate(sound.fragments):
        part = Part(0, one.length, True, False, one.data)
        segment = Segment(number, one.ticks, 0, False, [part], one.length, complete=True)
        rendition.segments.append(segment)
        rendition.version += 1
        presentation.changed(rendition)
        while process.numbers.behind_ms > BEHIND_MS:  # noqa: ASYNC110 (no event says so)
            await asyncio.sleep(0.01)


@pytest.mark.needs("espeak-ng")
async def test_what_is_said_is_in_the_playlist_and_then_in_the_recording(tmp_path: Path) -> None:
    async with writing(tmp_path, CaptionsConfig(engine="pocketsphinx")) as (recorder, writers):
        origin_ms = recorder.clock.wall_ms()
        presentation = Presentation("e", origin_ms)
        await recorder.recordings.begin(LIVE, presentation)
        recording = recorder.recordings.running(LIVE)
        assert recording is not None
        track = presentation.captions["en"]
        assert track.label == "English"
        async with asyncio.timeout(60):
            process = writers._heard[recording].process
            await speak(presentation, coded(both(48_000)), process)
        await recorder.recordings.end(LIVE, presentation)
        await writers._tasks.settle()

        whole = track.vtt(origin_ms, origin_ms + 60_000, origin_ms)
        assert whole is not None
        assert "live stream" in whole.lower()
        (kept,) = await recorder.catalog.tracks.of(recording)
        assert (kept.language, kept.kind, kept.label) == ("en", "live", "English")
        found = await recorder.catalog.cues.find(recording, "live stream")
        length_ms = (await recorder.vod(recording)).duration_ms
        assert found
        assert all(400 <= one.from_ms < length_ms for one in found)
        text = await recorder.catalog.tracks.text(recording, "en", "live")
        assert text is not None
        assert vtt.read(text.encode())


async def test_an_engine_that_is_given_up_leaves_live_and_the_recording_alone(
    tmp_path: Path,
) -> None:
    config = CaptionsConfig(engine="sherpa", model=tmp_path / "no-such-model")
    async with writing(tmp_path, config) as (recorder, writers):
        recording, studio = await recorder.begin()
        track = studio.presentation.captions["en"]
        begin_ms = studio.presentation.origin_ms
        async with asyncio.timeout(60):
            while _counted(recorder, "given_up") == 0:  # noqa: ASYNC110 (a counter, and no event)
                await asyncio.sleep(0.01)
        assert track.vtt(begin_ms, begin_ms + 2_000, begin_ms) == "WEBVTT\n"
        studio.run(4_000)
        await recorder.end(studio)
        await writers._tasks.settle()
        assert (await recorder.vod(recording)).state == "ready"
        assert await recorder.catalog.tracks.of(recording) == []
        assert (_counted(recorder, "begun"), _counted(recorder, "given_up")) == (1, 1)


async def test_what_was_deleted_meanwhile_gets_no_captions(tmp_path: Path) -> None:
    config = CaptionsConfig(engine="sherpa", model=tmp_path / "no-such-model")
    async with writing(tmp_path, config) as (recorder, writers):
        recording, studio = await recorder.begin()
        studio.run(2_000)
        await recorder.end(studio)
        await recorder.catalog.deletions.delete_vod(recording, "", "owner", 1, keep_clips=True)
        await writers._tasks.settle()
        assert await recorder.catalog.tracks.of(recording) == []
        assert writers._tasks.failures == 0


async def test_no_process_outlives_the_server(tmp_path: Path) -> None:
    async with writing(tmp_path, CaptionsConfig(engine="pocketsphinx")) as (recorder, writers):
        recording, _ = await recorder.begin()
        process = writers._heard[recording].process
        async with asyncio.timeout(60):
            while not runs(process):  # noqa: ASYNC110 (no event says so)
                await asyncio.sleep(0.01)
        await writers.close()
        assert not runs(process)
        await writers.end(recording)  # as the recorder does, when it closes


def runs(process: CaptionProcess) -> bool:
    return process.pid is not None


def _counted(recorder: Recorder, event: str) -> float:
    return recorder.counted("sluice_caption_events_total", event=event)
