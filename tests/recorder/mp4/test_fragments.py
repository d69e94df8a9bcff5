"""Samples are found in real chunks with few readings, also in damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import fmp4
from bridge.track import Sample
from recorder.media import LocalMedia, Media, MediaMissing
from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.fragments import prefetch, read_samples
from recorder.records import Part, chunk_name
from recorder.replay import Piece, Replay
from tests.recorder.barcodes import coded
from tests.recorder.broadcast import AUDIO, Broadcast


class Counted(LocalMedia):
    """Of a store: nothing is a local file, and each reading is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[tuple[str, int, int]] = []

    def read(self, name: str, offset: int, size: int) -> bytes:
        self.reads.append((name, offset, size))
        return super().read(name, offset, size)

    def local(self, name: str) -> Path | None:
        return None


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Broadcast:
    broadcast = Broadcast(tmp_path_factory.mktemp("r") / "r", segments_per_chunk=9)
    broadcast.session()
    broadcast.shoot(2, {"source": (320, 180), "90p": (160, 90)})
    return broadcast


@pytest.fixture(scope="module")
def replay(broadcast: Broadcast) -> Replay:
    return broadcast.replay()


def pieces(replay: Replay, name: str) -> list[Piece]:
    return [slot.pieces[name] for slot in replay.slots]


def of(media: Media, name: str, chosen: list[Piece]) -> list[tuple[int, int, bool, bytes]]:
    file = chunk_name(name, 1)
    samples, counts = read_samples(media, file, chosen, 48_000 if name == AUDIO else 90_000)
    assert sum(counts) == len(samples.time)
    return [
        (time, duration, sync, media.read(file, offset, size))
        for time, duration, sync, offset, size in zip(
            samples.time.tolist(),
            samples.duration.tolist(),
            samples.sync.tolist(),
            samples.offset.tolist(),
            samples.size.tolist(),
            strict=True,
        )
    ]


@pytest.mark.parametrize("name", ["source", "90p"])
def test_samples_are_those_that_were_recorded(
    broadcast: Broadcast, replay: Replay, name: str
) -> None:
    found = of(broadcast.media, name, pieces(replay, name))
    size = (320, 180) if name == "source" else (160, 90)
    assert [(sync, data) for _, _, sync, data in found] == list(coded(0, 60, 30, size).pictures)
    assert [time for time, _, _, _ in found] == [one.time for one in broadcast.taken[name]]
    assert {duration for _, duration, _, _ in found} == {3_000}


def test_each_piece_has_its_count(broadcast: Broadcast, replay: Replay) -> None:
    chosen = pieces(replay, "source")
    _, counts = read_samples(broadcast.media, "source-000001.mp4", chosen, 90_000)
    assert counts == [30, 30]
    assert read_samples(broadcast.media, "source-000001.mp4", [], 90_000)[1] == []


def test_small_parts_are_read_together(broadcast: Broadcast, replay: Replay) -> None:
    media = Counted(broadcast.folder)
    read_samples(media, "audio-000001.mp4", pieces(replay, AUDIO), 48_000)
    assert len(media.reads) == 1


def test_of_large_parts_only_the_head_is_read(tmp_path: Path) -> None:
    parts: list[Part] = []
    at = 0
    with (tmp_path / "source-000001.mp4").open("wb") as file:
        for number in range(4):
            taken = [Sample(3_000 * number, 3_000, True, bytes(30_000))]
            data = fmp4.part(taken, sequence=1, last_duration=3_000, wall_ms=0)
            parts.append(Part("source", 1, 1, number, 3_000 * number, 3_000, at, len(data), 0))
            file.write(data)
            at += len(data)
    piece = Piece(1, 0, at, 0, 12_000, tuple(parts))
    media = Counted(tmp_path)
    found, counts = read_samples(media, "source-000001.mp4", [piece], 90_000)
    assert counts == [4]
    assert found.size.tolist() == [30_000] * 4
    assert sorted(media.reads) == [("source-000001.mp4", part.o, 4_096) for part in parts]


def test_a_store_and_a_folder_give_the_same(broadcast: Broadcast, replay: Replay) -> None:
    for name in ("source", AUDIO):
        chosen = pieces(replay, name)
        prefetch(broadcast.media, chunk_name(name, 1), chosen)
        prefetch(Counted(broadcast.folder), chunk_name(name, 1), chosen)
        assert of(broadcast.media, name, chosen) == of(Counted(broadcast.folder), name, chosen)


def test_a_chunk_that_is_missing_or_short_is_named(
    tmp_path: Path, broadcast: Broadcast, replay: Replay
) -> None:
    chosen = pieces(replay, "source")
    media = LocalMedia(tmp_path)
    prefetch(media, "source-000001.mp4", chosen)
    with pytest.raises(MediaMissing, match="source-000001"):
        read_samples(media, "source-000001.mp4", chosen, 90_000)
    whole = (broadcast.folder / "source-000001.mp4").read_bytes()
    (tmp_path / "source-000001.mp4").write_bytes(whole[: chosen[1].offset])
    with pytest.raises(MediaMissing, match=r"source-000001.mp4: it ends before byte"):
        read_samples(media, "source-000001.mp4", chosen, 90_000)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_is_malformed_or_harmless(
    data: st.DataObject, tmp_path: Path, broadcast: Broadcast, replay: Replay
) -> None:
    """Whatever a head becomes, there is an answer, and it stays within its chunk."""
    name = data.draw(st.sampled_from(["source", "90p", AUDIO]))
    chosen = pieces(replay, name)
    whole = bytearray((broadcast.folder / chunk_name(name, 1)).read_bytes())
    part = data.draw(st.sampled_from([part for piece in chosen for part in piece.parts]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = part.o + data.draw(st.integers(0, min(part.n, 220) - 1))
        whole[at] = data.draw(st.sampled_from([0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF]))
    (tmp_path / chunk_name(name, 1)).write_bytes(whole)
    try:
        samples, _ = read_samples(LocalMedia(tmp_path), chunk_name(name, 1), chosen, 90_000)
    except MalformedMedia:
        return
    assert (samples.offset >= 0).all()
    assert (samples.offset + samples.size <= len(whole)).all()
