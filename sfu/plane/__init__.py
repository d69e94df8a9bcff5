"""The media plane as a process of its own: what it does and why is told in `remote`."""
