"""`mobile-sim run`: a scenario, in simulated time or against a server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mobile_sim.device import coefficients
from mobile_sim.scenario import live, virtual
from mobile_sim.scenario.file import Scenario, ScenarioError
from mobile_sim.scenario.timeline import (
    CAVEAT,
    HEADING,
    Row,
    Timeline,
    clock,
    figures_lines,
    figures_object,
    row_line,
    row_object,
    worth_showing,
)
from mobile_sim.terminal import Json, Key, MaybeUrl, Token, fail, run

Show = Callable[[Row], None]

ScenarioFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, metavar="SCENARIO", help="A YAML file.")
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", dir_okay=False, metavar="PNG", help="Write a picture of it."),
]


def run_command(
    file: ScenarioFile,
    url: MaybeUrl = None,
    key: Key = None,
    simulated: Annotated[
        bool, typer.Option("--virtual", help="In simulated time, without media or server.")
    ] = False,
    no_adaptation: Annotated[
        bool, typer.Option("--no-adaptation", help="The phone does nothing about heat or size.")
    ] = False,
    both: Annotated[
        bool, typer.Option("--both", help="With and without adaptation, side by side.")
    ] = False,
    speed: Annotated[
        float,
        typer.Option(
            min=1, max=600, help="Against a server: the phone's time runs so much faster."
        ),
    ] = 1.0,
    watch: Annotated[
        bool, typer.Option("--watch", help="Against a server: watch it too, for the delay.")
    ] = False,
    token: Token = None,
    picture: Plot = None,
    as_json: Json = False,
) -> None:
    """Play a scenario: with --virtual in simulated time, with a WHIP address against a server."""
    if simulated == (url is not None):
        raise typer.BadParameter("give the address of a WHIP endpoint or --virtual, one of them")
    if both and (no_adaptation or not simulated):
        raise typer.BadParameter("--both goes with --virtual, and without --no-adaptation")
    if picture is not None and not picture.absolute().parent.is_dir():
        raise typer.BadParameter(f"{picture.parent} is no folder")
    try:
        scenario = Scenario.read(file)
    except ScenarioError as error:
        fail(f"[red]{escape(str(error))}[/]")
        raise typer.Exit(1) from None
    screen = Console(highlight=False, soft_wrap=True)
    if not as_json:
        _introduce(screen, scenario)
    timelines: list[Timeline] = []
    for adaptation in (True, False) if both else (not no_adaptation,):
        show = _show_json if as_json else _shower(screen)
        if url is None:
            timeline = virtual.play(scenario, adaptation, show)
        else:
            settings = live.LiveSettings(
                url=url, key=key, adaptation=adaptation, speed=speed, watch=watch, token=token
            )
            timeline = run(partial(_live, scenario, settings, show))
        timelines.append(timeline)
        _conclude(screen, timeline, as_json)
    if picture is not None and all(len(timeline) for timeline in timelines):
        # Here, because matplotlib takes its time, which no other command should wait for.
        from mobile_sim.scenario.plot import plot

        plot(timelines, picture)
        if not as_json:
            screen.print(f"[dim]the picture is in[/] {escape(str(picture))}")


async def _live(
    scenario: Scenario, settings: live.LiveSettings, show: Show, stop: asyncio.Event
) -> Timeline:
    return await live.play(scenario, settings, stop, show)


def _introduce(screen: Console, scenario: Scenario) -> None:
    origins = Counter(mark.origin.value for mark in coefficients.provenance().values())
    numbers = ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items()))
    screen.print(f"[bold]{escape(scenario.name)}[/], {clock(scenario.duration_s)}")
    screen.print(f"[dim]{CAVEAT} ({numbers})[/]")


def _shower(screen: Console) -> Show:
    before: Row | None = None
    screen.print(f"[bold]{HEADING}[/]")

    def show(row: Row) -> None:
        nonlocal before
        if worth_showing(row, before):
            screen.print(escape(row_line(row)))
        before = row

    return show


def _show_json(row: Row) -> None:
    print(json.dumps(row_object(row)), flush=True)


def _conclude(screen: Console, timeline: Timeline, as_json: bool) -> None:
    if not len(timeline):
        return
    if as_json:
        print(json.dumps(figures_object(timeline)), flush=True)
        return
    first, *rest = figures_lines(timeline)
    screen.print(f"[bold]{escape(first)}[/]")
    for line in rest:
        screen.print(escape(line))
