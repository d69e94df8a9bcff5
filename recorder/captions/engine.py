"""What an engine that makes text of speech must do, and which ones there are.

    engine = open_engine("pocketsphinx", None, "en")
    words = engine.transcribe(pcm)
    stream = engine.stream(); words = stream.feed(pcm); words = stream.finish()

Sound is 16 kHz, one channel, int16. Another engine is another module with a function
`open_engine(model_dir, language)`, and a line in ENGINES. Engines are heavy and load what others
wrote: they run in processes of their own (`process` live, a job afterwards), never in the front.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from recorder.captions.utterances import Pcm
from recorder.captions.words import Word

ANY: Final = "*"
"""Whatever language its model is of."""


class EngineMissing(Exception):
    """It cannot be used; the text says what to install or to set."""


class Stream(Protocol):
    """Sound that comes in portions."""

    @property
    def settled_ms(self) -> int:
        """No word that begins before is still to come; since the stream's beginning."""
        ...

    def feed(self, pcm: Pcm) -> list[Word]:
        """The words that are final now, often none. Their times count from the stream's
        beginning and rise."""
        ...

    def finish(self) -> list[Word]:
        """The rest of them. Nothing may be fed afterwards."""
        ...


class Engine(Protocol):
    """One model, loaded. Not safe to use from two threads."""

    def transcribe(self, pcm: Pcm) -> list[Word]:
        """All words in a piece of sound, at most about half a minute long. Times rise."""
        ...

    def stream(self) -> Stream:
        """Words come at most some seconds after they were fed."""
        ...


class _Module(Protocol):
    def open_engine(self, model_dir: Path | None, language: str) -> Engine: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """An engine as the settings name it."""

    name: str
    module: str
    package: str
    """The Python module that it needs."""
    distribution: str
    """As pip knows that."""
    languages: tuple[str, ...]
    """That it speaks without a model folder; none: it needs one."""

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


ENGINES: Final = {
    one.name: one
    for one in (
        Kind(
            "pocketsphinx",
            "recorder.captions.engine_pocketsphinx",
            "pocketsphinx",
            "pocketsphinx",
            ("en",),
        ),
        Kind(
            "faster-whisper",
            "recorder.captions.engine_faster_whisper",
            "faster_whisper",
            "faster-whisper",
            (),
        ),
        Kind("sherpa", "recorder.captions.engine_sherpa", "sherpa_onnx", "sherpa-onnx", ()),
    )
}


def engines_for(language: str) -> list[Kind]:
    """Those that are installed and need nothing else for this language."""
    return [one for one in ENGINES.values() if primary(language) in one.languages and one.installed]


def check(name: str, model_dir: Path | None, language: str) -> Kind:
    """Whether it could be opened, without loading it. Raises EngineMissing."""
    kind = ENGINES.get(name)
    if kind is None:
        raise EngineMissing(f"There is no engine {name!r}. Choose one of: {', '.join(ENGINES)}.")
    if not kind.installed:
        raise EngineMissing(
            f"The engine {name} is not installed. Install it beside Sluice: "
            f"pip install {kind.distribution}"
        )
    if model_dir is not None and not model_dir.is_dir():
        raise EngineMissing(f"There is no folder {model_dir}. Name the model's folder.")
    if model_dir is None and primary(language) not in kind.languages:
        own = f" Without one it speaks {', '.join(kind.languages)}." if kind.languages else ""
        raise EngineMissing(
            f"The engine {name} needs a model for {language!r}: name the model's folder.{own}"
        )
    return kind


def open_engine(name: str, model_dir: Path | None, language: str) -> Engine:
    """Load it: seconds, and much memory. Raises EngineMissing."""
    kind = check(name, model_dir, language)
    module: _Module = importlib.import_module(kind.module)
    try:
        return module.open_engine(model_dir, primary(language))
    except (RuntimeError, ValueError, OSError) as error:
        raise EngineMissing(
            f"The model of the engine {name} does not load: {str(error)[:200]}"
        ) from error


def primary(language: str) -> str:
    """The language of a tag such as en-US (BCP 47), without region and script."""
    return language.partition("-")[0].lower()


def only(folder: Path, patterns: Sequence[str], what: str) -> Path:
    """The file of a model folder that the first pattern fits; of several the one with the
    shortest name. Raises EngineMissing."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern), key=lambda one: (len(one.name), one.name)):
            return path
    raise EngineMissing(
        f"{folder} is no such model: there is no {what} ({' or '.join(patterns)}) in it."
    )
