"""Camera and encoder do as was chosen, from the next picture on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av import VideoFrame

from mobile_sim import stamp
from mobile_sim.device.adaptation import Choice, Reason
from mobile_sim.device.ladder import LADDER, Rung
from mobile_sim.encoder import VideoCodec, VideoEncoder
from mobile_sim.scenario.optics import Optics
from mobile_sim.testcard import frame_planes
from tests.mobile_sim.virtual_clock import VirtualClock


def rung(name: str) -> Rung:
    return LADDER[LADDER.index(name)]


def choice(name: str | None, bitrate: int = 250_000) -> Choice:
    if name is None:
        return Choice(None, 0, Reason.NETWORK, hardware=True)
    return Choice(rung(name), bitrate, Reason.NETWORK, hardware=True)


def optics(clip: Path | None = None) -> Optics:
    return Optics(VideoCodec.H264, rung("360p30"), clip, VirtualClock())


async def shoot(camera: Optics, encoder: VideoEncoder, count: int) -> list[VideoFrame]:
    frames = []
    for _ in range(count):
        frame = await camera.camera.shoot()
        encoder.encode(frame)
        frames.append(frame)
    return frames


async def test_size_frame_rate_and_bitrate_change_and_the_counter_goes_on() -> None:
    phone = optics()
    encoder = VideoEncoder(phone.settings)
    await shoot(phone, encoder, 10)
    await phone.follow(choice("270p15"), encoder, path=True)
    frames = await shoot(phone, encoder, 4)
    assert {(frame.width, frame.height) for frame in frames} == {(480, 270)}
    counters = [stamp.read(frame_planes(frame)[0]) for frame in frames]
    assert [one.counter for one in counters if one] == [10, 11, 12, 13]
    times = [frame.pts or 0 for frame in frames]
    assert [b - a for a, b in pairwise(times)] == [6000] * 3
    assert encoder.target_bitrate == 250_000
    assert encoder.keyframes == 2, "the new size begins with one"
    assert phone.settings.bitrate == 250_000
    assert phone.settings.fps == 15


async def test_without_a_picture_nothing_is_made_and_the_first_after_it_is_a_keyframe() -> None:
    phone = optics()
    encoder = VideoEncoder(phone.settings)
    await shoot(phone, encoder, 20)
    await phone.follow(choice(None), encoder, path=True)
    assert (phone.sending, phone.bitrate) == (False, 0)
    await phone.follow(choice("360p30", 700_000), encoder, path=True)
    assert (phone.sending, phone.bitrate) == (True, 700_000)
    await shoot(phone, encoder, 1)
    assert encoder.keyframes == 2


async def test_without_a_path_nothing_is_made() -> None:
    phone = optics()
    await phone.follow(choice("360p30"), None, path=False)
    assert not phone.sending
    await phone.follow(choice("360p30"), None, path=True)
    assert phone.sending


async def test_a_clip_changes_its_size_too_and_plays_on(tmp_path: Path) -> None:
    clip = tmp_path / "grey.mp4"
    with av.open(clip, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for level in range(0, 240, 4):
            picture = VideoFrame.from_ndarray(np.full((360, 640, 3), level, np.uint8), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    phone = optics(clip)
    encoder = VideoEncoder(phone.settings)
    before = await shoot(phone, encoder, 15)
    await phone.follow(choice("270p15"), encoder, path=True)
    after = await shoot(phone, encoder, 5)
    assert (after[0].width, after[0].height) == (480, 270)
    greys = [float(frame_planes(frame)[0][100:].mean()) for frame in before + after]
    assert greys == sorted(greys)
    steps = np.diff(greys[-5:])
    assert steps.mean() == pytest.approx(2 * np.diff(greys[:15]).mean(), rel=0.2)
