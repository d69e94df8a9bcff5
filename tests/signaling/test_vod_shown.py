"""What the API says of a recording's jobs: those that are its own, and nothing of how they work."""

from __future__ import annotations

from recorder.jobs.job import Job, State
from recorder.work.task import Kind, Spec, Value
from signaling.vod_shown import job_views
from signaling.vod_views import JobView

VOD = "live-20260101-120000-abcdef"


def job(number: int, kind: Kind, state: State, **parameters: Value) -> Job:
    spec = Spec(kind, VOD, parameters)
    return Job(number, "0" * 32, spec, 1, state, 0.5, 1, 0, 0, error="/srv/secret/path is gone")


def test_of_each_kind_the_newest_is_shown() -> None:
    jobs = [
        job(1, "poster", "failed"),
        job(2, "mp4", "done", title="Old"),
        job(3, "mp4", "running", title="New"),
    ]
    assert job_views(jobs) == [
        JobView("poster", "failed", 0.5, "It could not be made."),
        JobView("mp4", "running", 0.5, None),
    ]
    assert job_views([job(1, "chapters", "done")]) == [JobView("chapters", "done", 1.0, None)]


def test_clips_and_pictures_of_moments_are_others_wishes() -> None:
    jobs = [
        job(1, "poster", "done"),
        job(2, "poster", "failed", at_ms=3_000),
        job(3, "clip", "running", from_ms=0, to_ms=5_000),
    ]
    assert job_views(jobs) == [JobView("poster", "done", 1.0, None)]
