"""Which layers are passed on and which rungs are encoded."""

from __future__ import annotations

from bridge.ladder import Rung
from bridge.mode import Choice, Mode, SourceLayer, VideoWish, choose
from sluice.media import Codec

MOST = 4
OPUS = SourceLayer("", Codec.OPUS, 0, 0)


def layer(rid: str, height: int, codec: Codec = Codec.H264, *, active: bool = True) -> SourceLayer:
    return SourceLayer(rid, codec, height * 16 // 9, height, active)


def names(choice: Choice) -> list[str]:
    return [name for _, name in choice.passed] + [rung.name for rung in choice.rungs]


def test_one_h264_layer_is_passed_on_and_the_rungs_below_are_encoded() -> None:
    choice = choose([OPUS, layer("", 720)], "auto", MOST)
    assert choice.mode is Mode.MIXED
    assert choice.passed == (("", "source"),)
    assert choice.read == ""
    assert [rung.name for rung in choice.rungs] == ["480p", "360p"]


def test_a_layer_with_nothing_below_it_needs_no_encoder() -> None:
    choice = choose([layer("", 360)], "auto", MOST)
    assert (choice.mode, choice.read, names(choice)) == (Mode.PASSTHROUGH, None, ["source"])


def test_simulcast_layers_are_rungs_as_they_are() -> None:
    layers = [layer("q", 180), layer("f", 720), layer("h", 360)]
    choice = choose(layers, "auto", MOST)
    assert choice.mode is Mode.PASSTHROUGH
    assert choice.passed == (("f", "source"), ("h", "360p"), ("q", "180p"))
    assert choice.read is None


def test_layers_of_one_size_are_one_rung() -> None:
    choice = choose([layer("a", 720), layer("b", 360), layer("c", 360)], "auto", MOST)
    assert names(choice) == ["source", "360p"]


def test_other_codecs_are_encoded_from_their_largest_layer() -> None:
    layers = [layer("q", 360, Codec.VP8), layer("f", 1080, Codec.VP8)]
    choice = choose(layers, "auto", MOST)
    assert (choice.mode, choice.passed, choice.read) == (Mode.TRANSCODE, (), "f")
    assert names(choice) == ["source", "720p", "480p", "360p"]
    assert names(choose(layers, "auto", 2)) == ["source", "720p"]


def test_what_is_wished_is_done() -> None:
    assert choose([layer("", 720)], "transcode", MOST).mode is Mode.TRANSCODE
    assert names(choose([layer("", 720)], "passthrough", MOST)) == ["source"]
    assert choose([layer("", 720, Codec.AV1)], "passthrough", MOST).mode is Mode.SOUND


def test_silent_and_unknown_layers_do_not_count() -> None:
    sleeping = layer("f", 1080, active=False)
    unknown = SourceLayer("h", Codec.H264, 0, 0)
    wishes: tuple[VideoWish, ...] = ("auto", "passthrough", "transcode")
    for wish in wishes:
        assert choose([OPUS, sleeping, unknown], wish, MOST) == Choice(Mode.SOUND)
    assert choose([sleeping, layer("q", 360)], "auto", MOST).passed == (("q", "source"),)


def test_after_a_fall_the_encoder_makes_the_rungs_that_players_know() -> None:
    known = [Rung("source", 1280, 720, 1), Rung("360p", 640, 360, 1)]
    choice = choose([layer("f", 720), layer("h", 360)], "auto", MOST, known)
    assert choice == Choice(Mode.TRANSCODE, (), "f", tuple(known))
