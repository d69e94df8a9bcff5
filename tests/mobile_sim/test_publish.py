"""The phone goes on air, stays there through restarts, and leaves politely."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from av import VideoFrame
from av.frame import Frame

from mobile_sim.encoder import VideoCodec, VideoEncoder, VideoSettings
from mobile_sim.line import Connecting, Live, Retrying
from mobile_sim.publish import PublishEvent, PublishSettings, Sending, publish
from mobile_sim.sound import SoundKind
from mobile_sim.testcard import TestCard
from mobile_sim.whip import Refused
from tests.mobile_sim.far_end import KEY, FarEnd


class OnAir:
    """A publisher that runs until the test ends it."""

    def __init__(self, settings: PublishSettings) -> None:
        self.events: list[PublishEvent] = []
        self.stop = asyncio.Event()
        self._more = asyncio.Event()
        self.task = asyncio.create_task(
            publish(settings, self.stop, self._report, rng=random.Random(1))
        )

    async def until_seen(self, kind: type[PublishEvent], count: int = 1) -> None:
        async with asyncio.timeout(30):
            while sum(isinstance(event, kind) for event in self.events) < count:
                self._more.clear()
                await self._more.wait()

    async def leave(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 30)

    def kinds(self) -> list[type[PublishEvent]]:
        return [type(event) for event in self.events if not isinstance(event, Sending)]

    def _report(self, event: PublishEvent) -> None:
        self.events.append(event)
        self._more.set()


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far_end = FarEnd()
    await far_end.start()
    yield far_end
    await far_end.stop()


def settings(
    far_end: FarEnd, key: str = KEY, codec: VideoCodec = VideoCodec.H264
) -> PublishSettings:
    return PublishSettings(
        url=f"{far_end.url}/whip/demo",
        key=key,
        width=320,
        height=180,
        video=VideoSettings(codec, bitrate=500_000, fps=20),
    )


@pytest.mark.parametrize("codec", list(VideoCodec))
async def test_the_far_end_sees_the_counters_in_order_and_hears_the_tone(
    far_end: FarEnd, codec: VideoCodec
) -> None:
    on_air = OnAir(settings(far_end, codec=codec))
    await far_end.until(lambda: len(far_end.stamps) >= 40 and far_end.loudest > 4000)
    await on_air.until_seen(Sending)
    await on_air.leave()
    counters = [read.counter for read in far_end.stamps if read is not None]
    assert len(counters) == len(far_end.stamps)
    assert counters == sorted(set(counters))
    times = [read.time_ms for read in far_end.stamps if read is not None]
    assert times == sorted(times)
    assert on_air.kinds() == [Connecting, Live]
    assert far_end.deleted == ["1"]


async def test_it_comes_back_after_the_server_was_restarted(far_end: FarEnd) -> None:
    on_air = OnAir(settings(far_end))
    await far_end.until(lambda: len(far_end.stamps) >= 10)
    await far_end.stop()
    await on_air.until_seen(Retrying, 2)
    before = len(far_end.stamps)
    await far_end.start()
    await far_end.until(lambda: len(far_end.stamps) >= before + 10)
    await on_air.leave()
    assert on_air.kinds().count(Live) == 2
    counters = [read.counter for read in far_end.stamps if read is not None]
    assert counters == sorted(set(counters)), "the counter goes on where it was"
    first = next(event for event in on_air.events if isinstance(event, Retrying))
    assert "closed the connection" in first.reason
    assert far_end.deleted == ["1", "2"], "the lost session was ended after it was replaced"


@pytest.mark.parametrize("code", [404, 409, 503])
async def test_a_refusal_that_passes_is_tried_again(far_end: FarEnd, code: int) -> None:
    far_end.refusals = [lambda request: web.Response(status=code)] * 2
    on_air = OnAir(settings(far_end))
    await on_air.until_seen(Live)
    await on_air.leave()
    assert on_air.kinds()[:6] == [Connecting, Retrying, Connecting, Retrying, Connecting, Live]
    attempts = [event.attempt for event in on_air.events if isinstance(event, Connecting)]
    assert attempts == [0, 1, 2]


async def test_a_wrong_key_is_final_and_says_why(far_end: FarEnd) -> None:
    on_air = OnAir(settings(far_end, key="a wrong one"))
    with pytest.raises(Refused, match="unknown stream key") as caught:
        await asyncio.wait_for(on_air.task, 30)
    assert caught.value.status == 401
    assert on_air.kinds() == [Connecting]


async def test_an_answer_that_cannot_be_used_is_tried_again(far_end: FarEnd) -> None:
    far_end.refusals = [
        lambda request: web.Response(
            status=201,
            text="v=0\r\nm=video x y z\r\n",
            content_type="application/sdp",
            headers={"Location": "/session/broken"},
        )
    ]
    on_air = OnAir(settings(far_end))
    await on_air.until_seen(Live)
    await on_air.leave()
    assert on_air.kinds() == [Connecting, Retrying, Connecting, Live]
    assert far_end.deleted == ["broken", "1"]


async def test_stopping_while_it_waits_ends_at_once(far_end: FarEnd) -> None:
    far_end.refusals = [lambda request: web.Response(status=503, headers={"Retry-After": "100"})]
    on_air = OnAir(settings(far_end))
    await on_air.until_seen(Retrying)
    (retrying,) = (event for event in on_air.events if isinstance(event, Retrying))
    assert retrying.wait_ms >= 100_000
    await on_air.leave()
    assert far_end.deleted == []


async def test_a_camera_that_breaks_is_reported_and_tried_again(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = TestCard.draw

    def breaks_once(self: TestCard, counter: int, time_ms: int) -> VideoFrame:
        if counter > 5 and not broken:
            broken.append(counter)
            raise OSError("the lens fell off")
        return draw(self, counter, time_ms)

    broken: list[int] = []
    monkeypatch.setattr(TestCard, "draw", breaks_once)
    on_air = OnAir(settings(far_end))
    await on_air.until_seen(Live, 2)
    await on_air.leave()
    reasons = [event.reason for event in on_air.events if isinstance(event, Retrying)]
    assert reasons == ["the camera failed: the lens fell off"]


async def test_an_encoder_that_breaks_is_reported_and_tried_again(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = VideoEncoder.encode

    def breaks_once(self: VideoEncoder, frame: Frame, force: bool) -> tuple[list[bytes], int]:
        if self.frames == 3 and not broken:
            broken.append(self.frames)
            raise OSError("out of ink")
        return encode(self, frame, force)

    broken: list[int] = []
    monkeypatch.setattr(VideoEncoder, "encode", breaks_once)
    on_air = OnAir(settings(far_end))
    await on_air.until_seen(Live, 2)
    await on_air.leave()
    reasons = [event.reason for event in on_air.events if isinstance(event, Retrying)]
    assert reasons == ["the video encoder failed"]


async def test_a_size_that_cannot_be_is_refused_before_anything_is_sent(far_end: FarEnd) -> None:
    bad = PublishSettings(f"{far_end.url}/whip/demo", KEY, width=64, height=2)
    with pytest.raises(ValueError, match="64x2"):
        await publish(bad, asyncio.Event(), lambda event: None)
    assert far_end.offers == []


async def test_without_sound_only_video_is_offered(far_end: FarEnd) -> None:
    quiet = PublishSettings(
        f"{far_end.url}/whip/demo", KEY, width=320, height=180, sound=SoundKind.NONE
    )
    on_air = OnAir(quiet)
    await on_air.until_seen(Live)
    await on_air.leave()
    assert "m=audio" not in far_end.offers[0]
