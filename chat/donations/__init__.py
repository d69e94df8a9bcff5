"""Money: donations, subscriptions, and the ledger that is never wrong about them."""
