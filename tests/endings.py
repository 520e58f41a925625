"""What is left to be done when a process of tests ends: one that Python ends itself, or a fork of the suite."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile

ENDINGS = contextlib.ExitStack()
atexit.register(ENDINGS.close)


def make_directory(prefix: str) -> str:
    """A temporary directory that is there until then; no fork removes it."""
    directory = tempfile.mkdtemp(prefix=prefix)
    ENDINGS.callback(shutil.rmtree, directory, True)
    return directory
