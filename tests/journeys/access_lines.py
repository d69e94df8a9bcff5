"""A server, and viewers that reach it by an access line of their own each: narrow or lossy ones.

Only the way to the viewer is made worse, as that is the way the pictures take. What it takes to
see one: `Namespace` in netns.py says how to look into a network.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.journeys.netns import Namespace

SERVER = "10.78.0.1"
QUEUE_MS = 300
"""How long a packet waits at most before a narrow line; more is dropped."""
BURST_BYTES = 3_000
"""Two packets: a line is as narrow over 20 ms as over a second."""


class AccessLine:
    """The line of one viewer, and the viewer's network behind it."""

    def __init__(self, server: Namespace, number: int) -> None:
        self._server = server
        self._device = f"line{number}"
        self.viewer = Namespace()
        self.address = f"10.78.{number}.2"
        cable = ["ip", "link", "add", self._device, "type", "veth", "peer", "name", "eth0"]
        server.run(*cable, "netns", self.viewer.path)
        for side, device, host in ((server, self._device, 1), (self.viewer, "eth0", 2)):
            side.run("ip", "address", "add", f"10.78.{number}.{host}/24", "dev", device)
            side.run("ip", "link", "set", device, "up")
        self.viewer.run("ip", "route", "add", "default", "via", f"10.78.{number}.1")

    def narrow(self, kbits: int) -> None:
        """It carries so many kbit/s to the viewer from now on."""
        limit = ["tbf", "rate", f"{kbits}kbit", "burst", str(BURST_BYTES)]
        limit += ["latency", f"{QUEUE_MS}ms"]
        self._server.run("tc", "qdisc", "replace", "dev", self._device, "root", *limit)

    def widen(self) -> None:
        """It carries whatever comes, and loses nothing."""
        # Replaced rather than deleted: there need not be a limit to take away.
        self._server.run("tc", "qdisc", "replace", "dev", self._device, "root", "pfifo")
        self.viewer.run("nft", "flush", "ruleset")

    def lose(self, percent: float) -> None:
        """Of the datagrams to the viewer so many get lost at random. TCP is spared: pages load."""
        self.viewer.run("nft", "-f", "-", text=_LOSS % round(percent * 10))

    def close(self) -> None:
        self.viewer.close()


class AccessLines:
    """`SERVER` in a network of its own, and lines to viewers."""

    def __init__(self, count: int) -> None:
        self.server = Namespace()
        self.server.run("ip", "address", "add", f"{SERVER}/32", "dev", "lo")
        self._lines = [AccessLine(self.server, number) for number in range(1, count + 1)]

    @property
    def lines(self) -> Sequence[AccessLine]:
        return self._lines

    def __enter__(self) -> AccessLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for line in self._lines:
            line.close()
        self.server.close()


def program_in(namespace: Namespace, program: str, folder: Path) -> Path:
    """A script that runs `program` in there: Playwright starts all browsers from one network."""
    script = folder / f"{Path(program).name}-in-{Path(namespace.path).name}"
    enter = f"nsenter --net={shlex.quote(namespace.path)} {shlex.quote(program)}"
    script.write_text(f'#!/bin/sh\nexec {enter} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return script


_LOSS = """
flush ruleset
table ip line {
  chain arrive {
    type filter hook input priority filter;
    meta l4proto udp numgen random mod 1000 < %d drop
  }
}
"""
