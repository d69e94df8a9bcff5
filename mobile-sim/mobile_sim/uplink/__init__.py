"""The phone's way to the world: traces, links and what estimates them."""
