"""One broadcast from access units to renditions, with an encoder that tests speak for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from bridge.h264 import parameter_sets
from bridge.ladder import Rung
from bridge.live import ALONE_MS, LOST_PICTURE_US, SETTLE_MS, LiveBridge
from bridge.mode import Mode, SourceLayer
from bridge.presentation import Presentation
from bridge.track import AAC_FRAME, AudioConfig, VideoConfig
from bridge.transcode.wire import Configured, Encoded, Ended, Plan, Restored, Shed, Trouble, Unit
from sluice.config import BridgeConfig
from sluice.media import AccessUnit, Codec
from tests.bridge.pictures import coded

ORIGIN_MS = 1_790_000_000_000
FRAME_MS = 100 / 3
SIZES = {"": (320, 180), "q": (160, 90)}
OPUS = b"\xfc\xff\xfe"


class Encoder:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.units: list[Unit] = []
        self.resets = 0
        self.ends: list[int] = []

    def plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def feed(self, unit: Unit) -> None:
        self.units.append(unit)

    def reset(self) -> None:
        self.resets += 1

    def end(self, until_us: int) -> None:
        self.ends.append(until_us)


class World:
    """A publisher's pictures and sound, picture by picture, on a clock of its own."""

    def __init__(self, **config: object) -> None:
        self.encoder = Encoder()
        self.asked = 0
        self.now_ms = 0
        self.rtp_zero = 0
        self.publisher = 7
        self.live = LiveBridge(
            BridgeConfig(**config),  # type: ignore[arg-type]
            Presentation("e", ORIGIN_MS),
            self.encoder,
            self._ask,
            ORIGIN_MS,
        )

    def _ask(self) -> None:
        self.asked += 1

    def mode(self) -> Mode | None:
        return self.live.mode

    def layers(self, *layers: SourceLayer) -> None:
        self.live.set_layers(layers, ORIGIN_MS + self.now_ms)

    def settle(self) -> None:
        self.now_ms += SETTLE_MS
        self.live.tick(ORIGIN_MS + self.now_ms)

    def pictures(
        self, count: int, gop: int = 60, rids: Sequence[str] = ("",), *, sound: bool = True
    ) -> None:
        """So many pictures of each layer, from an IDR on."""
        coded_by = {rid: coded(count, gop, *SIZES.get(rid, SIZES[""])) for rid in rids}
        start_ms = self.now_ms
        for index in range(count):
            self.now_ms = start_ms + round(index * FRAME_MS)
            batch = [
                self._unit(Codec.H264, rid, index % gop == 0, units[index], 90)
                for rid, units in coded_by.items()
            ]
            if sound:
                batch.append(self._unit(Codec.OPUS, "", True, OPUS, 48))
            self.live.take(batch, ORIGIN_MS + self.now_ms)
            self.live.tick(ORIGIN_MS + self.now_ms)
            if sound:
                self.aac()
        self.now_ms = start_ms + round(count * FRAME_MS)

    def _unit(
        self, codec: Codec, rid: str, keyframe: bool, payload: bytes, ticks_per_ms: int
    ) -> AccessUnit:
        captured_ms = ORIGIN_MS + self.now_ms
        rtp = (self.now_ms + self.rtp_zero) * ticks_per_ms
        return AccessUnit(codec, rid, keyframe, captured_ms, rtp, payload, self.publisher)

    def aac(self) -> None:
        """The encoder makes sound up to now."""
        audio = self.live.presentation.audio
        if audio is None:
            self.live.hear(Configured.of("audio", AudioConfig(b"\x11\x90")))
            self._sounds = self.now_ms * 48 // AAC_FRAME
        while self._sounds * AAC_FRAME < self.now_ms * 48:
            self.live.hear(Encoded("audio", self._sounds * AAC_FRAME, AAC_FRAME, True, b"aac"))
            self._sounds += 1

    def sounds(self, ms: int) -> None:
        """Sound alone for so long."""
        for _ in range(ms // 20):
            self.now_ms += 20
            unit = self._unit(Codec.OPUS, "", True, OPUS, 48)
            self.live.take([unit], ORIGIN_MS + self.now_ms)
            self.live.tick(ORIGIN_MS + self.now_ms)
            self.aac()

    def msns(self, name: str) -> list[int]:
        return [segment.msn for segment in self.live.presentation.renditions[name].segments]


def h264(rid: str = "", height: int = 180) -> SourceLayer:
    return SourceLayer(rid, Codec.H264, height * 16 // 9, height)


def names(rungs: Iterable[Rung]) -> list[str]:
    return [rung.name for rung in rungs]


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_is_decided_before_the_layers_settled(world: World) -> None:
    world.layers(h264())
    world.live.tick(ORIGIN_MS + SETTLE_MS - 1)
    assert world.mode() is None
    world.live.tick(ORIGIN_MS + SETTLE_MS)
    assert world.mode() is Mode.PASSTHROUGH
    assert world.asked == 1


def test_without_a_picture_the_sound_goes_alone_and_a_late_picture_joins(world: World) -> None:
    world.live.tick(ORIGIN_MS + ALONE_MS)
    assert world.mode() is Mode.SOUND
    assert world.encoder.plans[-1].rungs == []
    world.layers(SourceLayer("", Codec.VP8, 640, 360))
    assert world.mode() is Mode.TRANSCODE
    assert names(world.encoder.plans[-1].rungs) == ["source"]


def test_h264_is_passed_on_with_the_encoders_sound(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(180)
    renditions = world.live.presentation.renditions
    assert list(renditions) == ["source", "audio"]
    config = renditions["source"].config
    assert isinstance(config, VideoConfig)
    assert (config.width, config.height) == (320, 180)
    assert len(world.msns("source")) == 3
    assert world.msns("audio") == world.msns("source")
    # The encoder got the sound, and of the pictures their times only.
    assert {unit.payload for unit in world.encoder.units} == {OPUS, b""}
    assert not world.live.counts["falls"]


def test_below_one_layer_the_encoder_makes_smaller_rungs_from_it(world: World) -> None:
    world.layers(h264(height=720))
    world.settle()
    world.pictures(30)
    assert world.mode() is Mode.MIXED
    plan = world.encoder.plans[-1]
    assert (plan.pace, names(plan.rungs)) == ("source", ["480p", "360p"])
    assert [u.keyframe for u in world.encoder.units if u.codec is Codec.H264].count(True) == 1


def test_simulcast_layers_are_renditions_side_by_side(world: World) -> None:
    world.layers(h264("q", 90), h264("f", 180))
    world.settle()
    world.pictures(180, rids=("q", "f"))
    assert world.mode() is Mode.PASSTHROUGH
    assert list(world.live.presentation.renditions) == ["source", "90p", "audio"]
    assert world.msns("90p") == world.msns("source")


def test_keyframes_are_asked_for_once_a_segment(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(30)
    before = world.asked
    world.pictures(300)
    # Ten seconds, and segments of two.
    assert 3 <= world.asked - before <= 5


def test_keyframes_that_come_too_late_make_the_encoder_take_over(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(120, gop=120)
    assert world.mode() is Mode.TRANSCODE
    assert world.live.counts["falls"] == 1
    plan = world.encoder.plans[-1]
    assert (plan.pace, names(plan.rungs)) == ("constant", ["source"])
    assert (plan.rungs[0].width, plan.rungs[0].height) == (320, 180)


def test_a_publisher_that_returns_with_another_codec_is_encoded(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    world.layers(SourceLayer("", Codec.VP8, 320, 180))
    world.live.take(
        [world._unit(Codec.VP8, "", True, b"\x10\x02\x00", 90)], ORIGIN_MS + world.now_ms
    )
    assert world.mode() is Mode.TRANSCODE
    assert names(world.encoder.plans[-1].rungs) == ["source"]


def test_where_passing_on_is_wished_there_is_no_fall() -> None:
    world = World(video="passthrough")
    world.layers(h264())
    world.settle()
    world.pictures(120, gop=120)
    assert world.mode() is Mode.PASSTHROUGH


def test_a_camera_that_is_switched_off_makes_the_encoder_take_over(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    for _ in range(60):
        world.now_ms += 33
        world.live.take([world._unit(Codec.OPUS, "", True, OPUS, 48)], ORIGIN_MS + world.now_ms)
    assert world.mode() is Mode.TRANSCODE


def test_another_publisher_is_a_discontinuity_on_the_same_renditions(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(90)
    before = world.msns("source")
    world.now_ms += 400
    world.rtp_zero = 7_000_000
    world.publisher += 1
    world.pictures(90)
    source = world.live.presentation.renditions["source"]
    assert [segment.discontinuity for segment in source.segments].count(True) == 1
    assert world.msns("source")[: len(before)] == before
    assert world.encoder.resets == 1
    assert world.live.counts["interruptions"] == 1


def test_an_encoder_that_died_is_a_discontinuity_and_a_keyframe_is_asked_for(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    asked = world.asked
    world.live.encoder_died()
    assert world.asked > asked
    world.pictures(60)
    source = world.live.presentation.renditions["source"]
    assert any(segment.discontinuity for segment in source.segments)


def test_the_encoders_words_are_heard(world: World) -> None:
    world.layers(SourceLayer("", Codec.VP8, 640, 360))
    world.settle()
    units = coded(2, 2)
    sps, pps = parameter_sets(units[0])
    assert sps is not None
    assert pps is not None
    world.live.hear(Configured.of("source", VideoConfig(sps, pps, 320, 180, 30.0)))
    source = world.live.presentation.renditions["source"]
    world.live.hear(Shed("source"))
    shed = source.shed
    world.live.hear(Restored("source"))
    assert (shed, source.shed) == (True, False)
    world.live.hear(Trouble("undecodable", 3))
    asked = world.asked
    world.live.hear(Trouble("keyframe-wanted"))
    assert world.asked == asked + 1
    assert world.live.counts["undecodable"] == 3


def test_an_encoder_that_makes_what_nobody_asked_for_is_not_believed(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.live.hear(Configured.of("another", AudioConfig(b"\x11\x90")))
    world.live.hear(Encoded("source", 0, AAC_FRAME, True, b"x"))
    assert list(world.live.presentation.renditions) == []
    assert world.live.counts["misconfigured"] == 2


def test_the_encoder_is_fed_with_the_largest_layer_that_flows(world: World) -> None:
    small = SourceLayer("q", Codec.VP8, 320, 180)
    world.layers(small, SourceLayer("f", Codec.VP8, 1280, 720))
    world.settle()
    world.layers(small, SourceLayer("f", Codec.VP8, 1280, 720, active=False))
    assert world.encoder.resets == 1
    world.live.take([world._unit(Codec.VP8, "q", True, b"x", 90)], world.now_ms)
    assert [unit.payload for unit in world.encoder.units] == [b"x"]


def test_what_was_captured_before_the_beginning_is_left_out(world: World) -> None:
    world.live.tick(ORIGIN_MS + ALONE_MS)
    world.live.take([AccessUnit(Codec.OPUS, "", True, ORIGIN_MS - 5, 0, OPUS)], ALONE_MS)
    assert world.live.counts["too_old"] == 1
    assert world.encoder.units == []


def test_where_pictures_end_and_sound_goes_on_the_encoder_takes_over(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    falls = []
    for ms in (LOST_PICTURE_US // 1_000 - 100, 200):
        world.sounds(ms)
        falls.append(world.live.counts["falls"])
    assert falls == [0, 1]


def test_an_outage_of_both_is_no_lost_picture(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    world.now_ms += 5_000
    world.sounds(500)  # the keyframe takes longer than the sound
    world.pictures(60)
    assert not world.live.counts["falls"]
    assert world.mode() is Mode.PASSTHROUGH


def test_picture_and_sound_end_together_once_the_encoder_has_given_out_all(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    world.now_ms += 40
    world.live.take([world._unit(Codec.OPUS, "", True, OPUS, 48)], ORIGIN_MS + world.now_ms)
    world.live.wind_up()
    before = world.live.wound_up
    world.live.hear(Ended())
    assert (before, world.live.wound_up) == (False, True)
    world.live.finish()
    last = world.live.presentation.video[0].segments[-1]
    picture_us = (last.time + last.ticks) * 1_000_000 // 90_000
    assert world.encoder.ends == pytest.approx([picture_us], abs=20)


def test_what_never_began_needs_no_winding_up(world: World) -> None:
    world.live.wind_up()
    assert world.live.wound_up
    assert world.encoder.ends == []


def test_the_end_is_the_end_of_every_rendition(world: World) -> None:
    world.layers(h264())
    world.settle()
    world.pictures(60)
    world.live.end()
    assert world.live.presentation.ended
    assert all(one.ended for one in world.live.presentation.renditions.values())
