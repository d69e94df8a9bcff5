"""Each sample is where the file says that it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recorder.mp4.interleave import Prefix, interleave
from recorder.mp4.timeline import INLINE, Placed


def placed(rows: list[tuple[int, int, int, int, bool, int]]) -> Placed:
    """Samples: source, offset, size, slot, sync, entry."""
    table = np.array(rows, np.int64).reshape(-1, 6)
    source, offset, size, slot, sync, entry = table.T
    return Placed(source, offset, size, np.arange(len(rows)), slot, sync == 1, entry)


VIDEO = placed(
    [
        (0, 100, 10, 0, True, 0),
        (0, 110, 11, 0, False, 0),
        (0, 200, 12, 0, False, 0),  # another part: a head lies between
        (0, 300, 13, 1, True, 0),
        (1, 100, 14, 2, True, 1),
        (1, 114, 15, 2, False, 1),
    ]
)
SOUND = placed([(2, 50, 5, 0, True, 0), (2, 55, 5, 0, True, 0), (2, 90, 6, 2, True, 0)])


def test_a_slot_holds_all_tracks_one_after_the_other() -> None:
    extents, stretches = interleave([VIDEO, SOUND], [(), ()])
    assert list(
        zip(extents.source.tolist(), extents.offset.tolist(), extents.size.tolist(), strict=True)
    ) == [(0, 100, 21), (0, 200, 12), (2, 50, 10), (0, 300, 13), (1, 100, 29), (2, 90, 6)]
    assert extents.total == 91
    video, sound = stretches
    assert video.offset.tolist() == [0, 43, 56]
    assert video.samples.tolist() == [3, 1, 2]
    assert video.entry.tolist() == [0, 0, 1]
    assert sound.offset.tolist() == [33, 85]
    assert sound.samples.tolist() == [2, 1]


def test_what_stands_in_front_of_keyframes_belongs_to_them() -> None:
    extents, (video, sound) = interleave([VIDEO, SOUND], [(Prefix(7, 3), Prefix(20, 4)), ()])
    assert list(
        zip(extents.source.tolist(), extents.offset.tolist(), extents.size.tolist(), strict=True)
    ) == [
        (INLINE, 7, 3),
        (0, 100, 21),
        (0, 200, 12),
        (2, 50, 10),
        (INLINE, 7, 3),
        (0, 300, 13),
        (INLINE, 20, 4),
        (1, 100, 29),
        (2, 90, 6),
    ]
    assert video.offset.tolist() == [0, 46, 62]
    assert sound.offset.tolist() == [36, 95]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(0, 1)), min_size=1),
    st.booleans(),
)
def test_samples_are_where_their_stretch_says(
    taken: list[tuple[int, int, int]], prefixed: bool
) -> None:
    """Walk through the file as a player does, and find each sample's own bytes."""
    slots = np.cumsum([step for step, _, _ in taken])
    sizes = [size for _, size, _ in taken]
    offsets = np.cumsum([0, *sizes[:-1]]) * 2
    track = placed(
        [
            (0, int(offset), size, int(slot), bool(sync), 0)
            for offset, slot, (_, size, sync) in zip(offsets, slots, taken, strict=True)
        ]
    )
    other = placed([(1, 5 * int(slot), 5, int(slot), True, 0) for slot in sorted(set(slots))])
    prefix = (Prefix(0, 2),) if prefixed else ()
    extents, (stretches, _) = interleave([track, other], [prefix, ()])
    file: list[tuple[int, int]] = []
    for source, offset, size in zip(
        extents.source.tolist(), extents.offset.tolist(), extents.size.tolist(), strict=True
    ):
        file += [(source, offset + n) for n in range(size)]
    number = 0
    for at, count in zip(stretches.offset.tolist(), stretches.samples.tolist(), strict=True):
        for _ in range(count):
            _, size, sync = taken[number]
            expected = [(INLINE, 0), (INLINE, 1)] if prefixed and sync else []
            expected += [(0, int(offsets[number]) + n) for n in range(size)]
            assert file[at : at + len(expected)] == expected
            at += len(expected)
            number += 1
    assert number == len(taken)
