"""Captions as a rendition: held against the picture's playlist and the rules of the conformance
check; and that check against servers that break it.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable

import pytest

from bridge.address import parse_address, text_name
from bridge.answer import Answer, Asked
from bridge.captions import EMPTY, TIMESTAMP_MAP, timed
from bridge.multivariant import multivariant_playlist
from bridge.origin import Origin
from bridge.playlist import media_playlist
from bridge.reload import Holds
from bridge.subtitles import LAG_TARGETS, Subtitles
from sluice.clock import VirtualClock
from sluice.errors import Problem
from tests.bridge.captions_liar import LIES, walked
from tests.bridge.conformance.captions import check_master, check_playlist, check_text
from tests.bridge.conformance.m3u8 import MediaLines, read_media_playlist
from tests.bridge.conformance.report import Report
from tests.bridge.conformance.rules import check_step, merge
from tests.bridge.studio import Studio
from tests.bridge.windows import EPOCH, ORIGIN_MS, Windows
from tests.bridge.words import Words

PLAYLIST = "captions-en/index.m3u8"


class World:
    """Windows whose captions are known a second behind the media, and an origin for them."""

    def __init__(
        self,
        segments: int = 3,
        names: tuple[str, ...] = ("source", "360p", "audio"),
        spoken: bool = True,
    ) -> None:
        self.windows = Windows(names)
        self.presentation = self.windows.presentation
        self.words = Words(self.presentation)
        if spoken:
            self.presentation.captions["en"] = self.words
        self.origin = Origin(self.presentation, VirtualClock(), Holds(100))
        self.windows.segments(segments)

    def answer(self, address: str, query: str = "", *, gzip: bool = False) -> Answer:
        answer = self.origin.respond(Asked(address, query, gzip))
        assert isinstance(answer, Answer), answer
        return answer

    def text(self, address: str, query: str = "") -> str:
        body = self.answer(address, query).body
        assert isinstance(body, bytes)
        return body.decode()

    def read(self, query: str = "", name: str = PLAYLIST) -> MediaLines:
        return read_media_playlist(self.text(name, query))

    def words_of(self, msn: int) -> str:
        """The file of a segment, counted from the first of all."""
        return self.text(f"captions-en/{text_name(EPOCH, self.windows.first + msn)}")

    def refusal(self, address: str, query: str = "") -> Problem:
        with pytest.raises(Problem) as refusal:
            self.origin.respond(Asked(address, query))
        return refusal.value

    async def wait(self, query: str = "") -> asyncio.Task[Answer]:
        """A request that is held now."""
        task = asyncio.create_task(self.origin.answer(Asked(PLAYLIST, query)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not task.done()
        return task


def picture_of(world: World, name: str = "source") -> MediaLines:
    rendition = world.presentation.renditions[name]
    return read_media_playlist(media_playlist(world.presentation, rendition))


def test_at_every_moment_it_is_the_picture_again_and_follows_from_the_moment_before() -> None:
    world = World(2)
    before = world.read()
    for moment in range(120):
        if moment in (30, 31, 80):
            world.windows.break_here()
        world.words.lag_ms = (moment * 7919) % 9_000  # sometimes more than anybody waits
        world.windows.part(gap=50 <= moment < 57)
        if moment > 40 and moment % 5 == 4:
            world.windows.drop(1)
        now, delta = world.read(), world.read("_HLS_skip=YES")
        report = Report()
        check_playlist(report, "now", now, picture_of(world))
        check_step(report, "now", before, now)
        assert merge(before, delta) == now
        assert not report.findings, report
        before = now
    assert before.discontinuity_sequence == 2
    assert [one.discontinuity for one in before.segments].count(True) == 1


@pytest.mark.parametrize(("names", "leader"), [(("audio",), "audio"), (("source",), "source")])
def test_sound_alone_has_captions_and_so_has_a_silent_picture(
    names: tuple[str, ...], leader: str
) -> None:
    world = World(5, names)
    report = Report()
    check_playlist(report, leader, world.read(), picture_of(world, leader))
    assert not report.findings, report


def test_a_segment_is_listed_when_it_is_complete_and_its_words_are_known() -> None:
    world = World(3)
    first = world.windows.first
    assert world.read().next_msn == first + 2
    world.windows.part()
    assert world.read().next_msn == first + 2
    world.windows.part()
    assert world.read().next_msn == first + 3


def test_words_that_do_not_come_are_left_out_after_a_while_and_never_put_in_later() -> None:
    world = World(0)
    world.words.lag_ms = 1_000_000
    target_s = world.presentation.settings.target_duration_s
    world.windows.segments(LAG_TARGETS * target_s // 2)
    hold = world.origin.respond(Asked(PLAYLIST))
    assert not isinstance(hold, Answer)
    world.windows.segments(1)
    assert len(world.read().segments) == 1
    world.windows.segments(5)
    assert world.read().next_msn == world.windows.first + 6
    world.words.lag_ms = 0
    world.windows.part()
    assert world.read().next_msn == world.windows.first + 9
    assert world.words_of(5) == timed(EMPTY)
    assert "words" in world.words_of(6)


def test_the_words_of_a_stretch_stand_at_the_times_of_the_media() -> None:
    world = World(4)
    assert world.words.asked[0] == (ORIGIN_MS, ORIGIN_MS + 2_000)
    report = Report()
    for at, segment in enumerate(world.read().segments):
        check_text(report, str(at), world.words_of(at), segment, ORIGIN_MS)
    assert not report.findings, report
    assert report.checked["captions: cues lie in their segment"] == 4
    reaching_over = "\n00:00:03.000 --> 00:00:05.500\nwords 1\n"
    before = "\n00:00:00.000 --> 00:00:02.500\nwords 0\n"
    assert world.words_of(1) == f"WEBVTT\n{TIMESTAMP_MAP}\n{before}{reaching_over}"
    assert world.words_of(2) == f"WEBVTT\n{TIMESTAMP_MAP}\n{reaching_over}"


def test_captions_that_come_late_are_those_of_the_whole_window() -> None:
    world = World(3, spoken=False)
    world.windows.break_here()
    world.windows.segments(8)
    world.windows.drop(4)
    assert world.refusal(PLAYLIST).kind.status == 404
    assert "SUBTITLES" not in world.text("master.m3u8")
    world.presentation.captions["en"] = world.words
    playlist = world.read()
    assert playlist.sequence == world.windows.first + 4
    assert playlist.discontinuity_sequence == 1
    assert len(playlist.segments) == 6
    world.windows.part()
    assert "SUBTITLES" in world.text("master.m3u8")


def test_what_leaves_the_window_is_forgotten() -> None:
    world = World(12)
    world.windows.drop(5)
    gone = f"captions-en/{text_name(EPOCH, world.windows.first + 4)}"
    problem = world.refusal(gone)
    assert (problem.kind.status, problem.headers["Cache-Control"]) == (404, "public, max-age=2")
    assert "words" in world.words_of(5)
    subtitles = Subtitles(world.presentation, "en")
    subtitles.advance()
    assert len(subtitles.segments) == 6
    world.windows.segments(2)
    world.windows.drop(7)
    subtitles.advance()
    assert [one.msn - world.windows.first for one in subtitles.segments] == [12]


def test_where_the_window_is_shorter_than_the_patience_the_list_begins_anew() -> None:
    world = World(4)
    world.words.lag_ms = 1_000_000
    world.windows.segments(2)
    world.windows.break_here()
    world.windows.segments(2)
    world.windows.drop(7)
    assert not isinstance(world.origin.respond(Asked(PLAYLIST)), Answer)
    world.words.lag_ms = 0
    world.windows.part()
    playlist = world.read()
    assert (playlist.sequence, playlist.discontinuity_sequence) == (world.windows.first + 7, 1)


async def test_a_segment_is_waited_for_until_it_is_listed() -> None:
    world = World(3)
    first = world.windows.first
    waiting = await world.wait(f"_HLS_msn={first + 2}")
    parted = await world.wait(f"_HLS_msn={first + 2}&_HLS_part=3")
    following = await world.wait(f"_HLS_msn={first + 3}&_HLS_skip=YES")
    world.windows.parts(2)
    answer = await waiting
    assert isinstance(answer.body, bytes)
    assert read_media_playlist(answer.body.decode()).next_msn == first + 3
    assert (b"cache-control", b"public, max-age=12") in answer.headers
    assert (await parted).status == 200
    assert not following.done()
    world.windows.parts(4)
    assert (await following).status == 200


async def test_the_first_segment_is_waited_for_and_what_is_old_is_there() -> None:
    world = World(0)
    waiting = await world.wait()
    world.windows.segments(2)
    answer = await waiting
    assert (b"cache-control", b"public, max-age=1") in answer.headers
    assert not world.read(f"_HLS_msn={world.windows.first - 100}").skipped


def test_wrong_directives_are_400() -> None:
    world = World(3)
    problem = world.refusal(PLAYLIST, f"_HLS_msn={world.windows.first + 4}")
    assert (problem.kind.status, problem.headers["Cache-Control"]) == (400, "no-store")
    assert world.refusal(PLAYLIST, "_HLS_part=0").kind.status == 400
    far = f"_HLS_msn={world.windows.first + 3}"
    assert not isinstance(world.origin.respond(Asked(PLAYLIST, far)), Answer)


async def test_the_end_lists_everything_and_releases_everybody() -> None:
    world = World(4)
    world.words.lag_ms = 3_000
    waiting = await world.wait(f"_HLS_msn={world.windows.first + 4}")
    world.windows.part()
    world.windows.end()
    assert (await waiting).status == 200
    playlist = world.read("_HLS_msn=1&_HLS_msn=2")
    assert playlist.ended
    assert not playlist.reports
    assert playlist.next_msn == world.windows.first + 5
    assert world.words_of(4) == timed(EMPTY)
    assert "words" in world.words_of(2)
    assert not world.read("_HLS_skip=YES").skipped


def test_files_are_kept_for_ever_and_playlists_are_gzipped_and_rendered_once() -> None:
    world = World(4)
    address = f"captions-en/{text_name(EPOCH, world.windows.first)}"
    headers = dict(world.answer(address).headers)
    assert headers[b"content-type"] == b"text/vtt; charset=utf-8"
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert world.origin.respond(Asked(address, if_none_match="*")).status == 304  # type: ignore[union-attr]
    plain = world.text(PLAYLIST)
    rendered = world.origin.renderings
    packed = world.answer(PLAYLIST, gzip=True)
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body).decode() == plain
    assert world.origin.renderings == rendered


def test_what_is_not_there_is_404() -> None:
    world = World(3)
    ahead = f"captions-en/{text_name(EPOCH, world.windows.first + 2)}"
    assert world.refusal(ahead).headers["Cache-Control"] == "no-store"
    for address in (
        "captions-fr/index.m3u8",
        "captions-/index.m3u8",
        f"captions-fr/{text_name(EPOCH, world.windows.first)}",
        f"captions-en/{text_name('other', world.windows.first)}",
    ):
        problem = world.refusal(address)
        assert problem.kind.code == "media-unknown"
        assert problem.headers["Cache-Control"] == "public, max-age=2"
    for none in ("captions-en/k3-7.m4s", "captions-en/k3-0.init.mp4", "source/k3-7.vtt"):
        assert parse_address(none) is None


def test_every_playlist_reports_the_captions_without_parts_and_they_report_all_others() -> None:
    world = World(4)
    world.presentation.captions["pt-BR"] = Words(world.presentation, "pt-BR", "Português", 3_000)
    world.windows.part()
    first = world.windows.first
    english, other = {"../captions-en/index.m3u8": (first + 2, -1)}, "../captions-pt-br/index.m3u8"
    assert world.read(name="source/index.m3u8").reports.items() >= english.items()
    assert world.read(name="audio/index.m3u8").reports[other] == (first + 1, -1)
    reports = world.read().reports
    assert set(reports) == {
        *("../source/index.m3u8", "../360p/index.m3u8", "../audio/index.m3u8", other)
    }
    assert reports["../source/index.m3u8"] == (first + 4, 0)
    world.presentation.renditions["360p"].shed = True
    world.windows.part(only="source")
    assert "../360p/index.m3u8" not in world.read().reports


def test_the_master_offers_them_with_every_variant() -> None:
    world = World(2)
    world.presentation.captions["zh-Hans"] = Words(world.presentation, label='say "x"\n中文')
    report = Report()
    text = multivariant_playlist(world.presentation)
    assert check_master(report, text) == [PLAYLIST, "captions-zh-hans/index.m3u8"]
    assert not report.findings, report
    assert text.count('SUBTITLES="captions"') == 3
    assert 'NAME="say \'x\'中文",LANGUAGE="zh-Hans"' in text


def test_it_goes_on_where_the_leading_picture_is_shed() -> None:
    world = World(4)
    world.presentation.renditions["source"].shed = True
    for name in ("360p", "audio"):
        for _ in range(16):
            world.windows.part(only=name)
    world.words.lag_ms = -100_000
    world.windows.part(only="360p")
    assert world.read().next_msn == world.windows.first + 8


@pytest.mark.parametrize(
    "said", ["no captions", "WEBVTT\n\udc00", "WEBVTT\n" + "x" * 100_000, None]
)
def test_an_engine_that_breaks_does_not_break_the_picture(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Words, *stretch: int) -> str:
        if said is None:
            raise RuntimeError("the engine is gone")
        return said

    world = World(2)
    with monkeypatch.context() as patch:
        patch.setattr(Words, "vtt", broken)
        world.windows.segments(8)
    assert world.read(name="source/index.m3u8").next_msn == world.windows.first + 10
    assert world.words_of(4) == timed(EMPTY)
    world.presentation.captions["en"] = Words(world.presentation)
    world.windows.part()
    assert "words" in world.words_of(8)


def test_whatever_happens_to_the_picture_the_captions_stay_with_it() -> None:
    studio = Studio()
    words = Words(studio.presentation, lag_ms=2_300)
    studio.presentation.captions["en"] = words
    subtitles = Subtitles(studio.presentation, "en")
    studio.video("source", 720)
    before = MediaLines()
    happenings: list[Callable[[], object]] = [
        lambda: studio.audio(),
        lambda: studio.video("360p", 360),
        lambda: studio.configure("source", 1_080),
        lambda: studio.packager.shed("source"),
        lambda: studio.packager.interrupt(),
        lambda: studio.packager.restore("source"),
        lambda: setattr(studio.sources["source"], "on", False),
        lambda: setattr(studio.sources["source"], "on", True),
        lambda: setattr(words, "lag_ms", 100_000),
        lambda: studio.end(),
    ]
    for step, happens in enumerate(happenings):
        for _ in range(14):
            studio.run(500)
            subtitles.advance()
            now = read_media_playlist(subtitles.render())
            leader = next(iter(studio.presentation.renditions.values()))
            picture = read_media_playlist(media_playlist(studio.presentation, leader))
            report = Report()
            check_playlist(report, f"step {step}", now, picture)
            if before.target:
                check_step(report, f"step {step}", before, now)
            assert not report.findings, report
            before = now
        happens()
    subtitles.advance()
    assert read_media_playlist(subtitles.render()).ended


# --- the conformance check can fail

PLAYLIST_FAULTS: dict[str, Callable[[str], str]] = {
    "captions: no parts, hints or MAP": lambda text: text.replace(
        "#EXTINF", '#EXT-X-PART:DURATION=1,URI="x"\n#EXTINF', 1
    ),
    "captions: targets are those of the picture": lambda text: text.replace(
        ",HOLD-BACK=6.0", ",HOLD-BACK=8.0"
    ),
    "captions: segments are those of the picture": lambda text: text.replace(":22.250Z", ":22.3Z"),
    "captions: DISCONTINUITY-SEQUENCE is that of the picture": lambda text: text.replace(
        "DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:1"
    ),
    "captions: never far behind": lambda text: re.sub(
        r"(?s)(\.vtt\n).*?(#EXT-X-REND)", r"\1\2", text
    ),
}
TEXT_FAULTS: dict[str, Callable[[str], str]] = {
    "captions: WEBVTT, a header, an empty line": lambda text: text.replace("\n\n", "\n"),
    "captions: X-TIMESTAMP-MAP": lambda text: text.replace(TIMESTAMP_MAP, "X: y"),
    "captions: cues lie in their segment": lambda text: text.replace("MPEGTS:0", "MPEGTS:900000"),
}


@pytest.mark.parametrize("row", PLAYLIST_FAULTS)
def test_the_rules_see_a_playlist_that_breaks_them(row: str) -> None:
    world = World(8)
    right = world.text(PLAYLIST)
    wrong = PLAYLIST_FAULTS[row](right)
    assert wrong != right
    report = Report()
    check_playlist(report, "wrong", read_media_playlist(wrong), picture_of(world))
    assert row in {one.row for one in report.findings}


@pytest.mark.parametrize("row", TEXT_FAULTS)
def test_the_rules_see_a_file_that_breaks_them(row: str) -> None:
    world = World(4)
    report = Report()
    wrong = TEXT_FAULTS[row](world.words_of(1))
    check_text(report, "wrong", wrong, world.read().segments[1], ORIGIN_MS)
    assert row in {one.row for one in report.findings}


@pytest.mark.parametrize("at", range(len(LIES)))
async def test_a_lie_is_seen(at: int) -> None:
    lies, before = LIES[at]
    report = await walked(list(lies.values()), before)
    assert set(lies) - {one.row for one in report.findings} == set(), report


async def test_an_honest_server_passes_and_every_row_was_seen_to_fail() -> None:
    report = await walked([])
    assert report.findings == []
    rows = {row for row in report.checked if "captions" in row}
    told = {row for lies, _ in LIES for row in lies}
    assert rows - told - set(PLAYLIST_FAULTS) - set(TEXT_FAULTS) == set()
