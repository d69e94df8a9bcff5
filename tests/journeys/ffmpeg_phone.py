"""FFmpeg's own WHIP muxer as a publisher, with stamped pictures and a tone.

    WHIP_KEY=<stream key> python tests/journeys/ffmpeg_phone.py http://127.0.0.1:8080/whip/lina

It is the muxer that `ffmpeg -f whip` uses, reached through PyAV. Publishes until SIGINT.
"""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from types import FrameType

import av
import numpy as np
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mobile_sim import stamp

WIDTH, HEIGHT = 640, 360
FPS = 30
GOP = 2 * FPS
SAMPLE_RATE = 48_000
FRAME_SAMPLES = SAMPLE_RATE // 50
TONE_HZ = 440


def publish(url: str, key: str, folder: Path) -> None:
    """Send in real time until interrupted. `folder` takes the DTLS certificate."""
    certificate, private = write_certificate(folder)
    options = {
        "authorization": key,
        "cert_file": str(certificate),
        "key_file": str(private),
        # Microseconds. FFmpeg holds each picture until the next sound has come, to interleave
        # them; on a live path that makes every picture late by a different time.
        "max_interleave_delta": "1",
    }
    running = True

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with av.open(url, "w", format="whip", options=options) as out:
        video, audio = add_video(out), add_audio(out)
        out.start_encoding()
        start = time.monotonic()
        pictures = sounds = 0
        while running:
            # The earlier of the two is due next; real time is kept by waiting for it.
            picture_at, sound_at = pictures / FPS, sounds * FRAME_SAMPLES / SAMPLE_RATE
            time.sleep(max(0.0, start + min(picture_at, sound_at) - time.monotonic()))
            if picture_at <= sound_at:
                out.mux(video.encode(draw(pictures)))
                pictures += 1
            else:
                out.mux(audio.encode(tone(sounds)))
                sounds += 1


def add_video(out: av.container.OutputContainer) -> VideoStream:
    """H.264 as WHIP wants it: baseline, no B-frames, parameter sets with each keyframe."""
    video = out.add_stream("libx264", rate=FPS)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.time_base = Fraction(1, FPS)
    video.bit_rate = 1_000_000
    video.gop_size = GOP
    video.max_b_frames = 0
    video.options = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency"}
    return video


def add_audio(out: av.container.OutputContainer) -> AudioStream:
    audio = out.add_stream("libopus", rate=SAMPLE_RATE)
    audio.layout = "stereo"
    audio.format = "s16"
    return audio


def draw(counter: int) -> VideoFrame:
    """A grey picture that brightens with time, under its stamp."""
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    planes[:HEIGHT] = 60 + counter % 120
    stamp.draw(planes[:HEIGHT], counter, time.time_ns() // 1_000_000)
    frame = VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = counter, Fraction(1, FPS)
    return frame


def tone(index: int) -> AudioFrame:
    at = np.arange(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES) / SAMPLE_RATE
    wave = (8_000 * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16)
    frame = AudioFrame.from_ndarray(np.repeat(wave, 2).reshape(1, -1), "s16", "stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = index * FRAME_SAMPLES, Fraction(1, SAMPLE_RATE)
    return frame


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed P-256 certificate and its key: what DTLS in WebRTC uses (RFC 8827)."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ffmpeg")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(pem))
    key_file.write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def main() -> None:
    parser = argparse.ArgumentParser(description="Publish with FFmpeg's WHIP muxer.")
    parser.add_argument("url")
    with tempfile.TemporaryDirectory() as folder:
        publish(parser.parse_args().url, os.environ["WHIP_KEY"], Path(folder))


if __name__ == "__main__":
    main()
