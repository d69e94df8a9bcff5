"""A phone streams, a browser watches."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

KEYFRAME_REQUESTS = "sluice_engine_keyframe_requests_to_publishers_total"
IN_STEP_MS = 100
"""People notice sound that is further off than this (ITU-R BT.1359: -125 to +45 ms)."""


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_every_frame_arrives_once_and_in_order(
    server: SluiceServer, watch_page: WatchPage, codec: str
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, codec):
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        watch_page.expect_smooth(seconds=5)
        assert watch_page.codec == codec.upper()
        assert watch_page.frames().goes_forward  # from the very first one on
        assert watch_page.joins == 1


def test_sound_comes_along_and_in_step_with_the_picture(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        watch_page.until(
            "a beep is heard", lambda: watch_page.inbound("audio")["totalAudioEnergy"] > 0.005, 10
        )
        # Browsers tell these only when the answer puts both tracks into one stream (msid) and
        # the sender reports of both carry one clock.
        name = "estimatedPlayoutTimestamp"
        watch_page.until(
            f"{name} of sound and picture",
            lambda: all(name in watch_page.inbound(kind) for kind in ("audio", "video")),
            10,
        )
        sound, picture = (watch_page.inbound(kind)[name] for kind in ("audio", "video"))
        assert abs(sound - picture) < IN_STEP_MS


def test_what_a_viewer_sends_on_the_echo_channel_comes_back(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        long = "π" * 8_000  # many SCTP packets, and nearly the 16 KiB that a message may have
        for text in ("hello", long, "once more"):
            assert watch_page.echo(text) == text


def test_an_empty_message_is_not_answered_and_harms_nothing(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        assert watch_page.echo("before") == "before"
        before = server.metric("sluice_engine_drops_total", reason="data_message")
        watch_page.send_echo("")
        assert watch_page.echo("after") == "after"
        assert server.metric("sluice_engine_drops_total", reason="data_message") == before + 1


def test_a_joiner_sees_its_first_picture_without_a_keyframe_request(
    server: SluiceServer, new_watch_page: Callable[[], WatchPage]
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, gop_s=2):
        first = new_watch_page().open(server.watch_url("lina"))
        first.await_frames(60)
        before = server.metric(KEYFRAME_REQUESTS)
        for _ in range(3):
            joiner = new_watch_page().open(server.watch_url("lina"))
            joiner.await_state("playing")
            joiner.await_frames(30)
            assert joiner.first_frame_ms is not None
            assert joiner.inbound("video")["pliCount"] == 0
        assert server.metric(KEYFRAME_REQUESTS) == before
