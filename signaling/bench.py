"""`sluice bench`: measure a server from outside. The last line it prints is one JSON object."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from signaling.load_client import LoadClient
from signaling.load_door import LoadFailed, WhepDoor
from signaling.load_result import LoadResult, MediaFigures, Spread
from signaling.load_run import LoadRun, Plan
from signaling.process_meter import ProcessGone, ProcessMeter

bench_app = typer.Typer(help="Measure a server.", no_args_is_help=True)


@bench_app.callback()
def bench() -> None:
    """Measure a server from outside, over loopback or a network."""


@dataclasses.dataclass(frozen=True, slots=True)
class ClientOptions:
    """How the load client behaves; see the Rust crate's `LoadConfig`."""

    bind: str
    max_viewers: int
    verify_every: int
    loss: float
    seed: int
    pli_per_second: float
    data_channel: bool
    twcc: bool
    gro: bool
    publisher_bitrate: int
    publisher_layers: int


@bench_app.command("sfu")
def sfu_command(
    url: Annotated[str, typer.Option(help="WHEP endpoint, http://host/whep/channel")],
    viewers: Annotated[int, typer.Option(min=1, max=50_000)] = 100,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Joins a second.")] = 50.0,
    seconds: Annotated[float, typer.Option(min=0.5, max=86_400, help="Measuring window.")] = 10.0,
    token: Annotated[str | None, typer.Option(help="Viewer token.")] = None,
    publish_url: Annotated[
        str | None, typer.Option(help="WHIP endpoint to publish a synthetic stream to.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Stream key of --publish-url.")] = None,
    bitrate: Annotated[int, typer.Option(help="Of the synthetic video, bit/s.")] = 2_500_000,
    layers: Annotated[
        int,
        typer.Option(
            min=1,
            max=3,
            help="Simulcast encodings of --publish-url: 3 = q, h and f, at 1/16, 1/4 and all of "
            "--bitrate.",
        ),
    ] = 1,
    server_pid: Annotated[
        int | None,
        typer.Option(
            help="Process on this machine, for its CPU and memory: the server, or its media plane."
        ),
    ] = None,
    verify_every: Annotated[
        int,
        typer.Option(
            min=0,
            help="Decrypt every n-th viewer in full. The others send no RTCP for media.",
        ),
    ] = 1,
    loss: Annotated[float, typer.Option(min=0, max=0.99, help="Part to drop on arrival.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of --loss.")] = 1,
    pli_rate: Annotated[
        float, typer.Option(min=0, max=100, help="Keyframe requests a second of every viewer.")
    ] = 0.0,
    data_channel: Annotated[bool, typer.Option(help="Open the `echo` data channel.")] = True,
    twcc: Annotated[bool, typer.Option(help="Offer transport-wide feedback.")] = True,
    gro: Annotated[
        bool, typer.Option(help="UDP_GRO: cheaper client, but it flatters a server on loopback.")
    ] = False,
    bind: Annotated[str, typer.Option(help="Local address of the viewers.")] = "127.0.0.1",
    only_json: Annotated[bool, typer.Option("--json", help="Print the JSON line only.")] = False,
) -> None:
    """Join viewers to a WHEP server and measure loss, delay, and what a packet costs it."""
    plan = Plan(viewers, rate, seconds)
    door = WhepDoor(url, token, publish_url, key)
    options = ClientOptions(
        bind=bind,
        max_viewers=viewers,
        verify_every=verify_every,
        loss=loss,
        seed=seed,
        pli_per_second=pli_rate,
        data_channel=data_channel,
        twcc=twcc,
        gro=gro,
        publisher_bitrate=bitrate,
        publisher_layers=layers,
    )
    err = Console(stderr=True)
    try:
        meter = ProcessMeter(server_pid) if server_pid is not None else None
        run = LoadRun(plan, load_client(options), door, meter)
        result = _with_progress(run, err, hidden=only_json)
    except (LoadFailed, ProcessGone, OSError, ValueError) as error:
        err.print(f"[red]bench failed:[/red] {error}")
        raise typer.Exit(1) from error
    if not only_json:
        Console().print(table(result))
    typer.echo(json.dumps(dataclasses.asdict(result), separators=(",", ":")))


def load_client(options: ClientOptions) -> LoadClient:
    """Start the native load client. Raises OSError or ValueError."""
    from sfu.native import LoadViewers

    client: LoadClient = LoadViewers(**dataclasses.asdict(options))
    return client


def table(result: LoadResult) -> Table:
    """The figures for the human."""
    grid = Table(title=f"{result.joined} of {result.viewers} viewers", show_header=False)
    grid.add_column(style="bold")
    grid.add_column()
    rows: list[tuple[str, str]] = [
        ("connected / receiving", f"{result.connected} / {result.receiving}"),
        ("packets", f"{result.packets_per_s:,.0f}/s, {result.mbit_per_s:,.1f} Mbit/s"),
        ("video", _media(result.video)),
        ("audio", _media(result.audio)),
        ("offer to connected", _spread(result.join_connected)),
        ("offer to first packet", _spread(result.join_packet)),
        ("offer to keyframe", _spread(result.join_keyframe)),
        ("video delay", _spread(result.video_latency)),
        ("audio delay", _spread(result.audio_latency)),
        ("echo round trip", _spread(result.echo_rtt)),
        ("feedback sent", f"{result.nacks} NACK, {result.plis} PLI"),
        ("client CPU", f"{result.client_cpu_percent} % of a core"),
    ]
    if result.delivered_percent is not None:
        rows.append(("delivered of what was published", f"{result.delivered_percent} %"))
    if server := result.server:
        rows += [
            ("server CPU", f"{server.cpu_percent} %, {server.us_per_packet} us a packet"),
            ("viewers a core", f"{server.viewers_per_core:,}"),
            ("server memory", f"{server.rss_kb:,} kB, {server.kb_per_viewer} kB a viewer"),
        ]
    rows += [("refused", f"{count} x {why}") for why, count in result.refused.items()]
    rows += [("doubt", f"[yellow]{doubt}[/yellow]") for doubt in result.doubts]
    rows += [("error", f"[red]{error}[/red]") for error in result.errors]
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _with_progress(run: LoadRun, console: Console, hidden: bool) -> LoadResult:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=hidden) as progress:
        run.progress = _teller(progress)
        return asyncio.run(run.measure())


def _teller(progress: Progress) -> Callable[[str, int, int], None]:
    tasks = {phase: progress.add_task(phase, total=None) for phase in ("join", "watch")}

    def tell(phase: str, done: int, total: int) -> None:
        progress.update(tasks[phase], completed=done, total=total)

    return tell


def _spread(spread: Spread) -> str:
    if spread.count == 0:
        return "-"
    return (
        f"p50 {spread.p50_ms:.1f}  p95 {spread.p95_ms:.1f}  p99 {spread.p99_ms:.1f}  "
        f"max {spread.max_ms:.1f} ms  ({spread.count:,})"
    )


def _media(figures: MediaFigures) -> str:
    return (
        f"{figures.packets:,} packets, {figures.lost:,} lost ({figures.loss_percent} %), "
        f"{figures.recovered:,} recovered, {figures.restarts} restarts"
    )
