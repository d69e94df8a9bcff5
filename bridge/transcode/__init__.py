"""One process a broadcast that decodes what strangers sent and encodes the ladder of it.

`process` starts it, feeds it and starts it again; `wire` is what both ends say. Everything else
runs inside the process: `child` reads and asks `core`, which knows no socket and no clock.
"""
