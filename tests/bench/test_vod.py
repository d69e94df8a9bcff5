"""The bench of recordings: what becomes of its runs, and what its table says."""

from __future__ import annotations

from dataclasses import asdict, replace

from tests.bench.ffmpeg_copy import Copied
from tests.bench.vod import Files, VodFigures, figures, table
from tests.bench.vod_jobs import JobRun
from tests.bench.vod_server import Waited

SIZE = 2_700_000_000
ASKED = ("replay_ready_s", "mp4_s", "ffmpeg_s", "peak_mb", "storyboard_s", "chapters_s")


def jobs(*walls_s: float, size: int = SIZE) -> list[JobRun]:
    return [JobRun(wall_s, wall_s / 2, 70 + wall_s, size) for wall_s in walls_s]


def copies(*walls_s: float) -> list[Copied]:
    return [Copied(wall_s, wall_s - 0.5, wall_s / 2, SIZE) for wall_s in walls_s]


def waits(*ended_s: float) -> list[Waited]:
    return [Waited(one_s, one_s + 3, {}) for one_s in ended_s]


def measured(files: Files) -> VodFigures:
    cached = Files(jobs(2), copies(5))
    pictures, chapters = jobs(9, 8, 7), jobs(12, 30, 13)
    return figures(files, cached, pictures, chapters, waits(1.5, 0.9, 1.1), 60, SIZE, [])


def test_medians_count_and_the_most_memory_of_any_run() -> None:
    found = measured(Files(jobs(4, 3, 9), copies(8, 30, 7)))
    assert (found.mp4_s, found.ffmpeg_s, found.ffmpeg_ratio) == (4, 8, 2)
    assert (found.cached_mp4_s, found.cached_ffmpeg_s, found.cached_ffmpeg_ratio) == (2, 5, 2.5)
    assert (found.replay_ready_s, found.restart_ready_s) == (1.1, 4.1)
    assert (found.storyboard_s, found.chapters_s, found.peak_mb) == (8, 13, 79)
    assert found.doubts == []


def test_files_that_are_not_alike_are_a_doubt() -> None:
    found = measured(Files(jobs(4, size=SIZE // 2), copies(8)))
    assert found.doubts == ["the files have 1,350,000,000 and 2,700,000,000 bytes"]


def test_the_json_object_has_the_keys_that_were_asked_for() -> None:
    assert asdict(measured(Files(jobs(4), copies(8)))).keys() >= set(ASKED)


def test_the_table_sets_each_figure_beside_its_goal() -> None:
    found = replace(measured(Files(jobs(4), copies(8))), peer="ffmpeg 5.1")
    rows = {what: (figure, goal) for what, figure, goal in table(found)}
    assert rows["from the end of the broadcast to its replay"] == ("1.1 s", "at most 2 s")
    assert rows["the same by ffmpeg 5.1, copied with faststart"] == ("8 s (4 s of CPU)", "")
    assert rows["its time by ours"] == ("2", "at least 2")
    assert rows["memory of the MP4's process, peak"] == ("74 MB", "at most 100 MB")
