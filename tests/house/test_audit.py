"""What is looked after: the auditing tools' own lock, and the list of all parts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.house.test_locks import pins
from tests.house.tree import ROOT

LOCK = ".ci/requirements-audit.txt"
SBOM = ROOT / ".ci/sbom"


def test_the_tools_are_locked_by_their_hashes() -> None:
    wanted = (ROOT / ".ci/requirements-audit.in").read_text().splitlines()
    names = [line for line in wanted if line and not line.startswith("#")]
    assert names == ["pip-audit", "cyclonedx-bom"]
    assert pins(LOCK).keys() >= set(names)
    line = re.compile(r"#.*|\s*|[A-Za-z0-9._-]+==.* \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = (ROOT / LOCK).read_text().splitlines()
    assert [text for text in lines if not line.fullmatch(text)] == []


def test_every_lock_is_audited() -> None:
    script = (ROOT / ".ci/audit").read_text()
    for lock in (*ROOT.glob("requirements*.txt"), ROOT / LOCK):
        assert str(lock.relative_to(ROOT)) in script
    assert "--strict" in script
    assert "cargo deny" in script


def test_what_could_not_be_looked_at_is_a_failure(tmp_path: Path) -> None:
    """Tools that are not there must not look like tools that found nothing."""
    result = subprocess.run(
        ["/bin/bash", ROOT / ".ci/audit", tmp_path],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "pip-audit requirements.txt" in result.stderr
    assert "cargo deny" in result.stderr


def test_the_list_of_parts_names_all_that_runs(tmp_path: Path) -> None:
    python = tmp_path / "python.json"
    python.write_text(json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "x"}]}))
    output = tmp_path / "sbom.json"
    locks = [ROOT / "sfu/rust/Cargo.lock", ROOT / "package-lock.json"]
    subprocess.run([sys.executable, SBOM, python, *locks, output], check=True)
    bom = json.loads(output.read_text())
    purls = {one.get("purl", "") for one in bom["components"]}
    assert bom["bomFormat"] == "CycloneDX"
    assert any(purl.startswith("pkg:cargo/str0m@") for purl in purls)
    assert any(purl.startswith("pkg:npm/hls.js@") for purl in purls)
    assert not any("sluice-media" in purl for purl in purls)
    assert all(one["hashes"][0]["content"] for one in bom["components"] if "hashes" in one)
