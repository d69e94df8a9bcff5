"""Configurations of nginx and Varnish as an edge, from the templates in `bridge/edge/templates`.

They are for Debian's nginx 1.22 and Varnish 7.1 or newer; tests run both with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).with_name("templates")
NGINX: Final = "sluice-edge.conf"
VCL: Final = "sluice.vcl"
SERVICE: Final = "varnish.service.conf"

_PLACE: Final = re.compile(r"@([a-z_]+)@")
_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")
_PATH: Final = re.compile(r"/[A-Za-z0-9._/@+-]+")
_MEMORY: Final = re.compile(r"[1-9][0-9]*[kmgKMG]")


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """What an edge is told. Addresses are `host:port`; paths are absolute."""

    origin: str
    """Where Sluice listens, seen from the edge."""
    server_name: str
    tls_cert: str
    tls_key: str
    listen: str = "443"
    """A port, or an address with a port."""
    varnish: str = "127.0.0.1:6081"
    vcl_path: str = f"/etc/varnish/{VCL}"
    cache_dir: str = "/var/lib/nginx/sluice-grants"
    memory: str = "256m"
    grace_s: int = 60
    """For how long answers that are too old stand in while the origin is lost."""

    address_rate: int = 1_000
    """Requests a second for streams, and connections, that one address may have."""

    def __post_init__(self) -> None:
        """Raises ValueError: what is pasted into a configuration must not change its meaning."""
        for name in ("origin", "varnish"):
            _check(name, getattr(self, name), _ADDRESS, "an address like 127.0.0.1:8080")
        if not self.listen.isdigit():
            _check("listen", self.listen, _ADDRESS, "a port or an address like 0.0.0.0:443")
        for port in (self.origin, self.varnish, f":{self.listen}"):
            if not 0 < int(port.rpartition(":")[2]) < 65_536:
                raise ValueError(f"{port.lstrip(':')}: there is no such port")
        _check("server name", self.server_name, _NAME, "a name like live.example.org")
        for name in ("tls_cert", "tls_key", "vcl_path", "cache_dir"):
            _check(name.replace("_", " "), getattr(self, name), _PATH, "an absolute path")
        _check("memory", self.memory, _MEMORY, "a size like 256m")
        if not 0 <= self.grace_s <= 3_600:
            raise ValueError(f"a grace of {self.grace_s} s: use 0 to 3600")
        if not 1 <= self.address_rate <= 30_000:
            raise ValueError(f"{self.address_rate} requests a second: use 1 to 30000")


def render(plan: EdgePlan, command: str) -> dict[str, str]:
    """The text of each file by its name. The first line says by which command it was made."""
    host, _, port = plan.origin.rpartition(":")
    values = {
        "made": f"Made by `{_line(command)}`. Run that again rather than edit this.",
        "origin": plan.origin,
        "origin_host": host.strip("[]"),
        "origin_port": port,
        "varnish": plan.varnish,
        "listen": plan.listen,
        "server_name": plan.server_name,
        "tls_cert": plan.tls_cert,
        "tls_key": plan.tls_key,
        "cache_dir": plan.cache_dir,
        "vcl_path": plan.vcl_path,
        "memory": plan.memory,
        "grace_s": str(plan.grace_s),
        "address_rate": str(plan.address_rate),
        "address_burst": str(2 * plan.address_rate),
    }
    sources = {NGINX: "nginx.conf", VCL: "sluice.vcl", SERVICE: "varnish.service.conf"}
    return {name: _filled(TEMPLATES / source, values) for name, source in sources.items()}


def write(plan: EdgePlan, command: str, folder: Path) -> list[Path]:
    """Put the files into a folder, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in render(plan, command).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def next_steps(plan: EdgePlan, folder: Path) -> list[str]:
    """What is left to do, one step a line, as commands for Debian."""
    return [
        "apt install nginx varnish",
        f"install -m 644 {folder / VCL} {plan.vcl_path}",
        f"install -D -m 644 {folder / SERVICE} /etc/systemd/system/varnish.service.d/sluice.conf",
        "systemctl daemon-reload && systemctl restart varnish",
        f"install -m 644 {folder / NGINX} /etc/nginx/conf.d/{NGINX}",
        "nginx -t && systemctl reload nginx",
    ]


def _filled(template: Path, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], template.read_text(encoding="utf-8"))


def _line(command: str) -> str:
    return " ".join(command.split()).replace("`", "'")


def _check(name: str, value: str, pattern: re.Pattern[str], wanted: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{name} {value!r} is not {wanted}")
