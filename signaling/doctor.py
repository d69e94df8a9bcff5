"""`sluice doctor`: looks for what would stop a stream, and says what to do about it."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from signaling.refusals import open_settings, open_storage, weak_secrets
from sluice.config import Settings
from sluice.media import Codec

STUN_TIMEOUT_S = 2.0
MIN_FREE_BYTES = 500 * 1024 * 1024
_STUN_COOKIE = bytes.fromhex("2112a442")

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    status: Status
    detail: str
    todo: str = ""


async def examine(settings: Settings, file: Path | None = None) -> list[Check]:
    """All checks, in the order a person should read them. `file` holds the settings."""
    # Not above: it makes checks of the kind that is defined here.
    from signaling.doctor_recorder import examine_recorder

    checks = [
        check_python(),
        check_extension(),
        check_pages(),
        check_player(),
        check_encoder(settings),
        check_http_port(settings),
        *check_media_ports(settings),
        *check_addresses(settings),
        check_exposure(settings),
        check_secrets(settings, file),
        check_storage(settings),
        *await examine_recorder(settings),
    ]
    checks += await asyncio.gather(
        *(check_ice_server(url) for server in settings.ice_servers for url in server.urls)
    )
    if not settings.ice_servers:
        checks.append(
            Check(
                "ICE servers",
                "ok",
                "None configured; clients reach the media port directly.",
                "If viewers sit behind strict firewalls, add a TURN server to ice_servers.",
            )
        )
    return checks


def check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", "ok", f"Python {version} at {sys.executable}.")


def check_extension(load: Callable[[str], object] = importlib.import_module) -> Check:
    """The media plane, and what it forwards."""
    codecs = ", ".join(codec.value for codec in Codec)
    try:
        load("sfu._media")
    except ImportError as error:
        return Check(
            "Media plane",
            "fail",
            f"The native extension cannot be loaded: {error}.",
            "Build it: `make setup` in the project's folder.",
        )
    return Check("Media plane", "ok", f"Loaded; it forwards {codecs}.")


def check_pages() -> Check:
    from signaling.pages import WEB

    missing = [
        name for name in ("index.html", "watch.html", "studio.html") if not (WEB / name).is_file()
    ]
    if missing:
        return Check("Pages", "warn", f"{', '.join(missing)} not found.", "Install Sluice again.")
    return Check("Pages", "ok", "All pages are there.")


def check_player() -> Check:
    """hls.js, for browsers in which WebRTC cannot pass."""
    from signaling.pages import WEB

    if (WEB / "lib/hls.mjs").is_file():
        return Check("HLS player", "ok", "hls.js is there.")
    return Check(
        "HLS player",
        "warn",
        "hls.js is not installed: where WebRTC cannot pass, most browsers play nothing.",
        "Install Node 20 with npm, then run `make player` in the project's folder.",
    )


def check_encoder(settings: Settings) -> Check:
    """What makes smaller pictures for HLS, and all of them where the publisher's do not fit."""
    from bridge.transcode.encoder import EncoderMissing, chosen

    if settings.bridge.start == "never":
        return Check("Encoder", "ok", "Not needed: bridge.start is never.")
    try:
        name = chosen(settings.bridge.encoder)
    except EncoderMissing as error:
        return Check(
            "Encoder",
            "fail",
            f"No H.264 encoder can be opened: {error}.",
            "Set bridge.encoder to auto, or bridge.video to passthrough.",
        )
    return Check("Encoder", "ok", f"{name} opens.")


def check_http_port(settings: Settings) -> Check:
    server = settings.server
    what = f"TCP {server.host} port {server.port}"
    error = _try_bind(server.host, server.port, socket.SOCK_STREAM)
    if error is None:
        return Check("Web port", "ok", f"{what} is free.")
    return Check(
        "Web port",
        "warn",
        f"{what}: {error}.",
        "Right if Sluice runs already; else stop that program or set SLUICE_SERVER__PORT.",
    )


def check_media_ports(settings: Settings) -> list[Check]:
    """Each worker's UDP port, and its TCP port when ICE over TCP is on."""
    media = settings.media
    workers = media.workers or os.cpu_count() or 1
    kinds = [("UDP", socket.SOCK_DGRAM)]
    if media.tcp:
        kinds.append(("TCP", socket.SOCK_STREAM))
    checks = []
    for name, kind in kinds:
        ports = range(media.port, media.port + workers)
        if media.port == 0:
            checks.append(Check(f"Media ports {name}", "ok", "Chosen free at the start."))
            continue
        taken = [
            f"{port} ({error})"
            for port in ports
            if (error := _try_bind(media.host, port, kind)) is not None
        ]
        span = f"{name} {media.host} port {ports[0]}" + (f"-{ports[-1]}" if workers > 1 else "")
        if taken:
            checks.append(
                Check(
                    f"Media ports {name}",
                    "warn",
                    f"{span}: {', '.join(taken)}.",
                    "Right if Sluice runs already; else set SLUICE_MEDIA__PORT.",
                )
            )
        else:
            todo = (
                ""
                if ip_address(media.host).is_loopback
                else (f"Open {span} in the firewall: the web port alone carries no media.")
            )
            checks.append(Check(f"Media ports {name}", "ok", f"{span} is free.", todo))
    return checks


def check_addresses(settings: Settings) -> list[Check]:
    """Whether the addresses that clients are told can lead here."""
    media = settings.media
    host = ip_address(media.host)
    if not media.public_addresses:
        if host.is_loopback:
            return [
                Check(
                    "Media address",
                    "ok",
                    f"{host}: only this machine can connect.",
                    "For other devices set SLUICE_MEDIA__HOST (and a TLS proxy).",
                )
            ]
        if host.is_unspecified:
            return [
                Check(
                    "Media address",
                    "warn",
                    f"{host} is no address clients can use.",
                    "Set media.public_addresses to the address they should use.",
                )
            ]
        return [_judge_local(media.host, "media.host")]
    return [_judge_public(address) for address in media.public_addresses]


def check_exposure(settings: Settings) -> Check:
    server = settings.server
    if ip_address(server.host).is_loopback:
        return Check("Exposure", "ok", "The web server listens on loopback only.")
    if (server.public_url or "").startswith("https://"):
        return Check(
            "Exposure",
            "ok",
            f"Behind TLS at {server.public_url}.",
            "Let only the proxy reach the web port.",
        )
    what = f"{server.host} port {server.port} is open without TLS"
    todo = "Put a TLS proxy in front and set server.public_url: browsers give no camera on http."
    if server.allow_plain_http:
        return Check("Exposure", "warn", f"{what}, as server.allow_plain_http wants it.", todo)
    return Check("Exposure", "fail", f"{what}: `sluice serve` refuses that.", todo)


def check_secrets(settings: Settings, file: Path | None) -> Check:
    """Whether others can guess or read what opens doors: then `sluice serve` refuses to start."""
    try:
        found = [
            *weak_secrets(settings),
            None if file is None else open_settings(file),
            open_storage(settings.storage.path),
        ]
    except OSError as error:
        return Check(
            "Secrets", "fail", f"They cannot be looked at: {error}.", "Correct the rights."
        )
    refused = [text for text in found if text is not None]
    if refused:
        return Check("Secrets", "fail", " ".join(refused), "`sluice serve` refuses that.")
    return Check("Secrets", "ok", "Nobody else can read or guess them.")


def check_storage(settings: Settings) -> Check:
    """Whether the folder takes a file, and how much room is left."""
    path = settings.storage.path
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"sluice")
            probe.flush()
            os.fsync(probe.fileno())
        room = os.statvfs(path)
    except OSError as error:
        return Check(
            "Storage",
            "fail",
            f"{path} cannot be written: {error.strerror}.",
            "Free disk space, correct its rights, or set SLUICE_STORAGE__PATH.",
        )
    free = room.f_bavail * room.f_frsize
    text = f"{path} is writable; {free // 2**20} MiB are free."
    if free < MIN_FREE_BYTES:
        return Check("Storage", "warn", text, "Free disk space before you record.")
    return Check("Storage", "ok", text)


async def check_ice_server(url: str) -> Check:
    """Ask a STUN or TURN server for our address (TURN servers answer STUN too)."""
    name = f"ICE server {url}"
    scheme, host, port, transport = split_ice_url(url)
    try:
        if transport == "tcp":
            async with asyncio.timeout(STUN_TIMEOUT_S):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return Check(name, "ok", "Takes TCP connections.")
        address = await _stun_binding(host, port)
    except TimeoutError:
        return Check(
            name,
            "fail",
            f"No answer within {STUN_TIMEOUT_S:g} s.",
            f"Check that {scheme} runs on {host} port {port} and is not firewalled.",
        )
    except OSError as error:
        return Check(name, "fail", f"Cannot be reached: {error}.", "Check name, port and network.")
    return Check(name, "ok", f"Answers; it sees us as {address}.")


def split_ice_url(url: str) -> tuple[str, str, int, Literal["udp", "tcp"]]:
    """Scheme, host, port and transport of a URL of RFC 7064 or RFC 7065."""
    scheme, _, rest = url.partition(":")
    rest, _, query = rest.partition("?")
    secure = scheme.endswith("s")
    host, port = rest, 5349 if secure else 3478
    if rest.startswith("["):
        host, _, tail = rest[1:].partition("]")
        port = int(tail[1:]) if tail.startswith(":") else port
    elif ":" in rest:
        host, _, text = rest.rpartition(":")
        port = int(text)
    return scheme, host, port, "tcp" if secure or query == "transport=tcp" else "udp"


def worst(checks: Sequence[Check]) -> Status:
    """The most serious status."""
    order: list[Status] = ["ok", "warn", "fail"]
    return max((check.status for check in checks), key=order.index, default="ok")


def _judge_local(address: str, key: str) -> Check:
    ip = ip_address(address)
    error = _try_bind(address, 0, socket.SOCK_DGRAM)
    if error is not None:
        return Check(
            "Media address",
            "fail",
            f"{address} is no address of this machine: {error}.",
            f"Correct {key}; a public address behind NAT goes to media.public_addresses.",
        )
    if ip.is_private:
        return Check(
            "Media address",
            "warn",
            f"{address} is a private address.",
            "Right for a home network. For the internet set media.public_addresses to "
            "the public address that is forwarded here.",
        )
    return Check("Media address", "ok", f"{address} is an address of this machine.")


def _judge_public(address: str) -> Check:
    name = f"Public address {address}"
    if _try_bind(address, 0, socket.SOCK_DGRAM) is None:
        return Check(name, "ok", "It is an address of this machine.")
    if ip_address(address).is_private:
        return Check(
            name,
            "warn",
            "It is private and not of this machine.",
            "Only clients in that network can reach it; check for a typing error.",
        )
    return Check(
        name,
        "ok",
        "Not of this machine: taken as a 1:1 NAT (usual in clouds).",
        "The NAT must forward the media ports, UDP and TCP, with the same numbers.",
    )


def _try_bind(host: str, port: int, kind: socket.SocketKind) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


async def _stun_binding(host: str, port: int) -> str:
    """A binding request (RFC 8489); the address in the answer. Raises OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = found[0]
    transaction = secrets.token_bytes(12)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
        async with asyncio.timeout(STUN_TIMEOUT_S):
            await loop.sock_sendall(sock, b"\x00\x01\x00\x00" + _STUN_COOKIE + transaction)
            while True:
                answer = await loop.sock_recv(sock, 2048)
                if answer[:2] == b"\x01\x01" and answer[8:20] == transaction:
                    return _mapped_address(answer)


def _mapped_address(answer: bytes) -> str:
    at = 20
    while at + 4 <= len(answer):
        kind = int.from_bytes(answer[at : at + 2], "big")
        size = int.from_bytes(answer[at + 2 : at + 4], "big")
        value = answer[at + 4 : at + 4 + size]
        if kind == 0x0020 and len(value) >= 8 and value[1] == 1:  # XOR-MAPPED-ADDRESS, IPv4
            raw = bytes(a ^ b for a, b in zip(value[4:8], _STUN_COOKIE, strict=True))
            return socket.inet_ntoa(raw)
        at += 4 + (size + 3) // 4 * 4
    return "an address it did not tell"
