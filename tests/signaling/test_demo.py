"""`sluice demo`: the channel, the invitation, and the phone's keeper."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from rich.console import Console

from signaling.demo import demo_key, invitation, keep_phone, phone_command
from sluice.ids import ChannelId
from tests.signaling.door import Door


async def test_the_channel_is_made_once_and_its_key_is_fresh_each_time(door: Door) -> None:
    first = await demo_key(door.house)
    second = await demo_key(door.house)
    assert first != second
    assert (await door.publish("demo", first)).status_code == 403
    assert (await door.publish("demo", second)).status_code == 201
    channel = door.house.book.get(ChannelId("demo"))
    assert channel is not None
    assert channel.access == "public"


def test_the_invitation_shows_the_addresses_the_key_and_a_code() -> None:
    console = Console(width=120, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(invitation("http://127.0.0.1:8080", "demo", "sk_x"))
    text = capture.get()
    for part in ("http://127.0.0.1:8080/watch/demo", "/studio", "/whip/demo", "sk_x", "█"):
        assert part in text


def test_the_key_is_not_among_the_arguments() -> None:
    command = phone_command("http://127.0.0.1:1/whip/demo")
    assert command[1:4] == ["-m", "mobile_sim", "publish"]
    assert "--key" not in command


async def test_a_phone_that_dies_is_started_again_and_ends_with_us(tmp_path: Path) -> None:
    keys: list[str] = []
    third = asyncio.Event()

    async def call_home(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keys.append((await reader.readline()).decode().strip())
        if len(keys) == 3:
            third.set()  # the third run is left alone and waits
        else:
            writer.close()

    home = await asyncio.start_server(call_home, "127.0.0.1", 0)
    port = home.sockets[0].getsockname()[1]
    program = (
        "import os, socket\n"
        f"home = socket.create_connection(('127.0.0.1', {port}))\n"
        "home.sendall(os.environ['MOBILE_SIM_KEY'].encode() + b'\\n')\n"
        "home.recv(1)\n"
    )
    command = [sys.executable, "-c", program]
    keeper = asyncio.create_task(keep_phone("x", "sk_k", tmp_path / "log", 0.001, command))
    async with asyncio.timeout(30):
        await third.wait()
    keeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeper
    home.close()
    assert keys == ["sk_k"] * 3
