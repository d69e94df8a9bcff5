"""Datagrams go as the links say, in order, and not at all where there is no path."""

from __future__ import annotations

import asyncio

from mobile_sim.ice import Address
from mobile_sim.uplink.shaper import OVERHEAD, Shaper

FAR: Address = ("192.0.2.1", 5000)


class Script:
    """A link that answers with these delays, one after the other; None is a loss."""

    def __init__(self, *delays: float | None) -> None:
        self.delays = list(delays)
        self.offers: list[tuple[float, int]] = []

    def offer(self, now_s: float, size: int) -> float | None:
        self.offers.append((now_s, size))
        delay = self.delays.pop(0) if self.delays else 0.0
        return None if delay is None else now_s + delay


class Socket:
    """One socket of a shaped phone: what its user sends, and what it is given."""

    def __init__(self, shaper: Shaper) -> None:
        self.out: list[bytes] = []
        self.heard: list[bytes] = []
        self.more = asyncio.Event()
        self._send, self._receive = shaper.join(self._went, self._came)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self._send(packet, FAR)

    def receive(self, *packets: bytes) -> None:
        for packet in packets:
            self._receive(packet, FAR)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.out) + len(self.heard) < count:
                self.more.clear()
                await self.more.wait()

    def _went(self, data: bytes, address: Address) -> None:
        assert address == FAR
        self.out.append(data)
        self.more.set()

    def _came(self, data: bytes, address: Address) -> None:
        assert address == FAR
        self.heard.append(data)
        self.more.set()


def shaper_of(up: Script, down: Script) -> Shaper:
    return Shaper(up, down, asyncio.get_running_loop().time)


async def test_each_way_has_its_link_and_headers_count() -> None:
    up, down = Script(), Script()
    socket = Socket(shaper_of(up, down))
    socket.send(b"abc")
    socket.receive(b"de")
    await socket.until(2)
    assert (socket.out, socket.heard) == ([b"abc"], [b"de"])
    assert [size for _, size in up.offers] == [3 + OVERHEAD]
    assert [size for _, size in down.offers] == [2 + OVERHEAD]


async def test_what_is_held_back_is_not_there_at_once_and_comes_in_its_time() -> None:
    socket = Socket(shaper_of(Script(0.03, 0.01), Script()))
    socket.send(b"slow", b"fast")
    assert socket.out == []
    await socket.until(2)
    assert socket.out == [b"fast", b"slow"]


async def test_packets_of_one_moment_keep_their_order() -> None:
    class Gate:
        def offer(self, now_s: float, size: int) -> float:
            return opens

    opens = asyncio.get_running_loop().time() + 0.01
    packets = [bytes([n]) for n in range(100)]
    socket = Socket(Shaper(Gate(), Script(), asyncio.get_running_loop().time))
    socket.send(*packets)
    await socket.until(100)
    assert socket.out == packets


async def test_losses_are_counted_in_packets_and_bytes() -> None:
    shaper = shaper_of(Script(None, 0.0, None), Script())
    socket = Socket(shaper)
    socket.send(b"1", b"22", b"333")
    await socket.until(1)
    assert socket.out == [b"22"]
    assert (shaper.up.offered, shaper.up.dropped) == (3, 2)
    assert shaper.up.bytes == 6 + 3 * OVERHEAD
    assert shaper.up.lost_bytes == 4 + 2 * OVERHEAD
    assert shaper.down.offered == 0


async def test_without_a_network_nothing_passes_and_what_was_on_its_way_is_lost() -> None:
    up = Script(0.01, 0.0)
    shaper = shaper_of(up, Script())
    socket = Socket(shaper)
    socket.send(b"on its way")
    shaper.online = False
    socket.send(b"into the tunnel")
    socket.receive(b"from outside")
    assert len(up.offers) == 1, "a link is not asked while there is none"
    await asyncio.sleep(0.02)  # until the first would have come; nobody tells of its loss
    shaper.online = True
    socket.send(b"out again")
    await socket.until(1)
    assert (socket.out, socket.heard) == ([b"out again"], [])


async def test_a_new_address_kills_the_old_sockets_and_not_the_new() -> None:
    shaper = shaper_of(Script(), Script())
    old = Socket(shaper)
    shaper.move(["127.0.0.3"])
    new = Socket(shaper)
    for socket in (old, new):
        socket.send(b"up")
        socket.receive(b"down")
    await new.until(2)
    assert (new.out, new.heard) == ([b"up"], [b"down"])
    assert (old.out, old.heard) == ([], [])
    assert shaper.addresses == ["127.0.0.3"]


async def test_another_networks_links_are_used_at_once() -> None:
    shaper = shaper_of(Script(None, None), Script())
    socket = Socket(shaper)
    socket.send(b"lost")
    shaper.use(Script(), Script())
    socket.send(b"through")
    await socket.until(1)
    assert socket.out == [b"through"]


async def test_a_closed_shaper_delivers_nothing_more() -> None:
    shaper = shaper_of(Script(0.0, 0.0), Script(0.0))
    socket = Socket(shaper)
    socket.send(b"1", b"2")
    socket.receive(b"3")
    shaper.close()
    await asyncio.sleep(0.01)
    assert (socket.out, socket.heard) == ([], [])
