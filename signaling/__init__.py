"""The front door: HTTP, pages and the command line; introduces the rooms to each other."""
