"""What the bench of a bad crowd makes of what it saw, and what the attackers themselves count."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter

import msgspec
import pytest

from signaling.load_result import Window
from signaling.process_meter import Usage
from tests.bench.bad_chat import Line, framed
from tests.bench.bad_crowd import SETTINGS
from tests.bench.bad_figures import Attacked, BadCrowd, Samples, Seen, Side, side_of, table
from tests.bench.bad_http import Caller
from tests.bench.bad_load import ATTACKS
from tests.bench.bad_offers import Offers
from tests.bench.bad_plan import Found, Plan
from tests.bench.fakes import FakeClock, FakeLoad, Latency, PublisherState, Report, Totals
from tests.bench.newcomers import Newcomers
from tests.bench.scraped import grown, read

BEFORE = Report(connected=300, receiving=300, video=Totals(1_000), audio=Totals(500))
LATENCY = Latency(9, 1.0, 2.0, 3.0, 4.0)


def people(*joined_ms: float) -> Newcomers:
    clock = FakeClock()
    made = Newcomers("/", lambda: Caller("", "", 0), lambda: FakeLoad(clock), clock)
    made.joined_ms.extend(joined_ms)
    return made


def seen(lost: int = 0, receiving: int = 300, again_kb: int | None = None) -> Seen:
    """Ten seconds in which 100,000 packets came to all viewers together."""
    after = dataclasses.replace(
        BEFORE,
        receiving=receiving,
        video=Totals(91_000, lost=lost),
        audio=Totals(10_500),
        video_latency=LATENCY,
        publishers=(PublisherState(True, keyframe_requests=5),),
    )
    before = dataclasses.replace(BEFORE, publishers=(PublisherState(True),))
    samples = Samples(rss_kb=[100, 180, 90])
    samples.look(read('sluice_loop_lag_seconds 0.25\nsluice_sessions{role="viewer"} 900\n'))
    return Seen(
        joined=300,
        window=Window(10.0, before, after, Usage(1.0, 100), Usage(1.0, 100), Usage(6.0, 150)),
        settled=after,
        before_by_role={"sluice serve": 60, "sfu.plane": 40},
        after_by_role={"sluice serve": 65, "sfu.plane": 40},
        again_kb=again_kb,
        newcomers=people(50.0, 30.0),
        samples=samples,
        counted={
            "http_problems": {"busy": 7},
            "chat_errors": {},
            "chat_closed": {},
            "media_restarts": {"": 2},
        },
        attacks={"slow": Attacked({"head: still open": 400}, 2.5)},
        doubts=[],
    )


def test_the_figures_of_a_run() -> None:
    side = side_of(seen(lost=100, again_kb=106))
    assert (side.packets, side.lost) == (100_000, 100)
    assert side.loss_percent == pytest.approx(0.0999, abs=1e-4)
    assert side.server_cpu_percent == 50.0
    assert (side.rss_kb_before, side.rss_kb_most, side.rss_kb_after) == (100, 180, 105)
    assert side.rss_change_percent == 5.0
    assert side.rss_kb_by_process["sluice serve"] == (60, 65)
    assert (side.newcomers, side.join_ms_max) == (2, 50.0)
    assert (side.loop_lag_ms_most, side.sessions_most) == (250.0, 900)
    assert side.keyframe_requests_per_s == 0.5


def test_viewers_that_get_nothing_any_more_have_lost_what_others_got() -> None:
    half = side_of(seen(receiving=150))
    assert (half.loss_percent, half.lost) == (50.0, 100_000)
    assert side_of(seen(receiving=0)).loss_percent == 100.0


def test_a_run_that_began_without_some_viewers_is_doubted() -> None:
    one = seen()
    before = dataclasses.replace(BEFORE, receiving=299)
    window = dataclasses.replace(one.window, before=before)
    doubts = side_of(dataclasses.replace(one, window=window)).doubts
    assert doubts == ["only 299 honest viewers received when it began"]
    assert side_of(one).doubts == []


def test_scrapes_without_an_answer_are_a_doubt() -> None:
    one = seen()
    one.samples.failures = 2
    assert "2 scrapes" in side_of(one).doubts[-1]


def row_of(figures: BadCrowd, what: str) -> tuple[str, str, str]:
    return next((old, new, goal) for name, old, new, goal in table(figures) if name == what)


def test_a_table_has_both_runs_next_to_each_other() -> None:
    figures = BadCrowd(60.0, side_of(seen()), side_of(seen(lost=1_000, again_kb=105)))
    assert row_of(figures, "packets that they lost") == (
        "0 % (0)", "0.9901 % (1,000)", "under 0.1 %",
    )  # fmt: skip
    assert row_of(figures, "refused, by code")[1] == "busy: 7"
    assert row_of(figures, "media planes that were started again")[1] == "2"
    again = row_of(figures, "the same after a second wave, over the first")
    assert again == ("", "105 kB (+0 %)", "about 0 %")
    attack = row_of(figures, "attack: slow connections")[1]
    assert attack == "head: still open: 400; itself 2.5 % of a core"
    assert json.loads(json.dumps(dataclasses.asdict(figures)))["without"]["packets"] == 100_000


def test_no_figure_is_without_a_name_in_the_table() -> None:
    side = dataclasses.asdict(side_of(seen()))
    assert set(side) == {one.name for one in dataclasses.fields(Side)}


def test_counters_are_compared_by_their_labels() -> None:
    text = 'a_total{{code="x"}} {}\na_total{{code="y"}} {}\nb_total 9\n'
    before, after = read(text.format(1, 5)), read(text.format(4, 5))
    assert grown(before, after, "a_total") == {"x": 3}
    assert grown({}, after, "a_total") == {"y": 5, "x": 4}


def test_the_limits_stay_as_they_are_in_life() -> None:
    assert "limits" not in SETTINGS


def test_plans_and_findings_survive_the_pipe() -> None:
    plan = Plan("127.0.0.1", 8080, "a", "b", 3.0, 0.1)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    assert (plan.part(400), plan.part(3)) == (40, 1)
    found = Found({"x": 1}, 0.5)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Found) == found
    assert set(ATTACKS) == {"slow", "offers", "plis", "chat"}


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)


async def test_a_guest_says_hello_when_the_socket_is_open_and_counts_the_answers() -> None:
    outcomes: Counter[str] = Counter()
    wire, line = Wire(), Line("/chat/a", "h", '{"op":"hello"}', outcomes)
    line.connection_made(wire)
    assert wire.sent.startswith(b"GET /chat/a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n")
    wire.sent = b""
    line.data_received(b"HTTP/1.1 101 Switching")
    assert not line.open.done()
    line.data_received(b" Protocols\r\n\r\n")
    assert await line.open
    assert wire.sent == framed('{"op":"hello"}')
    line.data_received(b'\x81\x20{"op":"error","id":"x1","code":"rate"}\x81\x09{"op":"bye"}')
    line.connection_lost(None)
    assert line.closed.is_set()
    assert outcomes == {"socket: 101": 1, "answer: rate": 1, "answer: bye": 1}


async def test_a_guest_that_is_not_wanted_knows_it() -> None:
    outcomes: Counter[str] = Counter()
    line = Line("/chat/a", "h", "", outcomes)
    line.connection_made(Wire())
    line.data_received(b"HTTP/1.1 429 Too Many Requests\r\n\r\n")
    assert not await line.open
    assert outcomes == {"socket: 429": 1}


def test_a_frame_is_masked_with_zeros() -> None:
    assert framed("hi") == b"\x81\x82\0\0\0\0hi"
    assert framed("x" * 200)[:4] == b"\x81\xfe\x00\xc8"


async def test_half_of_the_offers_come_from_one_address() -> None:
    asked: list[str] = []
    offers = Offers(Plan("127.0.0.1", 1, "a", "b", 1.0), b"sdp")

    async def ask(self: Caller, *_: object) -> object:
        asked.append(self._address)
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Caller, "ask", ask)
        await offers.send(2_000, 0.05)
    assert 0.4 <= asked.count("127.0.4.1") / len(asked) <= 0.6
    assert len(set(asked)) > 10
    assert sum(offers.outcomes.values()) == len(asked)
    assert set(offers.outcomes) == {
        "one address: ConnectionRefusedError",
        "49 addresses: ConnectionRefusedError",
    }
