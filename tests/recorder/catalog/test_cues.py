"""Words are found in captions, whatever their case and accents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recorder.captions.cues import Cue
from recorder.captions.search import folded
from recorder.catalog.catalog import Catalog
from recorder.catalog.cues import MOST_FOUND, place
from recorder.catalog.tracks import NewTrack
from tests.recorder.catalog.world import NOW_MS, add

TRACK = NewTrack("live-1", "en", "final", "English")
CUES = [
    Cue(0, 1_000, "The Café is\nopen"),
    Cue(2_000, 3_000, "A hundred % of it"),
    Cue(4_000, 5_000, "under_scored and back\\slashed"),
    Cue(6_000, 7_000, "Straße in the cafe\N{COMBINING ACUTE ACCENT}"),
    Cue(8_000, 9_000, "ПРИВЕТ, мир"),
    Cue(10_000, 11_000, "東京タワー"),
]


async def found(catalog: Catalog, words: str) -> list[tuple[int, str]]:
    """(when, the letters that were found)."""
    return [
        (one.from_ms, one.text[one.begin : one.end])
        for one in await catalog.cues.find("live-1", words)
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("café", [(0, "Café"), (6_000, "cafe\N{COMBINING ACUTE ACCENT}")]),
        ("CAFE", [(0, "Café"), (6_000, "cafe\N{COMBINING ACUTE ACCENT}")]),
        ("is  open", [(0, "is open")]),
        ("strasse", [(6_000, "Straße")]),
        ("привет", [(8_000, "ПРИВЕТ")]),
        ("タワ", [(10_000, "タワ")]),
        ("%", [(2_000, "%")]),
        ("r_s", [(4_000, "r_s")]),
        ("k\\s", [(4_000, "k\\s")]),
        ("d / s", []),
        ("'; DROP TABLE cues; --", []),
        ("", []),
        (" \n ", []),
        ("\N{COMBINING ACUTE ACCENT}", []),
        ("nobody said this", []),
    ],
)
async def test_what_is_looked_for_is_found(
    catalog: Catalog, words: str, expected: list[tuple[int, str]]
) -> None:
    await add(catalog)
    await catalog.tracks.put(TRACK, CUES, NOW_MS)
    assert await found(catalog, words) == expected


async def test_only_captions_that_are_shown_are_looked_through(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.tracks.put(replace(TRACK, kind="live"), [Cue(1, 2, "wrong word")], NOW_MS)
    assert await found(catalog, "wrong") == [(1, "wrong")]
    await catalog.tracks.put(TRACK, [Cue(1, 2, "right word")], NOW_MS)
    assert await found(catalog, "wrong") == []
    assert await found(catalog, "right") == [(1, "right")]
    await catalog.tracks.remove("live-1", "en", "final")
    assert await found(catalog, "wrong") == [(1, "wrong")]


async def test_one_language_or_all_are_looked_through(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.tracks.put(TRACK, [Cue(5, 6, "hotel")], NOW_MS)
    await catalog.tracks.put(replace(TRACK, language="fr"), [Cue(4, 5, "hôtel")], NOW_MS)
    both = await catalog.cues.find("live-1", "hotel")
    assert [(one.language, one.text) for one in both] == [("fr", "hôtel"), ("en", "hotel")]
    assert len(await catalog.cues.find("live-1", "hotel", language="en")) == 1
    assert await catalog.cues.find("live-1", "hotel", language="xx") == []


async def test_each_vod_has_its_own_words_and_there_is_a_limit(catalog: Catalog) -> None:
    await add(catalog, "live-1")
    await add(catalog, "live-2")
    many = [Cue(at, at + 1, "again") for at in range(MOST_FOUND + 10)]
    await catalog.tracks.put(TRACK, many, NOW_MS)
    assert await catalog.cues.find("live-2", "again") == []
    assert len(await catalog.cues.find("live-1", "again", limit=3)) == 3
    assert len(await catalog.cues.find("live-1", "again", limit=10**6)) == MOST_FOUND


async def test_a_query_with_signs_that_no_database_takes_fails_nobody(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.tracks.put(TRACK, CUES, NOW_MS)
    assert await found(catalog, "caf\0e") == [(0, ""), (6_000, "")]
    assert await found(catalog, "\ud800" * 1_000) == []


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("abc", "b", (1, 2)),
        ("aßb", "ssb", (1, 3)),
        ("aßb", "s", (1, 2)),
        ("e\N{COMBINING ACUTE ACCENT}x", "e", (0, 2)),
        ("\N{LATIN SMALL LIGATURE FFI}x", "f", (0, 1)),
        ("abc", "z", (0, 0)),
    ],
)
def test_places_are_those_of_the_text_as_it_is_shown(
    text: str, wanted: str, expected: tuple[int, int]
) -> None:
    assert place(text, wanted) == expected


def test_letters_fold_alone_as_they_fold_together() -> None:
    """`place` folds them one by one, the table holds them folded together."""
    for cue in CUES:
        assert "".join(map(folded, cue.text)) == folded(cue.text)
