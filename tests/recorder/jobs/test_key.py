"""Keys: what changes them, and what must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recorder import index, records
from recorder.jobs.key import KEY, Extent, Keys, key_of
from recorder.recording import Recording
from recorder.replay import Replay
from recorder.work.task import Spec
from tests.recorder.jobs.world import make_recording, spec, work

EXTENT = Extent(parts=240, duration_us=120_000_000)
CLIP = Spec("clip", "garden-1", {"from_us": 0, "to_us": 30_000_000, "title": "Roses"})


def test_a_key_stays_the_same_over_versions_of_us() -> None:
    """Another value would make everything anew that was ever made."""
    assert key_of(CLIP, 1, EXTENT) == "33c466d7ee35535ae606bfe533c76733"


def test_the_order_of_parameters_does_not_matter() -> None:
    turned = Spec("clip", "garden-1", dict(reversed(CLIP.parameters.items())))
    assert list(turned.parameters) != list(CLIP.parameters)
    assert key_of(turned, 1, EXTENT) == key_of(CLIP, 1, EXTENT)


@pytest.mark.parametrize(
    ("changed", "version", "extent"),
    [
        (Spec("mp4", CLIP.recording, CLIP.parameters), 1, EXTENT),
        (Spec("clip", "garden-2", CLIP.parameters), 1, EXTENT),
        (Spec("clip", "garden-1", CLIP.parameters | {"to_us": 30_000_001}), 1, EXTENT),
        (Spec("clip", "garden-1", CLIP.parameters | {"exact": True}), 1, EXTENT),
        (CLIP, 2, EXTENT),
        (CLIP, 1, replace(EXTENT, parts=241)),
        (CLIP, 1, replace(EXTENT, duration_us=120_000_001)),
    ],
)
def test_everything_that_makes_a_difference_is_in_it(
    changed: Spec, version: int, extent: Extent
) -> None:
    key = key_of(changed, version, extent)
    assert key != key_of(CLIP, 1, EXTENT)
    assert KEY.fullmatch(key)


def test_the_extent_is_of_media_and_not_of_what_is_written_about_it(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, parts=4)
    before = Extent.of(Replay.of(Recording.read(folder)))
    with (folder / index.FILE).open("ab") as lines:
        lines.write(index.encode(records.Sealed("source", 1, 20, "0" * 64)))
        lines.write(index.encode(records.Stored("source", 1)))
        lines.write(index.encode(records.Mark(1_000_500, "marker", "a rose")))
    told = Extent.of(Replay.of(Recording.read(folder)))
    with (folder / index.FILE).open("ab") as lines:
        part = records.Part("source", 1, 4, 0, 180_000, 45_000, 20, 4, 0, True)
        lines.write(index.encode(part))
    grown = Extent.of(Replay.of(Recording.read(folder)))

    assert before == told == Extent(4, 2_000_000)
    assert grown == Extent(5, 2_500_000)


def test_keys_of_a_recording_take_the_version_of_the_work() -> None:
    assert Keys(EXTENT, work("writes")).of(spec()) == key_of(spec(), 3, EXTENT)
