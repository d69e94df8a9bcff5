"""What a child makes of its order, in this process; `recorder/jobs` has it in real ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from recorder import index
from recorder.jobs.wire import Finished, MediaFrom, Order, Progress, Refused, Said
from recorder.work.run import REPORT_S, Teller, carry_out
from recorder.work.task import Facts
from tests.recorder.jobs.world import make_recording, spec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_recording(tmp_path)


@pytest.fixture
def order(folder: Path) -> Callable[..., Order]:
    def made(name: str, media: MediaFrom | None = None) -> Order:
        out = folder / "derived" / f".{'a' * 32}.1"
        out.mkdir(parents=True)
        work = f"tests.recorder.jobs.works:{name}"
        return Order(spec(), 3, work, str(folder), str(out), 1 << 30, 60, media)

    return made


def ignore(done: float) -> None:
    """For tests that do not look at it."""


def test_the_output_is_complete_when_it_says_so(order: Callable[..., Order]) -> None:
    asked = order("writes")
    result = carry_out(asked, ignore)
    facts: Facts = {"bytes": 8, "title": "Roses", "exact": True}
    assert result == Finished(facts)
    assert msgspec.json.decode((Path(asked.out) / "facts.json").read_bytes()) == facts


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("refuses", Refused("There is no picture in it.", again=False)),
        ("raises", Refused("ValueError: a slip", again=True)),
    ],
)
def test_what_helps_and_what_does_not(
    order: Callable[..., Order], name: str, result: Refused
) -> None:
    assert carry_out(order(name), ignore) == result


@pytest.mark.parametrize("content", [None, b"", b"no index"])
def test_a_recording_that_cannot_be_read(
    order: Callable[..., Order], folder: Path, content: bytes | None
) -> None:
    asked = order("writes")
    if content is None:
        (folder / index.FILE).unlink()
    else:
        (folder / index.FILE).write_bytes(content)
    result = carry_out(asked, ignore)
    assert isinstance(result, Refused)
    assert not result.again


def test_missing_media_may_come_back(order: Callable[..., Order], folder: Path) -> None:
    asked = order("writes")
    (folder / "source-000001.mp4").unlink()
    result = carry_out(asked, ignore)
    assert isinstance(result, Refused)
    assert result.again
    assert "source-000001.mp4" in result.error


def test_media_may_be_elsewhere(order: Callable[..., Order]) -> None:
    source = MediaFrom("tests.recorder.jobs.works:elsewhere", {"secret": "rosebuds"})
    asked = order("writes", source)
    assert isinstance(carry_out(asked, ignore), Finished)
    assert (Path(asked.out) / "poster.jpg").read_bytes() == b"rosebuds"


def test_progress_is_told_within_bounds_and_not_too_often() -> None:
    heard = io.BytesIO()
    now_s = 0.0
    teller = Teller(heard, lambda: now_s)
    for done in (-1.0, 0.25, 0.3):
        teller.report(done)
    now_s = REPORT_S
    for done in (17.0, 18.0):
        teller.report(done)
    teller.say(Finished({}))
    said = [msgspec.json.decode(line, type=Said) for line in heard.getvalue().splitlines()]
    assert said == [Progress(0.0), Progress(1.0), Finished({})]
