"""This copy of the code: a directory, or an archive that Python runs.

What is written here appears complete, or not at all. Called by the verb `pack`, by `ralph`, whose agents find
`txlite` on their PATH, by the verb `slurm`, and by the screen of `top`, whose keys stand for verbs.
"""

from __future__ import annotations

import os
import stat

from ..errors import StoreUnavailable
from ..system.atomic_file import AtomicFile
from .location import PACKAGE

_MAIN = """\
import runpy

runpy.run_module({name!r}, run_name="__main__", alter_sys=True)
"""


_RUN = """\
import runpy, sys
sys.path = [sys.argv.pop(1)] + [path for path in sys.path if path]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)"""


def call_words() -> list[str]:
    """Return the words that stand before the arguments of a call of this copy with this Python."""
    import sys

    return [sys.executable, "-c", _RUN, *os.path.split(PACKAGE)]


def compose_call() -> str:
    """Return the same as it stands in a shell."""
    import shlex

    return shlex.join(call_words())


def write_command(path: str) -> None:
    """Write a command at `path` that runs this copy with this Python.

    Raises StoreUnavailable where it cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    with AtomicFile(path, replace=True, mode=0o700) as new, open(new.draft, "w") as file:
        file.write(f'#!/bin/sh\n# Made by txlite for the agents of a loop.\nexec {compose_call()} "$@"\n')


def pack(path: str) -> None:
    """Write this copy into one runnable file, with compiled code for this Python beside the sources, which others take.

    The same code, packed by the same Python, gives the same bytes. What was at `path` is replaced at the end, or not
    at all. Raises StoreUnavailable where it cannot be written.
    """
    import tempfile

    name = os.path.basename(PACKAGE)
    with AtomicFile(path, replace=True, mode=0o755) as new, tempfile.TemporaryDirectory() as directory:
        _copy_sources(directory, name)
        with open(os.path.join(directory, "__main__.py"), "w") as file:
            file.write(_MAIN.format(name=name))
        _compile(directory)
        _archive(directory, new.draft)


def _copy_sources(directory: str, name: str) -> None:
    """Put the package into `directory`, wherever it lies, without what was compiled."""
    import shutil
    import zipfile

    root = os.path.dirname(PACKAGE)
    if not os.path.isfile(root):
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
        shutil.copytree(PACKAGE, os.path.join(directory, name), ignore=ignored)
        return
    with zipfile.ZipFile(root) as archive:
        for entry in archive.infolist():
            if entry.filename.startswith(name + "/") and not entry.filename.endswith(".pyc"):
                os.chmod(archive.extract(entry, directory), entry.external_attr >> 16 or 0o644)


def _compile(directory: str) -> None:
    """Put `module.pyc` beside each `module.py`, where archives are searched for it; its date is never compared.

    In a Python of its own: what ours has imported, and its random hashes, would show in the bytes.
    """
    import subprocess
    import sys

    options = ["-q", "-b", "-s", directory, "--invalidation-mode", "unchecked-hash"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        subprocess.run([sys.executable, "-s", "-S", "-m", "compileall", *options, directory], cwd=directory, check=True,
                       env={**environment, "PYTHONHASHSEED": "0"}, stdout=subprocess.PIPE, text=True)  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stdout", None) or str(error)
        raise StoreUnavailable(f"the copy could not be compiled with {sys.executable}: {said.strip()}") from error


def _archive(directory: str, path: str) -> None:
    """Write all files of `directory` in the order of their names, with their rights and without their dates."""
    import zipfile

    with open(path, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for around, within, names in os.walk(directory):
                within.sort()
                for name in sorted(names):
                    place = os.path.join(around, name)
                    entry = zipfile.ZipInfo(os.path.relpath(place, directory))
                    rights = 0o755 if os.stat(place).st_mode & stat.S_IXUSR else 0o644
                    entry.external_attr = (stat.S_IFREG | rights) << 16
                    with open(place, "rb") as content:
                        archive.writestr(entry, content.read(), zipfile.ZIP_DEFLATED, 9)
