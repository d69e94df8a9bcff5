"""The rules that all renditions share."""

from __future__ import annotations

import pytest

from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.rendition import Rendition
from bridge.track import AudioConfig
from tests.bridge.studio import ORIGIN_MS, picture_config


@pytest.mark.parametrize(
    ("segment_ms", "target_s", "longest_ms"),
    [(1_000, 1, 1_499), (2_000, 2, 2_499), (2_001, 3, 3_499), (6_000, 6, 6_499)],
)
def test_no_segment_may_round_to_more_than_the_target(
    segment_ms: int, target_s: int, longest_ms: int
) -> None:
    settings = PackagingSettings(segment_ms=segment_ms)
    assert (settings.target_duration_s, settings.longest_ms) == (target_s, longest_ms)
    assert int(settings.longest_ms / 1_000 + 0.5) == target_s


def test_times_of_all_tracks_count_from_one_origin() -> None:
    presentation = Presentation("e", ORIGIN_MS)
    video = Rendition("source", picture_config(720))
    sound = Rendition(AUDIO, AudioConfig(b"\x11\x90"))
    presentation.renditions = {"source": video, AUDIO: sound}
    assert presentation.wall_ms(video, 90_000) == presentation.wall_ms(sound, 48_000)
    assert presentation.wall_ms(video, 45_000) == ORIGIN_MS + 500
    assert (presentation.video, presentation.audio) == ([video], sound)


def test_a_later_broadcast_begins_with_a_larger_number() -> None:
    assert (
        Presentation("f", ORIGIN_MS + 60_000).first_msn
        == Presentation("e", ORIGIN_MS).first_msn + 60
    )
