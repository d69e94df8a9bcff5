"""Strangers' bytes become pictures, or trouble."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from bridge.transcode.decoder import PictureDecoder, PictureTooLarge, Undecodable
from bridge.transcode.wire import Unit
from sluice.media import Codec
from tests.bridge.transcode.sources import video, vp8_head


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.VP8, Codec.VP9])
def test_each_unit_gives_its_picture_at_once(codec: Codec) -> None:
    decoder = PictureDecoder()
    for unit in video(codec, 10):
        pictures = list(decoder.decode(unit))
        assert [(one.time_us, one.keyframe) for one in pictures] == [(unit.time_us, unit.keyframe)]
        assert (pictures[0].frame.width, pictures[0].frame.height) == (320, 180)


def test_nothing_is_decoded_before_a_keyframe() -> None:
    decoder = PictureDecoder()
    first, *others = video(count=10)
    assert [picture for unit in others for picture in decoder.decode(unit)] == []
    assert decoder.waiting
    assert len(list(decoder.decode(first))) == 1
    assert not decoder.waiting


def test_the_codec_may_change_with_a_keyframe() -> None:
    decoder = PictureDecoder()
    units = video(Codec.VP8, 3) + video(Codec.H264, 3)
    assert sum(len(list(decoder.decode(unit))) for unit in units) == 6


def test_the_size_may_change_with_a_keyframe() -> None:
    decoder = PictureDecoder()
    units = video(count=3) + video(count=3, width=160, height=90)
    widths = [picture.frame.width for unit in units for picture in decoder.decode(unit)]
    assert widths == [320] * 3 + [160] * 3


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.VP8, Codec.VP9])
def test_after_garbage_it_waits_for_a_keyframe_and_goes_on(codec: Codec) -> None:
    decoder = PictureDecoder()
    units = video(codec, 4)
    assert len(list(decoder.decode(units[0]))) == 1
    noise = random.Random(1).randbytes(400)
    # VP9 takes some noise for a picture that is not shown; a keyframe's head it checks.
    broken = [Unit(codec, 1, keyframe, noise) for keyframe in (False, True)]
    with pytest.raises(Undecodable):
        exhaust(decoder, broken)
    assert decoder.waiting
    assert list(decoder.decode(units[1])) == []
    assert len(list(decoder.decode(units[0]))) == 1


def test_damaged_pictures_are_trouble_or_pictures_and_never_more() -> None:
    """Every byte position is hit in some picture; the decoder comes back each time."""
    chance = random.Random(2)
    decoder = PictureDecoder()
    trouble = 0
    for _ in range(20):
        for unit in video(count=10):
            damaged = bytearray(unit.payload)
            if not unit.keyframe:
                for _ in range(3):
                    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            try:
                list(decoder.decode(Unit(unit.codec, unit.time_us, unit.keyframe, bytes(damaged))))
            except Undecodable:
                trouble += 1
    assert trouble > 0


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\0\0\1", b"\0\0\0\1\x65", bytes(1_000)])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.VP8, Codec.VP9, Codec.AV1])
def test_stubs_of_units_do_no_harm(codec: Codec, payload: bytes) -> None:
    decoder = PictureDecoder()
    try:
        assert list(decoder.decode(Unit(codec, 0, True, payload))) == []
    except Undecodable:
        assert decoder.waiting


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(lambda: video(Codec.H264, 1, width=4_128, height=4_128)[0], id="h264"),
        pytest.param(lambda: Unit(Codec.VP8, 0, True, vp8_head(16_383, 16_383)), id="vp8"),
    ],
)
def test_more_than_4096_squared_pixels_are_refused(unit: Callable[[], Unit]) -> None:
    decoder = PictureDecoder()
    with pytest.raises(PictureTooLarge):
        list(decoder.decode(unit()))
    assert decoder.waiting


@pytest.mark.parametrize(("width", "height"), [(16, 16), (2, 2), (320, 18)])
def test_tiny_pictures_are_pictures(width: int, height: int) -> None:
    unit = video(Codec.VP8, 1, width, height)[0]
    picture = next(PictureDecoder().decode(unit))
    assert (picture.frame.width, picture.frame.height) == (width, height)


def test_after_a_reset_it_waits() -> None:
    decoder = PictureDecoder()
    units = video(count=3)
    list(decoder.decode(units[0]))
    decoder.reset()
    assert list(decoder.decode(units[1])) == []


def exhaust(decoder: PictureDecoder, units: Sequence[Unit]) -> None:
    for unit in units:
        list(decoder.decode(unit))
