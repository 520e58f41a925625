"""The version, on its own so that nothing else is imported for it (and so that packaging can read it)."""

VERSION = "0.1.0"
