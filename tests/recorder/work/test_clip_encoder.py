"""Pictures that are encoded anew fit those that are copied."""

from __future__ import annotations

import av
import numpy as np
import pytest

from bridge.h264 import parse_sps
from recorder.work.clip_encoder import PROFILES, ClipEncoder, Coded, Manner
from tests.recorder.work.roll import PICTURE


def picture(luma: int = 120, width: int = 320, height: int = 180) -> av.VideoFrame:
    planes = np.full((height * 3 // 2, width), luma, np.uint8)
    planes[height:] = 128
    return av.VideoFrame.from_ndarray(planes, "yuv420p")


def stretch(encoder: ClipEncoder, first: int, count: int) -> list[Coded]:
    coded = [one for n in range(count) for one in encoder.encode(picture(), (first + n) * PICTURE)]
    return coded + list(encoder.end())


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_level_size_and_number_are_as_asked_for(profile: int) -> None:
    manner = Manner(320, 180, 30, profile, 31, number=5)
    configuration = ClipEncoder(manner, picture()).configuration
    (sps,) = configuration.sps
    says = parse_sps(sps)
    assert (says.profile, says.level, says.width, says.height) == (profile, 31, 320, 180)
    assert configuration.free_number() == 1
    taken = [Manner(320, 180, 30, profile, 31, number) for number in (1, 2)]
    joined = configuration
    for one in taken:
        joined = joined.joined(ClipEncoder(one, picture()).configuration)
    assert joined.free_number() == 3


def test_each_stretch_begins_with_a_keyframe_and_has_all_pictures() -> None:
    encoder = ClipEncoder(Manner(320, 180, number=1), picture())
    first, second = stretch(encoder, 0, 20), stretch(encoder, 50, 5)
    assert [one.time for one in first] == [PICTURE * n for n in range(20)]
    assert [one.time for one in second] == [PICTURE * n for n in range(50, 55)]
    assert [n for n, one in enumerate(first + second) if one.keyframe] == [0, 20]
    assert list(encoder.end()) == []


def test_samples_hold_no_parameter_sets() -> None:
    encoder = ClipEncoder(Manner(320, 180, number=1), picture())
    for one in stretch(encoder, 0, 3):
        data, kinds = one.data, []
        while data:
            size = int.from_bytes(data[:4], "big")
            kinds.append(data[4] & 31)
            data = data[4 + size :]
        assert set(kinds) <= {1, 5, 6}
        assert kinds[-1] == (5 if one.keyframe else 1)


def test_pictures_of_another_size_are_taken() -> None:
    encoder = ClipEncoder(Manner(320, 180, number=1), picture())
    coded = list(encoder.encode(picture(200, 100, 100), 0))
    coded += [*encoder.encode(picture(), PICTURE), *encoder.end()]
    assert len(coded) == 2
