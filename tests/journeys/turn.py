"""A real coturn, with the credentials that end of the TURN REST scheme."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.journeys.waiting import until

PORT = 3478
READY_S = 10.0
STOP_S = 5.0
BINDING = bytes.fromhex("0001 0000 2112a442")
"""Type, length and magic cookie; the transaction follows."""


class TurnServer:
    """`turnserver` on `address`, in the network of the thread that starts it. As a context it is
    stopped at the end."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._address = address
        self._secret = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def setting(self) -> Mapping[str, object]:
        """The entry of `ice_servers` that tells of it: over UDP, and over TCP."""
        urls = [f"turn:{self._address}:{PORT}?transport={kind}" for kind in ("udp", "tcp")]
        return {"urls": urls, "secret": self._secret, "ttl_s": 3600}

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Run it until it answers. Raises RuntimeError or TimeoutError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = ["turnserver", "-n", "--log-file=stdout", "--verbose"]
        command += ["--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780", "--no-multicast-peers"]
        command += [f"--listening-ip={self._address}", f"--relay-ip={self._address}"]
        command += [f"--listening-port={PORT}", "--realm=sluice.test"]
        command += ["--use-auth-secret", f"--static-auth-secret={self._secret}"]
        command += [f"--pidfile={self._folder}/pid", f"--userdb={self._folder}/users.sqlite"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            until("coturn answers", self._answers, READY_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> TurnServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._folder / "turn.log"

    def _answers(self) -> bool:
        """A STUN Binding (RFC 8489) over UDP is answered, and TCP is open."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"coturn ended with {self._process.returncode}\n{self.log()}")
        address = (self._address, PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.2)
            udp.connect(address)
            try:
                udp.send(BINDING + secrets.token_bytes(12))
                udp.recv(1500)
                socket.create_connection(address, timeout=0.2).close()
            except OSError:
                return False  # not listening yet
        return True
