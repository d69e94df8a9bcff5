"""A broadcast with all that can happen to one, recorded once for all tests of this folder."""

from __future__ import annotations

import pytest

from recorder.replay import Replay
from tests.recorder.broadcast import Broadcast

LARGER = {"source": (320, 180), "90p": (160, 90)}


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Broadcast:
    """Two reconnects, one of them with another server; another size, another profile, a gap of
    20 s. Its pictures do not come quite regularly."""
    broadcast = Broadcast(tmp_path_factory.mktemp("eventful") / "eventful", jitter=200)
    broadcast.session()
    broadcast.shoot(3)
    broadcast.wait(7)
    broadcast.shoot(2.5)
    broadcast.shoot(2, LARGER)
    broadcast.session(after_s=5)
    broadcast.shoot(2, profile="baseline")
    broadcast.wait(20)
    broadcast.shoot(3, LARGER)
    broadcast.close()
    return broadcast


@pytest.fixture(scope="session")
def replay(eventful: Broadcast) -> Replay:
    return eventful.replay()
