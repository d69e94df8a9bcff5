"""`sluice edge` and `sluice edge-config`: what stands between the origin and a mass audience."""

from __future__ import annotations

import resource
import shlex
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.markup import escape

from bridge.edge.app import Edge, EdgeLimits
from bridge.edge.config import EdgePlan, next_steps, write
from bridge.edge.upstream import HttpUpstream
from bridge.signed import Signer
from sluice import memory

SECRET_VARIABLE = "SLUICE_BRIDGE__SIGNING_SECRET"
"""The same as the origin's setting."""

console = Console()
errors = Console(stderr=True)


def edge_command(
    origin: Annotated[str, typer.Option(help="Sluice, or another edge: http://host:port.")],
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8090,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            help="The file with the origin's bridge.signing_secret, to check signed addresses "
            f"here. Default: {SECRET_VARIABLE}, and without it the origin is asked."
        ),
    ] = None,
    memory_mb: Annotated[int, typer.Option(min=16, help="For answers that are kept.")] = 256,
    stale_s: Annotated[
        int, typer.Option(min=0, max=3_600, help="How long old answers cover a lost origin.")
    ] = 60,
    waiters: Annotated[int, typer.Option(min=1, help="Requests that may wait.")] = 20_000,
    secret: Annotated[str | None, typer.Option(envvar=SECRET_VARIABLE, hidden=True)] = None,
) -> None:
    """Run a caching edge: many viewers cost the origin one request."""
    try:
        ip_address(host)
        upstream = HttpUpstream(origin)
        signer = _signer(secret_file, secret)
    except (OSError, ValueError) as error:
        raise _fail(str(error)) from None
    limits = EdgeLimits(memory_mb << 20, waiters, stale_s * 1_000)
    edge = Edge(upstream, signer, limits)
    if not ip_address(host).is_loopback:
        errors.print(
            "[yellow]Note:[/] an edge speaks plain HTTP and trusts slow clients. On the internet "
            "it stands behind something that ends TLS and has time limits."
        )
    _open_many_files()
    try:
        listener = _listen(host, port)
    except OSError as error:
        raise _fail(f"{host} port {port}: {error.strerror}. Choose another: --port.") from None
    with listener:
        console.print(f"The edge of {origin} listens on http://{_shown(host)}:{port}")
        memory.settle()
        EdgeServer(edge_server(edge, host, port)).run(sockets=[listener])


class EdgeServer(uvicorn.Server):
    """Ends without a traceback."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not the original: it raises the signal again after the end.
        self.force_exit = self.should_exit  # a second Ctrl-C waits for nothing
        self.should_exit = True


def edge_server(edge: Edge, host: str, port: int) -> uvicorn.Config:
    """How an edge is run: nothing between the parser and the app."""
    return uvicorn.Config(
        edge,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4_096,
        limit_concurrency=40_000,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16_384,
    )


def edge_config_command(
    server_name: Annotated[str, typer.Option(help="What viewers' addresses begin with.")],
    tls_cert: Annotated[Path, typer.Option(help="Certificate chain, PEM.")],
    tls_key: Annotated[Path, typer.Option(help="Its key, PEM.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    origin: Annotated[str, typer.Option(help="Sluice, seen from the edge.")] = "127.0.0.1:8080",
    listen: Annotated[str, typer.Option(help="A port, or address and port.")] = "443",
    varnish: Annotated[str, typer.Option(help="Where Varnish listens.")] = "127.0.0.1:6081",
    memory: Annotated[str, typer.Option(help="For Varnish's cache.")] = "256m",
    stale_s: Annotated[int, typer.Option(help="How long old answers cover a lost origin.")] = 60,
    address_rate: Annotated[
        int, typer.Option(help="Stream requests a second, and connections, of one address.")
    ] = 1_000,
    cache_dir: Annotated[Path, typer.Option(help="Where nginx keeps who may watch.")] = Path(
        "/var/lib/nginx/sluice-grants"
    ),
) -> None:
    """Write configurations of nginx and Varnish that make an edge."""
    try:
        plan = EdgePlan(
            origin=origin,
            server_name=server_name,
            tls_cert=str(tls_cert.absolute()),
            tls_key=str(tls_key.absolute()),
            listen=listen,
            varnish=varnish,
            cache_dir=str(cache_dir.absolute()),
            memory=memory,
            grace_s=stale_s,
            address_rate=address_rate,
        )
        options = {
            "origin": origin,
            "server-name": server_name,
            "tls-cert": plan.tls_cert,
            "tls-key": plan.tls_key,
            "listen": listen,
            "varnish": varnish,
            "memory": memory,
            "stale-s": str(stale_s),
            "address-rate": str(address_rate),
            "cache-dir": plan.cache_dir,
            "out": str(out),
        }
        written = write(plan, _command(options), out)
    except (OSError, ValueError) as error:
        raise _fail(str(error)) from None
    for path in written:
        console.print(f"Written: {path}", highlight=False, soft_wrap=True)
    console.print("\nNext, as root on the edge:")
    for step in next_steps(plan, out):
        console.print(f"  {step}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        "\nOn the origin, in sluice.yaml: server.public_url and server.trusted_proxies "
        "(docs/edges.md).",
        soft_wrap=True,
    )


def _command(options: dict[str, str]) -> str:
    words: Sequence[str] = [
        word for name, value in options.items() for word in (f"--{name}", value)
    ]
    return shlex.join(["sluice", "edge-config", *words])


def _signer(secret_file: Path | None, secret: str | None) -> Signer | None:
    """Raises OSError and ValueError."""
    if secret_file is not None:
        return Signer(secret_file.read_bytes().strip())
    return Signer(secret.encode()) if secret else None


def _listen(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _open_many_files() -> None:
    """Each viewer is one. Not the server's function of this kind: an edge needs no media plane."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _fail(text: str) -> typer.Exit:
    errors.print(f"[red]Error:[/] {escape(text)}", highlight=False)
    return typer.Exit(1)
