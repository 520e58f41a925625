"""What the tests of retention share: a home with reports of any age on record."""

from __future__ import annotations

import glob
import os
import random
import resource
import sqlite3
import stat
import time
from collections.abc import Callable
from typing import Any

import txlite
from txlite.reports import archive

from ..case import Case

DAY = 86400


STEM = "20251024_150000_{}_codex_task"


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that hardly compress."""
    return random.Random(seed).randbytes(size)


def read(path: str) -> bytes:
    with archive.open_report(path) as file:
        return file.read()


def size_of(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def make_older(path: str, days: float) -> None:
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment), follow_symlinks=False)


def with_file_limit(size: int) -> Callable[..., Any]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class ReportsCase(Case):
    """A home with reports on record."""

    def setUp(self) -> None:
        super().setUp()
        txlite.open(self.home).close()

    def record(self, path: str, ended: bool = True) -> str:
        """Write into the database that an attempt has, or will have, this report; where it lies."""
        with sqlite3.connect(os.path.join(self.home, "tasks.db")) as connection:
            outcome = ("2025-10-24T15:00:00.000Z", "done") if ended else (None, None)
            connection.execute(
                "INSERT INTO attempts (task, previous, worker, agent, started, ended, outcome, report) "
                "VALUES (1, 0, 'w', 'codex', '2025-10-24T15:00:00.000Z', ?, ?, ?)",
                (*outcome, path),
            )
        connection.close()
        return os.path.join(self.home, path)

    def write(self, path: str, days: float, content: bytes = b"a report\n" * 100) -> str:
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        make_older(path, days)
        return path

    def report(self, number: int, days: float, content: bytes = b"a report\n" * 100, directory: str = "workers") -> str:
        """A report on record that was changed so many days ago."""
        name = f"{directory}/{STEM.format(number)}.md"
        self.record(name)
        return self.write(name, days, content)

    def files(self) -> dict[str, Any]:
        """Everything that is not the database's: path below home -> (kind, content, time)."""
        found = {}
        for directory, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                if not name.startswith("tasks.db"):
                    content = self.content(path) if stat.S_ISREG(status.st_mode) else b""
                    found[os.path.relpath(path, self.home)] = (
                        stat.S_IFMT(status.st_mode),
                        content,
                        status.st_mtime_ns,
                    )
        return found

    def content(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def names(self, directory: str = "workers") -> list[str]:
        return sorted(os.listdir(os.path.join(self.home, directory)))

    def assert_clean(self) -> None:
        self.assertEqual(glob.glob(os.path.join(self.home, "*", ".*.new")), [])
