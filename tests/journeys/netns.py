"""Networks that a test makes for itself: machines, and a home router with NAT between them.

A network namespace here has no name: it lives as long as this process (or one that was started in
it) holds it open, so a run that is killed leaves nothing behind either. To look into one:
`nsenter --net=/proc/<pid of pytest>/fd/<n> ip address`.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"

SERVER = "10.77.1.2"
VIEWER = "10.77.2.2"
TURN = "10.77.3.2"
PHONE = "10.77.4.2"
PUBLIC = "10.77.9.9"
"""The router hands packets for it to SERVER, when it is told to."""
ROUTER = "10.77.1.1"
"""What the server takes the viewer for."""
FIRST_PORTS = "30000-39999"
OTHER_PORTS = "50000-59999"
"""Source ports that the router lends to the viewer."""

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own, empty but for loopback."""

    def __init__(self) -> None:
        """Raises OSError, without root for example."""
        with _keeping_ours():
            _check(_libc.unshare(CLONE_NEWNET))
            self._handle = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
            self._run("ip", "link", "set", "lo", "up")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is in there; so are the sockets it makes and what it starts."""
        with _keeping_ours():
            _check(_libc.setns(self._handle, CLONE_NEWNET))
            yield

    def run(self, *command: str, text: str = "") -> str:
        """Run a command in there, with `text` on its input; what it printed. Raises OSError."""
        with self.entered():
            return self._run(*command, text=text)

    @property
    def path(self) -> str:
        """For `ip link set ... netns <path>`."""
        return f"/proc/{os.getpid()}/fd/{self._handle}"

    def close(self) -> None:
        os.close(self._handle)

    def _run(self, *command: str, text: str = "") -> str:
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}\n{text}")
        return done.stdout


class HomeNetwork:
    """A viewer at home behind a router; on its other side a server, a TURN server and a phone.

    To the viewer the router is a symmetric NAT (every destination sees another source port) that
    lets nothing through until `allow` says so, and from outside only answers. The others reach
    each other freely.
    """

    def __init__(self) -> None:
        self.router = Namespace()
        self.server = self._attach(SERVER, "server")
        self.viewer = self._attach(VIEWER, "viewer")
        self.turn = self._attach(TURN, "turn")
        self.phone = self._attach(PHONE, "phone")
        with self.router.entered():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        self.allow()

    def allow(self, *flows: str, ports: str = FIRST_PORTS, public: bool = False) -> None:
        """What the viewer may begin, as nftables conditions, and how the router translates.

        `public`: PUBLIC stands for SERVER, which cannot be reached by its own address then. Flows
        that exist are not touched: see `forget_flows`.
        """
        forward = "\n".join(f"ip saddr {VIEWER} {flow} accept;" for flow in flows)
        if public:
            forward = f"ct status & dnat == 0 ip saddr {VIEWER} ip daddr {SERVER} drop;\n{forward}"
        translate = f"ip daddr {PUBLIC} dnat to {SERVER};" if public else ""
        self.router.run("nft", "-f", "-", text=_RULES % (forward, translate, ports))

    def forget_flows(self) -> None:
        """As after a router's restart: each flow gets another port with its next packet."""
        self.router.run("conntrack", "-F")

    def __enter__(self) -> HomeNetwork:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for namespace in (self.viewer, self.phone, self.turn, self.server, self.router):
            namespace.close()

    def _attach(self, address: str, name: str) -> Namespace:
        """A machine with this address, by a cable of its own to the router."""
        machine = Namespace()
        gateway = f"{address.rpartition('.')[0]}.1"
        cable = ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0"]
        self.router.run(*cable, "netns", machine.path)
        self.router.run("ip", "address", "add", f"{gateway}/24", "dev", name)
        self.router.run("ip", "link", "set", name, "up")
        machine.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        machine.run("ip", "link", "set", "eth0", "up")
        machine.run("ip", "route", "add", "default", "via", gateway)
        return machine


OUTSIDE = f"{SERVER}, {TURN}, {PHONE}"
_RULES = f"""
flush ruleset
table ip home {{
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ip saddr {{ {OUTSIDE} }} ip daddr {{ {OUTSIDE} }} accept
    %s
  }}
  chain arrive {{
    type nat hook prerouting priority dstnat;
    %s
  }}
  chain leave {{
    type nat hook postrouting priority srcnat;
    ip saddr {VIEWER} meta l4proto {{ tcp, udp }} masquerade to :%s fully-random
  }}
}}
"""


@contextmanager
def _keeping_ours() -> Iterator[None]:
    """Come back, whatever happens, to the network where the calling thread is now."""
    ours = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        _check(_libc.setns(ours, CLONE_NEWNET))
        os.close(ours)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
