"""Which rungs a source gets."""

from __future__ import annotations

import pytest

from bridge.ladder import below, ladder


def sizes(width: int, height: int) -> list[tuple[str, int, int]]:
    return [(rung.name, rung.width, rung.height) for rung in ladder(width, height)]


def test_a_full_hd_source_gets_itself_and_all_below() -> None:
    assert sizes(1_920, 1_080) == [
        ("source", 1_920, 1_080),
        ("720p", 1_280, 720),
        ("480p", 854, 480),
        ("360p", 640, 360),
    ]


def test_a_picture_held_upright_stays_so() -> None:
    assert sizes(720, 1_280) == [
        ("source", 720, 1_280),
        ("480p", 480, 854),
        ("360p", 360, 640),
    ]


def test_what_is_larger_is_scaled_down_and_what_is_small_is_all() -> None:
    assert sizes(7_680, 4_320)[0] == ("source", 1_920, 1_080)
    assert sizes(320, 180) == [("source", 320, 180)]


@pytest.mark.parametrize("size", [(1, 1), (1, 8_000), (8_000, 1), (1_279, 719), (4_096, 2_160)])
def test_every_rung_can_be_encoded(size: tuple[int, int]) -> None:
    for rung in ladder(*size):
        assert rung.width % 2 == rung.height % 2 == 0
        assert 16 <= rung.width <= 3_840
        assert 16 <= rung.height <= 3_840
        assert rung.bitrate > 0


def test_names_are_unique_and_bitrates_fall() -> None:
    rungs = ladder(1_920, 1_080)
    assert len({rung.name for rung in rungs}) == len(rungs)
    assert [rung.bitrate for rung in rungs] == sorted((r.bitrate for r in rungs), reverse=True)


def test_a_source_that_is_passed_on_needs_only_what_is_below() -> None:
    assert below(1_280, 720) == ladder(1_280, 720)[1:]
    assert [rung.name for rung in ladder(1_920, 1_080, most=2)] == ["source", "720p"]


@pytest.mark.parametrize("size", [(0, 720), (1_280, 0), (-2, -2)])
def test_a_size_that_is_none_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no ladder"):
        ladder(*size)
