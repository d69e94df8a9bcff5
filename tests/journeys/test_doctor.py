"""`sluice doctor` on this very machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.journeys.server import SluiceServer, clean_environment, free_ports, sluice_command

ESSENTIALS = {"Python", "Media plane", "Pages", "Web port", "Media ports UDP", "Media ports TCP"}


def test_a_sound_machine_is_called_sound(tmp_path: Path) -> None:
    port = str(free_ports(2))
    checks = examine(
        tmp_path, {"SLUICE_SERVER__PORT": str(free_ports(1)), "SLUICE_MEDIA__PORT": port}
    )
    assert checks.keys() >= ESSENTIALS | {"Storage", "Exposure"}
    assert {name: checks[name] for name in ESSENTIALS} == dict.fromkeys(ESSENTIALS, "ok")
    assert "fail" not in checks.values()


def test_taken_ports_are_told(server: SluiceServer, tmp_path: Path) -> None:
    taken = {"SLUICE_SERVER__PORT": server.port, "SLUICE_MEDIA__PORT": server.media_port}
    checks = examine(tmp_path, {name: str(port) for name, port in taken.items()})
    assert checks["Web port"] == "warn"
    assert checks["Media ports UDP"] == checks["Media ports TCP"] == "warn"


def examine(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    """The status of each check by its name."""
    done = subprocess.run(
        [sluice_command(), "doctor", "--json"],
        cwd=folder,
        env=clean_environment() | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return {check["name"]: check["status"] for check in json.loads(done.stdout)}
