"""What an init segment says, and silence that a decoder takes for silence."""

from __future__ import annotations

from contextlib import suppress

import av
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st

from bridge import fmp4
from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.entry import read_entry
from tests.bridge.media import box
from tests.recorder.barcodes import coded, sound_config

VIDEO = coded(0, 1)
INIT = fmp4.init(VIDEO.config)
SOUND_INIT = fmp4.init(sound_config())


def test_pictures_have_a_size_and_parameter_sets() -> None:
    entry = read_entry(INIT)
    assert (entry.is_video, entry.timescale) == (True, 90_000)
    assert (entry.width, entry.height) == (256, 144)
    config = VIDEO.config
    assert entry.parameter_sets == b"".join(
        len(unit).to_bytes(4, "big") + unit for unit in (config.sps, config.pps)
    )
    assert entry.data == box(INIT, "moov", "trak", "mdia", "minf", "stbl", "stsd")[8:]
    assert entry.silence == b""


@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_silent(channels: int) -> None:
    config = sound_config(channels)
    entry = read_entry(fmp4.init(config))
    assert (entry.is_video, entry.timescale) == (False, 48_000)
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.extradata = config.extra
    decoder.options = {"err_detect": "explode"}
    heard = [frame for _ in range(3) for frame in decoder.decode(av.Packet(entry.silence))]
    assert [frame.samples for frame in heard] == [1_024] * 3
    assert all(frame.layout.nb_channels == channels for frame in heard)
    assert not any(frame.to_ndarray().any() for frame in heard)


def test_silence_of_many_channels_is_not_known() -> None:
    # AudioSpecificConfig: AAC-LC, 48 kHz, 5.1 channels; then HE-AAC.
    for extra in (b"\x11\xb0", b"\x29\x88"):
        init = SOUND_INIT.replace(
            b"\x05\x05" + sound_config().extra, b"\x05\x02" + extra + bytes(3)
        )
        assert init != SOUND_INIT
        assert read_entry(init).silence == b""


@pytest.mark.parametrize(
    ("init", "words"),
    [
        (b"", "moov"),
        (INIT[:-40], "bytes, of"),
        (INIT.replace(b"vide", b"hint"), "neither"),
        (INIT.replace(b"avcC", b"free"), "avcC"),
        (INIT.replace(b"stsd", b"free"), "stsd"),
        (bytes(70_000), "70000 bytes"),
        (SOUND_INIT.replace(b"esds", b"free"), "esds"),
    ],
)
def test_what_is_wrong_with_an_init_segment_is_said(init: bytes, words: str) -> None:
    with pytest.raises(MalformedMedia, match=words):
        read_entry(init)


@given(
    sound=st.booleans(), at=st.integers(0, 600), byte=st.integers(0, 255), cut=st.integers(0, 600)
)
def test_damage_is_malformed_or_harmless(sound: bool, at: int, byte: int, cut: int) -> None:
    init = bytearray(SOUND_INIT if sound else INIT)
    init[at % len(init)] = byte
    with suppress(MalformedMedia):
        read_entry(bytes(init[: len(init) - cut]))
