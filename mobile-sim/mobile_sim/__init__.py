"""A phone in software: it publishes over WHIP, watches over WHEP and measures what arrives."""
