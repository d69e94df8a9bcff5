"""A real Sluice in its own process, for journeys and benches.

    with SluiceServer(folder) as server:
        key = server.create_channel("lina")
        ...  # server.whip_url("lina"), server.watch_url("lina"), server.metric("sluice_...")

Everything is on loopback unless told otherwise, on ports that were free at the start.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.waiting import until

READY_S = 60.0
STOP_S = 20.0
REQUEST_S = 10.0
LOG_TAIL = 6_000
PORTS = (20_000, 32_000)
"""Below those that Linux lends to clients."""

Section = Mapping[str, object]


class ServerFailed(Exception):
    """It did not start, did not stop or refused a request; the text holds the end of its log."""


class SluiceServer:
    """`sluice serve` with its settings and storage in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        media_host: str = "127.0.0.1",
        public_addresses: Sequence[str] = (),
        ice_servers: Sequence[Section] = (),
        workers: int = 2,
        settings: Mapping[str, Section] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """`settings`: more keys by section, which win. `prefix`: words before the command, such
        as `ip netns exec <name>`. A host of 0.0.0.0 is asked at 127.0.0.1."""
        self.folder = folder
        self.host = "127.0.0.1" if host == "0.0.0.0" else host
        self.admin_token = secrets.token_urlsafe(32)
        self.port = free_ports(1, "127.0.0.1" if prefix else host)
        self.media_port = free_ports(workers, "127.0.0.1" if prefix else media_host)
        self._prefix = list(prefix)
        self._process: subprocess.Popen[bytes] | None = None
        self._tree: dict[str, object] = {
            # No keeper: journeys kill the server by its pid, and mean it.
            "server": {
                "host": host,
                "port": self.port,
                "allow_plain_http": True,  # its networks are the tests' own
                "keeper": False,
            },
            "media": {
                "host": media_host,
                "port": self.media_port,
                "workers": workers,
                "public_addresses": list(public_addresses),
            },
            "auth": {"admin_token": self.admin_token},
            "storage": {"path": str(folder / "storage")},
            "recorder": {"record": "never"},  # who wants recordings says so
            "ice_servers": [dict(one) for one in ice_servers],
        }
        for name, section in (settings or {}).items():
            present = self._tree.get(name, {})
            assert isinstance(present, dict)
            self._tree[name] = present | dict(section)

    # --- life

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Of the running server. Raises ServerFailed."""
        if self._process is None:
            raise ServerFailed("the server does not run")
        return self._process.pid

    def start(self) -> SluiceServer:
        """Run it until /readyz answers. Raises ServerFailed."""
        assert self._process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "sluice.yaml"
        config.touch(0o600)  # the admin token stands in it
        config.write_text(yaml.safe_dump(self._tree), encoding="utf-8")
        command = [sluice_command(), "serve", "--config", str(config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._prefix + command,
                cwd=self.folder,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._await_ready(self._process)
        return self

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it does not obey (then raises ServerFailed)."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"it ignored SIGTERM for {STOP_S:g} s\n{self.log()}") from None

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """The same settings, ports and channels; peers and broadcasts are gone."""
        self.stop()
        self.start()

    def __enter__(self) -> SluiceServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def log(self) -> str:
        """The end of what it wrote, over all its lives."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return text[-LOG_TAIL:]

    # --- addresses

    def whip_url(self, channel: str) -> str:
        return f"{self.origin}/whip/{quote(channel)}"

    def whep_url(self, channel: str) -> str:
        return f"{self.origin}/whep/{quote(channel)}"

    def watch_url(self, channel: str) -> str:
        return f"{self.origin}/watch/{quote(channel)}"

    def live_url(self, channel: str, name: str = "master.m3u8") -> str:
        return f"{self.origin}/live/{quote(channel)}/{name}"

    def await_live(self, channel: str, within_s: float = 15) -> None:
        """Wait until the channel's first packet came."""
        until(f"{channel} is live", lambda: self.state(channel)["live"], within_s)

    def await_segments(self, channel: str, count: int, within_s: float = 30) -> None:
        """Wait until so many segments can be played; the first question begins the bridge."""

        def segments() -> bool:
            try:
                with urlopen(self.live_url(channel, "source/index.m3u8"), timeout=REQUEST_S) as got:
                    playlist: bytes = got.read()
            except HTTPError:
                return False
            return playlist.count(b"#EXTINF") >= count

        until(f"{count} segments of {channel}", segments, within_s)

    def encoders(self) -> list[int]:
        """The processes that encode for HLS."""
        return self._children("bridge.transcode")

    @property
    def media_pid(self) -> int:
        """Of the media plane. Raises ServerFailed where it has no process of its own."""
        planes = self._children("sfu.plane", "--oldest")  # the other one waits in reserve
        if not planes:
            raise ServerFailed("there is no process of the media plane")
        return planes[0]

    def _children(self, module: str, *options: str) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-P", str(self.pid), *options, "-f", module],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(line) for line in found.stdout.split()]

    def studio_url(self, channel: str, key: str) -> str:
        return f"{self.origin}/studio#channel={quote(channel)}&key={quote(key)}"

    # --- the admin API

    def create_channel(self, channel: str, access: str = "public") -> str:
        """Make a channel; its stream key."""
        made = self.request("POST", "/api/channels", {"channel": channel, "access": access})
        return _text(made, "key")

    def viewer_token(self, channel: str, ttl_s: int) -> str:
        path = f"/api/channels/{quote(channel)}/viewer-tokens"
        return _text(self.request("POST", path, {"ttl_s": ttl_s}), "token")

    def peers(self, channel: str, role: str) -> list[dict[str, object]]:
        """The peers of a channel in this role, "publisher" or "viewer"; oldest first."""
        answer = self.request("GET", f"/api/broadcasts/{quote(channel)}/peers")
        assert isinstance(answer, dict)
        return [peer for peer in answer["peers"] if peer["role"] == role]

    def kick(self, peer: object) -> None:
        self.request("DELETE", f"/api/peers/{peer}")

    def state(self, channel: str) -> dict[str, object]:
        """The public state of a channel."""
        answer = self.request("GET", f"/api/channels/{quote(channel)}/state")
        assert isinstance(answer, dict)
        return answer

    def request(self, method: str, path: str, body: object = None) -> object:
        """A request with the admin token; the JSON of its answer, or None when that is empty.

        Raises ServerFailed for any status but 2xx.
        """
        status, answer = self._exchange(method, path, body)
        if not 200 <= status < 300:
            text = answer.decode(errors="replace")
            raise ServerFailed(f"{method} {path}: {status} {text}\n{self.log()}")
        return json.loads(answer) if answer else None

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels; 0.0 when there is none."""
        _, answer = self._exchange("GET", "/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    # --- inside

    @property
    def _log(self) -> Path:
        return self.folder / "sluice.log"

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                self._process = None
                raise ServerFailed(f"it ended with {process.returncode}\n{self.log()}")
            try:
                status, _ = self._exchange("GET", "/readyz")
            except (OSError, HTTPException):
                status = 0  # not listening yet
            if status == 200:
                return
            time.sleep(0.05)
        self.kill()
        raise ServerFailed(f"not ready within {READY_S:g} s\n{self.log()}")

    def _exchange(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=REQUEST_S)
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def clean_environment() -> dict[str, str]:
    """Ours without settings of Sluice, so that only the file counts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}


def sluice_command() -> str:
    """The command of the environment that runs us."""
    return str(Path(sys.executable).with_name("sluice"))


def free_ports(count: int, host: str = "127.0.0.1") -> int:
    """The first of `count` consecutive ports that are free for UDP and for TCP.

    Not from the kernel: its own choice may be lent to any client while a server restarts.
    """
    for _ in range(100):
        first = random.randrange(*PORTS)
        if all(_is_free(host, first + i) for i in range(count)):
            return first
    raise ServerFailed(f"{host}: no {count} free ports side by side")


def _is_free(host: str, port: int) -> bool:
    with ExitStack() as stack:
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                probe.bind((host, port))
        except OSError:
            return False
    return True


def _text(answer: object, name: str) -> str:
    assert isinstance(answer, dict)
    return str(answer[name])
