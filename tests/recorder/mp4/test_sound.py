"""Sound across breaks: nothing twice, holes are silent, and counting frames keeps step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recorder.mp4.entry import SampleEntry
from recorder.mp4.sound import joined
from recorder.mp4.timeline import INLINE, Placed, Recorded

FRAME = 1_024
SLOT = 96_000
SILENT = SampleEntry(b"", 48_000, False, silence=b"silent")
UNKNOWN = SampleEntry(b"", 48_000, False)


def recorded(
    times: list[int],
    periods: list[tuple[int, int]] | None = None,
    entry: SampleEntry = SILENT,
) -> Recorded:
    """Frames at these times; with the period of each."""
    count = len(times)
    time = np.array(times, np.int64)
    edges = np.array(periods or [(0, 1 << 40)] * count, np.int64)
    none = np.zeros(count, np.int64)
    samples = Placed(none, np.arange(count) * 100, none + 100, time, time // SLOT, none == 0, none)
    return Recorded(48_000, (entry,), samples, edges[:, 0], edges[:, 1], (FRAME,))


def join(sound: Recorded) -> tuple[Placed, bytes]:
    inline = bytearray(b"before")
    slots = np.arange(0, 1 << 24, SLOT, dtype=np.int64)
    return joined(sound, slots, inline), bytes(inline)


def run(at: int, count: int) -> list[int]:
    return [at + FRAME * n for n in range(count)]


def test_sound_without_a_break_is_left_as_it_is() -> None:
    sound = recorded(run(317, 200))
    found, inline = join(sound)
    assert found.time.tolist() == run(317, 200)
    assert inline == b"before"


def test_a_hole_is_filled_with_silence_in_its_place() -> None:
    found, inline = join(recorded(run(0, 10) + run(500_000, 10)))
    made = found.source == INLINE
    assert made.sum() == round((500_000 - 10_240) / FRAME)
    assert found.time[made][:2].tolist() == [10_240, 11_264]
    # By time, so that a player finds it beside its pictures.
    assert found.slot.tolist() == sorted(found.slot.tolist())
    assert found.slot[made][-1] == found.time[made][-1] // SLOT
    for at, size in zip(found.offset[made].tolist(), found.size[made].tolist(), strict=True):
        assert inline[at : at + size] == b"silent"


def test_silences_share_their_bytes() -> None:
    _, short = join(recorded(run(0, 10) + run(40_000, 10)))
    _, long = join(recorded(run(0, 10) + run(4_000_000, 10) + run(9_000_000, 1)))
    assert len(long) == len(short) < 2_000


def test_a_hole_stays_where_silence_is_not_known() -> None:
    found, inline = join(recorded(run(0, 10) + run(500_000, 10), entry=UNKNOWN))
    assert len(found) == 20
    assert inline == b"before"


def test_frames_outside_of_their_period_are_left_out() -> None:
    first, second = (0, 10_000), (10_000, 20_000)
    times = run(0, 12) + run(8_500, 10)
    found, _ = join(recorded(times, [first] * 12 + [second] * 10))
    # Of the first, 10240 begins after its end; of the second, 8500 ends before its beginning. The
    # two that meet share more than half of their time, so one of them is left out.
    assert found.time.tolist() == run(0, 9) + run(9_524, 9)


def test_a_frame_that_would_be_heard_twice_is_left_out() -> None:
    found, _ = join(recorded(run(0, 10) + run(9_000, 10)))
    assert found.time.tolist() == run(0, 10) + run(9_000 + FRAME, 9)


def test_no_frames_are_no_frames() -> None:
    found, _ = join(recorded(run(0, 3), [(50_000, 60_000)] * 3))
    assert len(found) == 0


BREAKS = st.lists(
    st.tuples(st.integers(-FRAME + 1, 3 * FRAME), st.integers(2, 30)), min_size=1, max_size=40
)


@given(BREAKS)
def test_who_counts_frames_is_never_off_by_a_whole_one(breaks: list[tuple[int, int]]) -> None:
    """At the beginning of each run: half a frame, by which the last one may still hang over."""
    times: list[int] = []
    at = 0
    begins: list[int] = []
    for gap, count in breaks:
        at += gap if times else 0
        begins.append(at)
        times += run(at, count)
        at += count * FRAME
    found, _ = join(recorded(times))
    assert (np.diff(found.time) > 0).all()
    places = {time: index for index, time in enumerate(found.time.tolist())}
    for begin in begins:
        if begin in places:
            assert abs(places[begin] * FRAME - begin) <= FRAME // 2


@given(BREAKS)
def test_only_frames_at_breaks_are_left_out(breaks: list[tuple[int, int]]) -> None:
    times: list[int] = []
    at = 0
    for gap, count in breaks:
        at += gap if times else 0
        times += run(at, count)
        at += count * FRAME
    found, _ = join(recorded(times))
    kept = found.time[found.source != INLINE]
    assert len(times) - len(kept) <= len(breaks)
    assert set(kept.tolist()) <= set(times)
