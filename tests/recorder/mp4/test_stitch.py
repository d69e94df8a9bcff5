"""Whole recordings and stretches of them as MP4, decoded by FFmpeg: each picture once, in order and
in step with the sound.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge import fmp4
from bridge.track import Sample
from recorder.media import MediaMissing
from recorder.mp4.boxes import MalformedMedia, boxes, find
from recorder.mp4.entry import read_entry
from recorder.mp4.stitch import NothingToStitch, stitch
from recorder.mp4.text import ChapterMark, TextCue, TextTrack
from recorder.recording import Recording
from recorder.records import Began, Chunk, Part, Record, Session
from recorder.replay import Replay
from tests.recorder.barcodes import coded, number_of, sound_config
from tests.recorder.broadcast import AUDIO, Broadcast
from tests.recorder.mp4.playing import (
    Edge,
    bursts,
    chapters,
    cues,
    expected_pictures,
    expected_sound,
    flips,
    opened,
    packets,
    pictures,
    start_us,
    us,
    wave,
)

SILENCE = read_entry(fmp4.init(sound_config())).silence
"""A frame in which nothing is heard."""


def assert_in_step(heard: list[Edge], seen: list[Edge], replay: Replay | None = None) -> None:
    """Each tone begins and ends with its picture, to 8 ms. Where sound begins anew, it may lack up
    to a frame."""
    assert [begins for _, begins in heard] == [begins for _, begins in seen]
    anew = [] if replay is None else [period.at_us for period in replay.periods]
    for (at_us, _), (picture_us, _) in zip(heard, seen, strict=True):
        near = any(abs(picture_us - each) < 1_000 for each in anew)
        assert abs(at_us - picture_us) < (26_000 if near else 8_000)


def test_every_picture_is_there_once_and_in_order(eventful: Broadcast, replay: Replay) -> None:
    shown = pictures(stitch(replay, eventful.media))
    assert [one.number for one in shown] == [one.number for one in eventful.taken["source"]]


def test_pictures_have_the_times_that_they_had_when_they_were_live(
    eventful: Broadcast, replay: Replay
) -> None:
    shown = pictures(stitch(replay, eventful.media))
    expected = expected_pictures(eventful, replay, 0, replay.duration_us)
    assert len(replay.periods) == 5
    assert [one.number for one in shown] == [one.number for one in expected]
    assert np.abs([a.at_us - b.at_us for a, b in zip(shown, expected, strict=True)]).max() < 12


def test_sound_keeps_its_distance_to_the_pictures_in_each_period(
    eventful: Broadcast, replay: Replay
) -> None:
    expected = np.array(expected_sound(eventful, replay))
    heard = packets(stitch(replay, eventful.media))
    made = 0
    for at_us, data in heard:
        if data == SILENCE:
            made += 1
        else:
            assert np.abs(expected - at_us).min() < 12
    # Of each break one frame may be missing, or there is one of silence.
    assert made <= 4
    assert len(expected) - 4 <= len(heard) - made <= len(expected)


def test_what_is_heard_belongs_to_what_is_seen(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(replay, eventful.media)
    assert_in_step(bursts(wave(file)), flips(pictures(file)), replay)


def test_a_player_that_counts_frames_of_sound_stays_in_step(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    for number in range(9):
        broadcast.shoot(1)
        broadcast.wait(1 + number / 70)
    heard = packets(stitch(broadcast.replay(), broadcast.media))
    first = heard[0][0]
    drift = [at_us - first - 1024 * n / 0.048 for n, (at_us, _) in enumerate(heard)]
    assert np.abs(drift).max() < 1024 / 0.048
    assert abs(drift[-1]) < 512 / 0.048 + 100


@pytest.mark.parametrize(
    ("from_ms", "to_ms"),
    [
        (0, 1_000),
        (400, 2_200),
        (1_000, 3_000),
        (1_433.3, 9_100),
        (7_600, 7_900),
        (10_033.4, 99_999),
    ],
)
def test_a_stretch_is_exact_to_a_picture(
    eventful: Broadcast, replay: Replay, from_ms: float, to_ms: float
) -> None:
    from_us, to_us = round(from_ms * 1_000), round(to_ms * 1_000)
    file = stitch(replay, eventful.media, from_us=from_us, to_us=to_us)
    shown = pictures(file)
    expected = expected_pictures(eventful, replay, from_us, min(to_us, replay.duration_us))
    assert [one.number for one in shown] == [one.number for one in expected]
    assert np.abs([a.at_us - b.at_us for a, b in zip(shown, expected, strict=True)]).max() < 24
    assert file.duration_us == min(to_us, replay.duration_us) - from_us


def test_the_sound_of_a_stretch_begins_with_it_and_is_whole_at_once(
    eventful: Broadcast, replay: Replay
) -> None:
    # In the middle of a burst. A decoder that lacked the frame before would begin half as loud.
    file = stitch(replay, eventful.media, from_us=700_000, to_us=2_700_000)
    heard = wave(file)
    assert len(heard) / 48_000 == pytest.approx(2.0, abs=0.022)
    assert start_us(file, "audio") == 0
    first = np.abs(heard[:96]).max()
    assert first > 0.35
    assert_in_step(bursts(heard), flips(pictures(file)))


def test_an_inexact_stretch_has_whole_slots(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(replay, eventful.media, from_us=1_400_000, to_us=2_100_000, exact=False)
    assert [one.number for one in pictures(file)] == list(range(30, 90))
    assert file.duration_us == 2_000_000


def test_one_can_jump_to_any_period_and_back(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(replay, eventful.media)
    expected = expected_pictures(eventful, replay, 0, replay.duration_us)
    with opened(file) as container:
        for second in (11, 1, 8, 6, 0, 9, 3):
            container.seek(second * 1_000_000)
            frame = next(container.decode(video=0))
            at_us = us(frame.pts, frame.time_base)
            wanted = min(expected, key=lambda one: abs(one.at_us - at_us))
            assert number_of(frame) == wanted.number


def test_a_smaller_rendition_and_no_sound(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(replay, eventful.media, video="90p", audio=False)
    with opened(file) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert len(list(container.decode(video=0))) == len(eventful.taken["90p"])


def test_sound_alone(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(2, {})
    broadcast.wait(5)
    broadcast.shoot(1, {})
    replay = broadcast.replay()
    file = stitch(replay, broadcast.media)
    with opened(file) as container:
        assert [stream.type for stream in container.streams] == ["audio"]
    assert len(packets(file)) == pytest.approx(3 * 48_000 / 1_024, abs=2)


def test_where_sound_is_missing_there_is_silence(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(6, without={AUDIO: {3, 4, 5, 6}})
    file = stitch(broadcast.replay(), broadcast.media)
    frames = packets(file)
    assert sum(data == SILENCE for _, data in frames) == pytest.approx(93, abs=1)
    # A frame is missing nowhere, so the times are those of frames one after the other.
    steps = np.diff([at_us for at_us, _ in frames])
    assert np.abs(steps - 1_024 / 0.048).max() < 1_024 / 0.048
    silent = wave(file)[int(1.6 * 48_000) : int(3.4 * 48_000)]
    assert np.abs(silent).max() < 0.01
    seen = [one for one in flips(pictures(file)) if not 1.4e6 < one[0] < 3.4e6]
    # The first frame after silence begins softly.
    heard = [one for one in bursts(wave(file)) if not 3.4e6 < one[0] < 3.6e6]
    assert_in_step(heard, [one for one in seen if not 3.4e6 < one[0] < 3.6e6])


def test_sound_that_begins_later_is_shown_later(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(1, sound=False)
    broadcast.shoot(2)
    file = stitch(broadcast.replay(), broadcast.media)
    assert len(pictures(file)) == 90
    assert start_us(file, "audio") == pytest.approx(1_013_200, abs=100)


def test_pictures_that_begin_later_are_shown_later(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(3, without={"90p": {0, 1}})
    file = stitch(broadcast.replay(), broadcast.media, video="90p")
    assert pictures(file)[0].at_us == pytest.approx(1_000_000, abs=12)


def test_a_hole_in_the_pictures_shows_the_last_one(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(4, without={"90p": {2, 3, 4, 5}})
    shown = pictures(stitch(broadcast.replay(), broadcast.media, video="90p"))
    assert shown[30].at_us - shown[29].at_us == pytest.approx(2_033_333, abs=12)


def test_sound_of_another_kind_goes_on(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(2)
    broadcast.session(after_s=1)
    broadcast.shoot(2, channels=1)
    replay = broadcast.replay()
    file = stitch(replay, broadcast.media)
    assert_in_step(bursts(wave(file)), flips(pictures(file)), replay)


def test_title_chapters_and_captions_are_read_back(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(
        replay,
        eventful.media,
        title="Roses & thorns",
        chapters=[ChapterMark(0, "Hello"), ChapterMark(3_000_000, "Soil — and ☀")],
        texts=[
            TextTrack("en", "English", [TextCue(1_000_000, 2_500_000, "Hi\nthere")]),
            TextTrack("pt-BR", "Português", [TextCue(500_000, 900_000, "Olá")]),
        ],
    )
    with opened(file) as container:
        assert container.metadata["title"] == "Roses & thorns"
        texts = container.streams.subtitles
        assert [one.language for one in texts] == ["eng", "por"]
    assert [(at, title) for at, _, title in chapters(file)] == [
        (0.0, "Hello"),
        (3.0, "Soil — and ☀"),
    ]
    assert cues(file, 0) == [(1_000, 1_500, "Hi\nthere")]
    assert cues(file, 1) == [(500, 400, "Olá")]


def test_texts_of_a_stretch_count_from_its_beginning(eventful: Broadcast, replay: Replay) -> None:
    file = stitch(
        replay,
        eventful.media,
        from_us=2_000_000,
        to_us=5_000_000,
        chapters=[
            ChapterMark(0, "One"),
            ChapterMark(4_000_000, "Two"),
            ChapterMark(6_000_000, "3"),
        ],
        texts=[TextTrack("en", "English", [TextCue(1_000_000, 2_500_000, "Hi")])],
    )
    assert chapters(file) == [(0.0, 2.0, "One"), (2.0, 3.0, "Two")]
    assert cues(file, 0) == [(0, 500, "Hi")]


def test_the_head_stands_in_front_and_media_in_the_order_of_time(
    eventful: Broadcast, replay: Replay
) -> None:
    file = stitch(replay, eventful.media)
    with opened(file) as container:
        seen = [
            (packet.pos, us(packet.dts, packet.time_base))
            for packet in container.demux(video=0, audio=0)
            if packet.size and packet.pos is not None
        ]
    seen.sort()
    longest = max(slot.duration_us for slot in replay.slots)
    latest = 0.0
    for _, at in seen:
        assert at > latest - longest - 100_000
        latest = max(latest, at)


def test_the_same_file_has_the_same_etag(eventful: Broadcast, replay: Replay) -> None:
    one = stitch(replay, eventful.media)
    assert stitch(replay, eventful.media).etag == one.etag
    assert stitch(replay, eventful.media, title="Another").etag != one.etag
    assert stitch(replay, eventful.media, to_us=3_000_000).etag != one.etag


def test_what_is_not_there_is_said(eventful: Broadcast, replay: Replay) -> None:
    with pytest.raises(NothingToStitch, match="nothing"):
        stitch(replay, eventful.media, from_us=90_000_000)
    with pytest.raises(NothingToStitch, match="nothing"):
        stitch(replay, eventful.media, from_us=5_000_000, to_us=5_000_000)
    with pytest.raises(NothingToStitch, match="1080p"):
        stitch(replay, eventful.media, video="1080p")
    with pytest.raises(NothingToStitch, match="audio"):
        stitch(replay, eventful.media, video="audio")
    with pytest.raises(NothingToStitch):
        stitch(Replay("empty"), eventful.media)


def test_a_missing_chunk_is_named(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(3)
    replay = broadcast.replay()
    (broadcast.folder / "source-000002.mp4").unlink()
    with pytest.raises(MediaMissing, match="source-000002"):
        stitch(replay, broadcast.media)


def test_a_damaged_head_is_named(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(1)
    replay = broadcast.replay()
    path = broadcast.folder / "source-000001.mp4"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"traf", b"frat"))
    with pytest.raises(MalformedMedia, match="source-000001"):
        stitch(replay, broadcast.media)


class Vast:
    """A store with gigabytes in which nothing is but heads; read like any other."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, bytes, int]] = []
        """Offset, head, and size with it."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        data = bytearray(size)
        for at, head, _ in self.parts:
            for n, byte in enumerate(head):
                if offset <= at + n < offset + size:
                    data[at + n - offset] = byte
        return bytes(data)

    def local(self, name: str) -> Path | None:
        return None


@pytest.mark.parametrize(("gigabytes", "wide"), [(2, False), (5, True)])
def test_beyond_four_gigabytes_offsets_are_wide(gigabytes: int, wide: bool) -> None:
    config = coded(0, 1).config
    init = fmp4.init(config)
    media, each = Vast(), 1 << 28
    records: list[Record] = [
        Began(1, "vast", "c", "t", 0),
        Session(1, "e", 0),
        Chunk("source", 1, 1, 0, init, config.codec, 90_000, 256, 144),
    ]
    at = len(init)
    for number in range(4 * gigabytes):
        time = 90_000 * number
        sample = Sample(time, 90_000, True, b"")
        head = fmp4.part([sample], sequence=1, last_duration=90_000, wall_ms=0)
        # Size of the sample, and of the mdat.
        head = head[:-12] + each.to_bytes(4, "big") + (each + 8).to_bytes(4, "big") + b"mdat"
        media.parts.append((at, head, len(head) + each))
        part = Part("source", 1, number, 0, time, 90_000, at, len(head) + each, 0, i=True)
        records.append(part)
        at += part.n
    file = stitch(Replay.of(Recording.of(records)), media)
    assert file.size > gigabytes << 30
    head = b"".join(file.read(0, 4_096))
    found = boxes(head, 0, find(head, 0, 4_096, b"moov").end)
    moov = next(one for one in found if one.kind == b"moov")
    table = find(head, moov.start, moov.end, b"trak", b"mdia", b"minf", b"stbl")
    places = find(head, table.start, table.end, b"co64" if wide else b"stco")
    entries = head[places.start + 8 : places.end]
    width = 8 if wide else 4
    assert [
        int.from_bytes(entries[at : at + width], "big") for at in range(0, len(entries), width)
    ] == [file.size - each * number for number in range(4 * gigabytes, 0, -1)]
    mdat = b"\0\0\0\1mdat" if wide else (file.size - moov.end).to_bytes(4, "big") + b"mdat"
    assert head[moov.end : moov.end + 8] == mdat
    assert b"".join(file.read(file.size - 9, 99)) == bytes(9)
