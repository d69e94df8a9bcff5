"""docs/chat.md tells clients of every code that there is, and of no other."""

from __future__ import annotations

import re
from typing import get_args

from chat.closing import CLOSINGS, WEBSOCKET_BASE, Reason, bye
from chat.protocol import Code
from tests.house.tree import ROOT

DOCUMENT = (ROOT / "docs/chat.md").read_text()


def test_every_close_code_is_documented_with_its_meaning() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| `([a-z-]+)` \|", DOCUMENT, re.MULTILINE)
    assert {(int(code), int(websocket), name) for code, websocket, name in rows} == {
        (row.code, WEBSOCKET_BASE + row.code, name) for name, row in CLOSINGS.items()
    }
    assert CLOSINGS.keys() == set(get_args(Reason))


def test_every_error_code_is_documented() -> None:
    section = DOCUMENT.partition("## Error codes")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == set(get_args(Code))


def test_no_code_is_used_twice() -> None:
    assert len({row.code for row in CLOSINGS.values()}) == len(CLOSINGS)


def test_a_farewell_says_why_and_when_to_come_back() -> None:
    farewell = bye("restart")
    assert (farewell.code, farewell.retry_ms > 0) == (1, True)
    assert bye("name", "Taken.").detail == "Taken."
