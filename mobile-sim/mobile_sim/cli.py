"""The command line: `mobile-sim publish`, `watch`, `crowd` and `run`."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mobile_sim.crowd import CrowdReport, CrowdSettings, Transport, crowd
from mobile_sim.encoder import VideoCodec, VideoSettings
from mobile_sim.line import Connecting, EndFailed, Live, Restarted, Restarting, Retrying
from mobile_sim.publish import PublishEvent, PublishSettings, Sending, publish
from mobile_sim.scenario.command import run_command
from mobile_sim.sound import SoundKind
from mobile_sim.terminal import Duration, Json, Key, Token, Url, run
from mobile_sim.viewing import Report
from mobile_sim.watch import WatchEvent, watch

MAX_SIDE = 3840
Event = PublishEvent | WatchEvent | CrowdReport

app = typer.Typer(
    help="A phone in software: publishes over WHIP, watches over WHEP.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they would show the key
)


app.command("run")(run_command)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    app()


def parse_bitrate(text: str) -> int:
    """Return bits per second from `800000`, `2500k` or `2.5M`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.strip())
    if not found:
        raise typer.BadParameter(f"{text!r} is no bitrate; write 2500k or 2.5M")
    bitrate = int(float(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()])
    if not 50_000 <= bitrate <= 50_000_000:
        raise typer.BadParameter(f"{text} is not between 50k and 50M")
    return bitrate


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height from `1280x720`."""
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text.strip())
    if not found:
        raise typer.BadParameter(f"{text!r} is no size; write 1280x720")
    width, height = int(found[1]), int(found[2])
    if width % 2 or height % 2 or max(width, height) > MAX_SIDE:
        raise typer.BadParameter(f"{text}: both must be even and at most {MAX_SIDE}")
    return width, height


@app.command("publish")
def publish_command(
    url: Url,
    key: Key = None,
    clip: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A media file to loop.")
    ] = None,
    testcard: Annotated[bool, typer.Option("--testcard", help="The default picture.")] = False,
    codec: Annotated[VideoCodec, typer.Option()] = VideoCodec.H264,
    bitrate: Annotated[str, typer.Option(help="Of the video.", metavar="BITS")] = "2500k",
    size: Annotated[str, typer.Option(metavar="WxH")] = "1280x720",
    fps: Annotated[int, typer.Option(min=1, max=60)] = 30,
    gop: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds between keyframes.")] = 2.0,
    audio: Annotated[SoundKind, typer.Option()] = SoundKind.TONE,
    duration: Duration = None,
    as_json: Json = False,
) -> None:
    """Publish a test card or a clip to the WHIP endpoint URL until interrupted."""
    if clip and testcard:
        raise typer.BadParameter("--clip and --testcard exclude each other")
    width, height = parse_size(size)
    settings = PublishSettings(
        url=url,
        key=key,
        width=width,
        height=height,
        video=VideoSettings(codec, parse_bitrate(bitrate), fps, gop),
        clip=clip,
        sound=audio,
    )
    show = _shower(as_json)
    run(lambda stop: publish(settings, stop, show), duration)


@app.command("watch")
def watch_command(
    url: Url,
    token: Token = None,
    duration: Duration = None,
    as_json: Json = False,
) -> None:
    """Watch the WHEP endpoint URL and print latency, loss and freezes each second."""
    show = _shower(as_json)
    total = run(lambda stop: watch(url, token, stop, show), duration)
    if as_json:
        print(json.dumps({"event": "total", **asdict(total)}), flush=True)
    else:
        Console(highlight=False).print(f"[bold]in all[/]  {_report_line(total)}")


@app.command("crowd")
def crowd_command(
    url: Url,
    viewers: Annotated[int, typer.Option(min=1, max=5_000)] = 20,
    messages: Annotated[
        float,
        typer.Option("--messages-per-second", min=0, max=10_000, help="Of all together."),
    ] = 2.0,
    transport: Annotated[Transport, typer.Option(help="How they come into the room.")] = (
        Transport.WS
    ),
    token: Token = None,
    duration: Duration = None,
    as_json: Json = False,
) -> None:
    """Have guests talk in the room of the channel that URL ends with, such as a WHEP address."""
    settings = CrowdSettings(url, viewers, messages, transport, token)
    show = _shower(as_json)
    total = run(lambda stop: crowd(settings, stop, show), duration)
    if as_json:
        print(json.dumps({"event": "total", **asdict(total)}), flush=True)
    else:
        Console(highlight=False).print(f"[bold]in all[/]  {_crowd_line(total)}")


def _shower(as_json: bool) -> Callable[[Event], None]:
    if as_json:
        return _show_json
    console = Console(highlight=False)
    return lambda event: console.print(_event_line(event))


def _show_json(event: Event) -> None:
    named = {Report: "watching", CrowdReport: "talking"}
    name = named.get(type(event), type(event).__name__.lower())
    print(json.dumps({"event": name, **asdict(event)}), flush=True)


def _event_line(event: Event) -> str:
    match event:
        case Connecting():
            return "[dim]connecting[/]" + (
                f" (attempt {event.attempt + 1})" if event.attempt else ""
            )
        case Live():
            return f"[green]live[/] after {event.connect_ms} ms"
        case Restarting():
            return f"[yellow]{escape(event.reason)}[/]; ICE restart"
        case Restarted():
            return f"[green]another path[/] after {event.took_ms} ms"
        case Retrying():
            return f"[yellow]{escape(event.reason)}[/]; again in {event.wait_ms / 1000:.1f} s"
        case EndFailed():
            return f"[yellow]could not end the session:[/] {escape(event.reason)}"
        case Sending():
            rtt = "" if event.rtt_ms is None else f"  rtt {event.rtt_ms:.0f} ms"
            return (
                f"{event.frames:6} frames  {event.bitrate / 1000:5.0f} kbit/s  "
                f"skipped {event.skipped}  lost {event.packets_lost}{rtt}  cpu {event.cpu:.0%}"
            )
        case Report():
            return _report_line(event)
        case CrowdReport():
            return _crowd_line(event)


def _report_line(report: Report) -> str:
    if report.latency_ms_p50 is None:
        latency = "latency unknown"
    else:
        latency = f"latency {report.latency_ms_p50} ms (p95 {report.latency_ms_p95})"
    return (
        f"{report.frames:4} frames  {latency}  lost {report.lost}  "
        f"freezes {report.freezes} ({report.frozen_ms} ms)  unreadable {report.unreadable}"
    )


def _crowd_line(report: CrowdReport) -> str:
    delay = "" if report.delay_ms_p50 is None else f"  delay {report.delay_ms_p50} ms"
    faults = f"[red]{report.holes} holes, {report.repeats} repeats[/]  "
    return (
        f"{report.present:5} there  said {report.said}  acked {report.acked}  "
        f"heard {report.heard}{delay}  gaps {report.gaps}  "
        + (faults if report.holes or report.repeats else "")
        + f"reactions {report.reactions}"
    )
