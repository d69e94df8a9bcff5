"""The records: their names on the wire, which older and newer programs share."""

from __future__ import annotations

import msgspec
import pytest

from recorder.records import (
    Began,
    Chunk,
    Closed,
    Gap,
    Mark,
    Part,
    Record,
    Sealed,
    Session,
    Stored,
    chunk_name,
)

WRITTEN = [
    (
        Began(1, "garden-1", "garden", "Roses", 7),
        '{"k":"began","version":1,"recording":"garden-1","channel":"garden","title":"Roses",'
        '"wall_ms":7}',
    ),
    (Session(2, "e", 7), '{"k":"session","number":2,"epoch":"e","origin_ms":7}'),
    (
        Chunk("source", 3, 2, 0, b"\x00ftyp", "avc1.64001f", 90_000, 1280, 720, 29.97),
        '{"k":"chunk","rendition":"source","number":3,"session":2,"map":0,"init":"AGZ0eXA=",'
        '"codec":"avc1.64001f","timescale":90000,"width":1280,"height":720,"frame_rate":29.97,'
        '"channels":0}',
    ),
    (
        Part("source", 3, 5, 1, 90, 45, 1_000, 200, 4_294_967_295, True),
        '{"k":"p","r":"source","c":3,"s":5,"p":1,"t":90,"d":45,"o":1000,"n":200,'
        '"crc":4294967295,"i":true,"x":false}',
    ),
    (
        Gap("source", 5, 2, 135, 45, lost=True),
        '{"k":"gap","r":"source","s":5,"p":2,"t":135,"d":45,"x":false,"lost":true}',
    ),
    (
        Sealed("source", 3, 1_200, "ab"),
        '{"k":"sealed","rendition":"source","number":3,"size":1200,"sha256":"ab"}',
    ),
    (Stored("source", 3), '{"k":"stored","rendition":"source","number":3}'),
    (
        Mark(7, "marker", "Goal", "ann"),
        '{"k":"mark","wall_ms":7,"kind":"marker","text":"Goal","by":"ann"}',
    ),
    (Closed(8, "disk full"), '{"k":"closed","wall_ms":8,"reason":"disk full"}'),
]


@pytest.mark.parametrize(("record", "text"), WRITTEN, ids=lambda one: type(one).__name__)
def test_a_record_is_written_like_this(record: Record, text: str) -> None:
    assert msgspec.json.encode(record).decode() == text
    assert msgspec.json.decode(text, type=Record) == record


def test_what_a_later_program_adds_is_passed_over() -> None:
    text = b'{"k":"stored","rendition":"source","number":3,"where":"far away"}'
    assert msgspec.json.decode(text, type=Record) == Stored("source", 3)


def test_what_an_earlier_program_did_not_write_has_its_default() -> None:
    text = b'{"k":"gap","r":"source","s":5,"p":2,"t":135,"d":45}'
    assert msgspec.json.decode(text, type=Record) == Gap("source", 5, 2, 135, 45)


def test_files_of_chunks_are_in_the_order_of_their_names() -> None:
    assert chunk_name("720p", 12) == "720p-000012.mp4"
    assert chunk_name("720p", 9) < chunk_name("720p", 10)
