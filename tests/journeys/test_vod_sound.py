"""Replays in which sound is missing somewhere: all pictures are shown, and there is an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest
from playwright.sync_api import BrowserContext

from tests.journeys.server import SluiceServer
from tests.journeys.vod_page import VodPage
from tests.recorder.broadcast import Broadcast

pytestmark = pytest.mark.browser

SIZES: Final = {"source": (256, 144)}


def none_at_first(film: Broadcast) -> None:
    film.shoot(1, SIZES, sound=False)
    film.shoot(2, SIZES)


def hole_at_an_interruption(film: Broadcast) -> None:
    film.shoot(2, SIZES, quiet=2)
    film.wait(3)
    film.shoot(2, SIZES)


def none_between(film: Broadcast) -> None:
    film.shoot(1, SIZES)
    film.wait(3)
    film.shoot(1, SIZES, sound=False)
    film.wait(3)
    film.shoot(1, SIZES)


def none_at_the_end(film: Broadcast) -> None:
    film.shoot(2, SIZES)
    film.shoot(1.3, SIZES, sound=False)


FILMS: Final[Mapping[str, Callable[[Broadcast], None]]] = {
    "channel-20260101-120000-aaaaaa": none_at_first,
    "channel-20260101-120000-bbbbbb": hole_at_an_interruption,
    "channel-20260101-120000-cccccc": none_between,
    "channel-20260101-120000-dddddd": none_at_the_end,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SluiceServer]:
    folder = tmp_path_factory.mktemp("films") / "server"
    for vod, shoot in FILMS.items():
        film = Broadcast(folder / "storage" / "recordings" / vod)
        film.session()
        shoot(film)
        film.close()
    settings = {"recorder": {"keep_days": 10_000, "jobs": {"workers": 0}}}
    with SluiceServer(folder, settings=settings) as server:
        server.create_channel("channel")
        yield server
        print(server.log())


@pytest.mark.parametrize("vod", FILMS, ids=[one.__name__ for one in FILMS.values()])
def test_all_is_shown_up_to_the_end(
    server: SluiceServer, context: BrowserContext, vod: str
) -> None:
    page = VodPage(context.new_page()).open(f"{server.origin}/vod/{vod}")
    page.play()
    page.until("the end", lambda: page.get("ended"))
    (loaded,) = page.get("bufferedMs")
    assert loaded["start"] < 100
    assert loaded["end"] >= page.get("durationMs") - 1
