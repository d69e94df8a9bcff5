"""The systemd unit: narrow by systemd's own count, and wide enough for what we do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sluice.config import ServerConfig

UNIT = Path(__file__).parents[2] / "deploy/sluice.service"
LEAST_EXPOSED = 2.0

pytestmark = pytest.mark.needs("systemd-analyze")


def exposure(unit: Path) -> float:
    """From 0 (nothing can be done from in there) to 10, as systemd counts it."""
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout)
    assert found is not None, told.stdout + told.stderr
    return float(found[1])


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def call_groups() -> dict[str, set[str]]:
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"],
        capture_output=True,
        text=True,
        check=True,
    )
    groups: dict[str, set[str]] = {}
    members: set[str] = set()
    for line in told.stdout.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), set())
        elif line.startswith("    ") and not line.lstrip().startswith("#"):
            members.add(line.strip())
    return groups


def allowed_calls() -> set[str]:
    groups = call_groups()

    def expand(name: str) -> set[str]:
        if not name.startswith("@"):
            return {name}
        return {call for member in groups[name] for call in expand(member)}

    allowed: set[str] = set()
    for value in settings()["SystemCallFilter"]:
        calls = {call for name in value.removeprefix("~").split() for call in expand(name)}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def test_its_exposure_is_low() -> None:
    assert exposure(UNIT) <= LEAST_EXPOSED


def test_a_unit_without_its_narrowing_would_be_found(tmp_path: Path) -> None:
    wide = tmp_path / "sluice.service"
    wide.write_text(
        re.sub(r"^(SystemCallFilter|Protect\w+)=.*\n", "", UNIT.read_text(), flags=re.M)
    )
    assert exposure(wide) > LEAST_EXPOSED


@pytest.mark.parametrize(
    "call",
    [
        # sandboxes (bridge/transcode/sandbox.py, recorder/jobs/confine.py)
        "unshare", "prctl", "prlimit64", "setpriority", "capset",
        "landlock_create_ruleset", "landlock_restrict_self",
        # the media plane, the loop, and databases
        "socket", "bind", "recvmmsg", "sendmmsg", "epoll_pwait", "eventfd2", "socketpair",
        "execve", "clone3", "fdatasync", "fallocate", "flock", "sched_getaffinity",
    ],
)  # fmt: skip
def test_what_the_server_calls_is_allowed(call: str) -> None:
    assert call in allowed_calls()


@pytest.mark.parametrize("call", ["mount", "ptrace", "bpf", "setuid", "init_module", "keyctl"])
def test_what_it_never_calls_is_not(call: str) -> None:
    assert call not in allowed_calls()


def test_it_may_make_the_namespaces_that_encoders_want() -> None:
    assert settings()["RestrictNamespaces"] == ["user net"]


def test_systemd_waits_for_signs_of_life_as_we_give_them() -> None:
    unit, defaults = settings(), ServerConfig()
    assert unit["Type"] == ["notify"]
    assert int(unit["WatchdogSec"][0]) == defaults.hang_s
    assert int(unit["TimeoutStopSec"][0]) > defaults.shutdown_s + 30
    assert unit["User"] != ["root"]
    assert unit["UMask"] == ["0077"]
