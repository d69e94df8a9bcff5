"""`sluice demo`: the server, a channel, and a simulated phone that publishes a test card."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import os
import sys
from pathlib import Path

import segno
import structlog
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from signaling.house import House
from signaling.server import serve
from sluice.config import Settings
from sluice.ids import ChannelId

log = structlog.get_logger(__name__)

PHONE_END_S = 3.0


async def run_demo(house: House, console: Console) -> None:
    """Serve with a demo channel and a phone until Ctrl-C. Raises CannotStart."""
    phone: asyncio.Task[None] | None = None

    async def ready(address: str) -> None:
        nonlocal phone
        key = await demo_key(house)
        channel = house.settings.demo.channel
        shown = house.settings.server.public_url or address
        console.print(invitation(shown, channel, key))
        if importlib.util.find_spec("mobile_sim") is None:
            console.print(
                "[yellow]mobile-sim is not installed, so no phone publishes. Install it with "
                "`pip install ./mobile-sim`, or publish from the studio.[/]"
            )
            return
        output = house.settings.storage.path / "demo-phone.log"
        restart_s = house.settings.demo.phone_restart_ms / 1000
        phone = asyncio.create_task(
            keep_phone(f"{address}/whip/{channel}", key, output, restart_s), name="demo-phone"
        )

    try:
        await serve(house, ready)
    finally:
        if phone is not None:
            phone.cancel()
            await asyncio.gather(phone, return_exceptions=True)


def for_demo(settings: Settings) -> Settings:
    """Visitors may write in the chat, and donations are pretended where no provider is set."""
    chat = settings.chat.model_copy(update={"guests": "write"})
    money = settings.money
    if money.provider == "none":
        money = money.model_copy(update={"provider": "fake"})
    return settings.model_copy(update={"chat": chat, "money": money})


async def demo_key(house: House) -> str:
    """A fresh key for the demo channel, which is made when it is not there."""
    demo = house.settings.demo
    channel = house.book.get(ChannelId(demo.channel))
    if channel is not None:
        return await house.book.rotate_key(channel)
    _, key = await house.book.create(ChannelId(demo.channel), demo.title, "public")
    return key


def invitation(origin: str, channel: str, key: str) -> Panel:
    """Addresses and a QR code for the terminal."""
    watch = f"{origin}/watch/{channel}"
    picture = io.StringIO()
    segno.make(watch, error="l").terminal(picture, compact=True)
    text = Text()
    text.append("Watch   ", "bold").append(watch, f"link {watch}").append("\n")
    text.append("Studio  ", "bold").append(f"{origin}/studio").append("\n")
    text.append("WHIP    ", "bold").append(f"{origin}/whip/{channel}").append("\n")
    text.append("Key     ", "bold").append(key).append("\n\n")
    text.append(Text.from_ansi(picture.getvalue()))
    text.append("\nA simulated phone publishes a test card. Ctrl-C ends everything.", "dim")
    return Panel(text, title="Sluice demo", expand=False)


def phone_command(endpoint: str) -> list[str]:
    """The phone's command line. Its key goes by environment: `ps` shows arguments to all."""
    return [sys.executable, "-m", "mobile_sim", "publish", endpoint, "--testcard"]


async def keep_phone(
    endpoint: str,
    key: str,
    output: Path,
    restart_s: float,
    command: list[str] | None = None,
) -> None:
    """Run the phone, and again after `restart_s` when it dies. Ends when cancelled."""
    environment = {**os.environ, "MOBILE_SIM_KEY": key}
    while True:
        with await asyncio.to_thread(output.open, "wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(command or phone_command(endpoint)),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        log.warning("the phone ended; it is started again", code=code, output=str(output))
        await asyncio.sleep(restart_s)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(PHONE_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
