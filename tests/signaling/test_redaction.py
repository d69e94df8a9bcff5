"""Secrets do not reach the log. The lines are as they come out of the whole pipe."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from bridge.signed import Signer
from signaling.logs import configure
from signaling.redaction import HIDDEN, LONGEST, redacted
from sluice.auth import ViewerTokens, new_admin_token, new_stream_key
from sluice.config import ServerConfig
from sluice.ids import ChannelId

KEY = new_stream_key()
ADMIN = new_admin_token()
VIEWER = ViewerTokens(b"s" * 32).issue(ChannelId("lina"), 3_600, 1_790_000_000_000).token
SIGNED = Signer(b"s" * 32).address("lina", 1_790_000_000)
GRANT = SIGNED.split("~")[1].split("/")[0]
PAYER = "lina.fan+live@mail.example.co.uk"

FORMATS = ["console", "json"]


Written = Callable[[Callable[[], None]], str]


@pytest.fixture(params=FORMATS)
def written(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Iterator[Written]:
    """What some work logs, in each format."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def run(work: Callable[[], None]) -> str:
        configure(ServerConfig(log_format=request.param))
        work()
        return capsys.readouterr().err

    yield run
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


SAID = [
    (f"WHEP https://live.example.org/whep/lina?token={VIEWER}&x=1 refused", VIEWER, "x=1"),
    (f"request with Authorization: Bearer {ADMIN} failed", ADMIN, "failed"),
    (f"the key {KEY} does not fit lina", KEY, "does not fit lina"),
    (f"GET {SIGNED}source/index.m3u8 404", GRANT, "/lina/source/index.m3u8 404"),
    (f"a donation by {PAYER} was refunded", PAYER, "was refunded"),
    (f"cannot connect to redis://:{ADMIN}@127.0.0.1:6379/0", ADMIN, "@127.0.0.1:6379"),
    (f"cannot connect to postgresql+asyncpg://u:{KEY[3:]}@db/x", KEY[3:], "@db/x"),
    (f"studio#channel=lina&key={KEY[3:]}", KEY[3:], "channel=lina"),
    (f"body {{'token': '{VIEWER}', 'ttl_s': 5}}", VIEWER, "'ttl_s': 5"),
    ("grant=1790000000.AbCdEfGhIjKlMnOpQrStUv end", "AbCdEfGhIjKlMnOpQrStUv", "end"),
]


each = pytest.mark.parametrize(("text", "secret", "kept"), SAID, ids=map(str, range(len(SAID))))
own = structlog.get_logger("own")


@each
def test_it_is_taken_out_of_events(written: Written, text: str, secret: str, kept: str) -> None:
    line = written(lambda: own.warning(text))
    assert secret not in line
    assert HIDDEN in line
    assert kept in line


@each
def test_it_is_taken_out_of_fields_libraries_and_exceptions(
    written: Written, text: str, secret: str, kept: str
) -> None:
    def work() -> None:
        own.warning("failed", url=text, nested={"deep": [text]}, error=ValueError(text))
        logging.getLogger("library").warning("it said %s", text)
        try:
            raise ValueError(text)
        except ValueError:
            own.exception("unexpected")
            logging.getLogger("library").exception("unexpected")

    lines = written(work)
    assert secret not in lines
    assert lines.count(kept) >= 6
    assert "Traceback" in lines


def test_fields_that_are_secret_by_name_are_hidden_whole(written: Written) -> None:
    line = written(lambda: own.warning("told", token="plain words", email="a@b", grant=None))
    assert "plain words" not in line
    assert "a@b" not in line
    assert "None" in line or "null" in line


def test_what_is_no_secret_stays(written: Written) -> None:
    line = written(
        lambda: own.warning(
            "recording", channel="lina", key="mp4-0123abcd", count=3, took_s=1.5, done=True,
            at="2026-11-30T10:00:00.123456Z", version="1.2.3", hint="monkey=1 keyframes: 3",
            path=Path("x/y.mp4"),
        )
    )  # fmt: skip
    assert HIDDEN not in line
    for kept in ("lina", "mp4-0123abcd", "1.5", "1.2.3", "monkey=1 keyframes: 3", "x/y.mp4"):
        assert kept in line


def test_json_lines_stay_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure(ServerConfig(log_format="json"))
    try:
        structlog.get_logger("own").warning("told", count=3, ok=True, of={"x": 1.5}, none=None)
        entry = json.loads(capsys.readouterr().err)
    finally:
        structlog.reset_defaults()
    assert (entry["count"], entry["ok"], entry["of"], entry["none"]) == (3, True, {"x": 1.5}, None)


def test_a_huge_text_costs_a_bounded_time() -> None:
    assert len(redacted("a@" * LONGEST)) <= LONGEST + 20
    assert redacted("x" * 100) == "x" * 100
