"""The sound's way through the process: Opus decoded, kept on the broadcast's time, AAC encoded.

An AAC encoder needs 1024 samples before the first it gives back (priming), and FFmpeg's packets
say so: each carries the time of the samples that a decoder gives out when it is fed that packet.
Those times are used as they are, so sound is in step without any trimming; the first packet,
which decodes to the silence before the sound, is left out when it would lie before the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from bridge.presentation import AUDIO
from bridge.track import AAC_FRAME, AUDIO_TIMESCALE, AudioConfig
from bridge.transcode.samples import SampleClock, Take
from bridge.transcode.wire import Configured, Encoded, FromChild

Samples = np.ndarray[Any, np.dtype[np.float32]]
"""Two rows, left and right, from -1 to 1."""

TICK: Final = Fraction(1, AUDIO_TIMESCALE)
FADE: Final = 96
"""Samples over which sound begins after silence: 2 ms, so that it does not click."""
LATE_US: Final = 500_000
"""How far the picture may be ahead before the sound is taken for missing."""
LONGEST_LATE_US: Final = 1_500_000


class SoundBroken(Exception):
    """The unit cannot be decoded."""


class Sound:
    """Opus units in, AAC frames out, on the grid of 1024 samples since the origin."""

    def __init__(self, bitrate: int, send: Callable[[FromChild], None]) -> None:
        self._send = send
        self._clock = SampleClock()
        self._decoder: AudioCodecContext | None = None
        self._encoder = _encoder(bitrate)
        self._held: list[Samples] = []
        self._held_length = 0
        self._frame_start = 0
        self._told = False
        self._late_us = LATE_US

    def hear(self, time_us: int, payload: bytes) -> None:
        """One unit. Raises SoundBroken; the hole it leaves becomes silence."""
        samples = self._decoded(payload)
        length = samples.shape[1]
        if length == 0:
            return
        before = self._clock.position
        take = self._clock.take(time_us, length)
        if before is not None and take.length == 0:
            # The picture was taken as a sign that there is no sound, too early.
            missing_us = -(-take.skip * 1_000_000 // AUDIO_TIMESCALE)
            self._late_us = min(LONGEST_LATE_US, self._late_us + missing_us)
        if take.length == 0:
            return
        self._add(take, samples)

    def follow(self, picture_us: int) -> None:
        """Pictures are there already: sound that is missing is silence."""
        before = self._clock.position
        silence = self._clock.fill(picture_us - self._late_us)
        if self._clock.position is not None and (before is None or silence == 0):
            self._jump_to(self._clock.position, before)
        if silence:
            self._hold(_silence(silence))

    def end(self, until_us: int) -> None:
        """Nothing more comes: all that was heard is given out, and silence up to then.

        Whole frames: it ends within half a frame of `until_us`, or of what was heard after it.
        """
        if self._clock.position is None:
            return
        if silence := self._clock.fill(until_us):
            self._hold(_silence(silence))
        if self._held_length >= AAC_FRAME // 2:
            self._hold(_silence(AAC_FRAME - self._held_length))
        self._drop_held()
        self._give(self._encoder.encode(None))

    def reset(self) -> None:
        """Another sender: its sound has nothing to do with what was decoded before."""
        self._decoder = None

    def _add(self, take: Take, samples: Samples) -> None:
        if take.jump:
            assert self._clock.position is not None
            self._drop_held()
            self._frame_start = self._clock.position - take.length - take.silence
        if take.silence:
            self._hold(_silence(take.silence))
        kept = samples[:, take.skip :]
        if take.length != kept.shape[1]:
            kept = stretched(kept, take.length)
        if take.silence or take.jump:
            kept = _faded(kept)
        self._hold(kept)

    def _jump_to(self, position: int, before: int | None) -> None:
        if before is None or position - before > AUDIO_TIMESCALE:
            self._drop_held()
            self._frame_start = position

    def _drop_held(self) -> None:
        self._held.clear()
        self._held_length = 0

    def _hold(self, samples: Samples) -> None:
        self._held.append(samples)
        self._held_length += samples.shape[1]
        if self._held_length < AAC_FRAME:
            return
        whole = np.concatenate(self._held, axis=1)
        frames = whole.shape[1] // AAC_FRAME
        for number in range(frames):
            self._encode(whole[:, number * AAC_FRAME : (number + 1) * AAC_FRAME])
        rest = whole[:, frames * AAC_FRAME :]
        self._held = [rest] if rest.shape[1] else []
        self._held_length = rest.shape[1]

    def _encode(self, samples: Samples) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
        frame.sample_rate = AUDIO_TIMESCALE
        frame.time_base = TICK
        frame.pts = self._frame_start
        self._frame_start += AAC_FRAME
        self._give(self._encoder.encode(frame))

    def _give(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            time = packet.pts
            if time is None or time < 0:
                continue
            if not self._told:
                self._told = True
                config = AudioConfig(self._encoder.extradata or b"")
                self._send(Configured.of(AUDIO, config))
            self._send(Encoded(AUDIO, time, AAC_FRAME, True, bytes(packet)))

    def _decoded(self, payload: bytes) -> Samples:
        if self._decoder is None:
            self._decoder = _decoder()
        try:
            frames = self._decoder.decode(av.Packet(payload)) if payload else []
            pieces = [_planar(frame) for frame in frames]
        except (av.FFmpegError, ValueError) as error:
            raise SoundBroken(str(error)[:200]) from error
        return np.concatenate(pieces, axis=1) if pieces else _silence(0)


def stretched(samples: Samples, length: int) -> Samples:
    """The same sound in another number of samples."""
    old = np.arange(samples.shape[1])
    new = np.linspace(0, samples.shape[1] - 1, length)
    return np.stack([np.interp(new, old, row) for row in samples]).astype(np.float32)


def _silence(length: int) -> Samples:
    return np.zeros((2, length), dtype=np.float32)


def _faded(samples: Samples) -> Samples:
    faded = samples.copy()
    length = min(FADE, faded.shape[1])
    faded[:, :length] *= np.linspace(0, 1, length, dtype=np.float32)
    return faded


def _planar(frame: AudioFrame) -> Samples:
    """Whatever FFmpeg gave, as two rows. Raises ValueError for another rate."""
    if frame.sample_rate != AUDIO_TIMESCALE:
        raise ValueError(f"sound of {frame.sample_rate} samples a second")
    data = frame.to_ndarray()
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        data = data.reshape(-1, channels).T
    if data.dtype == np.int16:
        data = data.astype(np.float32) / 32_768
    return np.ascontiguousarray(data[[0, -1]], dtype=np.float32)


def _decoder() -> AudioCodecContext:
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate = AUDIO_TIMESCALE
    context.layout = "stereo"
    context.thread_count = 1
    return context


def _encoder(bitrate: int) -> AudioCodecContext:
    context = av.CodecContext.create("aac", "w")
    context.sample_rate = AUDIO_TIMESCALE
    context.layout = "stereo"
    context.format = "fltp"
    context.bit_rate = bitrate
    context.time_base = TICK
    context.open()
    return context
