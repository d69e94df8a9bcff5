"""Batch jobs: what is made of a recording afterwards, by processes of their own."""
