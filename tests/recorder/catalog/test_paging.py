"""Cursors, as they come back from strangers. Pages: see test_vods.py."""

from __future__ import annotations

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.paging import MOST, Cursor
from tests.recorder.catalog.world import NOW_MS, add


def test_a_cursor_goes_into_an_address_and_comes_back() -> None:
    cursor = Cursor(NOW_MS, "live-20260101-120000-abcdef")
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.", ".a", "x.a", "-1.a", "1.A", "1.a/b", "1.a b", "1" * 17 + ".a", "\u0661.a"],
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert Cursor.parse(text) is None


@pytest.mark.parametrize("limit", [-1, 0, 10**9])
async def test_a_page_has_something_and_not_everything(catalog: Catalog, limit: int) -> None:
    for number in range(3):
        await add(catalog, f"live-{number}")
    page = await catalog.vods.page(limit=limit)
    assert len(page.items) == (1 if limit < 1 else 3)
    assert MOST < 10**9
