"""A real PostgreSQL for tests: a cluster in a folder of its own, on a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

USER = "postgres"


class Postgres:
    """A running server. Every test has a database of its own."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self._made = 0
        # It refuses to run as root; in a container, tests often do.
        self._user = USER if os.geteuid() == 0 else None

    def begin(self) -> None:
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off"
        log = str(self._folder / "log")
        self._control("start", "-o", options, "-l", log)

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def new_database(self) -> URL:
        self._made += 1
        name = f"test_{self._made}"
        self._run("createdb", "-h", str(self._folder), "-U", USER, name)
        return URL.create(
            "postgresql+asyncpg", USER, database=name, query={"host": str(self._folder)}
        )

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        # pg_ctl leaves a server behind that would hold a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(
                command, user=self._user, cwd="/", stdout=output, stderr=subprocess.STDOUT
            )
            output.seek(0)
            assert ended.returncode == 0, output.read().decode(errors="replace")


@contextmanager
def running() -> Iterator[Postgres]:
    """Where it is installed: where Debian keeps it, or in PATH."""
    kept = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    found = kept or shutil.which("initdb")
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="sluice-postgres-"))
    server = Postgres(folder, Path(found).parent)
    try:
        server.begin()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
