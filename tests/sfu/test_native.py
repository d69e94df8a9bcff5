"""The native engine: it behaves as every engine, and its media threads answer."""

from __future__ import annotations

import pytest

from sfu.native import NativeEngine
from sluice.config import MediaConfig
from tests.sfu.engine_conformance import EngineConformance, Make


class TestNative(EngineConformance):
    @pytest.fixture
    def make(self) -> Make:
        return NativeEngine


async def test_media_threads_answer_while_the_engine_runs() -> None:
    engine = NativeEngine(MediaConfig(port=0, workers=2))
    lives = [engine.alive]
    await engine.start()
    lives.append(engine.alive)
    assert await engine.workers_answer()
    await engine.stop()
    lives.append(engine.alive)
    assert lives == [False, True, False]
