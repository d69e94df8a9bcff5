"""What an edge keeps, and for how long."""

from __future__ import annotations

import gzip
import zlib

import pytest

from bridge.edge.cache import EdgeCache, Whole, lifetime_ms
from bridge.edge.key import Key, key_of

LIST = "/live/lina/source/index.m3u8"
NOW = 1_000_000


def whole(body: bytes = b"x", lifetime: int = 1_000, made: int = NOW, status: int = 200) -> Whole:
    return Whole(status, [], body, lifetime_ms=lifetime, made_ms=made)


def listed(query: str = "") -> Key:
    return key_of(LIST, query)


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [
        (None, 0),
        (b"", 0),
        (b"max-age=12", 12_000),
        (b"public, max-age=12, immutable", 12_000),
        (b"max-age=12, s-maxage=3", 3_000),
        (b"S-MaxAge=3,MAX-AGE=12", 3_000),
        (b'max-age="5"', 5_000),
        (b"max-age=5, no-store", 0),
        (b"private, max-age=5", 0),
        (b"no-cache", 0),
        (b"max-age=-1", 0),
        (b"stale-max-age=9", 0),
        (b"max-age=99999999999", 999_999_999_000),
    ],
)
def test_a_lifetime_is_what_a_shared_cache_is_told(said: bytes | None, lifetime: int) -> None:
    assert lifetime_ms(said) == lifetime


def test_an_answer_is_fresh_until_its_lifetime_is_over() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000)
    cache.keep(listed(), whole(lifetime=1_000, made=NOW - 400), NOW)
    assert cache.fresh(LIST, NOW + 599) is not None
    assert cache.fresh(LIST, NOW + 600) is None


def test_what_comes_too_old_is_not_kept() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000)
    cache.keep(listed(), whole(lifetime=1_000, made=NOW - 1_000), NOW)
    assert len(cache) == 0


def test_the_least_recently_used_goes_first() -> None:
    cache = EdgeCache(3 * 700, stale_ms=60_000)
    for name in ("a", "b", "c"):
        cache.keep(key_of(f"/live/lina/{name}", ""), whole(bytes(100)), NOW)
    assert cache.fresh("/live/lina/a", NOW) is not None
    cache.keep(key_of("/live/lina/d", ""), whole(bytes(100)), NOW)
    assert cache.fresh("/live/lina/b", NOW) is None
    assert cache.fresh("/live/lina/a", NOW) is not None
    assert cache.bytes == 2_100


def test_what_is_larger_than_all_room_is_not_kept_and_drives_nothing_out() -> None:
    cache = EdgeCache(1_000, stale_ms=60_000)
    cache.keep(key_of("/live/lina/a", ""), whole(), NOW)
    cache.keep(key_of("/live/lina/b", ""), whole(bytes(1_000)), NOW)
    assert cache.fresh("/live/lina/a", NOW) is not None


def test_a_newer_answer_takes_the_place_of_the_older() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000)
    cache.keep(listed(), whole(b"one"), NOW)
    cache.keep(listed(), whole(b"three"), NOW)
    assert len(cache) == 1
    assert cache.bytes == whole(b"three").size


def test_the_newest_full_playlist_stands_in_for_one_that_cannot_be_had() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000)
    cache.keep(listed("_HLS_msn=6"), whole(b"six"), NOW)
    cache.keep(listed("_HLS_msn=7"), whole(b"seven"), NOW)
    cache.keep(listed("_HLS_msn=8&_HLS_skip=YES"), whole(b"delta"), NOW)
    cache.keep(listed("_HLS_msn=9"), whole(b"late", status=503), NOW)
    found = cache.stand_in(listed("_HLS_msn=10"), NOW + 5_000)
    assert found is not None
    assert found.body == b"seven"


def test_it_does_so_for_a_moment_without_a_question() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000, held_ms=1_000)
    cache.keep(listed(), whole(b"old"), NOW)
    later = NOW + 5_000
    assert cache.held(LIST, later) is None
    cache.stand_in(listed(), later)
    assert cache.held(LIST, later + 999) is not None
    assert cache.held(LIST, later + 1_000) is None
    cache.stand_in(listed(), later)
    cache.keep(listed(), whole(b"new", made=later), later)
    assert cache.held(LIST, later) is None


def test_nothing_stands_in_for_too_long_and_no_other_rendition_does() -> None:
    cache = EdgeCache(10_000, stale_ms=60_000)
    cache.keep(listed(), whole(), NOW)
    assert cache.stand_in(listed(), NOW + 60_999) is not None
    assert cache.stand_in(listed(), NOW + 61_000) is None
    assert cache.stand_in(key_of("/live/lina/480p/index.m3u8", ""), NOW) is None


def test_a_packed_body_is_unpacked_once() -> None:
    packed = Whole(200, [], gzip.compress(b"list", mtime=0), zipped=True)
    assert packed.plain() == b"list"
    assert packed.plain() is packed.plain()


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b"x" * 1_000, mtime=0)[:-9], gzip.compress(bytes(17 << 20))]
)
def test_a_damaged_or_endless_body_is_refused(body: bytes) -> None:
    with pytest.raises(zlib.error):
        Whole(200, [], body, zipped=True).plain()
