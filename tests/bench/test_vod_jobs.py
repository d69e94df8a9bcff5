"""The jobs of the bench of recordings, and the copy that they are compared with."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

from tests.bench import ffmpeg_copy, vod_jobs, vod_recording
from tests.bench.metered_work import peak_kb
from tests.bench.vod import ALIKE


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a small picture."""
    folder = tmp_path_factory.mktemp("bench") / "bench-small"
    vod_recording.write(folder, 0.1, (160, 90), 200_000)
    return folder


def test_a_job_runs_as_the_runner_lets_it_and_tells_what_it_took(
    recording: Path, tmp_path: Path
) -> None:
    run = vod_jobs.run("mp4", recording, tmp_path / "out")
    assert run.size > 0
    assert run.cpu_s > 0
    assert 10 < run.peak_mb < 200
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_comes_to_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(RuntimeError, match="mp4: The recording cannot be read"):
        vod_jobs.run("mp4", tmp_path / "nothing", tmp_path / "out")


@pytest.mark.parametrize("program", [shutil.which("ffmpeg"), None])
def test_the_copy_has_the_same_samples(
    recording: Path, tmp_path: Path, program: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: program)
    ours = vod_jobs.run("mp4", recording, tmp_path / "out")
    theirs = ffmpeg_copy.run(recording, tmp_path / "copy.mp4")
    # So short a file is mostly tables, and those of the two are not alike.
    assert ours.size == pytest.approx(theirs.size, rel=0.1 + ALIKE)
    assert theirs.ended_s <= theirs.wall_s
    assert list(tmp_path.iterdir()) == []


def test_the_libraries_put_the_tables_in_front(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recording)
    to = tmp_path / "copy.mp4"
    pictures, sound = (ffmpeg_copy.joined(recording, name) for name in ("source", "audio"))
    ffmpeg_copy.remux(pictures, sound, str(to))
    data = to.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(to) as file:
        frames = {one.type: one.frames for one in file.streams}
    assert frames == {"video": 180, "audio": 282}


def test_the_peak_is_read_from_what_the_kernel_tells() -> None:
    assert peak_kb("VmPeak:\t  900 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1000 kB\n") == 1_234
    with pytest.raises(ValueError, match="does not tell"):
        peak_kb("VmRSS:\t 1000 kB\n")
