"""What the leader makes of a source that breaks. Rules are in rules.py."""

from __future__ import annotations

import pytest

from bridge.presentation import AUDIO
from tests.bridge.studio import Studio, camera, starts


@pytest.fixture
def studio() -> Studio:
    return camera()


def test_after_an_interruption_come_gaps_and_then_the_discontinuity(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(5_000)
    studio.packager.interrupt()
    assert all(one.segments[-1].complete for one in studio.presentation.renditions.values())
    for source in studio.sources.values():
        source.on = False
    studio.run(5_000)
    studio.key()
    for source in studio.sources.values():
        source.on = True
    studio.run(3_000)
    assert studio.timeline("source") == [
        *("2000", "2000", "1000", "gap1000", "gap2000", "gap2000"),
        *("!2000", "1000"),
    ]
    assert [word.startswith("gap") for word in studio.timeline(AUDIO)][3:7] == [True] * 3 + [False]
    assert starts(studio, "360p") == starts(studio, "source")


def test_an_interruption_without_silence_makes_no_gap(studio: Studio) -> None:
    studio.run(3_000)
    studio.packager.interrupt()
    studio.packager.interrupt()
    studio.key()
    studio.run(2_900)
    for name in studio.sources:
        assert studio.timeline(name)[2].startswith("!")
        assert not any("gap" in word for word in studio.timeline(name))


def test_sound_after_an_interruption_waits_for_no_picture(studio: Studio) -> None:
    studio.packager.constant = True
    studio.run(4_000)
    cameras = [source for name, source in studio.sources.items() if name != AUDIO]
    for source in cameras:
        source.on = False
    studio.packager.interrupt()
    studio.run(5_000)
    # No picture came since, and the source breaks again: sound went on, where it belongs.
    studio.packager.interrupt()
    studio.run(3_000)
    for source in cameras:
        source.on = True
    studio.key()
    studio.run(3_000)
    words = studio.timeline("source")
    assert [word.startswith("!") for word in words].count(True) == 1
    assert next(word for word in words if word.startswith("!")) == "!2000"
    sound = studio.presentation.renditions[AUDIO]
    silent = [part.ticks for one in sound.segments for part in one.parts if part.gap]
    # What was held for the leader is lost with each interruption, and no more.
    assert sum(silent) <= 1.5 * sound.timescale
