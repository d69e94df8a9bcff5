"""The table of problems, and the body made from one."""

from __future__ import annotations

import re

import pytest

from sluice.errors import KINDS, Problem


def test_every_code_is_stable_text_with_a_client_or_server_status_and_advice() -> None:
    for code, kind in KINDS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert 400 <= kind.status <= 599
        assert kind.title
        assert kind.todo.endswith(".")


def test_the_body_has_the_members_of_rfc_9457_and_says_what_to_do() -> None:
    body = Problem("rate-limited", "Too fast.", retry_after_s=3).body()
    assert body == {
        "type": "urn:sluice:problem:rate-limited",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too fast. Wait for Retry-After seconds.",
        "code": "rate-limited",
    }


def test_a_line_of_the_body_can_be_named() -> None:
    assert Problem("offer-malformed", "Line 3: x.", line=3).body()["line"] == 3


def test_a_code_outside_the_table_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        Problem("made-up", "x")
