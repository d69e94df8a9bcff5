"""The multivariant playlist: all renditions with their measured rates."""

from __future__ import annotations

from bridge.address import CAPTIONS, PLAYLIST, captions_folder
from bridge.captions import Captions
from bridge.presentation import AUDIO, Presentation
from bridge.rendition import Rendition
from bridge.track import AudioConfig, VideoConfig


def measured(presentation: Presentation) -> bool:
    """Whether there is something to serve, and the rates of all of it are known: each rendition
    that is made has a complete segment, and those that are about to come are there.
    """
    made = [one for one in presentation.renditions.values() if not one.shed]
    if presentation.expected - presentation.renditions.keys():
        return False
    return bool(made) and all(one.media_ticks > 0 for one in made)


def listed(presentation: Presentation) -> list[Rendition]:
    """What players are offered: what is made now, and measured. In the order of the ladder."""
    every = presentation.renditions.values()
    return [one for one in every if not one.shed and one.media_ticks > 0]


def multivariant_playlist(presentation: Presentation) -> str:
    """Master playlist of what is `listed`. A variant for each picture, and one of sound alone."""
    offered = listed(presentation)
    audio = next((one for one in offered if isinstance(one.config, AudioConfig)), None)
    lines = ["#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None and isinstance(audio.config, AudioConfig):
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO}",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES'
            f',CHANNELS="{audio.config.channels}",URI="{audio.name}/{PLAYLIST}"'
        )
    lines += [_captions(language, one) for language, one in presentation.captions.items()]
    more = f',SUBTITLES="{CAPTIONS}"' if presentation.captions else ""
    for one in offered:
        if one is not audio:
            lines += [_variant(one, audio) + more, f"{one.name}/{PLAYLIST}"]
    if audio is not None:
        lines += [_variant(audio, audio) + more, f"{audio.name}/{PLAYLIST}"]
    return "\n".join([*lines, ""])


def _captions(language: str, captions: Captions) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{CAPTIONS}",NAME={_quoted(captions.label)}'
        f",LANGUAGE={_quoted(language)},AUTOSELECT=YES,DEFAULT=NO,FORCED=NO"
        f',URI="{captions_folder(language)}/{PLAYLIST}"'
    )


def _quoted(text: str) -> str:
    """A quoted-string, which can hold neither quotes nor ends of lines."""
    inside = "".join(one for one in text.replace('"', "'") if one.isprintable())
    return f'"{inside}"'


def _variant(rendition: Rendition, audio: Rendition | None) -> str:
    played = [rendition] if audio is None or audio is rendition else [rendition, audio]
    codecs = ",".join(one.config.codec for one in played)
    line = (
        f"#EXT-X-STREAM-INF:BANDWIDTH={sum(max(one.peak_bps, one.average_bps) for one in played)}"
        f",AVERAGE-BANDWIDTH={sum(one.average_bps for one in played)}"
        f',CODECS="{codecs}"'
    )
    if isinstance(rendition.config, VideoConfig):
        line += f",RESOLUTION={rendition.config.width}x{rendition.config.height}"
        if rendition.config.frame_rate > 0:
            line += f",FRAME-RATE={rendition.config.frame_rate:.3f}"
        line += ",CLOSED-CAPTIONS=NONE"
    return line + (f',AUDIO="{AUDIO}"' if audio is not None else "")
