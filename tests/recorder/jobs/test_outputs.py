"""Outputs: found whole or not at all, the first of two stays, nothing else is let in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recorder.jobs.outputs import Outputs, all_begun, complete
from recorder.work.task import WorkError

KEY = "0123456789abcdef" * 2
OTHER = "f" * 32


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "garden"
    folder.mkdir()
    return folder


def make(outputs: Outputs, attempt: int, text: str) -> Path:
    out = outputs.begin(KEY, attempt)
    (out / "poster.jpg").write_text(text)
    complete(out, {"text": text})
    return out


def test_an_output_is_found_when_it_is_published_and_not_before(recording: Path) -> None:
    outputs = Outputs(recording)
    assert outputs.find(KEY) is None
    make(outputs, 1, "roses")
    assert outputs.find(KEY) is None
    assert outputs.keys() == set()

    assert outputs.publish(KEY, 1)

    assert outputs.find(KEY) == recording / "derived" / KEY
    assert outputs.facts(KEY) == {"text": "roses"}
    assert outputs.keys() == {KEY}
    assert outputs.begun() == []


def test_the_second_one_of_a_key_changes_nothing(recording: Path) -> None:
    outputs = Outputs(recording)
    make(outputs, 2, "second")
    make(outputs, 3, "third")  # its beginning deletes what earlier attempts left
    assert outputs.begun() == [(KEY, 3)]
    outputs.publish(KEY, 3)
    make(outputs, 4, "fourth")

    assert not outputs.publish(KEY, 4)

    assert outputs.facts(KEY) == {"text": "third"}
    assert outputs.begun() == []


def test_an_earlier_attempt_leaves_the_later_one_alone(recording: Path) -> None:
    outputs = Outputs(recording)
    make(outputs, 7, "seventh")
    make(outputs, 6, "sixth")
    assert sorted(outputs.begun()) == [(KEY, 6), (KEY, 7)]


def test_what_vanished_meanwhile_is_not_published(recording: Path) -> None:
    outputs = Outputs(recording)
    make(outputs, 1, "roses")
    outputs.abandon(KEY, 1)
    with pytest.raises(WorkError):
        outputs.publish(KEY, 1)


@pytest.mark.parametrize("name", ["poster.png", "deep/poster.png", "folder"])
def test_links_and_pipes_are_refused(recording: Path, name: str) -> None:
    outputs = Outputs(recording)
    out = make(outputs, 1, "roses")
    (out / "deep").mkdir()
    if name == "folder":
        (out / name).symlink_to("/etc")
    else:
        os.mkfifo(out / name)
    with pytest.raises(WorkError, match=name.rpartition("/")[2]):
        outputs.publish(KEY, 1)
    assert outputs.find(KEY) is None


def test_removed_it_is_gone_as_a_whole(recording: Path) -> None:
    outputs = Outputs(recording)
    make(outputs, 1, "roses")
    outputs.publish(KEY, 1)
    outputs.remove(KEY)
    outputs.remove(KEY)
    assert outputs.find(KEY) is None
    assert list((recording / "derived").iterdir()) == []


@pytest.mark.parametrize("key", ["", "..", "../garden", KEY[:-1], KEY.upper(), f".{KEY}.1"])
def test_nothing_but_a_key_is_looked_for(recording: Path, key: str) -> None:
    outputs = Outputs(recording)
    make(outputs, 1, "roses")
    assert outputs.find(key) is None
    assert outputs.facts(key) is None


def test_broken_facts_are_none(recording: Path) -> None:
    outputs = Outputs(recording)
    make(outputs, 1, "roses")
    outputs.publish(KEY, 1)
    (recording / "derived" / KEY / "facts.json").write_text("{")
    assert outputs.facts(KEY) is None


def test_what_was_begun_anywhere_is_listed(tmp_path: Path, recording: Path) -> None:
    other = tmp_path / "terrace"
    other.mkdir()
    Outputs(recording).begin(KEY, 1)
    Outputs(other).begin(OTHER, 5)
    (recording / "derived" / ".keep").touch()

    found = all_begun(tmp_path)

    assert sorted((key, attempt) for _, key, attempt in found) == [(KEY, 1), (OTHER, 5)]
    assert all_begun(tmp_path / "nowhere") == []
