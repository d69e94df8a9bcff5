"""The process's logging."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from signaling.logs import configure
from sluice.config import ServerConfig


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_has_one_object_a_line_with_the_exception_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(ServerConfig(log_format="json"))
    log = structlog.get_logger()
    log.debug("hidden")
    try:
        raise ValueError("on purpose")
    except ValueError as error:
        log.error("failed", channel="live", exc_info=error)
    [line] = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["channel"]) == ("failed", "error", "live")
    assert "on purpose" in entry["exception"]


def test_libraries_go_through_the_same_pipe_from_warning_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(ServerConfig(log_format="json", log_level="debug"))
    logging.getLogger("library").info("hidden")
    logging.getLogger("library").warning("seen")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "seen"
