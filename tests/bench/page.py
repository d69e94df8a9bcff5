"""docs/benchmarks.md: each bench owns the lines between its two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = Path("docs/benchmarks.md")


def store(
    bench: str,
    about: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: str = "",
    page: Path = BENCHMARKS,
) -> None:
    """Put a bench's table, and its JSON line, in their place.

    Raises ValueError when the page has no such place.
    """
    text = page.read_text(encoding="utf-8")
    page.write_text(replaced(text, bench, about, header, rows, figures), encoding="utf-8")


def replaced(
    text: str,
    bench: str,
    about: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: str = "",
) -> str:
    """The page's text with the table between `<!-- bench -->` and `<!-- end bench -->`."""
    start, end = f"<!-- {bench} -->", f"<!-- end {bench} -->"
    before, found, rest = text.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no place for {bench}: {start} and {end}")
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    if figures:
        lines += ["", "```json", figures, "```"]
    return "\n".join([before + start, about, "", *lines, end + after])
