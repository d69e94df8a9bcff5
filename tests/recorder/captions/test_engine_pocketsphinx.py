"""The real engine hears what espeak-ng says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from recorder.captions.engine import Engine, open_engine
from recorder.captions.utterances import RATE
from tests.recorder.captions.speech import assert_rising, both, silence, texts

pytestmark = pytest.mark.needs("espeak-ng")


@pytest.fixture(scope="module")
def english() -> Engine:
    return open_engine("pocketsphinx", None, "en-US")


def test_a_recording_becomes_words_with_rising_times(english: Engine) -> None:
    words = english.transcribe(both())
    assert_rising(words)
    assert {"welcome", "live", "stream", "music", "today"} <= set(texts(words))
    first = next(word for word in words if word.text == "welcome")
    assert first.from_ms == pytest.approx(560, abs=150)
    assert all(0 <= word.confidence <= 1 for word in words)
    assert not any(set("<>[]()") & set(word.text) for word in words)


def test_a_stream_gives_words_when_their_sentence_is_over(english: Engine) -> None:
    stream = english.stream()
    sound = both()
    portions = [sound[at : at + RATE // 2] for at in range(0, sound.size, RATE // 2)]
    words, after = [], []
    for number, portion in enumerate(portions, start=1):
        words += stream.feed(portion)
        after.append((number * 500, len(words), stream.settled_ms))
    words += stream.finish()
    assert_rising(words)
    assert {"welcome", "live", "stream", "music", "today"} <= set(texts(words))
    # The first sentence ends at some 3 s, and is there well before the second one is over.
    assert any(count >= 3 for at_ms, count, _ in after if at_ms <= 4_500)
    assert [settled for _, _, settled in after] == sorted(settled for _, _, settled in after)
    assert all(settled <= at_ms for at_ms, _, settled in after)
    assert after[-1][2] >= words[-1].to_ms


@pytest.mark.parametrize("loud", [0, 32_767])
def test_silence_and_noise_are_no_words(english: Engine, loud: int) -> None:
    assert english.transcribe(silence(0)) == []
    beep = np.where(np.arange(RATE) // 40 % 2, loud, -loud).astype(np.int16)
    assert len(english.transcribe(np.concatenate([silence(1), beep, silence(1)]))) <= 1


def test_a_model_of_another_language_is_a_folder(tmp_path: Path) -> None:
    package = importlib.util.find_spec("pocketsphinx")
    assert package is not None
    assert package.origin is not None
    for path in (Path(package.origin).parent / "model/en-us").iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert open_engine("pocketsphinx", tmp_path, "xx")
