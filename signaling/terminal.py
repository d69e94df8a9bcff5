"""What commands share: where they print, where settings come from, and how they end.

Results go to the standard output; bars, notes and errors to the standard error, so that a program
that reads the one is not disturbed by the other.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn

from recorder.jobs.queue import QueueDown
from recorder.recording import NotARecording
from recorder.store.failures import StoreError
from signaling import logs
from sluice.config import ConfigError, Settings, load
from sluice.database import DatabaseDown
from sluice.errors import Problem

T = TypeVar("T")

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file. Default: ./sluice.yaml if it is there."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]

console = Console()
errors = Console(stderr=True)


def settings_of(config: Path | None, *, quiet: bool = True) -> Settings:
    """Read them, and set up logging. `quiet`: only what is wrong is logged; the command speaks
    for itself. Ends the command where they are wrong."""
    try:
        settings = load(config)
    except ConfigError as error:
        raise fail(str(error)) from None
    server = settings.server
    if quiet and server.log_level in ("debug", "info"):
        server = server.model_copy(update={"log_level": "warning"})
    logs.configure(server)
    return settings


def run(work: Coroutine[None, None, T]) -> T:
    """Run it to its end. What may fail in it ends the command with a sentence."""
    try:
        return asyncio.run(work)
    except Problem as problem:
        raise fail(f"{problem.detail} {problem.kind.todo}") from None
    except DatabaseDown as error:
        raise fail(f"The catalog cannot be used: {error}") from None
    except QueueDown as error:
        raise fail(f"The job queue cannot be used: {error}") from None
    except (ConfigError, NotARecording, StoreError, OSError, sqlite3.Error) as error:
        raise fail(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def say(text: str) -> None:
    """A sentence, on one line however long it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def say_json(value: object) -> None:
    """For programs. Times have their unit in their name."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=1))


def note(text: str) -> None:
    """What is good to know, beside the result."""
    errors.print(f"[yellow]Note:[/] {escape(text)}", highlight=False, soft_wrap=True)


def fail(text: str) -> typer.Exit:
    """To be raised: the command ends with exit code 1."""
    errors.print(f"[red]Error:[/] {escape(text)}", highlight=False, soft_wrap=True)
    return typer.Exit(1)


def bars(*, of_bytes: bool = False) -> Progress:
    """Bars that vanish when the work is done; nothing where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *([DownloadColumn()] if of_bytes else []),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
