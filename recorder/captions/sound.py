"""Fragments of sound become samples for an engine: 16 kHz, one channel.

Only ever in a process of its own: the bytes were sent by a stranger.
"""

from __future__ import annotations

import io
from typing import Final, cast

import av
import av.container
import av.logging
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from recorder.captions.utterances import RATE, Pcm

CODECS: Final = frozenset({"aac", "mp3", "opus"})
LONGEST_S: Final = 60
"""Of what one fragment may become."""


class SoundBroken(Exception):
    """It cannot be decoded."""


class SoundDecoder:
    """The parts of one rendition behind one init segment. Between them it keeps the codec's
    state, so that there is no click at their edges."""

    def __init__(self, init: bytes) -> None:
        """Raises SoundBroken when something is wrong with the init segment."""
        av.logging.set_level(None)
        self._init = init
        self._codec = self._opened()
        self._resampler = _resampler()

    def decode(self, part: bytes) -> Pcm:
        """The samples of one or more parts (moof and mdat). Raises SoundBroken; then what comes
        next is decoded anew."""
        try:
            with _container(self._init + part) as container:
                packets = [bytes(one) for one in container.demux(audio=0) if one.size]
            frames = [frame for one in packets for frame in self._codec.decode(av.Packet(one))]
            pieces = [piece for frame in frames for piece in self._resampled(frame)]
        except (av.FFmpegError, ValueError, IndexError, EOFError) as error:
            self.reset()
            raise SoundBroken(f"{type(error).__name__}: {error}"[:200]) from error
        if not packets:
            raise SoundBroken("a part without sound")
        if sum(map(len, pieces)) > LONGEST_S * RATE:
            raise SoundBroken(f"a part of more than {LONGEST_S} s")
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)

    def reset(self) -> None:
        """What comes next does not follow what came before."""
        self._codec = self._opened()
        self._resampler = _resampler()

    def _resampled(self, frame: AudioFrame) -> list[Pcm]:
        # Its time is known from the part; FFmpeg must not make up for holes.
        frame.pts = None
        return [piece.to_ndarray()[0].astype(np.int16) for piece in self._resampler.resample(frame)]

    def _opened(self) -> AudioCodecContext:
        try:
            with _container(self._init) as container:
                stream = container.streams.audio[0]
                name, extra = stream.codec_context.name, stream.codec_context.extradata
        except (av.FFmpegError, ValueError, IndexError) as error:
            raise SoundBroken(f"no sound: {error}"[:200]) from error
        if name not in CODECS:
            raise SoundBroken(f"sound in {name} is not heard")
        codec = cast(AudioCodecContext, av.CodecContext.create(name, "r"))
        codec.extradata = extra
        codec.thread_count = 1
        return codec


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=RATE)


def _container(data: bytes) -> av.container.InputContainer:
    return av.open(io.BytesIO(data), "r", format="mp4")
