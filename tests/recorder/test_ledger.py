"""Records come in in any order, and out as a recorder would have written them."""

from __future__ import annotations

import random

import pytest

from recorder.ledger import Ledger
from recorder.recording import Recording
from recorder.records import (
    Chunk,
    Closed,
    Gap,
    Mark,
    Part,
    Record,
    Sealed,
    Session,
    Stored,
)
from recorder.salvage import ChunkKey
from tests.recorder.studio import BEGAN

ONE, TWO = Session(1, "one", 1_000), Session(2, "two", 9_000)


def chunk(number: int, session: int, rendition: str = "source") -> Chunk:
    return Chunk(rendition, number, session, 0, bytes(10), "codec", 90_000, 1280, 720)


def part(chunk: int, n: int, rendition: str = "source") -> Part:
    return Part(rendition, chunk, n, 0, n * 10, 10, 10 + n * 5, 5, 0, True)


GAP = Gap("source", 2, 0, 20, 10)
RECORDS: list[Record] = [
    BEGAN,
    ONE,
    chunk(1, 1),
    part(1, 0),
    part(1, 1),
    Sealed("source", 1, 20, "a"),
    Stored("source", 1),
    GAP,
    chunk(2, 1),
    part(2, 3),
    Sealed("source", 2, 30, "b"),
    chunk(1, 1, "audio"),
    part(1, 0, "audio"),
    TWO,
    chunk(3, 2),
    part(3, 0),
    Mark(1, "marker", "x"),
    Mark(2, "marker", "y"),
    Closed(10, "end"),
]


def test_what_was_in_order_stays_as_it_is() -> None:
    assert list(Ledger.of(RECORDS).records()) == RECORDS


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_chunks_and_parts_does_not_matter(seed: int) -> None:
    movable = [one for one in RECORDS if isinstance(one, Chunk | Part | Sealed | Stored)]
    random.Random(seed).shuffle(movable)
    mixed = [BEGAN, ONE, GAP, TWO, *movable, *RECORDS[-3:]]
    found = Recording.of(Ledger.of(mixed).records())
    expected = Recording.of(RECORDS)
    assert found.sessions == expected.sessions
    for name, captured in expected.renditions.items():
        assert found.renditions[name].spans == captured.spans
        assert found.renditions[name].chunks == captured.chunks


def test_a_lost_part_is_a_gap_until_it_is_found() -> None:
    ledger = Ledger.of(RECORDS)
    ledger.lose(part(2, 3))
    assert ledger.has_gap(part(2, 3))
    gap = Gap("source", 3, 0, 30, 10, lost=True)
    spans = Recording.of(ledger.records()).renditions["source"].spans
    assert [span for _, span in spans] == [part(1, 0), part(1, 1), GAP, gap, part(3, 0)]
    ledger.add_part(part(2, 3))
    assert not ledger.has_gap(part(2, 3))
    assert list(ledger.records()) == RECORDS


def test_a_forgotten_chunk_leaves_gaps() -> None:
    ledger = Ledger.of(RECORDS)
    ledger.forget(ChunkKey("source", 1))
    recording = Recording.of(ledger.records())
    source = recording.renditions["source"]
    assert list(source.chunks) == [2, 3]
    gaps = [span for _, span in source.spans if isinstance(span, Gap)]
    assert [(gap.s, gap.lost) for gap in gaps] == [(0, True), (1, True), (2, False)]


def test_a_chunk_without_parts_is_kept() -> None:
    records: list[Record] = [BEGAN, ONE, chunk(1, 1), Sealed("source", 1, 10, "a"), GAP]
    ledger = Ledger.of(records)
    assert list(ledger.records()) == [BEGAN, ONE, GAP, *records[2:4]]


def test_a_session_after_the_end_opens_it_again() -> None:
    assert Ledger.of([BEGAN, ONE, Closed(1, "end"), TWO]).closed is None
    assert Ledger.of([BEGAN, ONE, TWO, Closed(1, "end")]).closed == Closed(1, "end")


def test_parts_of_unknown_chunks_are_not_written_down() -> None:
    ledger = Ledger.of([BEGAN, ONE, part(1, 0)])
    assert list(ledger.records()) == [BEGAN, ONE]
    ledger.chunks[ChunkKey("source", 1)] = chunk(1, 1)
    assert list(ledger.records()) == [BEGAN, ONE, chunk(1, 1), part(1, 0)]
