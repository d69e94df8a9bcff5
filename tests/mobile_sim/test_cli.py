"""The command line checks its words, prints JSON and ends as it should."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import mobile_sim
from mobile_sim.cli import app, parse_bitrate, parse_size
from tests.mobile_sim.far_end import KEY, FarEnd

PACKAGES = str(Path(mobile_sim.__file__).parents[1])


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far_end = FarEnd()
    await far_end.start()
    yield far_end
    await far_end.stop()


async def start(*words: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mobile_sim",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": PACKAGES, "TERM": "dumb", **environment},
    )


@pytest.mark.parametrize(
    ("text", "bitrate"), [("2500k", 2_500_000), ("2.5M", 2_500_000), ("800000", 800_000)]
)
def test_bitrates_are_read(text: str, bitrate: int) -> None:
    assert parse_bitrate(text) == bitrate


@pytest.mark.parametrize("text", ["", "fast", "-5k", "10", "99M", "2500kb"])
def test_bad_bitrates_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_bitrate(text)


def test_sizes_are_read() -> None:
    assert parse_size("1280x720") == (1280, 720)


@pytest.mark.parametrize("text", ["", "720p", "1281x720", "1280x721", "9000x100", "1280*720"])
def test_bad_sizes_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_size(text)


@pytest.mark.parametrize(
    "words",
    [
        ["publish", "nowhere"],
        ["publish", "http://127.0.0.1/whip/a", "--codec", "h265"],
        ["publish", "http://127.0.0.1/whip/a", "--clip", "missing.mp4"],
        ["publish", "http://127.0.0.1/whip/a", "--fps", "0"],
        ["publish", "http://127.0.0.1/whip/a", "--clip", __file__, "--testcard"],
        ["watch"],
    ],
)
def test_wrong_words_end_with_code_2(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


def test_a_clip_that_is_none_ends_with_code_1() -> None:
    result = CliRunner().invoke(app, ["publish", "http://127.0.0.1:9/a", "--clip", __file__])
    assert result.exit_code == 1


async def test_publishing_prints_json_and_an_interrupt_ends_the_session(far_end: FarEnd) -> None:
    publisher = await start(
        "publish", f"{far_end.url}/whip/demo", "--size", "320x180", "--json", MOBILE_SIM_KEY=KEY
    )
    await far_end.until(lambda: len(far_end.stamps) >= 5)
    publisher.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(publisher.communicate(), 30)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events[:2]] == ["connecting", "live"]
    assert events[1]["session"] == f"{far_end.url}/session/1"
    assert (publisher.returncode, err) == (0, b"")
    assert far_end.deleted == ["1"]


async def test_a_wrong_key_ends_with_code_1_and_a_clear_message(far_end: FarEnd) -> None:
    publisher = await start("publish", f"{far_end.url}/whip/demo", "--key", "wrong", "--json")
    _, err = await asyncio.wait_for(publisher.communicate(), 30)
    assert publisher.returncode == 1
    assert b"401: unknown stream key (is the key right?)" in err


async def test_watching_ends_by_itself_with_the_total(far_end: FarEnd) -> None:
    viewer = await start(
        "watch", f"{far_end.url}/whep/demo", "--token", KEY, "--duration", "3", "--json"
    )
    out, err = await asyncio.wait_for(viewer.communicate(), 30)
    events = [json.loads(line) for line in out.splitlines()]
    assert (viewer.returncode, err) == (0, b"")
    assert events[-1]["event"] == "total"
    assert events[-1]["unreadable"] == 0
    assert far_end.deleted == ["1"]
