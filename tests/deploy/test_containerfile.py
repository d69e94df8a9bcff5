"""What can be said of the container file without building it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "deploy/Containerfile").read_text().replace("\\\n", " ").splitlines()


def words(instruction: str) -> list[str]:
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def test_every_image_has_a_plain_name_and_a_version() -> None:
    images = [line.split()[0] for line in words("FROM")]
    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[a-z]+:[0-9][a-z0-9.-]*", image)] == []


def test_it_does_not_run_as_root() -> None:
    [user] = words("USER")
    assert re.fullmatch(r"[1-9][0-9]+:[1-9][0-9]+", user)
    after = LINES[LINES.index(f"USER {user}") :]
    assert not any(line.startswith(("RUN ", "COPY ")) for line in after)


def test_packages_are_locked_by_their_hashes() -> None:
    installs = re.findall(r"pip install[^&]*", " && ".join(words("RUN")))
    assert len(installs) == 2
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert "npm ci" in " ".join(words("RUN"))


def test_nothing_to_build_with_is_in_the_last_image() -> None:
    last = LINES[max(n for n, line in enumerate(LINES) if line.startswith("FROM ")) :]
    assert not re.search(r"\b(gcc|cargo|npm|libc6-dev)\b", "\n".join(last))
    copies = [line for line in last if line.startswith("COPY ")]
    assert copies
    assert all("--from=build" in line for line in copies)


def test_what_it_copies_is_there() -> None:
    sources = [
        source
        for line in words("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]
    assert "signaling" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_its_health_is_what_readyz_says() -> None:
    [check] = words("HEALTHCHECK")
    assert "/readyz" in check
    assert "SLUICE_SERVER__PORT" in check
