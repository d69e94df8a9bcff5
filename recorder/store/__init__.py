"""The object store: chunks go there while the stream is live, and are read from there later."""
