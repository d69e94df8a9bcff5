"""The way in to the `sluice` command.

`sluice serve` becomes its own keeper (signaling/keeper.py) before the server's code is read, which
takes a second or two: the keeper does not need it, and the server reads it anyway.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from signaling import keeper
from signaling.refusals import refusals
from signaling.reserve import taken_out, wait_for_turn
from sluice.config import ConfigError, ServerConfig, find, load

END_S: Final = 30.0
"""After its last client was told, the rooms have so long to write down what they hold."""


def main() -> None:
    """Entry point of the command."""
    keep(sys.argv[1:])
    turn = taken_out(sys.argv)
    # Looking for garbage takes a sixth of the time in which the code is read, and there is none.
    gc.disable()
    from signaling import cli

    gc.freeze()
    gc.enable()
    if turn is None or wait_for_turn(turn):
        cli.main()


def keep(arguments: Sequence[str]) -> None:
    """Become the keeper where this is a plain `sluice serve` that may start. Returns where it is
    something else: the command itself says then what is wrong, or does what is wanted."""
    match arguments:
        case ["serve"]:
            config = None
        case ["serve", "--config" | "-c", path]:
            config = Path(path)
        case _:
            return
    try:
        settings = load(config)
        if not wants_keeper(settings.server) or refusals(settings, find(config)):
            return
    except (ConfigError, OSError):
        return
    become_keeper(settings.server)


def wants_keeper(config: ServerConfig) -> bool:
    """Not under systemd, which does the same."""
    return config.keeper and not os.environ.get("NOTIFY_SOCKET")


def become_keeper(config: ServerConfig) -> NoReturn:
    """This process becomes the small parent of one like it. The settings are known to be right."""
    sys.stdout.flush()
    sys.stderr.flush()
    words = keeper.command(
        sys.orig_argv,
        hang_s=config.hang_s,
        end_s=longest_end_s(config),
        as_json=config.log_format == "json",
        reserve=config.reserve,
    )
    os.execv(words[0], words)


def longest_end_s(config: ServerConfig) -> float:
    """How long it may take from the first signal to the end of the process, in seconds."""
    return config.drain_s + config.shutdown_s + END_S
