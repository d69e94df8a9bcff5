"""Picture and sound follow one clock, and a broken camera says so."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from mobile_sim import stamp
from mobile_sim.camera import Camera, CameraTrack, Microphone, MicrophoneTrack
from mobile_sim.sound import RATE, Sound, tone
from mobile_sim.testcard import TestCard, frame_planes
from tests.mobile_sim.virtual_clock import VirtualClock

FPS = 30


def camera_on(clock: VirtualClock) -> Camera:
    return Camera(TestCard(320, 180, FPS), FPS, clock)


def stamp_of(frame: VideoFrame) -> stamp.Stamp:
    read = stamp.read(frame_planes(frame)[0])
    assert read is not None
    return read


async def test_each_picture_is_stamped_with_the_moment_it_was_made() -> None:
    clock = VirtualClock(unix=1_790_000_000.25)
    camera = camera_on(clock)
    for counter in range(40):
        frame = await camera.shoot()
        read = stamp_of(frame)
        assert read.counter == counter
        assert stamp.unwrap_time(read.time_ms, int(clock.wall * 1000)) == int(clock.wall * 1000)
        assert frame.pts == counter * 3000


async def test_a_slow_machine_leaves_pictures_out_and_the_counter_shows_it() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    await camera.shoot()
    clock.pass_time(0.25)
    frame = await camera.shoot()
    assert stamp_of(frame).counter == 7
    assert frame.pts == 7 * 3000
    assert camera.skipped == 6
    assert stamp_of(await camera.shoot()).counter == 8


async def test_the_counter_goes_on_over_a_reconnect() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    await CameraTrack(camera).recv()
    clock.pass_time(10.0)
    frame = await CameraTrack(camera).recv()
    assert stamp_of(frame).counter == 300
    assert camera.skipped == 0


async def test_another_frame_rate_goes_on_where_the_last_one_was() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    frames = [await camera.shoot() for _ in range(10)]
    camera.change(TestCard(480, 270, 15), 15)
    frames += [await camera.shoot() for _ in range(5)]
    assert [stamp_of(frame).counter for frame in frames] == list(range(15))
    times = [frame.pts or 0 for frame in frames]
    assert times == [n * 3000 for n in range(10)] + [30_000 + n * 6000 for n in range(5)]
    assert clock.now == pytest.approx(100 + times[-1] / 90_000)
    assert (frames[9].width, frames[10].width) == (320, 480)
    assert camera.fps == 15


async def test_another_picture_at_the_same_rate_keeps_the_pace() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    await camera.shoot()
    camera.change(TestCard(480, 270, FPS), FPS)
    frame = await camera.shoot()
    assert (frame.width, frame.pts, stamp_of(frame).counter) == (480, 3000, 1)


async def test_what_was_left_out_is_remembered_over_a_change_of_rate() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    await camera.shoot()
    clock.pass_time(0.25)
    await camera.shoot()
    camera.change(TestCard(320, 180, 15), 15)
    await camera.shoot()
    assert camera.skipped == 6


async def test_a_camera_that_is_off_makes_nothing_and_what_it_missed_is_no_slowness() -> None:
    clock = VirtualClock()
    camera = camera_on(clock)
    await camera.shoot()
    camera.switch(False)
    shot = asyncio.create_task(camera.shoot())
    await asyncio.sleep(0)
    clock.pass_time(10.0)
    assert not shot.done()
    camera.switch(True)
    assert stamp_of(await shot).counter in (300, 301)
    assert camera.skipped == 0


async def test_a_microphone_that_is_off_hears_nothing() -> None:
    clock = VirtualClock()
    microphone = Microphone(Sound(tone()), clock)
    await microphone.listen()
    microphone.switch(False)
    heard = asyncio.create_task(microphone.listen())
    await asyncio.sleep(0)
    clock.pass_time(5.0)
    assert not heard.done()
    microphone.switch(True)
    frame = await heard
    assert frame.pts is not None
    assert frame.pts / RATE == pytest.approx(5.0, abs=0.021)


async def test_the_tone_sounds_while_the_picture_flashes() -> None:
    """The first loud sample lies on the second, and the flash's frames lie around it."""
    clock = VirtualClock(unix=1_790_000_000.7)
    camera, microphone = camera_on(clock), Microphone(Sound(tone()), clock)
    origin = clock.wall
    flashes: list[float] = []
    while clock.wall < origin + 1:
        frame = await camera.shoot()
        if (frame_planes(frame)[0][25:60, 200:] == stamp.WHITE).mean() > 0.1:
            flashes.append(clock.wall)
    clock.now, clock.wall = 100.0, origin
    samples = [(await microphone.listen()).to_ndarray()[0] for _ in range(50)]
    onset = int(np.flatnonzero(np.concatenate(samples))[0])
    heard = origin + (onset - 1) / RATE
    assert heard == pytest.approx(1_790_000_001, abs=1 / RATE)
    assert flashes[0] == pytest.approx(heard, abs=1 / FPS)
    assert flashes[-1] == pytest.approx(heard + 0.08, abs=1 / FPS)


async def test_sound_and_picture_times_run_together() -> None:
    clock = VirtualClock()
    camera, microphone = camera_on(clock), Microphone(Sound(tone()), clock)
    while clock.now < 105:
        picture = await camera.shoot()
        assert picture.pts is not None
        assert picture.pts / 90_000 == pytest.approx(clock.now - 100, abs=1e-3)
    sound = await microphone.listen()
    assert sound.pts is not None
    assert sound.pts / RATE == pytest.approx(clock.now - 100, abs=0.021)


async def test_sound_has_no_seams_while_the_clocks_agree_and_jumps_when_the_wall_is_set() -> None:
    clock = VirtualClock()
    microphone = Microphone(Sound(np.arange(RATE, dtype=np.uint16).astype(np.int16)), clock)

    async def position() -> int:
        return int((await microphone.listen()).to_ndarray()[0][0])

    first = await position()
    assert [await position() - first for _ in range(5)] == [960 * n for n in range(1, 6)]
    clock.wall += 0.003
    assert await position() - first == 960 * 6
    clock.wall += 0.1
    assert await position() - first == 960 * 7 + round(0.103 * RATE)


async def test_a_broken_camera_ends_its_track_and_keeps_the_reason() -> None:
    class Broken:
        def draw(self, counter: int, time_ms: int) -> VideoFrame:
            raise OSError("the lens fell off")

    track = CameraTrack(Camera(Broken(), FPS, VirtualClock()))
    with pytest.raises(MediaStreamError):
        await track.recv()
    assert str(track.failure) == "the lens fell off"


async def test_stopped_tracks_give_nothing_more() -> None:
    clock = VirtualClock()
    for track in (
        CameraTrack(camera_on(clock)),
        MicrophoneTrack(Microphone(Sound(tone()), clock)),
    ):
        await track.recv()
        track.stop()
        with pytest.raises(MediaStreamError):
            await track.recv()
