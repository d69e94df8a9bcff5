"""`python -m bridge.transcode DESCRIPTOR MEMORY_BYTES PARENT`: started by `process` alone."""

from __future__ import annotations

import signal
import sys

# Ctrl-C in a terminal is for everybody in it. Whoever started us ends us, when it is time.
signal.signal(signal.SIGINT, signal.SIG_IGN)

from bridge.transcode.child import run  # noqa: E402 - imports take a moment, in which it may come

run(*(int(argument) for argument in sys.argv[1:4]))
