"""What waits for the process is bounded, and pictures are left out as whole groups."""

from __future__ import annotations

from bridge.transcode.outbox import MOST_BYTES, MOST_UNITS, Outbox
from bridge.transcode.wire import Reset, Unit
from sluice.media import Codec

PICTURE = Unit(Codec.VP8, 0, False, b"p")
KEYFRAME = Unit(Codec.VP8, 0, True, b"k")
SOUND = Unit(Codec.OPUS, 0, True, b"s")


def test_it_is_taken_in_order() -> None:
    outbox = Outbox()
    assert all(outbox.put(message) for message in (KEYFRAME, SOUND, Reset(), PICTURE))
    assert len(outbox) == 4
    assert outbox.take() == [KEYFRAME, SOUND, Reset(), PICTURE]
    assert outbox.take() == []


def test_when_it_is_full_pictures_go_and_sound_stays() -> None:
    outbox = Outbox()
    outbox.put(SOUND)
    for _ in range(MOST_UNITS - 1):
        outbox.put(PICTURE)
    assert not outbox.put(PICTURE)
    assert not outbox.put(PICTURE)
    assert outbox.put(SOUND)
    assert outbox.dropped == MOST_UNITS + 1
    assert outbox.put(KEYFRAME)
    assert outbox.put(PICTURE)
    assert outbox.take() == [SOUND, SOUND, KEYFRAME, PICTURE]


def test_bytes_are_bounded_too() -> None:
    outbox = Outbox()
    large = Unit(Codec.VP8, 0, True, bytes(MOST_BYTES // 2))
    outbox.put(large)
    outbox.put(large)
    assert outbox.put(large)
    assert outbox.take() == [large]


def test_nothing_but_sound_is_bounded_as_well() -> None:
    outbox = Outbox()
    for _ in range(2 * MOST_UNITS):
        outbox.put(SOUND)
    assert len(outbox) == MOST_UNITS
    assert outbox.dropped == MOST_UNITS


def test_a_new_process_begins_with_a_keyframe() -> None:
    outbox = Outbox()
    outbox.put(PICTURE)
    outbox.begin_anew()
    assert outbox.take() == []
    assert not outbox.put(PICTURE)
    assert outbox.put(SOUND)
    assert outbox.put(KEYFRAME)
    assert outbox.take() == [SOUND, KEYFRAME]
