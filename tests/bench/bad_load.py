"""One attack of `make bench-bad-crowd`, in a process of its own.

    python -m tests.bench.bad_load slow < plan.json

Its last line is one JSON object.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from tests.bench import bad_chat, bad_offers, bad_plis, bad_slow
from tests.bench.bad_plan import Found, Plan

ATTACKS: Final[dict[str, Callable[[Plan], Found]]] = {
    "slow": bad_slow.run,
    "offers": bad_offers.run,
    "plis": bad_plis.run,
    "chat": bad_chat.run,
}
LATE_S: Final = 30.0
"""After its end, an attack may take so long to say what it saw."""


@dataclass(slots=True)
class Attack:
    """A running one, seen from outside."""

    name: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, plan: Plan) -> Attack:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bad_load", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(plan))
        process.stdin.close()
        return cls(name, process)

    def found(self) -> Found:
        """Wait for its end. Raises RuntimeError when it failed."""
        assert self.process.stdout is not None
        try:
            text = self.process.stdout.read()
            status = self.process.wait(LATE_S)
        finally:
            self.end()
        if status != 0:
            raise RuntimeError(f"the attack {self.name} ended with {status}; its error is above")
        return msgspec.json.decode(text, type=Found)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    found = ATTACKS[sys.argv[1]](plan)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")


if __name__ == "__main__":
    main()
