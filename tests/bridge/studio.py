"""A small world: cameras and a microphone that send to a packager in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bridge.packager import Packager
from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.track import AAC_FRAME, AudioConfig, Sample, TrackConfig, VideoConfig
from tests.bridge.media import PICTURE
from tests.bridge.rules import Witness, check

ORIGIN_MS = 1_700_000_000_000
SPS = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
PPS = bytes.fromhex("68ebecb22c")
STEP_MS = 10


@dataclass(slots=True)
class Source:
    """Makes the samples of one rendition."""

    config: TrackConfig
    duration: int
    time: int = 0
    """Of the next sample, in ticks."""
    lag_ms: int = 0
    """A sample comes so long after it ended."""
    on: bool = True
    keyed: int = -1
    """Number of the last keyframe that it sent."""
    shift: int = 0
    """Its times are wrong by so much."""
    size: int = 40

    @property
    def scale(self) -> int:
        return self.config.timescale


@dataclass(slots=True)
class Studio:
    """Call `run`, and look at `presentation`."""

    settings: PackagingSettings = field(default_factory=PackagingSettings)
    gop_ms: int = 2_000
    ticks: bool = True
    """Whether it tells the packager that time passes."""
    presentation: Presentation = field(init=False)
    packager: Packager = field(init=False)
    witness: Witness = field(init=False)
    sources: dict[str, Source] = field(default_factory=dict)
    now_ms: int = 0
    """Since the origin."""
    next_key_ms: int = 0
    keys: int = 0

    def __post_init__(self) -> None:
        self.presentation = Presentation("e", ORIGIN_MS, self.settings)
        self.packager = Packager(self.presentation)
        self.witness = Witness(self.presentation)

    def video(self, name: str = "source", side: int = 720, duration: int = PICTURE) -> Source:
        return self._begin(name, Source(picture_config(side), duration))

    def audio(self) -> Source:
        return self._begin(AUDIO, Source(AudioConfig(b"\x11\x90"), AAC_FRAME))

    def run(self, ms: int) -> None:
        """Let time pass, and see that all rules hold in the end."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += STEP_MS
            if self.now_ms > self.next_key_ms:
                self.keys += 1
                self.next_key_ms += self.gop_ms
            for name, source in self.sources.items():
                self._send(name, source)
            if self.ticks and self.now_ms % 50 == 0:
                self.packager.tick(ORIGIN_MS + self.now_ms)
        check(self.presentation)

    def key(self) -> None:
        """Every camera sends a keyframe next."""
        self.keys += 1
        self.next_key_ms = self.now_ms + self.gop_ms

    def configure(self, name: str, side: int) -> None:
        """Another size; begins with a keyframe."""
        source = self.sources[name]
        source.config = picture_config(side)
        source.keyed = -1
        self.packager.configure(name, source.config)

    def end(self) -> None:
        self.packager.end()
        check(self.presentation)

    def timeline(self, name: str) -> list[str]:
        """One word a segment: its length in ms, and what is special."""
        words = []
        for segment in self.presentation.renditions[name].segments:
            scale = self.sources[name].scale
            word = f"{segment.ticks * 1_000 // scale}"
            word = f"gap{word}" if segment.gap else word
            words.append(f"!{word}" if segment.discontinuity else word)
        return words

    def _begin(self, name: str, source: Source) -> Source:
        step = source.duration * 1_000
        source.time = -(-self.now_ms * source.scale // step) * source.duration
        self.sources[name] = source
        self.packager.configure(name, source.config)
        return source

    def _send(self, name: str, source: Source) -> None:
        ready = (self.now_ms - source.lag_ms) * source.scale // 1_000
        while source.time + source.duration <= ready:
            key = True
            if isinstance(source.config, VideoConfig):
                begun_ms = (self.keys - 1, source.time * 1_000 // source.scale)
                key = source.keyed < self.keys and begun_ms[1] >= self.next_key_ms - self.gop_ms
                key = key or source.keyed < 0
            if source.on:
                if key:
                    source.keyed = self.keys
                time = source.time + source.shift
                sample = Sample(time, source.duration, key, bytes(source.size))
                self.packager.add(name, sample)
            source.time += source.duration


def picture_config(side: int) -> VideoConfig:
    config = VideoConfig(SPS, PPS, side * 16 // 9, side, 30.0)
    # Another size is another parameter set; what it says is not read here.
    return replace(config, pps=PPS + side.to_bytes(2, "big"))


def camera() -> Studio:
    """Two layers and a microphone; passed through."""
    studio = Studio()
    studio.video()
    studio.video("360p", 360)
    studio.audio()
    return studio


def starts(studio: Studio, name: str) -> list[int]:
    """Of the segments, in ms."""
    rendition = studio.presentation.renditions[name]
    return [one.time * 1_000 // rendition.timescale for one in rendition.segments]
