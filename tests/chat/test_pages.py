"""Pages of the past, by number and by stream time."""

from __future__ import annotations

from chat.protocol import BATCH_BYTES
from chat.settings import HubSettings
from tests.chat.hub_world import Guest, HubWorld, Told, open_hub


async def said(world: HubWorld, count: int, size: int = 1) -> tuple[Guest, int]:
    """Somebody who said so much, a second apart, and when that began."""
    began_ms = world.clock.wall_ms()
    ann = await world.person("Ann", "moderator")
    for number in range(count):
        await ann.say(f"{number} " + "x" * size)
        world.clock.advance(1_000)
    await ann.line.until_shown(count)
    return ann, began_ms


async def fetched(guest: Guest, **what: int) -> Told:
    guest.send("fetch", **what)
    return await guest.line.until("page")


def numbers(page: Told) -> list[int]:
    return [item["seq"] for item in page["items"]]


async def test_by_number() -> None:
    async with open_hub(settings=HubSettings(page_entries=3)) as world:
        ann, _ = await said(world, 5)
        page = await fetched(ann, after=1)
        assert (numbers(page), page["more"], page["last"]) == ([2, 3, 4], True, 4)
        page = await fetched(ann, after=page["last"])
        assert (numbers(page), page["more"]) == ([5], False)


async def test_by_stream_time_and_on_from_there() -> None:
    async with open_hub(settings=HubSettings(page_entries=2)) as world:
        ann, began_ms = await said(world, 6)
        page = await fetched(ann, since=began_ms + 1_000, until=began_ms + 4_000)
        assert (numbers(page), page["more"]) == ([2, 3], True)
        page = await fetched(ann, after=page["last"], until=began_ms + 4_000)
        assert (numbers(page), page["more"]) == ([4], False)


async def test_nothing_is_a_page_too() -> None:
    async with open_hub() as world:
        reader = await world.reader()
        page = await fetched(reader, after=0)
        assert (page["items"], page["more"], page["last"]) == ([], False, 0)


async def test_a_page_is_no_larger_than_a_message() -> None:
    async with open_hub() as world:
        ann, _ = await said(world, 20, size=450)
        after, seen = 0, []
        while True:
            page = await fetched(ann, after=after)
            assert len(str(page["items"])) < 2 * BATCH_BYTES
            seen += numbers(page)
            after = page["last"]
            if not page["more"]:
                break
        assert seen == list(range(1, 21))


async def test_what_is_not_for_the_asker_is_missing_and_covered() -> None:
    async with open_hub() as world:
        ann, _ = await said(world, 3)
        ann.send("delete", seq=2)
        ack = await ann.line.until("ack")
        await ann.line.until_shown(ack["seq"])
        page = await fetched(ann, after=0)
        assert numbers(page) == [1, 3, 4]
        assert page["last"] == 4


async def test_too_many_pages_are_refused_for_a_while() -> None:
    async with open_hub(settings=HubSettings(fetch_rate=1, fetch_burst=1)) as world:
        ann, _ = await said(world, 1)
        await fetched(ann, after=0)
        ann.send("fetch", after=0)
        error = await ann.line.until("error")
        assert (error["code"], error["retry_ms"]) == ("rate", 1_000)
