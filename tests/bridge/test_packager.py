"""The packager in a small world: what each kind of source becomes. Rules are in rules.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, seed, settings

from bridge.packager import Packager
from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.track import AudioConfig, Sample
from tests.bridge.media import aac, decode, picture, tone, x264
from tests.bridge.rules import check
from tests.bridge.script import Script, scripts
from tests.bridge.studio import ORIGIN_MS, Studio, camera, picture_config, starts


@pytest.fixture
def studio() -> Studio:
    return camera()


@seed(4)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scripts)
def test_whatever_happens_every_rule_is_kept(script: Script) -> None:
    script.play()


def test_the_same_calls_make_the_same_bytes() -> None:
    events = [("run", "", 5_000), ("off", "source", 0), ("run", "", 5_000), ("on", "source", 0)]
    script = Script(True, {"source": 0, "360p": 1, AUDIO: 0}, events)
    one, other = (script.play().presentation.renditions for _ in range(2))
    assert {name: rendition.segments for name, rendition in one.items()} == {
        name: rendition.segments for name, rendition in other.items()
    }


@pytest.mark.parametrize("constant", [False, True])
def test_real_pictures_and_sound_come_out_as_they_went_in(constant: bool) -> None:
    video, sound = x264(150), aac(5)
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.constant = constant
    packager.configure(AUDIO, sound.config)
    packager.configure("source", video.config)
    both = [("source", one, one.time / 90_000) for one in video.samples()]
    both += [(AUDIO, one, one.time / 48_000) for one in sound.samples]
    for name, sample, _ in sorted(both, key=lambda one: one[2]):
        packager.add(name, sample)
    packager.end()
    shown, heard = (
        decode(one.inits[0], *[segment.data or b"" for segment in one.segments])
        for one in packager.presentation.renditions.values()
    )
    assert shown == [(3_000 * n, 320) for n in range(150)]
    assert heard == [(1_024 * n, 1_024) for n in range(len(sound.samples))]
    assert packager.dropped == {}


def test_all_renditions_cut_at_the_leaders_keyframes(studio: Studio) -> None:
    studio.run(9_000)
    assert list(studio.presentation.renditions) == ["source", "360p", AUDIO]
    assert studio.timeline("source")[:4] == studio.timeline("360p")[:4] == ["2000"] * 4
    assert starts(studio, AUDIO) == [0, 2_005, 4_010, 6_016, 8_000]
    first = studio.presentation.renditions["source"].segments[0]
    assert first.msn == ORIGIN_MS // 1_000
    assert [part.ticks for part in first.parts] == [45_000] * 4
    assert not studio.packager.late_keyframe
    assert studio.packager.waiting == []


def test_a_keyframe_that_comes_early_begins_no_segment(studio: Studio) -> None:
    studio.run(1_000)
    studio.keys += 1
    studio.run(2_400)
    assert starts(studio, "source") == [0, 2_000]
    parts = studio.presentation.renditions["source"].segments[0].parts
    assert [part.independent for part in parts] == [True, False, True, False]


def test_keyframes_each_second_make_segments_of_two(studio: Studio) -> None:
    studio.gop_ms = 1_000
    studio.run(9_000)
    assert starts(studio, "source") == [0, 2_000, 4_000, 6_000, 8_000]


def test_a_constant_leader_completes_its_segment_with_its_last_picture() -> None:
    studio = Studio()
    studio.packager.constant = True
    studio.video()
    studio.run(2_000)
    assert studio.presentation.renditions["source"].segments[0].complete
    lazy = Studio()
    lazy.video()
    lazy.run(2_000)
    assert not lazy.presentation.renditions["source"].segments[0].complete


def test_a_late_keyframe_is_told_and_the_segment_kept_within_the_target(studio: Studio) -> None:
    studio.gop_ms = 5_000
    studio.run(11_000)
    assert studio.packager.late_keyframe
    assert studio.timeline("source")[:3] == ["2433", "gap2000", "gap566"]
    assert starts(studio, "source")[3] == 5_000
    assert studio.timeline(AUDIO)[0].startswith("24")


def test_another_size_begins_with_a_discontinuity_and_a_map_in_all(studio: Studio) -> None:
    studio.run(5_000)
    studio.configure("source", 1_080)
    studio.run(3_000)
    for name in studio.sources:
        breaks = [one.discontinuity for one in studio.presentation.renditions[name].segments]
        assert breaks[:4] == [False, False, False, True]
    source = studio.presentation.renditions["source"]
    assert [one.map for one in source.segments][:4] == [0, 0, 0, 1]
    assert set(source.inits) == {0, 1}
    assert studio.presentation.renditions["360p"].map == 0


def test_the_same_configuration_again_changes_nothing(studio: Studio) -> None:
    studio.run(3_000)
    versions = dict(studio.witness.versions)
    studio.packager.configure("source", picture_config(720))
    assert studio.witness.versions == versions


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("source", AudioConfig(b"\x11\x90")),
        (AUDIO, AudioConfig(b"\x12\x10", rate=44_100)),
        ("new", AudioConfig(b"\x12\x10", rate=47_999)),
        ("new", replace(picture_config(720), sps=b"\x67")),
    ],
)
def test_what_no_segment_could_follow_is_refused(
    studio: Studio, name: str, config: AudioConfig
) -> None:
    with pytest.raises(ValueError, match=r"turn|timescale|step|SPS"):
        studio.packager.configure(name, config)


def test_a_silent_source_becomes_gaps_in_real_time(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(4_000)
    for source in studio.sources.values():
        source.on = False
    studio.run(5_000)
    for name in studio.sources:
        assert studio.timeline(name)[2:] == ["gap2000", "gap1500"]
        assert studio.presentation.renditions[name].segments[-1].parts[-1].data == b""


def test_sound_goes_on_while_the_leader_is_silent(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(4_000)
    studio.sources["source"].on = studio.sources["360p"].on = False
    studio.run(6_000)
    assert studio.timeline("source")[2:4] == ["gap2000", "gap2000"]
    assert not any("gap" in word for word in studio.timeline(AUDIO))
    studio.sources["source"].on = studio.sources["360p"].on = True
    studio.key()
    studio.run(4_000)
    assert "gap" not in studio.timeline("source")[-1]
    sound = studio.presentation.renditions[AUDIO]
    assert not any(part.gap for one in sound.segments for part in one.parts)


def test_a_follower_that_stops_is_a_gap_alone_and_holds_nobody(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(4_000)
    studio.sources[AUDIO].on = False
    studio.run(6_000)
    assert studio.timeline("source") == ["2000"] * 5
    assert studio.timeline(AUDIO)[-1].startswith("gap")
    ends = [one.segments[-1].msn for one in studio.presentation.renditions.values()]
    assert max(ends) - min(ends) <= 1
    studio.sources[AUDIO].on = True
    studio.run(4_000)
    assert not any(part.gap for part in studio.presentation.renditions[AUDIO].segments[-1].parts)


def test_a_follower_two_seconds_ahead_is_held_and_beyond_that_the_leader_is_silent() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.configure("source", picture_config(720))
    packager.configure(AUDIO, AudioConfig(b"\x11\x90"))
    packager.add("source", picture(0, True))
    sound = packager.presentation.renditions[AUDIO]
    for n in range(94):
        packager.add(AUDIO, tone(1_024 * n))
    assert not sound.segments
    for n in range(94, 150):
        packager.add(AUDIO, tone(1_024 * n))
    assert len(sound.segments[-1].parts) > 0
    assert any(part.gap for part in packager.presentation.renditions["source"].segments[-1].parts)
    check(packager.presentation)


def test_a_rendition_that_comes_late_joins_at_the_next_cut() -> None:
    studio = Studio()
    studio.video()
    studio.audio()
    studio.run(5_000)
    studio.packager.interrupt()
    studio.key()
    studio.run(1_000)
    studio.video("360p", 360)
    studio.run(6_000)
    late = studio.presentation.renditions["360p"]
    source = studio.presentation.renditions["source"]
    assert late.segments[0].msn > source.segments[0].msn
    assert late.dropped_discontinuities == 1
    assert late.segments[-1].msn == source.segments[-1].msn
    assert list(studio.presentation.renditions) == ["source", "360p", AUDIO]


def test_pictures_that_come_after_the_sound_take_the_lead() -> None:
    studio = Studio()
    studio.audio()
    studio.run(7_000)
    assert len(studio.timeline(AUDIO)) == 4
    studio.video()
    studio.run(8_000)
    assert starts(studio, "source")[-1] == starts(studio, AUDIO)[-1] // 2_000 * 2_000


def test_a_rung_that_is_shed_is_a_gap_until_its_keyframe_returns(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(4_000)
    studio.packager.shed("source")
    assert studio.presentation.renditions["source"].shed
    studio.run(5_000)
    studio.packager.restore("source")
    studio.run(5_000)
    assert studio.timeline("source") == ["2000"] * 2 + ["gap2000"] * 3 + ["2000"] * 2
    assert studio.timeline("360p") == ["2000"] * 7
    assert studio.packager.dropped["shed"] == 150


def test_the_leader_can_be_shed_though_nothing_else_is_left_but_sound() -> None:
    studio = Studio()
    studio.packager.constant = True
    studio.video()
    studio.audio()
    studio.run(4_000)
    studio.packager.shed("source")
    studio.run(5_000)
    assert not any("gap" in word for word in studio.timeline(AUDIO))
    studio.packager.restore("source")
    studio.run(6_000)
    assert studio.timeline("source")[-1].isdecimal()
    assert studio.packager.waiting == []


def test_times_that_jump_back_are_set_right_or_dropped() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.configure("source", picture_config(720))
    for sample in (
        picture(0, True),
        picture(3_000),
        picture(3_000),
        picture(2_000, duration=0),
        picture(9_000, duration=-5),
        picture(900_000_000_000_000),
        picture(-1),
        Sample(12_000, 3_000, False, b""),
    ):
        packager.add("source", sample)
    packager.add("nobody", picture(0))
    packager.end()
    packager.add("source", picture(15_000))
    assert packager.dropped == {
        "time_set_right": 2,
        "duration_set_right": 2,
        "time": 2,
        "empty": 1,
        "unknown": 1,
        "ended": 1,
    }
    check(packager.presentation)


def test_pictures_before_the_first_keyframe_are_dropped() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.configure("source", picture_config(720))
    packager.add("source", picture(0))
    assert packager.waiting == ["source"]
    packager.add("source", picture(3_000, True))
    assert packager.waiting == []
    assert packager.dropped == {"keyframe": 1}


def test_a_jump_of_the_timeline_is_a_discontinuity_and_no_hour_of_gaps() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.configure("source", picture_config(720))
    for start in (0, 3_600 * 90_000):
        for n in range(60):
            packager.add("source", picture(start + 3_000 * n, n == 0))
    packager.end()
    segments = packager.presentation.renditions["source"].segments
    assert [one.discontinuity for one in segments] == [False, True]
    check(packager.presentation)


def test_a_picture_a_second_is_more_than_parts_can_hold() -> None:
    studio = Studio()
    studio.video(duration=90_000)
    studio.run(8_000)
    parts = [
        part for one in studio.presentation.renditions["source"].segments for part in one.parts
    ]
    assert {part.gap for part in parts} == {True, False}


def test_the_window_is_bounded_in_time_and_in_bytes_over_all_renditions() -> None:
    studio = Studio(PackagingSettings(window_ms=20_000))
    studio.video()
    studio.audio()
    studio.run(60_000)
    for name in studio.sources:
        assert len(studio.timeline(name)) == 11
    small = Studio(PackagingSettings(window_bytes=1 << 20))
    small.video().size = 4_000
    small.audio().size = 400
    small.run(60_000)
    kept = small.presentation.renditions.values()
    assert 700_000 < sum(one.size for each in kept for one in each.segments) <= 1_500_000
    assert len({each.segments[0].msn for each in kept}) == 1


def test_parts_are_forgotten_and_segments_stay_whole(studio: Studio) -> None:
    studio.run(30_000)
    segments = studio.presentation.renditions["source"].segments
    assert not segments[0].parts
    assert segments[0].data is not None
    assert len(segments[0].data) == segments[0].size
    assert all(one.parts for one in list(segments)[-6:])


def test_discontinuities_and_inits_leave_with_their_segments() -> None:
    studio = Studio(PackagingSettings(window_ms=12_000))
    studio.video()
    studio.run(4_000)
    studio.configure("source", 1_080)
    studio.run(30_000)
    source = studio.presentation.renditions["source"]
    assert source.dropped_discontinuities == 1
    assert set(source.inits) == {1}


def test_bitrates_are_measured(studio: Studio) -> None:
    studio.sources["source"].size = 10_000
    studio.run(9_000)
    source = studio.presentation.renditions["source"]
    assert source.average_bps == pytest.approx(30 * 80_000, rel=0.02)
    assert source.peak_bps == pytest.approx(30 * 80_000, rel=0.02)


def test_the_end_completes_everything_once(studio: Studio) -> None:
    studio.run(5_000)
    studio.end()
    versions = dict(studio.witness.versions)
    assert studio.presentation.ended
    studio.packager.end()
    studio.packager.interrupt()
    studio.packager.tick(ORIGIN_MS + 60_000)
    studio.packager.shed("source")
    studio.packager.configure("source", picture_config(1_080))
    assert studio.witness.versions == versions


def test_one_that_ends_before_it_began_has_no_segment() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.end()
    assert packager.presentation.ended


def test_short_sound_alone_is_packaged_at_the_end() -> None:
    packager = Packager(Presentation("e", ORIGIN_MS))
    packager.configure(AUDIO, AudioConfig(b"\x11\x90"))
    for n in range(10):
        packager.add(AUDIO, tone(1_024 * n))
    packager.end()
    assert packager.presentation.renditions[AUDIO].segments[0].ticks == 10_240
