"""A bad day as a file: read, played in simulated or real time, shown."""
