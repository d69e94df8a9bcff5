"""The selective forwarding unit: one publisher's packets to many viewers."""
