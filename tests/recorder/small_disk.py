"""Real file systems for tests: one that is soon full, and one that can be stopped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes, of which none are the test's own."""
    mount = folder / "disk"
    mount.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(mount))
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)


class StoppableDisk:
    """An ext4 on which writing waits for as long as it is stopped."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount

    def stop(self) -> None:
        subprocess.run(["fsfreeze", "--freeze", self.mount], check=True)

    def go_on(self) -> None:
        subprocess.run(["fsfreeze", "--unfreeze", self.mount], check=True)


@contextmanager
def stoppable_disk(folder: Path, size: int = 64 << 20) -> Iterator[StoppableDisk]:
    mount, image = folder / "disk", folder / "image"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    _mount("-o", "loop", str(image), str(mount))
    disk = StoppableDisk(mount)
    try:
        yield disk
    finally:
        with suppress(subprocess.CalledProcessError):  # it goes already
            disk.go_on()
        subprocess.run(["umount", "--lazy", mount], check=True)


def _mount(*arguments: str) -> None:
    """Only root can, and not in every container: then the test is skipped, but not in CI."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode == 0:
        return
    reason = f"missing: a mount ({done.stderr.strip() or 'not root'})"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason} (CI=true: a missing part fails)", pytrace=False)
    pytest.skip(reason)
