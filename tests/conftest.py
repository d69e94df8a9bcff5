"""What every test may count on: marks for the real parts it needs, and no settings from outside.

A test whose real part (a browser, network namespaces, a program) is missing is skipped and named
at the end of the run. With CI=true it fails instead: there, nothing may go unproven.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from tests.postgres import Postgres

for _name in [name for name in os.environ if name.startswith("SLUICE_")]:
    del os.environ[_name]
os.environ.pop("COLUMNS", None)  # consoles that are made at import would keep it

# A shell that runs the tests in the background has it ignored, and so would each of their servers.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("sluice", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sluice")


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [reason for reason in _needs(item) if reason]
    if not missing:
        return
    reason = "missing: " + ", ".join(missing)
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason} (CI=true: a missing part fails)", pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "missing: " in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("NOT PROVEN HERE", red=True, bold=True)
        for report in skipped:
            terminalreporter.line(f"{report.nodeid}: {report.longrepr[2]}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that want one; it starts with the first of them."""
    from tests.postgres import running

    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("initdb"))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database: the test runs on SQLite, and again on a real PostgreSQL."""
    if request.param == "sqlite":
        from sluice.database import sqlite_url

        return sqlite_url(tmp_path / "test.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


def _needs(item: pytest.Item) -> Sequence[str]:
    """What this test needs and does not find; empty strings for what is there."""
    found = []
    if item.get_closest_marker("browser"):
        found.append(_lacks_browser())
    if item.get_closest_marker("netns"):
        found.append(_lacks_namespaces())
    for mark in item.iter_markers("needs"):
        found += [_lacks_program(program) for program in mark.args]
    return found


def _lacks_browser() -> str:
    return "" if shutil.which("chromium") else "chromium"


def _lacks_program(program: str) -> str:
    # Debian keeps PostgreSQL's programs outside of PATH.
    folders = [os.environ.get("PATH", os.defpath), *Path("/usr/lib/postgresql").glob("*/bin")]
    return "" if shutil.which(program, path=os.pathsep.join(map(str, folders))) else program


@cache
def _lacks_namespaces() -> str:
    """Whether a network namespace can really be made: root in a container often cannot."""
    if os.geteuid() != 0:
        return "network namespaces (not root)"
    if not shutil.which("ip"):
        return "ip (iproute2)"
    name = f"sluice-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return f"network namespaces ({made.stderr.strip()})"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return ""
