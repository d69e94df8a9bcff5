"""The job that writes the MP4 of a recording."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import av
import pytest

from recorder.media import MediaMissing
from recorder.work.mp4 import run
from recorder.work.task import Facts, Spec, Task, Value, WorkError
from tests.recorder.broadcast import Broadcast


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Broadcast:
    broadcast = Broadcast(tmp_path_factory.mktemp("r") / "r")
    broadcast.session()
    broadcast.shoot(3)
    return broadcast


def made(broadcast: Broadcast, out: Path, **parameters: Value) -> Facts:
    recording = broadcast.close()
    spec = Spec("mp4", recording.id, parameters)
    told: list[float] = []
    facts = run(Task(spec, recording, broadcast.media, out), told.append)
    assert told[-1] == 1.0
    return facts


def test_the_whole_recording_becomes_a_file(broadcast: Broadcast, tmp_path: Path) -> None:
    facts = made(broadcast, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]
    data = (tmp_path / "video.mp4").read_bytes()
    assert facts.keys() == {"duration_ms", "size", "etag"}
    assert (facts["duration_ms"], facts["size"]) == (3_000, len(data))
    with av.open(tmp_path / "video.mp4", "r") as container:
        assert container.metadata["title"] == "A title"
        assert len(list(container.decode(video=0))) == 90


def test_parameters_choose_a_stretch_and_what_is_in_it(
    broadcast: Broadcast, tmp_path: Path
) -> None:
    cues = [{"from_us": 1_200_000, "to_us": 1_500_000, "text": "Hi"}]
    facts = made(
        broadcast,
        tmp_path,
        video="90p",
        audio=False,
        from_us=1_000_000,
        to_us=2_000_000,
        title="Part",
        chapters=json.dumps([{"at_us": 0, "title": "One"}]),
        texts=json.dumps([{"language": "en", "label": "English", "cues": cues}]),
        sha256=True,
    )
    data = (tmp_path / "video.mp4").read_bytes()
    assert facts["sha256"] == sha256(data).hexdigest()
    assert facts["duration_ms"] == 1_000
    with av.open(tmp_path / "video.mp4", "r") as container:
        assert container.metadata["title"] == "Part"
        assert [one["metadata"]["title"] for one in container.chapters()] == ["One"]
        assert container.streams.video[0].width == 160
        assert [one.type for one in container.streams][:2] == ["video", "subtitle"]
        assert not container.streams.audio


@pytest.mark.parametrize(
    "parameters",
    [
        {"from_us": 9_000_000},
        {"video": "1080p"},
        {"chapters": "no JSON"},
        {"chapters": '[{"at_us": 0}]'},
        {"texts": '[{"language": "en", "label": "English", "cues": 3}]'},
        {"from_us": "soon"},
        {"colour": "red"},
    ],
)
def test_what_cannot_be_made_is_not_tried_again(
    broadcast: Broadcast, tmp_path: Path, parameters: dict[str, Value]
) -> None:
    with pytest.raises(WorkError):
        made(broadcast, tmp_path, **parameters)
    assert list(tmp_path.iterdir()) == []


def test_media_that_is_not_there_may_be_there_later(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(1)
    broadcast.close()
    (broadcast.folder / "audio-000001.mp4").unlink()
    with pytest.raises(MediaMissing):
        made(broadcast, tmp_path)
