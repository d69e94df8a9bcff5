"""`sluice doctor`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bridge.transcode.encoder import EncoderMissing
from signaling.doctor import (
    Check,
    check_addresses,
    check_encoder,
    check_exposure,
    check_extension,
    check_http_port,
    check_ice_server,
    check_media_ports,
    check_secrets,
    check_storage,
    examine,
    split_ice_url,
    worst,
)
from sluice.config import Settings


def settings(**sections: object) -> Settings:
    return Settings(**sections)  # type: ignore[arg-type]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        yield port


def test_a_missing_extension_fails_and_says_how_to_build_it() -> None:
    def load(name: str) -> object:
        raise ImportError(f"No module named {name}")

    check = check_extension(load)
    assert check.status == "fail"
    assert "make setup" in check.todo
    assert "vp8" in check_extension(lambda _: None).detail


def test_an_encoder_that_is_not_there_fails_and_says_what_else_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert check_encoder(settings(bridge={"encoder": "libx264"})).detail == "libx264 opens."

    def none(wanted: str) -> str:
        raise EncoderMissing(f"no encoder opens: {wanted}")

    monkeypatch.setattr("bridge.transcode.encoder.chosen", none)
    missing = check_encoder(settings())
    assert missing.status == "fail"
    assert "bridge.encoder" in missing.todo
    assert check_encoder(settings(bridge={"start": "never"})).status == "ok"


def test_a_taken_port_is_named(taken: int) -> None:
    check = check_http_port(settings(server={"port": taken}))
    assert (check.status, str(taken) in check.detail) == ("warn", True)
    udp, tcp = check_media_ports(settings(media={"port": taken, "workers": 1}))
    assert (udp.status, tcp.status) == ("warn", "warn")
    assert str(taken) in udp.detail


@pytest.mark.parametrize(
    ("media", "status", "words"),
    [
        ({}, "ok", "only this machine"),
        ({"host": "0.0.0.0"}, "warn", "no address clients can use"),
        ({"host": "203.0.113.9"}, "fail", "no address of this machine"),
        ({"public_addresses": ["127.0.0.1"]}, "ok", "of this machine"),
        ({"public_addresses": ["8.8.8.8"]}, "ok", "1:1 NAT"),
        ({"public_addresses": ["10.255.255.1"]}, "warn", "private"),
    ],
)
def test_what_it_says_of_addresses(media: dict[str, object], status: str, words: str) -> None:
    [check] = check_addresses(settings(media=media))
    assert (check.status, words in check.detail) == (status, True), check


def test_an_open_port_without_tls_is_a_warning() -> None:
    assert check_exposure(settings()).status == "ok"
    assert check_exposure(settings(server={"host": "0.0.0.0"})).status == "fail"
    wanted = {"host": "0.0.0.0", "allow_plain_http": True}
    assert check_exposure(settings(server=wanted)).status == "warn"
    behind = {"host": "0.0.0.0", "public_url": "https://live.example.org"}
    assert check_exposure(settings(server=behind)).status == "ok"


def test_a_folder_that_cannot_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked = settings(storage={"path": tmp_path / "file" / "folder"})
    assert check_storage(blocked).status == "fail"
    assert check_storage(settings(storage={"path": tmp_path / "new"})).status in ("ok", "warn")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("stun:s.example", ("stun", "s.example", 3478, "udp")),
        ("turn:s.example:99?transport=tcp", ("turn", "s.example", 99, "tcp")),
        ("turns:s.example", ("turns", "s.example", 5349, "tcp")),
        ("stun:[2001:db8::1]:99", ("stun", "2001:db8::1", 99, "udp")),
    ],
)
def test_ice_urls_are_taken_apart(url: str, parts: tuple[str, str, int, str]) -> None:
    assert split_ice_url(url) == parts


async def test_a_stun_server_that_answers_is_ok() -> None:
    class Stun(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            cookie = data[4:8]
            raw = bytes(a ^ b for a, b in zip(socket.inet_aton("192.0.2.5"), cookie, strict=True))
            value = b"\x00\x01\x00\x00" + raw
            attribute = b"\x00\x20" + len(value).to_bytes(2, "big") + value
            self.transport.sendto(b"\x01\x01\x00\x0c" + data[4:20] + attribute, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Stun, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    check = await check_ice_server(f"stun:127.0.0.1:{port}")
    transport.close()
    assert check.status == "ok"
    assert "192.0.2.5" in check.detail


async def test_a_server_that_is_not_there_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.doctor.STUN_TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        check = await check_ice_server(f"stun:127.0.0.1:{silent.getsockname()[1]}")
    assert check.status == "fail"


async def test_the_whole_examination_names_each_check_once(tmp_path: Path) -> None:
    checks = await examine(settings(storage={"path": tmp_path}))
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    assert {"Media plane", "Web port", "Storage"} <= set(names)


def test_the_worst_status_decides() -> None:
    ok, warn, fail = (Check("x", status, "") for status in ("ok", "warn", "fail"))
    assert worst([ok, fail, warn]) == "fail"
    assert worst([ok, warn]) == "warn"
    assert worst([]) == "ok"


def test_secrets_that_others_can_guess_or_read_are_named(tmp_path: Path) -> None:
    storage = {"path": tmp_path / "store"}
    assert check_secrets(settings(storage=storage), None).status == "ok"
    file = tmp_path / "sluice.yaml"
    file.write_text("auth: {admin_token: " + "changeme" * 4 + "}")
    file.chmod(0o644)
    check = check_secrets(settings(auth={"admin_token": "changeme" * 4}, storage=storage), file)
    assert check.status == "fail"
    assert "auth.admin_token is made of common words" in check.detail
    assert f"chmod 600 {file}" in check.detail
    assert "changeme" not in check.detail
    assert check_secrets(settings(storage=storage), tmp_path / "gone").status == "fail"
