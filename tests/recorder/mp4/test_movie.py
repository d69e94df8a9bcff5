"""The head of a file, read back box by box."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.mp4.interleave import Stretches
from recorder.mp4.movie import EMPTY, Edit, Kind, Movie, Track
from recorder.mp4.sample_table import SampleTable
from tests.bridge.media import box, boxes

ONE = np.array([1])
TABLE = SampleTable([], np.array([48_000]), ONE, ONE == 1, Stretches(ONE, ONE, ONE))


def track(kind: Kind, *edits: Edit, language: str = "und", label: str = "") -> Track:
    return Track(kind, 48_000, TABLE, edits or (Edit(90_000, 0),), language, label, 640, 360)


def traks(movie: Movie) -> list[bytes]:
    moov = box(movie.write(0, False), "moov")
    return [one.body for one in boxes(moov) if one.kind == "trak"]


def number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big", signed=True)


def test_a_movie_is_as_long_as_its_longest_track() -> None:
    movie = Movie([track("pictures"), track("sound", Edit(9_000, EMPTY), Edit(90_001, 5))])
    header = box(movie.write(0, False), "moov", "mvhd")
    assert (number(header, 20, 4), number(header, 24, 8)) == (90_000, 99_001)
    pictures, sound = traks(movie)
    assert number(box(pictures, "tkhd"), 28, 8) == 90_000
    assert number(box(sound, "tkhd"), 28, 8) == 99_001


def test_edits_say_when_a_track_is_shown_and_from_where() -> None:
    (sound,) = traks(Movie([track("sound", Edit(9_000, EMPTY), Edit(90_001, 1_024))]))
    edits = box(sound, "edts", "elst")
    assert number(edits, 4, 4) == 2
    assert (number(edits, 8, 8), number(edits, 16, 8)) == (9_000, -1)
    assert (number(edits, 28, 8), number(edits, 36, 8)) == (90_001, 1_024)


def test_pictures_have_a_size_and_sound_has_a_volume() -> None:
    pictures, sound = traks(Movie([track("pictures"), track("sound")]))
    header = box(pictures, "tkhd")
    assert (number(header, 88, 4) >> 16, number(header, 92, 4) >> 16) == (640, 360)
    assert (number(header, 48, 2), number(box(sound, "tkhd"), 48, 2)) == (0, 0x100)


@pytest.mark.parametrize(
    ("kind", "handler", "header"),
    [
        ("pictures", b"vide", "vmhd"),
        ("sound", b"soun", "smhd"),
        ("captions", b"sbtl", "nmhd"),
        ("chapters", b"text", "gmhd"),
    ],
)
def test_a_track_says_what_it_is(kind: Kind, handler: bytes, header: str) -> None:
    (one,) = traks(Movie([track(kind, language="pt-BR", label="Português")]))
    assert box(one, "mdia", "hdlr")[8:12] == handler
    assert boxes(box(one, "mdia", "minf"))[0].kind == header
    assert box(one, "mdia", "elng")[4:] == b"pt-BR\0"
    assert box(one, "udta", "name").decode() == "Português"
    assert number(box(one, "mdia", "mdhd"), 24, 8) == 48_000


def test_pictures_and_sound_name_the_track_with_the_chapters() -> None:
    movie = Movie(
        [track("pictures"), track("sound"), track("captions"), track("chapters")], chapters=3
    )
    found = [[each.kind for each in boxes(one)] for one in traks(movie)]
    assert ["tref" in kinds for kinds in found] == [True, True, False, False]
    assert box(traks(movie)[0], "tref", "chap") == b"\0\0\0\4"


def test_title_and_neros_chapters_are_beside_the_tracks() -> None:
    movie = Movie([track("pictures")], title="Ä title", nero=b"\0\0\0\x0cchplabcd")
    data = box(movie.write(0, False), "moov", "udta")
    assert [one.kind for one in boxes(data)] == ["chpl", "meta"]
    assert "Ä title".encode() in data
    assert [one.kind for one in boxes(box(Movie([]).write(0, False), "moov"))] == ["mvhd"]


def test_time_is_counted_from_1904() -> None:
    header = box(Movie([], created_s=0).write(0, False), "moov", "mvhd")
    assert number(header, 4, 8) == 24_107 * 86_400
