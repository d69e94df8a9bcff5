"""A channel's room: messages, reactions and money on stream time. Still empty."""
