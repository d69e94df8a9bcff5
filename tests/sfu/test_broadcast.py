"""The state machine of one run."""

from __future__ import annotations

import pytest

from sfu.broadcast import (
    Active,
    Broadcast,
    Inactive,
    LayersNews,
    Rendition,
    RenditionsNews,
    Resumed,
    Stalled,
    ViewerCount,
)
from sfu.engine import Layer
from sluice.ids import ChannelId, PeerId
from sluice.media import Codec

LAYERS = (Layer("h", Codec.VP8, 1, 2, 3, True),)


@pytest.fixture
def run() -> Broadcast:
    return Broadcast(ChannelId("live"), PeerId(1))


def test_it_is_live_from_the_first_packet(run: Broadcast) -> None:
    before = run.live
    assert run.start_media(1000) == [Active(1000)]
    assert (before, run.live) == (False, True)
    assert run.start_media(2000) == []
    assert run.since_ms == 1000


def test_stalls_and_resumptions_are_told_once(run: Broadcast) -> None:
    assert run.stall() == []
    run.start_media(1000)
    assert run.resume() == []
    assert run.stall() == [Stalled()]
    assert run.stall() == []
    assert run.resume() == [Resumed()]


def test_a_takeover_stands_still_until_the_new_publishers_first_packet(run: Broadcast) -> None:
    run.start_media(1000)
    assert run.replace_publisher(PeerId(2)) == [Stalled()]
    assert run.start_media(2000) == [Resumed()]
    assert run.since_ms == 1000


def test_a_lost_publisher_has_the_grace_time_and_not_more(run: Broadcast) -> None:
    run.start_media(1000)
    assert run.lose_publisher(5_000) == [Stalled()]
    assert not run.over(64_999, 60_000)
    assert run.over(65_000, 60_000)


def test_without_a_publisher_nothing_resumes(run: Broadcast) -> None:
    run.start_media(1000)
    run.lose_publisher(5_000)
    assert run.resume() == []
    assert run.stalled


def test_a_return_within_the_grace_time_ends_it(run: Broadcast) -> None:
    run.start_media(1000)
    run.lose_publisher(5_000)
    run.replace_publisher(PeerId(2))
    assert not run.over(999_000, 60_000)


def test_a_run_that_never_went_live_has_no_grace(run: Broadcast) -> None:
    run.lose_publisher(0)
    assert run.over(0, 60_000)


def test_a_viewer_count_is_told_when_it_changed(run: Broadcast) -> None:
    run.connected.update({PeerId(3), PeerId(4)})
    assert run.count_viewers() == [ViewerCount(2)]
    assert run.count_viewers() == []
    run.connected.clear()
    assert run.count_viewers() == [ViewerCount(0)]


def test_equal_layers_are_no_news(run: Broadcast) -> None:
    assert run.change_layers(LAYERS) == [LayersNews(LAYERS)]
    assert run.change_layers(LAYERS) == []


def test_what_the_bridge_makes_is_told_when_it_changed(run: Broadcast) -> None:
    renditions = (Rendition("source", shed=True), Rendition("360p", shed=False))
    assert run.change_renditions(renditions) == [RenditionsNews(renditions)]
    assert run.change_renditions(renditions) == []
    run.start_media(1000)
    assert run.present()[-1] == RenditionsNews(renditions)


def test_somebody_new_hears_the_whole_state(run: Broadcast) -> None:
    assert run.present() == [Inactive(), ViewerCount(0), LayersNews(())]
    run.start_media(1000)
    run.stall()
    run.change_layers(LAYERS)
    run.connected.add(PeerId(3))
    assert run.present() == [Active(1000), Stalled(), ViewerCount(1), LayersNews(LAYERS)]
