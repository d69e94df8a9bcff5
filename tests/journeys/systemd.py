"""A systemd of its own, as process 1 of its namespaces, that runs deploy/sluice.service.

Files are overlays that are gone afterwards, cgroups are below one of ours, and nothing of the
machine's own systemd is asked or told. Needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.journeys.waiting import until

PROJECT: Final = Path(__file__).parents[2]
GROUPS: Final = Path("/sys/fs/cgroup")
VERSION_1: Final = ("systemd", "pids", "memory", "cpu", "devices", "unified")
"""What a systemd wants where cgroups are of version 1, or of both."""
BOOT_S: Final = 20.0
BASE: Final = Path(sys.base_prefix)

# What the unit cannot have here: a network that comes up, a journal, and (where Python or the
# project are in somebody's home, which the unit hides) these in /opt and /usr.
DROP_IN: Final = f"""
[Unit]
DefaultDependencies=no
After=
Wants=
[Service]
StandardOutput=append:/run/sluice.log
StandardError=append:/run/sluice.log
ProtectHome=tmpfs
BindReadOnlyPaths={BASE} {PROJECT}
"""

BOOT: Final = r"""
set -eu
project=$1
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/over/project
mount --bind "$project" /run/over/project
for folder in etc var opt; do
  mkdir -p "/run/over/$folder" "/run/over/$folder-work"
  mount -t overlay overlay -o \
    "lowerdir=/$folder,upperdir=/run/over/$folder,workdir=/run/over/$folder-work" "/$folder"
done
mkdir -p /opt/sluice
mount --bind /run/over/project /opt/sluice
rm -rf /etc/systemd/system
mkdir -p /etc/systemd/system/sluice.service.d
printf '%s' "$DROP_IN" >/etc/systemd/system/sluice.service.d/here.conf
printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/nothing.target

# As docs/hardening.md says.
useradd --system --home-dir /var/lib/sluice --shell /usr/sbin/nologin sluice
install -d -m 0750 -o root -g sluice /etc/sluice
install -m 0640 -o root -g sluice /opt/sluice/sluice.yaml /etc/sluice/sluice.yaml
install -m 0644 /opt/sluice/deploy/sluice.service /etc/systemd/system/

umount -l /sys/fs/cgroup
if [ -z "$HIERARCHIES" ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
fi
for group in $HIERARCHIES; do
  mkdir "/sys/fs/cgroup/$group"
  case $group in
    systemd) mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd ;;
    unified) mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified ;;
    *) mount -t cgroup -o "$group" cgroup "/sys/fs/cgroup/$group" ;;
  esac
done
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=nothing.target --show-status=no
"""


class Systemd:
    """One that runs. Its network is that of the thread that started it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def ctl(self, *words: str, check: bool = True) -> str:
        """`systemctl` in there. Raises CalledProcessError."""
        return self.run("systemctl", "--no-pager", *words, check=check)

    def show(self, unit: str, name: str) -> str:
        """A property of the unit, such as MainPID."""
        return self.ctl("show", unit, "--property", name, "--value").strip()

    def read(self, path: str) -> str:
        """A file as it is in there; empty when there is none yet."""
        return self.run("cat", path, check=False)

    def status(self, pid: int) -> dict[str, str]:
        """What /proc/<pid>/status says of one of its processes."""
        lines = self.read(f"/proc/{pid}/status").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def run(self, *words: str, check: bool = True) -> str:
        """What any command in there says. Raises CalledProcessError, if wished."""
        command = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--cgroup", *words]
        return subprocess.run(command, capture_output=True, text=True, check=check).stdout


@contextmanager
def booted() -> Iterator[Systemd]:
    """A systemd that runs nothing yet; it ends with all that it started."""
    hierarchies = () if (GROUPS / "cgroup.controllers").exists() else VERSION_1
    ours = f"sluice-systemd-{os.getpid()}"
    there = [GROUPS / name / ours for name in hierarchies] or [GROUPS / ours]
    for group in there:
        if not group.parent.is_dir():
            _missing(f"cgroups ({group.parent})")
    command = ["unshare", "--mount", "--pid", "--fork", "--ipc", "--uts", "--cgroup"]
    command += ["--kill-child", "--propagation", "private", "bash", "-c", BOOT, "boot"]
    # It must be in its groups before it makes a namespace of them.
    enter = 'for group; do [ "$group" = -- ] && break; echo $$ >"$group/cgroup.procs"; done; '
    enter += 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    try:
        for group in there:
            group.mkdir()
        with subprocess.Popen(
            ["bash", "-c", enter, "enter", *map(str, there), "--", *command, str(PROJECT)],
            env={**os.environ, "DROP_IN": DROP_IN, "HIERARCHIES": " ".join(hierarchies)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Systemd(_first(process))
            finally:
                process.kill()
                process.wait()
    finally:
        for group in there:
            _remove(group)


def _first(process: subprocess.Popen[str]) -> int:
    """Process 1 of the namespace, when it answers."""

    def answers() -> int | None:
        if process.poll() is not None:
            assert process.stderr is not None
            _missing(f"a systemd in namespaces ({process.stderr.read().strip()[-300:]})")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if not children:
            return None
        asked = Systemd(int(children[0])).ctl("is-active", "nothing.target", check=False)
        return int(children[0]) if asked.strip() == "active" else None

    return until("systemd answers", answers, BOOT_S) or 0


def _remove(group: Path) -> None:
    """Its processes are gone, or go at this moment."""

    def removed() -> bool:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        return not group.exists()

    until(f"{group} is empty", removed, 10)


def _missing(what: str) -> None:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"missing: {what} (CI=true: a missing part fails)", pytrace=False)
    pytest.skip(f"missing: {what}")
