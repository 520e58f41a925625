"""This copy of the code: a directory, or an archive that Python runs. Used by `pack`, and by `loop`, whose agents find
`txlite` on their PATH.
"""

from __future__ import annotations

import os

from ..errors import StoreUnavailable
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
    """Write a command that runs this copy with this Python. Raises StoreUnavailable where it cannot be written."""
    import shlex
    import sys

    root, name = os.path.split(PACKAGE)
    words = {"python": shlex.quote(sys.executable), "root": shlex.quote(root), "name": shlex.quote(name)}
    unfinished = f"{path}.{os.getpid()}.new"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w") as file:
            file.write(_COMMAND.format(**words))
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error


def pack(path: str) -> None:
    """Write all of it into one runnable file (see zipapp). What was at `path` is replaced at the end, or not at all.

    Raises StoreUnavailable where it cannot be written.
    """
    import shutil
    import tempfile

    package = PACKAGE
    root, name = os.path.split(package)
    unfinished = f"{path}.{os.getpid()}.new"
    try:
        if os.path.isfile(root):
            shutil.copy(root, unfinished)  # it is one already
        else:
            with tempfile.TemporaryDirectory() as directory:
                shutil.copytree(
                    package, os.path.join(directory, name), ignore=shutil.ignore_patterns("__pycache__", ".*")
                )
                _archive(directory, name, unfinished)
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)


def _archive(directory: str, name: str, path: str) -> None:
    import zipapp

    with open(os.path.join(directory, "__main__.py"), "w") as file:
        file.write(_MAIN.format(name=name))
    zipapp.create_archive(directory, path, interpreter="/usr/bin/env python3", compressed=True)
