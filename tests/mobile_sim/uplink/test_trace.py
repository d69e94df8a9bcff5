"""Traces are read as mahimahi writes them, go on for ever, and are refused with line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_sim.uplink.trace import LONGEST_MS, MOST_BYTES, MOST_LINES, Trace, TraceError

MOMENTS = (
    st.lists(st.integers(0, 5000), min_size=1, max_size=60).map(sorted).filter(lambda m: m[-1])
)


def test_the_text_format_is_read() -> None:
    trace = Trace.parse("0\n5\n5\n\n10\n".replace("\n\n", "\n"), "a.trace")
    assert len(trace) == 4
    assert trace.duration_s == 0.01
    assert trace.mean_bps == 4 * 1500 * 8 / 0.01


def test_a_line_with_one_is_twelve_megabits() -> None:
    trace = Trace.parse("1\n")
    assert trace.mean_bps == 12_000_000
    assert trace.rate_bps(0, 1) == pytest.approx(12_000_000, rel=0.01)


def test_it_begins_anew_at_its_end() -> None:
    trace = Trace([2, 10])
    assert [trace.moment_ms(number) for number in range(5)] == [2, 10, 12, 20, 22]
    assert trace.rate_bps(100, 10) == trace.rate_bps(10, 10)


@pytest.mark.parametrize(
    ("at_ms", "number"),
    [(0, 0), (2, 0), (2.5, 1), (10, 1), (10.1, 2), (12, 2), (20, 3), (1e6, 199_999)],
)
def test_the_next_packet_is_found(at_ms: float, number: int) -> None:
    assert Trace([2, 10]).next_number(at_ms) == number


@given(MOMENTS, st.floats(0, 50_000))
def test_the_next_moment_is_the_first_that_is_not_over(moments: list[int], at_ms: float) -> None:
    trace = Trace(moments)
    number = trace.next_number(at_ms)
    assert trace.moment_ms(number) >= at_ms
    assert number == 0 or trace.moment_ms(number - 1) < at_ms or at_ms == 0


@given(MOMENTS)
def test_what_is_written_is_read_again(moments: list[int]) -> None:
    assert Trace.parse(Trace(moments).text()).text() == Trace(moments).text()


@pytest.mark.parametrize("bps", [12_000, 300_000, 2_500_000, 50_000_000])
def test_a_constant_rate_is_that_rate(bps: float) -> None:
    trace = Trace.constant(bps)
    assert trace.mean_bps == pytest.approx(bps, rel=0.05)
    assert trace.rate_bps(3.0, 10) == pytest.approx(bps, rel=0.05)


@pytest.mark.parametrize("bps", [0, -1, 11_999, 2e9, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(bps: float) -> None:
    with pytest.raises(TraceError, match=r"constant:1: "):
        Trace.constant(bps)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a.trace:1: the trace is empty"),
        ("5\n-1\n", "a.trace:2: -1 is negative"),
        ("5\n9\n8\n", "a.trace:3: 8 comes after 9: time falls"),
        ("0\n0\n", "a.trace:2: the trace has no length: all moments are 0"),
        ("5\n\n6", "a.trace:2: '' is no whole number of milliseconds"),
        ("5\n1.5", "a.trace:2: '1.5' is no whole number of milliseconds"),
        ("5\nnan", "a.trace:2: 'nan' is no whole number of milliseconds"),
        ("5\n6 7", "a.trace:2: '6 7' is no whole number of milliseconds"),
        ("5\n٣", "a.trace:2: '٣' is no whole number of milliseconds"),
        ("5\n--6", "a.trace:2: '--6' is no whole number of milliseconds"),
        (f"1\n{LONGEST_MS + 1}", f"a.trace:2: longer than {LONGEST_MS} ms"),
        ("9" * 10_000, f"a.trace:1: {'9' * 20} is too large"),
    ],
)
def test_what_is_no_trace_is_refused_with_line_and_reason(text: str, reason: str) -> None:
    with pytest.raises(TraceError) as error:
        Trace.parse(text, "a.trace")
    assert str(error.value) == reason


def test_lines_are_bounded() -> None:
    with pytest.raises(TraceError, match=rf"trace:{MOST_LINES + 1}: more than {MOST_LINES} lines"):
        Trace(1 for _ in range(MOST_LINES + 1))


def test_files_are_read_and_bounded(tmp_path: Path) -> None:
    good = tmp_path / "good.trace"
    good.write_text("1\n2\n")
    assert len(Trace.read(good)) == 2
    (tmp_path / "huge.trace").write_bytes(b"1\n" * (MOST_BYTES // 2 + 1))
    with pytest.raises(TraceError, match=r"huge.trace:1: the file has more than"):
        Trace.read(tmp_path / "huge.trace")
    (tmp_path / "binary.trace").write_bytes(b"1\n\xff\n")
    with pytest.raises(TraceError, match=r"binary.trace:2: not a number"):
        Trace.read(tmp_path / "binary.trace")
    with pytest.raises(TraceError, match=r"none.trace:1: No such file"):
        Trace.read(tmp_path / "none.trace")


@given(st.text("0123456789-\n .x", max_size=100))
def test_any_text_is_a_trace_or_refused_with_a_line(text: str) -> None:
    refused = ""
    try:
        assert Trace.parse(text, "a").duration_s > 0
    except TraceError as error:
        refused = str(error)
    assert refused == "" or refused.startswith("a:")
