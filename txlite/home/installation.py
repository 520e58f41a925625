"""This copy of the code: a directory, or an archive that Python runs.

What is written here appears complete, or not at all. Called by the verb `pack`, and by `ralph`, whose agents find
`txlite` on their PATH.
"""

from __future__ import annotations

import os

from ..errors import StoreUnavailable
from ..system.atomic_file import AtomicFile
from .location import PACKAGE

_MAIN = """\
import runpy

runpy.run_module({name!r}, run_name="__main__", alter_sys=True)
"""


_COMMAND = """\
#!/bin/sh
# Made by txlite for the agents of a loop.
exec {python} -c 'import runpy, sys
sys.path = [sys.argv.pop(1)] + [path for path in sys.path if path]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)' {root} {name} "$@"
"""


def write_command(path: str) -> None:
    """Write a command at `path` that runs this copy with this Python.

    Raises StoreUnavailable where it cannot be written.
    """
    import shlex
    import sys

    root, name = os.path.split(PACKAGE)
    values = {"python": shlex.quote(sys.executable), "root": shlex.quote(root), "name": shlex.quote(name)}
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    with AtomicFile(path, replace=True, mode=0o700) as new, open(new.draft, "w") as file:
        file.write(_COMMAND.format(**values))


def pack(path: str) -> None:
    """Write this copy into one runnable file (see `zipapp` in Python's library reference).

    What was at `path` is replaced at the end, or not at all. Raises StoreUnavailable where it cannot be written.
    """
    import shutil
    import tempfile

    root, name = os.path.split(PACKAGE)
    with AtomicFile(path, replace=True, mode=0o666) as new:
        if os.path.isfile(root):
            shutil.copy(root, new.draft)  # it is one already
            return
        with tempfile.TemporaryDirectory() as directory:
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(PACKAGE, os.path.join(directory, name), ignore=ignored)
            _archive(directory, name, new.draft)


def _archive(directory: str, name: str, path: str) -> None:
    import zipapp

    with open(os.path.join(directory, "__main__.py"), "w") as file:
        file.write(_MAIN.format(name=name))
    zipapp.create_archive(directory, path, interpreter="/usr/bin/env python3", compressed=True)
