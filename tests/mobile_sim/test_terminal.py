"""Commands share their addresses, and end in the same way."""

from __future__ import annotations

import asyncio

import pytest
import typer

from mobile_sim.clip import ClipError
from mobile_sim.terminal import fail, parse_url, run
from mobile_sim.whip import Refused


@pytest.mark.parametrize("text", ["http://127.0.0.1:8080/whip/a", "https://host/whip/a"])
def test_addresses_are_read(text: str) -> None:
    assert parse_url(text) == text


@pytest.mark.parametrize("text", ["", "localhost/whip/a", "ftp://host/a", "http:///a"])
def test_bad_addresses_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_url(text)


def test_a_run_ends_when_its_time_is_over_and_gives_its_result() -> None:
    async def work(stop: asyncio.Event) -> str:
        await stop.wait()
        return "done"

    assert run(work, 0.01) == "done"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused(401, "unknown stream key"), "unknown stream key (is the key right?)"),
        (Refused(404, "no such channel"), "no such channel"),
        (ClipError("film.mp4 is no film"), "film.mp4 is no film"),
        (ValueError("[bad] size"), "[bad] size"),
    ],
)
def test_a_failure_ends_with_code_1_and_its_words(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(stop: asyncio.Event) -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        run(work)
    assert ended.value.exit_code == 1
    assert words in capsys.readouterr().err


def test_what_is_said_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    fail("a.yaml:1: " + "wrong " * 40)
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
