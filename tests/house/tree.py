"""The project's files as the house tests see them: what git tracks or would track."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("sluice", "sfu", "signaling", "bridge", "chat", "recorder")
"""The import packages of the main distribution."""

PACKAGES = {**{room: ROOT / room for room in ROOMS}, "mobile_sim": ROOT / "mobile-sim/mobile_sim"}
"""Every import package of ours and its folder."""

CODE = frozenset({".py", ".pyi", ".rs", ".js", ".css", ".html"})


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, relative to its root."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (Path(name) for name in listed.stdout.split("\0") if name)
    return tuple(sorted({path for path in paths if (ROOT / path).is_file()}))


def files_ending(*suffixes: str) -> list[Path]:
    return [path for path in files() if path.suffix in suffixes]


def text(path: Path) -> str | None:
    """The file's text; None when it is not UTF-8 text (a picture, a captured packet)."""
    data = (ROOT / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
