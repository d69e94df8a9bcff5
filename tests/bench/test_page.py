"""Where a bench's figures go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.page import replaced, store

PAGE = "# Benchmarks\n\n<!-- live -->\nold\n<!-- end live -->\n\nThe rest stays.\n"


def test_a_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(PAGE, encoding="utf-8")
    for figure in ("1 ms", "2 ms"):
        store("live", "2 cores.", ("what", "measured"), [("delay", figure)], page=page)
    assert page.read_text(encoding="utf-8") == (
        "# Benchmarks\n\n<!-- live -->\n2 cores.\n\n"
        "| what | measured |\n| --- | --- |\n| delay | 2 ms |\n<!-- end live -->\n\n"
        "The rest stays.\n"
    )


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for chat"):
        replaced(PAGE, "chat", "", ("what",), [])


def test_the_json_line_stands_below_the_table() -> None:
    text = replaced(PAGE, "live", "2 cores.", ("what",), [("delay",)], '{"delay": 1}')
    assert '| delay |\n\n```json\n{"delay": 1}\n```\n<!-- end live -->' in text
