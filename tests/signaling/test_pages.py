"""The pages and their static files."""

from __future__ import annotations

import re

import pytest

from signaling.pages import WEB
from tests.signaling.door import Door

PATHS = [
    "/", "/watch/live", "/watch/nobody-yet", "/studio", "/channel/live", "/channel/nobody-yet",
    "/vod/live-20260101-120000-abcdef", "/vod/nothing", "/clip/abcdefghijkl",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_html_and_asked_for_again_each_time(door: Door, path: str) -> None:
    response = await door.http.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-cache"


async def test_everything_a_page_refers_to_is_served(door: Door) -> None:
    pages = sorted(WEB.glob("*.html"))
    assert {"channel.html", "vod.html", "clip.html"} <= {page.name for page in pages}
    for page in pages:
        text = page.read_text()
        for address in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', text)):
            assert (await door.http.get(address)).status_code == 200, address


async def test_no_page_needs_what_the_policy_forbids(door: Door) -> None:
    for page in WEB.glob("*.html"):
        text = page.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page.name
        assert not re.search(r"\son[a-z]+=|<style|\sstyle=", text), page.name


async def test_modules_have_a_script_type(door: Door) -> None:
    response = await door.http.get("/static/watch.js")
    assert "javascript" in response.headers["content-type"]


async def test_a_name_that_cannot_be_a_channel_is_404(door: Door) -> None:
    for path in ("/watch/NO", "/channel/NO", "/channel/..%2fx"):
        assert (await door.http.get(path)).status_code == 404, path


async def test_large_modules_are_sent_compressed(door: Door) -> None:
    packed = await door.http.get("/static/watch.js")
    assert packed.headers["content-encoding"] == "gzip"
    plain = await door.http.get("/static/watch.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


async def test_a_recordings_page_is_one_thing_and_its_files_another(door: Door) -> None:
    """`/vod/{vod}` has its page, whatever the name; what lies below is media."""
    for path in ("/vod/x", "/clip/x"):
        assert (await door.http.head(path)).headers["content-type"].startswith("text/html")
        assert (await door.http.post(path)).status_code == 405
    below = await door.http.get("/vod/x/")
    assert (below.status_code, below.json()["code"]) == (404, "vod-unknown")
