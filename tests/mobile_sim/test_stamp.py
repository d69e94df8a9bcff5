"""The barcode in the picture comes through, or is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st

from mobile_sim import stamp
from mobile_sim.testcard import TestCard, frame_planes

VECTORS = Path(__file__).parents[1] / "vectors" / "stamp.json"
NOW = 1_790_000_000_000


def picture(width: int, counter: int, time_ms: int) -> stamp.Luma:
    luma = np.full((stamp.strip_height(width) + 8, width), 90, np.uint8)
    stamp.draw(luma, counter, time_ms)
    return luma


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()), ids=lambda v: v["word_hex"])
def test_the_shared_vectors_hold(vector: dict[str, int | str]) -> None:
    word = stamp.encode(int(vector["counter"]), int(vector["time_ms"]))
    assert f"{word:016x}" == vector["word_hex"]
    assert stamp.decode(word) == stamp.Stamp(
        int(vector["counter"]) % 2**16, int(vector["time_ms"]) % 2**40
    )


def test_the_crc_gives_the_published_check_value_for_its_parameters() -> None:
    assert stamp.crc8(b"123456789") == 0xFB


@given(
    width=st.integers(stamp.MIN_WIDTH, 4000),
    counter=st.integers(0, 2**16 - 1),
    time_ms=st.integers(0, 2**40 - 1),
)
def test_what_is_drawn_is_read_at_every_width(width: int, counter: int, time_ms: int) -> None:
    assert stamp.read(picture(width, counter, time_ms)) == stamp.Stamp(counter, time_ms)


def test_every_cell_has_its_place() -> None:
    luma = picture(1280, 0x8001, 0)
    assert luma[0, 0] == luma[39, 39] == stamp.WHITE
    assert luma[0, 40] == stamp.BLACK
    assert luma[20, 15 * 40] == stamp.WHITE
    assert luma[80, 0] == 90


def test_counter_and_time_wrap() -> None:
    assert stamp.read(picture(640, 2**16 + 5, 2**40 + 7)) == stamp.Stamp(5, 7)


@pytest.mark.parametrize("width", [128, 426, 854, 1280])
def test_it_survives_noise_and_lost_contrast(width: int) -> None:
    rng = np.random.default_rng(width)
    luma = picture(width, 4711, NOW)
    pale = 60 + luma.astype(float) * 0.45
    noisy = np.clip(pale + rng.normal(0, 12, luma.shape), 0, 255).astype(np.uint8)
    assert stamp.read(noisy) == stamp.Stamp(4711, NOW % 2**40)


def test_a_grey_picture_has_no_stamp() -> None:
    rng = np.random.default_rng(1)
    assert stamp.read(rng.integers(100, 140, (200, 640), dtype=np.uint8)) is None


@pytest.mark.parametrize("cell", range(64))
def test_one_flipped_cell_is_noticed(cell: int) -> None:
    luma = picture(640, 77, NOW)
    row, column = divmod(cell, 32)
    spot = luma[row * 20 : row * 20 + 20, column * 20 : column * 20 + 20]
    spot[:] = stamp.WHITE + stamp.BLACK - spot
    assert stamp.read(luma) is None


@pytest.mark.parametrize("size", [(62, 300), (640, 39)])
def test_a_picture_without_room_is_refused(size: tuple[int, int]) -> None:
    luma = np.zeros((size[1], size[0]), np.uint8)
    with pytest.raises(ValueError, match="no room"):
        stamp.draw(luma, 1, 1)
    assert stamp.read(luma) is None


@pytest.mark.parametrize(("width", "height"), [(320, 180), (640, 360), (1280, 720)])
def test_it_survives_h264_at_500_kbit(width: int, height: int) -> None:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.bit_rate = 500_000
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "bufsize": "250000"}
    encoder.options |= {"maxrate": "500000"}
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    card = TestCard(width, height, 30)

    sent, seen = [], []
    for counter in range(60):
        time_ms = NOW + counter * 1000 // 30
        frame = card.draw(counter, time_ms)
        frame.pts = counter
        sent.append(stamp.Stamp(counter, time_ms % 2**40))
        for packet in encoder.encode(frame):
            seen += [stamp.read(frame_planes(out)[0]) for out in decoder.decode(packet)]
    seen += [stamp.read(frame_planes(out)[0]) for out in decoder.decode(None)]
    assert seen == sent


@given(st.integers(-(2**38), 2**38), st.integers(0, 2**42))
def test_the_wrapped_time_is_found_again_near_the_readers_clock(apart: int, near: int) -> None:
    assert stamp.unwrap_time((near + apart) % 2**40, near) == near + apart
