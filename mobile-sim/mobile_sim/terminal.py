"""What all commands of the command line share: addresses, durations, and how a run ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from mobile_sim.clip import ClipError
from mobile_sim.whip import Refused

T = TypeVar("T")
Work = Callable[[asyncio.Event], Awaitable[T]]

errors = Console(stderr=True)


def parse_url(text: str) -> str:
    """Return the URL if it is one for HTTP."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{text!r} is no http:// or https:// address")
    return text


Url = Annotated[str, typer.Argument(parser=parse_url, metavar="URL")]
MaybeUrl = Annotated[str | None, typer.Argument(parser=parse_url, metavar="URL")]
Key = Annotated[str | None, typer.Option(envvar="MOBILE_SIM_KEY", help="The channel's stream key.")]
Token = Annotated[str | None, typer.Option(envvar="MOBILE_SIM_TOKEN", help="A viewer token.")]
Duration = Annotated[
    float | None, typer.Option(min=0.1, help="Seconds until it ends by itself.", metavar="S")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]


def run(work: Work[T], duration: float | None = None) -> T:
    """Run until done, interrupted or `duration` is over; a failure ends with exit code 1."""
    try:
        return asyncio.run(_until_stopped(work, duration))
    except Refused as error:
        hint = " (is the key right?)" if error.status in (401, 403) else ""
        fail(f"[red]The server refused:[/] {escape(str(error))}{hint}")
    except (ClipError, ValueError) as error:
        fail(f"[red]{escape(str(error))}[/]")
    raise typer.Exit(1)


def fail(text: str) -> None:
    """Print to standard error, in rich's markup."""
    errors.print(text, highlight=False, soft_wrap=True)


async def _until_stopped(
    work: Callable[[asyncio.Event], Awaitable[T]], duration: float | None
) -> T:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if duration is not None:
        loop.call_later(duration, stop.set)
    return await work(stop)
