"""nginx and Varnish with the configurations that `sluice edge-config` writes, on loopback.

with EdgePair(folder, "127.0.0.1:8080") as edge:
    ...  # edge.url is https, edge.varnish_url is what nginx asks
"""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bridge.edge.config import NGINX, VCL, EdgePlan, write
from tests.journeys.server import free_ports
from tests.journeys.waiting import until

NAME = "live.example.org"


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class EdgePair:
    """Both in front of one origin, each in its own process."""

    def __init__(
        self, folder: Path, origin: str, grace_s: int = 60, address_rate: int = 1_000
    ) -> None:
        self.folder = folder
        self._tls_port, varnish_port = free_ports(1), free_ports(1)
        self.varnish = f"127.0.0.1:{varnish_port}"
        self.plan = EdgePlan(
            origin=origin,
            server_name=NAME,
            tls_cert=str(folder / "site.pem"),
            tls_key=str(folder / "site.key"),
            listen=f"127.0.0.1:{self._tls_port}",
            varnish=self.varnish,
            cache_dir=str(folder / "grants"),
            memory="64m",
            grace_s=grace_s,
            address_rate=address_rate,
        )
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self._running = ExitStack()
        self.pids: list[int] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._tls_port}"

    @property
    def varnish_url(self) -> str:
        return f"http://{self.varnish}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Got:
        """Through both. Header names with `_` for `-`."""
        named = {"Host": NAME, **{name.replace("_", "-"): text for name, text in headers.items()}}
        request = urllib.request.Request(self.url + path, headers=named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.tls) as answer:
                return Got(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Got(refused.code, _lower(refused.headers), refused.read())

    def __enter__(self) -> EdgePair:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._certify()
        write(self.plan, "a test", self.folder)
        try:
            self._run("varnish", self._varnishd())
            self._run("nginx", ["nginx", "-c", str(self._main()), "-p", str(self.folder)])
            until("nginx and Varnish answer", self._answers, 20)
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    def _answers(self) -> bool:
        try:
            # Unknown to nginx as much as to Varnish: nobody is asked for it.
            request = urllib.request.Request(self.varnish_url + "/", headers={"Host": NAME})
            urllib.request.urlopen(request, timeout=5)
        except urllib.error.HTTPError:
            pass
        except OSError:
            return False
        try:
            return self.get("/live/").status == 404
        except OSError:
            return False

    def _varnishd(self) -> list[str]:
        # The jail of the service wants a folder of its own user; a test has none.
        options = f"-F -j none -a {self.varnish} -s malloc,{self.plan.memory}"
        tuned = "-p thread_pool_min=50 -p thread_pool_max=4000"
        where = ["-n", str(self.folder / "varnish"), "-f", str(self.folder / VCL)]
        return ["varnishd", *shlex.split(f"{options} {tuned}"), *where]

    def _main(self) -> Path:
        main = self.folder / "nginx-main.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy")
        )
        main.write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/nginx.pid; {user}\n"
            "error_log stderr;\n"
            "worker_rlimit_nofile 20000; events { worker_connections 8192; }\n"
            f"http {{ access_log off; {temporary}\n"
            f"include {self.folder / NGINX}; }}\n",
            encoding="utf-8",
        )
        return main

    def _run(self, name: str, command: list[str]) -> None:
        log = self._running.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self.pids.append(process.pid)
        self._running.callback(_end, process)

    def _certify(self) -> None:
        request = shlex.split(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
        )
        names = ["-subj", f"/CN={NAME}", "-out", self.plan.tls_cert, "-keyout", self.plan.tls_key]
        subprocess.run(["openssl", *request, *names], check=True, capture_output=True)


def installed() -> bool:
    """Whether both programs, and what makes certificates, are there."""
    return all(shutil.which(name) for name in ("nginx", "varnishd", "openssl"))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _lower(headers: object) -> dict[str, str]:
    assert hasattr(headers, "items")
    return {name.lower(): text for name, text in headers.items()}
