"""This copy of the code: a directory, or an archive that Python runs. Used by `pack`."""

from __future__ import annotations

import os

from .errors import StoreUnavailable

_MAIN = """\
import runpy

runpy.run_module({name!r}, run_name="__main__", alter_sys=True)
"""


def pack(path: str) -> None:
    """Write all of it into one runnable file (see zipapp). What was at `path` is replaced at the end, or not at all.

    Raises StoreUnavailable where it cannot be written.
    """
    import shutil
    import tempfile

    package = os.path.dirname(os.path.abspath(__file__))
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
