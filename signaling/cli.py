"""The `sluice` command."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from signaling import logs
from signaling.app import build_house
from signaling.bench import bench_app
from signaling.demo import for_demo, run_demo
from signaling.doctor import examine, worst
from signaling.edge_cli import edge_command, edge_config_command
from signaling.entry import become_keeper, wants_keeper
from signaling.heartbeat import Heart, find_heart
from signaling.house import House
from signaling.refusals import refusals
from signaling.server import CannotStart, serve
from signaling.vod_cli import vod_app
from sluice.auth import hash_secret, new_admin_token
from sluice.channels import ChannelBook
from sluice.clock import SystemClock
from sluice.config import ConfigError, Settings, find, load
from sluice.errors import Problem
from sluice.ids import ChannelId, parse_channel_id
from sluice.storage import Channel, Store

T = TypeVar("T")

app = typer.Typer(
    name="sluice",
    help="Live streaming that a person can run: WebRTC in, an SFU out, one command.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
)
channel_app = typer.Typer(help="Channels and their stream keys.", no_args_is_help=True)
admin_app = typer.Typer(help="The admin token.", no_args_is_help=True)
app.add_typer(channel_app, name="channel")
app.add_typer(admin_app, name="admin")
app.add_typer(bench_app, name="bench")
app.add_typer(vod_app, name="vod")
app.command("edge", epilog="Example: `sluice edge --origin https://live.example.org`")(edge_command)
app.command(
    "edge-config",
    epilog="Example: `sluice edge-config --server-name live.example.org --tls-cert live.pem "
    "--tls-key live.key --out edge`",
)(edge_config_command)

console = Console()
errors = Console(stderr=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file. Default: ./sluice.yaml if it is there."),
]
ChannelArgument = Annotated[str, typer.Argument(help="The channel's name: a-z, 0-9, _ and -.")]


def main() -> None:
    """All commands. `signaling.entry` is the way in that people use."""
    app()


@app.command("serve", epilog="Example: `SLUICE_SERVER__PORT=9000 sluice serve`")
def serve_command(
    config: ConfigOption = None,
    heartbeat_fd: Annotated[
        int | None, typer.Option(hidden=True, help="Given by the keeper to its child.")
    ] = None,
) -> None:
    """Run the server until Ctrl-C. It is started again when it dies or hangs."""
    heart = find_heart(heartbeat_fd)
    try:
        settings = _for_strangers(config)
        if heartbeat_fd is None and wants_keeper(settings.server):
            become_keeper(settings.server)
        _serve(settings, heart)
    except typer.Exit as end:
        if end.exit_code == 1:  # the user was told what is in the way
            heart.unfit()
        raise


def _serve(settings: Settings, heart: Heart) -> None:
    # Who finds the loop hanging sends SIGABRT: then each thread says where it stands, and the
    # memory, with all keys in it, is not written to a file.
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    house = _house(settings)

    async def ready(address: str) -> None:
        _show_admin_token(house)
        console.print(f"Sluice listens on {house.settings.server.public_url or address}")

    _run(serve(house, ready, heart=heart))


@app.command("demo", epilog="Example: `sluice demo`, then open the address it prints.")
def demo_command(config: ConfigOption = None) -> None:
    """Run the server with a demo channel and a simulated phone that publishes."""
    house = _house(for_demo(_for_strangers(config)))
    _show_admin_token(house)
    _run(run_demo(house, console))


@app.command("doctor", epilog="Example: `sluice doctor --json`")
def doctor_command(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look for what would stop a stream, and say what to do. Exit code 1 when something fails."""
    checks = asyncio.run(examine(_settings(config), find(config)))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        marks = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}
        for check in checks:
            console.print(f"{marks[check.status]:>18}  [bold]{check.name}[/]: {check.detail}")
            if check.todo:
                console.print(f"          {check.todo}", style="dim")
    raise typer.Exit(1 if worst(checks) == "fail" else 0)


@channel_app.command("create", epilog="Example: `sluice channel create lina --title 'Lina live'`")
def create_channel(
    channel: ChannelArgument,
    title: Annotated[str, typer.Option(help="What viewers read. Default: the name.")] = "",
    access: Annotated[
        Literal["public", "token"], typer.Option(help="token: viewers need a viewer token.")
    ] = "public",
    config: ConfigOption = None,
) -> None:
    """Make a channel and print its stream key, this once."""
    name = _channel_id(channel)
    settings = _settings(config)

    async def work(book: ChannelBook) -> str:
        _, key = await book.create(name, title or channel, access)
        return key

    console.print(f"Stream key of {channel} (shown once): [bold]{_with_book(settings, work)}[/]")


@channel_app.command("list", epilog="Example: `sluice channel list --json`")
def list_channels(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """All channels."""

    async def work(book: ChannelBook) -> list[Channel]:
        return book.all()

    channels = _with_book(_settings(config), work)
    if as_json:
        rows = [
            {
                "channel": c.id,
                "title": c.title,
                "access": c.access,
                "has_key": c.key_hash is not None,
            }
            for c in channels
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("Channel", "Title", "Access", "Key")
    for c in channels:
        table.add_row(c.id, c.title, c.access, "set" if c.key_hash is not None else "revoked")
    console.print(table)


@channel_app.command("rotate", epilog="Example: `sluice channel rotate lina`")
def rotate_key(channel: ChannelArgument, config: ConfigOption = None) -> None:
    """Make a new stream key. Who publishes by the old one is closed within two seconds."""
    name = _channel_id(channel)

    async def work(book: ChannelBook) -> str:
        return await book.rotate_key(_existing(book, name))

    key = _with_book(_settings(config), work)
    console.print(f"New stream key of {channel} (shown once): [bold]{key}[/]")


@channel_app.command("revoke", epilog="Example: `sluice channel revoke lina`")
def revoke_key(channel: ChannelArgument, config: ConfigOption = None) -> None:
    """Revoke the stream key. The publisher is closed within two seconds."""
    name = _channel_id(channel)

    async def work(book: ChannelBook) -> None:
        await book.revoke_key(_existing(book, name))

    _with_book(_settings(config), work)
    console.print(f"The stream key of {channel} is revoked. `sluice channel rotate` makes one.")


@admin_app.command("rotate", epilog="Example: `sluice admin rotate`")
def rotate_admin(config: ConfigOption = None) -> None:
    """Make a new admin token and print it, this once. A running server must be restarted."""
    settings = _settings(config)
    if settings.auth.admin_token is not None:
        raise _fail("auth.admin_token is set in the settings; change it there.")
    token = new_admin_token()
    store = _store(settings)
    store.set_secret("admin_token_hash", hash_secret(token))
    store.close()
    console.print(f"New admin token (shown once): [bold]{token}[/]")


def _for_strangers(config: Path | None) -> Settings:
    """Settings that a server may start with; from now on, what is made here is for us alone."""
    settings = _settings(config)
    os.umask(0o077)
    try:
        refused = refusals(settings, find(config))
    except OSError as error:
        raise _fail(str(error)) from None
    if refused:
        raise _fail("\n".join(refused))
    return settings


def _settings(config: Path | None) -> Settings:
    try:
        settings = load(config)
    except ConfigError as error:
        raise _fail(str(error)) from None
    logs.configure(settings.server)
    return settings


def _house(settings: Settings) -> House:
    try:
        return build_house(settings)
    except ConfigError as error:
        raise _fail(str(error)) from None
    except ImportError as error:
        raise _fail(f"The media plane cannot be loaded: {error}. Run `sluice doctor`.") from None
    except (OSError, sqlite3.Error) as error:
        raise _fail(_storage_text(settings, error)) from None


def _store(settings: Settings) -> Store:
    try:
        return Store(settings.storage.path)
    except (OSError, sqlite3.Error) as error:
        raise _fail(_storage_text(settings, error)) from None


def _storage_text(settings: Settings, error: Exception) -> str:
    return (
        f"storage.path {settings.storage.path}: {error}. Correct its rights, free disk space or "
        "set SLUICE_STORAGE__PATH."
    )


def _run(work: Coroutine[None, None, None]) -> None:
    try:
        uvloop.run(work)
    except CannotStart as error:
        raise _fail(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _with_book(settings: Settings, work: Callable[[ChannelBook], Awaitable[T]]) -> T:
    """Run `work` on the channels, beside a server that may be running."""
    store = _store(settings)

    async def run() -> T:
        book = ChannelBook(store, SystemClock(), settings.limits.channels)
        await book.refresh()
        return await work(book)

    try:
        return asyncio.run(run())
    except Problem as problem:
        raise _fail(f"{problem.detail} {problem.kind.todo}") from None
    finally:
        store.close()


def _existing(book: ChannelBook, name: ChannelId) -> Channel:
    channel = book.get(name)
    if channel is None:
        raise Problem("channel-unknown", f"There is no channel {name!r}.")
    return channel


def _channel_id(text: str) -> ChannelId:
    channel = parse_channel_id(text)
    if channel is None:
        raise _fail(f"{text!r} cannot name a channel: use 1 to 64 of a-z, 0-9, _ and -.")
    return channel


def _show_admin_token(house: House) -> None:
    if house.new_admin_token is not None:
        console.print(
            f"Admin token (shown once, kept hashed): [bold]{house.new_admin_token}[/]\n"
            "Lost it? `sluice admin rotate` makes a new one."
        )


def _fail(text: str) -> typer.Exit:
    errors.print(f"[red]Error:[/] {escape(text)}", highlight=False)
    return typer.Exit(1)
