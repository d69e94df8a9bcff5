"""The media playlist, held against the rules of the conformance check; and those rules against
playlists that break them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bridge.playlist import MediaPlaylist, iso, media_playlist
from tests.bridge.conformance.m3u8 import Malformed, MediaLines, read_media_playlist
from tests.bridge.conformance.report import Report
from tests.bridge.conformance.rules import check_playlist, check_step, merge
from tests.bridge.windows import ORIGIN_MS, Windows


def text_of(windows: Windows, name: str = "source", skip: bool = False) -> str:
    return media_playlist(windows.presentation, windows[name], skip)


def read(windows: Windows, name: str = "source", skip: bool = False) -> MediaLines:
    """The playlist, which must be right."""
    playlist = read_media_playlist(text_of(windows, name, skip))
    report = Report()
    check_playlist(report, name, playlist)
    assert not report.findings, report
    return playlist


def long_window() -> Windows:
    windows = Windows()
    windows.segments(12)
    windows.parts(2)
    return windows


def test_every_moment_of_a_growing_window_is_right_and_follows_from_the_one_before() -> None:
    windows = Windows()
    windows.segments(1)
    kept = {
        name: MediaPlaylist(windows.presentation, windows[name]) for name in ("source", "audio")
    }
    before = {name: read(windows, name) for name in kept}
    for moment in range(90):
        if moment == 30:
            windows.break_here()
        windows.part(gap=50 <= moment < 57)
        if moment % 7 == 6:
            windows.drop(1)
        for name, playlist in kept.items():
            assert playlist.render() == text_of(windows, name)
            assert playlist.render(skip=True) == text_of(windows, name, skip=True)
            now = read(windows, name)
            report = Report()
            check_step(report, name, before[name], now)
            delta = read(windows, name, skip=True)
            assert merge(before[name], delta) == now
            assert not report.findings, report
            before[name] = now


def test_the_head_tells_the_targets() -> None:
    head = text_of(long_window())
    assert "#EXT-X-TARGETDURATION:2\n" in head
    assert "#EXT-X-PART-INF:PART-TARGET=0.50000\n" in head
    control = "CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.50000,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0"
    assert f"#EXT-X-SERVER-CONTROL:{control}\n" in head
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in head
    assert "PLAYLIST-TYPE" not in head


def test_a_player_that_knows_no_parts_sees_complete_segments_alone() -> None:
    windows = long_window()
    plain = [line for line in text_of(windows).splitlines() if not line.startswith("#EXT-X-P")]
    media = [line for line in plain if not line.startswith("#")]
    assert media == [f"k3x9-{windows.first + at}.m4s" for at in range(12)]
    assert sum(line == "#EXTINF:2.00000," for line in plain) == 12


def test_dates_are_server_time() -> None:
    playlist = read(long_window())
    assert playlist.segments[0].date_ms == ORIGIN_MS
    assert playlist.open.date_ms == ORIGIN_MS + 24_000


def test_parts_leave_the_playlist_three_target_durations_from_the_end() -> None:
    playlist = read(long_window())
    assert [bool(one.parts) for one in playlist.segments] == [False] * 10 + [True] * 2
    assert len(playlist.open.parts) == 2


def test_the_next_part_is_hinted_and_with_a_new_init_segment_that_too() -> None:
    windows = long_window()
    msn = windows.first + 12
    assert read(windows).hints == {"PART": f"k3x9-{msn}.2.m4s"}
    windows.break_here()
    assert read(windows).hints == {"MAP": "k3x9-1.init.mp4", "PART": f"k3x9-{msn + 1}.0.m4s"}
    windows.part()
    playlist = read(windows)
    assert playlist.hints == {"PART": f"k3x9-{msn + 1}.1.m4s"}
    assert playlist.open.map == "k3x9-1.init.mp4"
    assert playlist.open.discontinuity


def test_every_other_rendition_that_is_made_is_reported_with_its_last_part() -> None:
    windows = long_window()
    windows.part(only="360p")
    last = windows.first + 12
    reports = {"../360p/index.m3u8": (last, 2), "../audio/index.m3u8": (last, 1)}
    assert read(windows).reports == reports
    windows["360p"].shed = True
    assert list(read(windows).reports) == ["../audio/index.m3u8"]
    windows.close()
    assert read(windows).reports == {"../audio/index.m3u8": (last, 1)}


def test_missing_media_is_a_gap() -> None:
    windows = long_window()
    windows.part(gap=True)
    windows.part()
    windows.segments(1, gap=True)
    text = text_of(windows)
    msn = windows.first + 12
    assert f'URI="k3x9-{msn}.2.m4s",GAP=YES\n' in text
    playlist = read(windows)
    assert [one.gap for one in playlist.segments[-2:]] == [False, True]
    assert all(part.gap and not part.independent for part in playlist.segments[-1].parts)


def test_a_discontinuity_that_leaves_the_window_is_counted() -> None:
    windows = Windows()
    windows.segments(3)
    windows.break_here()
    windows.segments(5)
    windows.drop(3)
    playlist = read(windows)
    assert playlist.discontinuity_sequence == 0
    assert playlist.segments[0].discontinuity
    windows.drop(1)
    playlist = read(windows)
    assert playlist.discontinuity_sequence == 1
    assert playlist.segments[0].map == "k3x9-1.init.mp4"


def test_the_end_has_no_hint_and_no_report() -> None:
    windows = long_window()
    windows.end()
    playlist = read(windows)
    assert playlist.ended
    assert not playlist.reports
    assert text_of(windows).endswith("#EXT-X-ENDLIST\n")


def test_a_delta_leaves_out_what_lies_beyond_the_boundary() -> None:
    windows = long_window()
    full, delta = read(windows), read(windows, skip=True)
    assert delta.skipped == 6
    assert merge(full, delta) == full
    assert len(text_of(windows, skip=True)) < 0.8 * len(text_of(windows))


def test_a_short_window_has_nothing_to_skip() -> None:
    windows = Windows()
    windows.segments(5)
    assert text_of(windows, skip=True) == text_of(windows)


def test_an_open_segment_without_a_part_is_only_a_hint() -> None:
    windows = Windows()
    windows.segments(2)
    source = windows["source"]
    windows.part(only="source")
    source.segments[-1].parts.clear()
    source.segments[-1].ticks = 0
    assert text_of(windows).count("PROGRAM-DATE-TIME") == 2


def test_dates_have_milliseconds_and_are_utc() -> None:
    assert iso(1_790_000_000_007) == "2026-09-21T14:13:20.007Z"


FAULTS: dict[str, Callable[[str], str]] = {
    "CAN-BLOCK-RELOAD": lambda text: text.replace("RELOAD=YES", "RELOAD=NO"),
    "PART-HOLD-BACK": lambda text: text.replace("PART-HOLD-BACK=1.5", "PART-HOLD-BACK=1.4"),
    "CAN-SKIP-UNTIL": lambda text: text.replace("CAN-SKIP-UNTIL=12", "CAN-SKIP-UNTIL=11"),
    "HOLD-BACK": lambda text: text.replace(",HOLD-BACK=6", ",HOLD-BACK=5"),
    "DISCONTINUITY-SEQUENCE": lambda text: text.replace("#EXT-X-DISCONTINUITY-SEQUENCE:0\n", ""),
    "MAP": lambda text: re.sub("#EXT-X-MAP.*\n", "", text),
    "PROGRAM-DATE-TIME": lambda text: re.sub("#EXT-X-PROGRAM.*\n", "", text, count=1),
    "dates follow durations": lambda text: text.replace("14:13:24.250", "14:13:24.750"),
    "no segment over TARGETDURATION": lambda text: text.replace("#EXTINF:2.0", "#EXTINF:2.7"),
    "parts add up to their segment": lambda text: text.replace("#EXTINF:2.0", "#EXTINF:2.1"),
    "no part over PART-TARGET": lambda text: text.replace("TION=0.50000", "TION=0.50100"),
    "no part under 85 % of PART-TARGET": lambda text: text.replace("TION=0.5", "TION=0.4"),
    "a segment begins with INDEPENDENT": lambda text: text.replace(",INDEPENDENT=YES", ""),
    "parts are listed near the end": lambda text: re.sub("#EXT-X-PART:.*\n", "", text),
    "PRELOAD-HINT": lambda text: re.sub("#EXT-X-PRELOAD.*\n", "", text),
    "no hint after ENDLIST": lambda text: text + "#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("row", FAULTS)
def test_the_rules_see_a_playlist_that_breaks_them(row: str) -> None:
    right = text_of(long_window())
    wrong = FAULTS[row](right)
    assert wrong != right
    report = Report()
    check_playlist(report, "wrong", read_media_playlist(wrong))
    assert row in {one.row for one in report.findings}


@pytest.mark.parametrize(
    "text",
    ["", "#EXTM3U\nx.m4s\n", "#EXTM3U\n#EXT-X-UNHEARD:1\n", "#EXTM3U\n#EXTINF:2,", "#EXTINF:2,\n"],
)
def test_what_is_no_playlist_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read_media_playlist(text)


def test_the_rules_see_what_changed_and_must_not() -> None:
    windows = long_window()
    before = read_media_playlist(text_of(windows))
    windows.part()
    right = text_of(windows)
    for row, wrong in {
        "segments never change": right.replace("k3x9-1790000003.m4s", "other.m4s"),
        "parts never change": right.replace("1790000012.0.m4s", "other.m4s"),
        "targets never change": right.replace("TARGETDURATION:2", "TARGETDURATION:3"),
        "MEDIA-SEQUENCE never goes back": right.replace("SEQUENCE:1790000000", "SEQUENCE:1"),
    }.items():
        report = Report()
        check_step(report, "step", before, read_media_playlist(wrong))
        assert row in {one.row for one in report.findings}
