"""Nothing in the tree tells of the machine it was made on or of where packages were fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import files, text

# Put together from pieces: this file is searched too.
FORBIDDEN = [
    ("a home folder", re.compile(r"(?<![\w.])/" + r"(root|home/[a-z]\w*|Users/[A-Za-z]\w*)/")),
    ("a scratch folder", re.compile(r"(?<![\w.])/" + r"(tmp/x|work|farm)/")),
    ("a local package folder", re.compile(r"/opt/" + r"wheels|PIP_FIND_LINKS" + r"=")),
    ("a Python registry", re.compile(r"pypi" + r"\.org|files\.pythonhosted" + r"\.org")),
    ("a Node registry", re.compile(r"registry\." + r"(npmjs|yarnpkg)")),
    (
        "a choice of registry",
        re.compile(r"--(extra-)?" + r"index-url|--find" + r"-links|--trusted" + r"-host"),
    ),
]

SECRETS = [
    ("a private key", re.compile(r"-----BEGIN " + r"[A-Z ]*PRIVATE KEY-----")),
    ("a cloud key", re.compile(r"\bAKIA" + r"[0-9A-Z]{16}\b")),
]


@pytest.mark.parametrize(("what", "pattern"), FORBIDDEN + SECRETS)
def test_no_file_holds(what: str, pattern: re.Pattern[str]) -> None:
    found = [f"{path}:{line}" for path in files() for line in lines_with(path, pattern)]
    assert found == [], what


@pytest.mark.parametrize(
    "line",
    [
        "cd /" + "root/project",
        "see /" + "home/kim/x",
        "/" + "work/main",
        "pip install --" + "index-url x",
        "https://registry." + "npmjs.org/hls.js",
        "-----BEGIN EC " + "PRIVATE KEY-----",
    ],
)
def test_a_trace_is_found(line: str) -> None:
    assert any(pattern.search(line) for _, pattern in FORBIDDEN + SECRETS)


@pytest.mark.parametrize(
    "line", ["rooms/" + "work/x", "https://example.org/" + "home/", "a network/" + "root/y"]
)
def test_plain_words_are_left_alone(line: str) -> None:
    assert not any(pattern.search(line) for _, pattern in FORBIDDEN + SECRETS)


def lines_with(path: Path, pattern: re.Pattern[str]) -> list[int]:
    lines = (text(path) or "").splitlines()
    return [number for number, line in enumerate(lines, start=1) if pattern.search(line)]
