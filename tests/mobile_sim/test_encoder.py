"""The encoders do what a phone does: regular keyframes, on request too, at the asked bitrate."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.codecs import depayload
from aiortc.codecs.h264 import H264Decoder
from aiortc.codecs.vpx import Vp8Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av import AudioFrame, VideoFrame

from mobile_sim import stamp
from mobile_sim.encoder import (
    AUDIO_TIME_BASE,
    VIDEO_CLOCK,
    VIDEO_TIME_BASE,
    OpusEncoder,
    VideoCodec,
    VideoEncoder,
    VideoSettings,
    use_encoder,
)
from mobile_sim.sound import Sound, tone
from mobile_sim.testcard import TestCard, frame_planes

FPS = 30
SIZE = (320, 180)
both_codecs = pytest.mark.parametrize("codec", list(VideoCodec))


class Film:
    """Feeds the test card to an encoder and keeps what comes out, picture by picture."""

    def __init__(self, settings: VideoSettings, size: tuple[int, int] = SIZE) -> None:
        self.encoder = VideoEncoder(settings)
        self.pictures: list[bytes] = []
        self.payloads: list[list[bytes]] = []
        self._card = TestCard(*size, fps=FPS)
        self._format = RTCRtpCodecParameters(
            mimeType=f"video/{settings.codec.upper()}", clockRate=VIDEO_CLOCK
        )
        self._next = 0

    def shoot(self, count: int, force_keyframe: bool = False) -> None:
        for _ in range(count):
            frame = self._card.draw(self._next, 1_790_000_000_000 + self._next * 1000 // FPS)
            frame.pts = self._next * VIDEO_CLOCK // FPS
            frame.time_base = VIDEO_TIME_BASE
            payloads, time = self.encoder.encode(frame, force_keyframe)
            assert time == frame.pts
            self.payloads.append(payloads)
            self.pictures.append(b"".join(depayload(self._format, one) for one in payloads))
            self._next += 1

    def skip(self, count: int) -> None:
        self._next += count


def nal_types(picture: bytes) -> list[int]:
    """The types of the NAL units in an Annex B picture (H.264 table 7-1)."""
    return [unit[0] & 0x1F for unit in picture.split(b"\0\0\0\1")[1:]]


def keyframes(film: Film, codec: VideoCodec) -> list[int]:
    if codec is VideoCodec.VP8:  # RFC 6386 section 9.1: the lowest bit is 0
        return [n for n, picture in enumerate(film.pictures) if not picture[0] & 1]
    return [n for n, picture in enumerate(film.pictures) if 5 in nal_types(picture)]


@both_codecs
@pytest.mark.parametrize("gop_s", [1.0, 2.0])
def test_a_keyframe_comes_every_gop(codec: VideoCodec, gop_s: float) -> None:
    film = Film(VideoSettings(codec, gop_s=gop_s))
    film.shoot(130)
    assert keyframes(film, codec) == list(range(0, 130, round(gop_s * FPS)))
    assert film.encoder.keyframes == len(keyframes(film, codec))
    assert film.encoder.frames == 130


@both_codecs
def test_the_gop_is_counted_in_time_where_frames_were_left_out(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=2.0))
    film.shoot(20)
    film.skip(30)
    film.shoot(20)
    assert keyframes(film, codec) == [0, 30]


@both_codecs
def test_a_requested_keyframe_comes_at_once_and_the_gop_counts_from_it(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=2.0))
    film.shoot(40)
    film.shoot(1, force_keyframe=True)
    film.shoot(70)
    assert keyframes(film, codec) == [0, 40, 100]


@both_codecs
def test_a_storm_of_requests_gives_two_keyframes_a_second(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=10.0))
    film.shoot(61, force_keyframe=True)
    assert keyframes(film, codec) == [0, 15, 30, 45, 60]


@both_codecs
def test_a_request_that_comes_too_soon_is_kept(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=10.0))
    film.shoot(3)
    film.shoot(1, force_keyframe=True)
    film.shoot(40)
    assert keyframes(film, codec) == [0, 15]


def test_h264_is_constrained_baseline_with_its_parameter_sets_in_every_keyframe() -> None:
    film = Film(VideoSettings(VideoCodec.H264, gop_s=1.0))
    film.shoot(60)
    for number in keyframes(film, VideoCodec.H264):
        units = film.pictures[number].split(b"\0\0\0\1")[1:]
        assert {7, 8, 5} <= {unit[0] & 0x1F for unit in units}
        sps = next(unit for unit in units if unit[0] & 0x1F == 7)
        assert sps[1] == 66  # Baseline
        assert sps[2] & 0xC0 == 0xC0  # constraint_set0 and 1: Constrained Baseline
        assert sps[3] <= 31
    assert {5, 1} >= set(nal_types(b"".join(film.pictures))) - {6, 7, 8}


def test_h264_uses_packetization_mode_1_and_fits_the_mtu() -> None:
    film = Film(VideoSettings(VideoCodec.H264, bitrate=4_000_000), size=(1280, 720))
    film.shoot(30)
    kinds = {payload[0] & 0x1F for payloads in film.payloads for payload in payloads}
    assert 28 in kinds  # FU-A
    assert kinds <= {1, 5, 24, 28}
    assert max(len(payload) for payloads in film.payloads for payload in payloads) <= 1300


@both_codecs
def test_pictures_come_out_in_order_and_at_once(codec: VideoCodec) -> None:
    """No B-frames, no delay: each picture that goes in is decoded before the next goes in."""
    film = Film(VideoSettings(codec))
    decoder = H264Decoder() if codec is VideoCodec.H264 else Vp8Decoder()
    for number in range(45):
        film.shoot(1)
        (frame,) = decoder.decode(JitterFrame(film.pictures[-1], number))
        assert isinstance(frame, VideoFrame)
        read = stamp.read(frame_planes(frame)[0])
        assert read is not None
        assert read.counter == number


@both_codecs
@pytest.mark.parametrize("bitrate", [600_000, 2_500_000, 5_000_000])
def test_the_requested_bitrate_is_kept(codec: VideoCodec, bitrate: int) -> None:
    film = Film(VideoSettings(codec, bitrate=bitrate), size=(1280, 720))
    film.shoot(150)
    seconds = 90 / FPS
    bits = 8 * sum(len(picture) for picture in film.pictures[60:])
    assert 0.8 * bitrate < bits / seconds < 1.2 * bitrate


@both_codecs
def test_the_far_ends_estimate_lowers_the_bitrate_but_never_raises_it(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, bitrate=2_000_000), size=(640, 360))
    film.encoder.target_bitrate = 9_000_000
    assert film.encoder.target_bitrate == 2_000_000
    film.shoot(30)
    film.encoder.target_bitrate = 400_000
    film.shoot(150)
    bits = 8 * sum(len(picture) for picture in film.pictures[-90:])
    assert bits / 3 < 520_000
    film.encoder.target_bitrate = 1
    assert film.encoder.target_bitrate == 100_000


def test_h264_changes_its_bitrate_without_a_keyframe() -> None:
    film = Film(VideoSettings(VideoCodec.H264, bitrate=2_000_000, gop_s=10.0))
    film.shoot(20)
    film.encoder.target_bitrate = 500_000
    film.shoot(20)
    assert keyframes(film, VideoCodec.H264) == [0]


def test_a_nervous_estimate_does_not_make_vp8_flicker() -> None:
    film = Film(VideoSettings(VideoCodec.VP8, bitrate=2_000_000, gop_s=10.0))
    for number in range(90):
        film.encoder.target_bitrate = 2_000_000 if number % 2 else 1_000_000
        film.shoot(1)
    assert len(keyframes(film, VideoCodec.VP8)) <= 4


@both_codecs
def test_a_new_size_starts_with_a_keyframe(codec: VideoCodec) -> None:
    encoder = VideoEncoder(VideoSettings(codec))
    for number, size in enumerate([(320, 180), (320, 180), (640, 360), (640, 360)]):
        frame = TestCard(*size, fps=FPS).draw(number, 0)
        frame.pts, frame.time_base = number * 3000, VIDEO_TIME_BASE
        encoder.encode(frame)
    assert encoder.keyframes == 2


@both_codecs
def test_what_is_asked_for_may_change_while_it_runs(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, bitrate=400_000), size=(640, 360))
    film.shoot(60)
    film.encoder.change(bitrate=1_500_000, fps=FPS)
    assert film.encoder.target_bitrate == 1_500_000
    film.shoot(210)
    bits = 8 * sum(len(picture) for picture in film.pictures[-90:])
    assert 0.8 * 1_500_000 < bits / 3 < 1.2 * 1_500_000, "more than it was opened with"
    film.encoder.change(bitrate=300_000, fps=FPS)
    film.shoot(180)
    bits = 8 * sum(len(picture) for picture in film.pictures[-90:])
    assert bits / 3 < 1.3 * 300_000


def test_the_estimate_outlives_a_change_of_what_is_asked_for() -> None:
    encoder = VideoEncoder(VideoSettings(bitrate=2_000_000))
    assert encoder.estimate is None
    encoder.target_bitrate = 700_000
    encoder.change(bitrate=500_000, fps=15)
    assert encoder.target_bitrate == 500_000
    encoder.change(bitrate=3_000_000, fps=30)
    assert encoder.target_bitrate == encoder.estimate == 700_000


@both_codecs
def test_another_frame_rate_begins_with_a_keyframe(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=10.0))
    film.shoot(10)
    film.encoder.change(bitrate=2_500_000, fps=15)
    film.shoot(10)
    assert keyframes(film, codec) == [0, 10]


def test_more_bitrate_is_given_with_the_next_regular_keyframe() -> None:
    film = Film(VideoSettings(VideoCodec.H264, bitrate=500_000, gop_s=2.0))
    film.shoot(10)
    film.encoder.change(bitrate=2_000_000, fps=FPS)
    film.shoot(130)
    assert keyframes(film, VideoCodec.H264) == [0, 60, 120]


def test_a_keyframe_after_a_fall_of_the_bitrate_is_of_the_new_size() -> None:
    film = Film(VideoSettings(VideoCodec.H264, bitrate=4_000_000, gop_s=2.0), size=(640, 360))
    film.shoot(60)
    film.encoder.change(bitrate=300_000, fps=FPS)
    film.shoot(130)
    first, *_, last = keyframes(film, VideoCodec.H264)
    assert len(film.pictures[last]) * 8 < 1.2 * 0.4 * 300_000 < len(film.pictures[first]) * 8


@both_codecs
def test_a_keyframe_may_be_wanted_from_here_too(codec: VideoCodec) -> None:
    film = Film(VideoSettings(codec, gop_s=10.0))
    film.shoot(20)
    film.encoder.want_keyframe()
    film.shoot(20)
    assert keyframes(film, codec) == [0, 20]


def test_opus_keeps_the_frames_own_time_over_a_gap() -> None:
    encoder, sound = OpusEncoder(), Sound(tone())
    times = []
    for index in [0, 1, 2, 10, 11]:
        frame = sound.frame(index * 960)
        frame.pts, frame.time_base = index * 960, AUDIO_TIME_BASE
        payloads, time = encoder.encode(frame)
        assert len(payloads) == 1
        times.append(time)
    assert times == [0, 960, 1920, 9600, 10_560]


def test_frames_of_the_wrong_kind_are_refused() -> None:
    sound, picture = AudioFrame(samples=960), TestCard(*SIZE, fps=FPS).draw(0, 0)
    with pytest.raises(TypeError, match="video frames"):
        VideoEncoder(VideoSettings()).encode(sound)
    with pytest.raises(TypeError, match="video frames"):
        VideoEncoder(VideoSettings()).encode(picture)  # it has no time
    with pytest.raises(TypeError, match="audio frames"):
        OpusEncoder().encode(picture)


async def test_an_unknown_aiortc_is_reported() -> None:
    peer = RTCPeerConnection()
    sender = peer.addTransceiver("video").sender
    use_encoder(sender, VideoEncoder(VideoSettings()))
    del vars(sender)["_RTCRtpSender__encoder"]
    with pytest.raises(RuntimeError, match=r"needs 1\.16"):
        use_encoder(sender, VideoEncoder(VideoSettings()))
    await peer.close()


async def test_encoding_may_run_in_a_thread_while_the_estimate_changes() -> None:
    film = Film(VideoSettings(VideoCodec.H264, bitrate=1_000_000))
    work = asyncio.create_task(asyncio.to_thread(film.shoot, 30))
    for estimate in np.linspace(200_000, 2_000_000, 20):
        film.encoder.target_bitrate = int(estimate)
        await asyncio.sleep(0)
    await work
    assert film.encoder.frames == 30
