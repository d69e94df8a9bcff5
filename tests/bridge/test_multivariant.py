"""The multivariant playlist."""

from __future__ import annotations

from bridge.multivariant import listed, measured, multivariant_playlist
from tests.bridge.conformance.m3u8 import attributes
from tests.bridge.windows import SOUND, VIDEO, Windows


def variants(windows: Windows) -> dict[str, dict[str, str]]:
    """Attributes by address."""
    lines = multivariant_playlist(windows.presentation).splitlines()
    return {
        lines[at + 1]: attributes(line.partition(":")[2])
        for at, line in enumerate(lines)
        if line.startswith("#EXT-X-STREAM-INF:")
    }


def test_nothing_is_measured_before_every_rendition_has_a_complete_segment() -> None:
    windows = Windows()
    assert not measured(windows.presentation)
    windows.parts(3)
    assert not measured(windows.presentation)
    windows.part(only="source")
    assert not measured(windows.presentation)
    windows.part(only="360p")
    windows.part(only="audio")
    assert measured(windows.presentation)
    assert not measured(Windows(()).presentation)


def test_a_gap_measures_nothing() -> None:
    windows = Windows(("source",))
    windows.segments(2, gap=True)
    assert not measured(windows.presentation)


def test_every_picture_is_a_variant_with_the_sound_and_sound_is_one_alone() -> None:
    windows = Windows()
    windows.segments(2)
    found = variants(windows)
    assert list(found) == ["source/index.m3u8", "360p/index.m3u8", "audio/index.m3u8"]
    source = found["source/index.m3u8"]
    assert source["CODECS"] == f"{VIDEO.codec},{SOUND.codec}"
    assert source["RESOLUTION"] == "1280x720"
    assert source["FRAME-RATE"] == "30.000"
    assert source["AUDIO"] == "audio"
    assert found["audio/index.m3u8"]["CODECS"] == "mp4a.40.2"
    assert "RESOLUTION" not in found["audio/index.m3u8"]
    text = multivariant_playlist(windows.presentation)
    assert "#EXT-X-INDEPENDENT-SEGMENTS\n" in text
    assert 'TYPE=AUDIO,GROUP-ID="audio"' in text
    assert 'CHANNELS="2",URI="audio/index.m3u8"' in text


def test_rates_are_those_of_picture_and_sound_together_as_measured() -> None:
    windows = Windows()
    windows.segments(3)
    source, audio = windows["source"], windows["audio"]
    source.peak_bps += 5_000
    found = variants(windows)["source/index.m3u8"]
    assert int(found["BANDWIDTH"]) == source.peak_bps + audio.peak_bps
    assert int(found["AVERAGE-BANDWIDTH"]) == source.average_bps + audio.average_bps


def test_a_shed_rendition_is_left_out_and_nobody_waits_for_it() -> None:
    windows = Windows()
    windows.segments(1)
    windows["source"].shed = True
    assert [one.name for one in listed(windows.presentation)] == ["360p", "audio"]
    windows.add("late").shed = True
    assert measured(windows.presentation)


def test_picture_without_sound_and_sound_without_picture() -> None:
    silent = Windows(("source",))
    silent.segments(1)
    (only,) = variants(silent).values()
    assert "AUDIO" not in only
    dark = Windows(("audio",))
    dark.segments(1)
    assert list(variants(dark)) == ["audio/index.m3u8"]
