"""Caches in front of an origin: our own, and nginx with Varnish as they are set up here."""
