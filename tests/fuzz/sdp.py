"""The readers of session descriptions, fed with damaged ones that Hypothesis makes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from signaling.offer import check_offer
from signaling.sdpfrag import parse_fragment, restart_answer, usable
from sluice.config import LimitsConfig
from sluice.errors import Problem
from tests.fuzz.outcome import Outcome

SEEDS = Path(__file__).parent / "seeds"
LIMITS = LimitsConfig()
BATCH = 500
"""Examples between two looks at the clock."""
SLOW = 1.0
"""No input of a few kilobytes may take so many seconds."""


def offer(body: bytes) -> None:
    """An offer of either role passes whole or is refused with a problem."""
    for role in ("publisher", "viewer"):
        try:
            found = check_offer(body, role, LIMITS)
        except Problem as problem:
            refused(problem)
        else:
            assert len(found.ice.ufrag) >= 4
            assert len(found.ice.pwd) >= 22
            assert found.kind
            assert found.text.encode() == body


def sdpfrag(body: bytes) -> None:
    """A fragment passes whole or is refused with a problem; what it restarts can be answered."""
    try:
        found = parse_fragment(body, ("0", "1"), LIMITS)
    except Problem as problem:
        refused(problem)
        return
    assert len(found.candidates) <= LIMITS.sdp_candidates
    for candidate in found.candidates:
        assert "\n" not in candidate
        usable(candidate)
    if found.ice:
        answer = restart_answer(found.ice, "0", "video", ["udp:192.0.2.1:5000"])
        again = parse_fragment(answer.encode(), ("0",), LIMITS)
        assert again.ice == found.ice
        assert again.complete


def refused(problem: Problem) -> None:
    """Refusals are the client's fault, and can be told to it."""
    assert problem.kind.status in (400, 422)
    str(problem).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {"offer": offer, "sdpfrag": sdpfrag}


def seeds(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SEEDS / target).iterdir())]


def damaged(whole: list[bytes]) -> st.SearchStrategy[bytes]:
    """Texts of the seeds' lines, in any order, some of them cut, joined or made up."""
    known = st.sampled_from(sorted({line for text in whole for line in text.splitlines()}))
    cut = st.builds(lambda line, end: line[:end], known, st.integers(0, 60))
    spliced = st.builds(
        lambda line, at, new, skip: line[:at] + new + line[at + skip :],
        known,
        st.integers(0, 60),
        st.binary(max_size=4) | st.text(max_size=3).map(str.encode) | st.just(b"9" * 40),
        st.integers(0, 4),
    )
    line = known | spliced | st.builds(bytes.__add__, cut, cut) | st.binary(max_size=40)
    rows = st.lists(line, max_size=4)

    def joined(text: bytes, at: int, new: list[bytes], skip: int, end: bytes) -> bytes:
        lines = text.splitlines()
        return end.join([*lines[:at], *new, *lines[at + skip :]]) + end

    return st.builds(
        joined,
        st.sampled_from(whole),
        st.integers(0, 40),
        rows,
        st.integers(0, 3),
        st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]),
    )


def fuzz(target: str, seconds: float, crashes: Path) -> Outcome:
    """Run one target for so long, or until an input breaks it; the smallest such is kept."""
    run = TARGETS[target]
    inputs = damaged(seeds(target))
    begin = time.monotonic()
    runs = 0
    last = b""

    def batch(number: int) -> None:
        @seed(number)
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def check(body: bytes) -> None:
            nonlocal runs, last
            runs += 1
            last = body
            started = time.monotonic()
            run(body)
            assert time.monotonic() - started < SLOW, "too slow"

        check()

    for number in itertools.count(time.time_ns()):
        try:
            batch(number)
        except Exception as error:
            crashes.mkdir(parents=True, exist_ok=True)
            crash = crashes / f"crash-{number}"
            crash.write_bytes(last)
            return Outcome(target, runs, time.monotonic() - begin, crash, repr(error)[:200])
        if time.monotonic() - begin >= seconds:
            break
    return Outcome(target, runs, time.monotonic() - begin)
