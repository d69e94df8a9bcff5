"""Fragmented MP4 as CMAF wants it (ISO/IEC 14496-12, 23000-19): init segments and parts.

One track a file, its number is 1. Pictures come in decoding order, which is the order of showing,
so there are no composition offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from struct import Struct
from typing import Final

from bridge.h264 import parse_sps
from bridge.track import AudioConfig, Sample, TrackConfig, VideoConfig

NTP_UNIX_S: Final = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970."""

_SYNC: Final = 0x0200_0000
"""Depends on no other sample."""
_NO_SYNC: Final = 0x0101_0000
"""Depends on others, and no decoder can start here."""
_PRFT_FLAGS: Final = 24
"""The time is that of the media itself, and not of when the file was written (8.16.5)."""

_U32: Final = Struct(">I")
_STYP: Final = Struct(">I4s4sI4s4s").pack(24, b"styp", b"msdh", 0, b"msdh", b"cmfs")
_PRFT: Final = Struct(">I4sIIQQ")
_MOOF: Final = Struct(
    ">I4s"  # moof
    "I4sII"  # mfhd: version and flags, sequence number
    "I4s"  # traf
    "I4sIIII"  # tfhd: flags, track, default duration, default flags
    "I4sIQ"  # tfdt, version 1
    "I4sIIiI"  # trun: flags, count, data offset, flags of the first sample
)
_TFHD_FLAGS: Final = 0x02_0008 | 0x20
"""Offsets count from the moof; there is a default duration and there are default flags."""
_TRUN_FLAGS: Final = 0x205
"""There are a data offset, flags of the first sample, and sizes."""
_TRUN_DURATIONS: Final = 0x100
_TRUN_FLAGS_EACH: Final = 0x400
_MDAT: Final = Struct(">I4s")


def part(
    samples: Sequence[Sample],
    *,
    sequence: int,
    last_duration: int,
    wall_ms: int,
    first: bool = False,
) -> bytes:
    """A moof and its mdat, behind a prft.

    `samples` is not empty and its times grow. Each sample lasts until the next begins, the last
    one for `last_duration` ticks. `wall_ms` is the Unix time of the first sample, in
    milliseconds. `first`: it begins a segment, so it gets a styp.
    """
    count = len(samples)
    time = samples[0].time
    sizes = [len(sample.data) for sample in samples]
    durations = [after.time - sample.time for sample, after in pairwise(samples)]
    durations.append(last_duration)
    flags = _TRUN_FLAGS
    entries: list[int]
    if any(sample.keyframe for sample in samples[1:]):
        # Sound, or a picture that could begin a segment and does not: each one says what it is.
        if all(sample.keyframe for sample in samples):
            default_flags = _SYNC
        else:
            default_flags, flags = _NO_SYNC, _TRUN_FLAGS - 4 + _TRUN_FLAGS_EACH
    else:
        default_flags = _NO_SYNC
    each = bool(flags & _TRUN_FLAGS_EACH)
    varies = durations.count(last_duration) != count
    if varies:
        flags |= _TRUN_DURATIONS
    if each:
        entries = []
        for sample, duration, size in zip(samples, durations, sizes, strict=True):
            entries += (duration,) if varies else ()
            entries += (size, _SYNC if sample.keyframe else _NO_SYNC)
    elif varies:
        entries = [value for pair in zip(durations, sizes, strict=True) for value in pair]
    else:
        entries = sizes
    table = _table(len(entries)).pack(*entries)
    # Where each sample has its own flags, the first one's are no field of the header.
    header = _MOOF.size - 4 * each
    moof = header + len(table)
    head = _MOOF.pack(
        moof,
        b"moof",
        16,
        b"mfhd",
        0,
        sequence & 0xFFFF_FFFF,
        moof - 24,
        b"traf",
        24,
        b"tfhd",
        _TFHD_FLAGS,
        1,
        last_duration,
        default_flags,
        20,
        b"tfdt",
        0x0100_0000,
        time,
        moof - 76,
        b"trun",
        flags,
        count,
        moof + 8,
        _SYNC if samples[0].keyframe else _NO_SYNC,
    )
    return b"".join(
        (
            _STYP if first else b"",
            _PRFT.pack(32, b"prft", 0x0100_0000 | _PRFT_FLAGS, 1, ntp(wall_ms), time),
            head[:header],
            table,
            _MDAT.pack(8 + sum(sizes), b"mdat"),
            *[sample.data for sample in samples],
        )
    )


def ntp(wall_ms: int) -> int:
    """A Unix time in milliseconds as NTP counts: seconds since 1900, with 32 bits of fraction."""
    return ((wall_ms << 32) // 1_000 + (NTP_UNIX_S << 32)) & 0xFFFF_FFFF_FFFF_FFFF


def init(config: TrackConfig) -> bytes:
    """The init segment of a track. Raises ValueError for parameter sets that are malformed.

    There is no edit list, though an AAC encoder puts 1024 samples of priming in front: viewers
    join a live stream somewhere in its middle, where there is no priming to skip, and an edit
    would move each later frame against the picture. Whoever makes the samples gives their times
    so that the priming is accounted for.
    """
    video = isinstance(config, VideoConfig)
    entry = _avc1(config) if isinstance(config, VideoConfig) else _mp4a(config)
    width, height = (config.width, config.height) if isinstance(config, VideoConfig) else (0, 0)
    table = _box(
        b"stbl",
        _full(b"stsd", _U32.pack(1) + entry),
        _full(b"stts", bytes(4)),
        _full(b"stsc", bytes(4)),
        _full(b"stsz", bytes(8)),
        _full(b"stco", bytes(4)),
    )
    media = _box(
        b"minf",
        _full(b"vmhd", bytes(8), flags=1) if video else _full(b"smhd", bytes(4)),
        _box(b"dinf", _full(b"dref", _U32.pack(1) + _full(b"url ", b"", flags=1))),
        table,
    )
    handler = (b"vide", b"Video\0") if video else (b"soun", b"Sound\0")
    track = _box(
        b"trak",
        _full(
            b"tkhd",
            # Times, number, duration; layer, group, volume; matrix; size in 16.16.
            Struct(">IIIII8xHHHH36sII").pack(
                *(0, 0, 1, 0, 0),
                *(0, 0, 0 if video else 0x0100, 0),
                _MATRIX,
                *(width << 16, height << 16),
            ),
            flags=3,
        ),
        _box(
            b"mdia",
            _full(b"mdhd", Struct(">IIIIHH").pack(0, 0, config.timescale, 0, _language("und"), 0)),
            _full(b"hdlr", bytes(4) + handler[0] + bytes(12) + handler[1]),
            media,
        ),
    )
    movie = _full(
        b"mvhd",
        # Times, timescale, duration; rate, volume; matrix; the number of the next track.
        Struct(">IIIIIH10x36s24xI").pack(
            0, 0, config.timescale, 0, 0x0001_0000, 0x0100, _MATRIX, 2
        ),
    )
    defaults = _full(b"trex", Struct(">IIIII").pack(1, 1, 0, 0, _NO_SYNC if video else _SYNC))
    return _box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcdash") + _box(
        b"moov", movie, track, _box(b"mvex", defaults)
    )


@cache
def _table(count: int) -> Struct:
    return Struct(f">{count}I")


_MATRIX: Final = Struct(">9I").pack(0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000)


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return _MDAT.pack(8 + len(body), kind) + body


def _full(kind: bytes, content: bytes, flags: int = 0) -> bytes:
    return _box(kind, _U32.pack(flags), content)


def _language(code: str) -> int:
    """Three letters of ISO 639-2, five bits each."""
    packed = 0
    for letter in code:
        packed = packed << 5 | (ord(letter) - 0x60)
    return packed


def _avc1(config: VideoConfig) -> bytes:
    return _box(
        b"avc1",
        Struct(">6xH16xHHIIIH32sHh").pack(
            1,
            *(config.width, config.height),
            *(0x0048_0000, 0x0048_0000, 0),  # 72 dots an inch, as always
            1,
            b"",
            *(24, -1),
        ),
        _box(b"avcC", _decoder_configuration(config)),
    )


def _decoder_configuration(config: VideoConfig) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1): lengths of four bytes."""
    says = parse_sps(config.sps)
    record = [
        bytes((1, *config.sps[1:4], 0xFF, 0xE1)),
        len(config.sps).to_bytes(2, "big") + config.sps,
        b"\1" + len(config.pps).to_bytes(2, "big") + config.pps,
    ]
    if says.profile in (100, 110, 122, 144):
        record.append(
            bytes(
                (
                    0xFC | says.chroma_format,
                    0xF8 | (says.luma_bits - 8),
                    0xF8 | (says.chroma_bits - 8),
                    0,
                )
            )
        )
    return b"".join(record)


def _mp4a(config: AudioConfig) -> bytes:
    # A rate over 16 bits cannot stand in its field; the AudioSpecificConfig has it.
    rate = config.rate if config.rate < 1 << 16 else 0
    return _box(
        b"mp4a",
        Struct(">6xH8xHHHHI").pack(1, config.channels, 16, 0, 0, rate << 16),
        _full(b"esds", _elementary_stream(config)),
    )


def _elementary_stream(config: AudioConfig) -> bytes:
    """ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5): AAC (0x40), an audio stream (5)."""
    decoder = b"\x40\x15" + bytes(11) + _descriptor(5, config.extra)
    return _descriptor(3, b"\0\1\0" + _descriptor(4, decoder) + _descriptor(6, b"\2"))


def _descriptor(tag: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise ValueError("an AudioSpecificConfig is not so long")
    return bytes((tag, len(content))) + content
