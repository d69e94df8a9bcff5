"""What may be said in a room, by whom, and what becomes of it. Pure: no I/O, no clock."""
