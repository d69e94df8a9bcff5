"""docs/nginx.conf, as it stands, in front of a server."""

from __future__ import annotations

import shlex
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.server import SluiceServer, free_ports
from tests.journeys.waiting import until

SITE = Path(__file__).resolve().parents[2] / "docs" / "nginx.conf"
NAME = "live.example.org"
PROXY = ("nginx", "openssl")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it listens on loopback, and how to speak with it."""

    port: int
    tls: ssl.SSLContext


@contextmanager
def nginx(folder: Path, server: SluiceServer) -> Iterator[Proxy]:
    """With a certificate of its own. Raises TimeoutError when it does not come up."""
    port, certificate, key = free_ports(1), folder / "site.pem", folder / "site.key"
    request = shlex.split("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1")
    subprocess.run(
        ["openssl", *request, "-subj", f"/CN={NAME}", "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    site = SITE.read_text(encoding="utf-8")
    for ours, theirs in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8080": server.origin.removeprefix("http://"),
        f"/etc/ssl/{NAME}.pem": str(certificate),
        f"/etc/ssl/{NAME}.key": str(key),
    }.items():
        assert ours in site, ours
        site = site.replace(ours, theirs)
    (folder / "site.conf").write_text(site, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; include {folder}/site.conf; }}\n",
        encoding="utf-8",
    )
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    process = subprocess.Popen(
        ["nginx", "-c", main, "-p", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("nginx listens", lambda: _listens(port), 10)
        yield Proxy(port, tls)
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
