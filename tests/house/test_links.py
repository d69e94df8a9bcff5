"""Every link inside the project's texts leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files, files_ending, text

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|pyi|rs|js|toml|yaml|md|txt))`")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

DOCUMENTS = files_ending(".md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_relative_links_resolve(document: Path) -> None:
    assert broken_links(document, text(document) or "") == []


@pytest.mark.parametrize(
    "link", ["none.md", "README.md#no-such-heading", "#no-such-heading", "../outside.md"]
)
def test_a_broken_link_is_found(link: str) -> None:
    assert broken_links(Path("README.md"), f"[here]({link})") == [link]


def test_links_in_code_and_to_other_sites_are_left_alone() -> None:
    source = "[a](https://example.org)\n```\n[b](none.md)\n```\n`[c](none.md)`\n"
    assert broken_links(Path("README.md"), source) == []


def test_every_document_is_reachable() -> None:
    """A page under docs/ that nobody links to is not read, and rots."""
    reached: set[Path] = set()
    queue = [Path("README.md"), Path("ARCHITECTURE.md")]
    while queue:
        document = queue.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        queue += [target for target, _ in link_targets(document, text(document) or "") if target]
    assert [path for path in DOCUMENTS if path.parts[0] == "docs" and path not in reached] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_files_named_in_a_text_exist(document: Path) -> None:
    assert absent_files(text(document) or "") == []


def test_an_absent_file_is_found() -> None:
    assert absent_files("`tests/house/tree.py` and `sluice/none.py`") == ["sluice/none.py"]


def absent_files(source: str) -> list[str]:
    return [name for name in FILE.findall(FENCE.sub("", source)) if not (ROOT / name).exists()]


def broken_links(document: Path, source: str) -> list[str]:
    known = set(files()) | {parent for path in files() for parent in path.parents}
    broken = []
    for target, link in link_targets(document, source):
        _, _, anchor = link.partition("#")
        content = source if target == document else ""
        if target not in known:
            broken.append(link)
        elif anchor and target.suffix == ".md":
            content = content or text(target) or ""
            if anchor not in anchors(content):
                broken.append(link)
    return broken


def link_targets(document: Path, source: str) -> list[tuple[Path, str]]:
    """Each relative link of a document as (path from the root, link as written)."""
    source = CODE.sub("", FENCE.sub("", source))
    targets = []
    for link in LINK.findall(source):
        if ELSEWHERE.match(link):
            continue
        path = link.partition("#")[0]
        target = (ROOT / document).parent / path if path else ROOT / document
        resolved = target.resolve()
        inside = resolved.is_relative_to(ROOT)
        targets.append((resolved.relative_to(ROOT) if inside else resolved, link))
    return targets


def anchors(source: str) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", source)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (unique := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(unique)
    return found
