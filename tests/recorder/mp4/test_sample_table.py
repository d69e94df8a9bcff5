"""The tables of a track, read back box by box."""

from __future__ import annotations

import numpy as np

from recorder.mp4.interleave import Stretches
from recorder.mp4.sample_table import SampleTable
from tests.bridge.media import Box, box, boxes

ENTRY = b"\0\0\0\x0ctest1234"


def table(sync: list[bool], rolls: bool = False) -> SampleTable:
    return SampleTable(
        [ENTRY, ENTRY],
        np.array([3_000, 3_000, 2_999, 3_000]),
        np.array([900, 10, 11, 12]),
        np.array(sync),
        Stretches(np.array([0, 921]), np.array([3, 1]), np.array([0, 1])),
        rolls,
    )


def written(table: SampleTable, shift: int = 0, wide: bool = False) -> list[Box]:
    return boxes(box(table.write(shift, wide), "stbl"))


def numbers(found: list[Box], kind: str, width: int = 4) -> list[int]:
    body = next(one.body for one in found if one.kind == kind)[4:]
    return [int.from_bytes(body[at : at + 4], "big") for at in range(0, len(body), 4)]


def test_each_table_says_its_part() -> None:
    found = written(table([True, False, True, False]))
    assert [one.kind for one in found] == ["stsd", "stts", "stss", "stsc", "stsz", "stco"]
    assert numbers(found, "stts") == [3, 2, 3_000, 1, 2_999, 1, 3_000]
    assert numbers(found, "stss") == [2, 1, 3]
    # First stretch, samples in it, sample entry.
    assert numbers(found, "stsc") == [2, 1, 3, 1, 2, 1, 2]
    assert numbers(found, "stsz") == [0, 4, 900, 10, 11, 12]
    assert numbers(found, "stco") == [2, 0, 921]
    assert next(one.body for one in found if one.kind == "stsd").endswith(ENTRY * 2)


def test_offsets_move_with_the_head_of_the_file() -> None:
    one = table([True] * 4)
    assert numbers(written(one, shift=1_000), "stco") == [2, 1_000, 1_921]
    found = written(one, shift=1 << 32, wide=True)
    assert numbers(found, "co64") == [2, 1, 0, 1, 921]
    assert len(one.write(0, True)) == len(one.write(0, False)) + 8


def test_where_one_can_begin_anywhere_there_is_no_list_of_places() -> None:
    assert "stss" not in [one.kind for one in written(table([True] * 4))]


def test_a_decoder_of_sound_is_told_to_begin_a_frame_before() -> None:
    found = written(table([True] * 4, rolls=True))
    sgpd = next(one.body for one in found if one.kind == "sgpd")
    assert sgpd == b"\1\0\0\0roll" + b"\0\0\0\2\0\0\0\1" + b"\xff\xff"
    assert numbers(found, "sbgp")[1:] == [1, 4, 1]


def test_its_length_is_the_sum_of_all() -> None:
    assert table([True] * 4).length == 11_999
