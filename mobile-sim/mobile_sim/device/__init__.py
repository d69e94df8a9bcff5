"""The phone as a body: battery, heat, encoder ladder and what adapts to them."""
