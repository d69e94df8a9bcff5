"""Rendered texts: compressed once, the same for all who ask."""

from __future__ import annotations

import gzip

from bridge.answer import PLAYLIST_TYPE, Text


def test_the_packed_body_is_the_plain_one_and_is_made_once() -> None:
    text = Text("#EXTM3U\n" * 100, PLAYLIST_TYPE)
    plain, packed = text.answer(False, 1), text.answer(True, 1)
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < 100
    again = text.answer(True, 1)
    assert again.body is packed.body
    assert again.headers is packed.headers


def test_the_headers_say_what_the_body_is() -> None:
    packed = Text("#EXTM3U\n", PLAYLIST_TYPE).answer(True, 12)
    assert isinstance(packed.body, bytes)
    headers = dict(packed.headers)
    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"content-length"] == str(len(packed.body)).encode()
    assert headers[b"cache-control"] == b"public, max-age=12"
    assert headers[b"vary"] == b"accept-encoding"


def test_lifetimes_are_kept_apart() -> None:
    text = Text("#EXTM3U\n", PLAYLIST_TYPE)
    assert dict(text.answer(False, 1).headers) != dict(text.answer(False, 12).headers)
