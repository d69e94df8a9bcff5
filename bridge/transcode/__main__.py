"""`python -m bridge.transcode DESCRIPTOR MEMORY_BYTES PARENT`: started by `process` alone."""

from __future__ import annotations

import sys

from bridge.transcode.child import run

run(*(int(argument) for argument in sys.argv[1:4]))
