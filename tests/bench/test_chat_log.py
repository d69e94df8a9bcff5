"""The bench of the logs runs, and its table has a row for each."""

from __future__ import annotations

from tests.bench.chat_log import Figures, backends, measure, table


async def test_every_log_is_measured() -> None:
    async with backends(redis=False) as logs:
        rows = [await measure(backend, log, 128) for backend, log in logs.items()]
    assert [row.backend for row in rows] == ["memory", "SQLite"]
    assert all(row.one_by_one > 0 and row.read > 0 for row in rows)


def test_the_table_has_a_row_for_each() -> None:
    lines = table([Figures("memory", 1234.5, 2e6, 3.0, 4.0)]).splitlines()
    assert lines[-1] == "| memory | 1,234 | 2,000,000 | 3 | 4 |"
