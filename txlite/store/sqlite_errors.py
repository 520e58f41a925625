"""What an error of sqlite3 means for a user, who is told the database and what to do. Used where SQLite is called."""

from __future__ import annotations

import os
import sqlite3

from ..errors import Refused, StoreUnavailable

# A part of SQLite's message (sqlite.org/rescode.html), and what it means.
MEANINGS = (
    ("disk is full", "its disk is full: free some space"),
    ("disk I/O error", "its disk cannot be read or written: see the system's log, free some space"),
    ("readonly", "it is read-only for you: change its rights, or give another home with --home"),
    ("unable to open", "it cannot be opened: check the rights of its directory, and `ulimit -n`"),
    (
        "not a database",
        "it is not a database: `txlite doctor --set-aside` moves it away; or give another home",
    ),
    (
        "malformed",
        "it is corrupt: keep {name}, {name}-wal and {name}-shm together: `txlite doctor --set-aside` moves all three "
        "away, where sqlite3's .recover reads them",
    ),
    ("locked", "another program has locked it for 5 s: close that program"),
)


def translate(error: sqlite3.Error, path: str) -> Exception:
    """Return the error of ours that says what sqlite3's means for a user; a bug of ours stays as it is."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return Refused(f"refused by the database's rule: {text}")
    for part, meaning in MEANINGS:
        if part in text:
            return StoreUnavailable(f"{path}: {meaning.format(name=os.path.basename(path))}")
    if isinstance(error, sqlite3.OperationalError) and "no such" not in text and "syntax" not in text:
        return StoreUnavailable(f"{path}: {text}")
    return error
