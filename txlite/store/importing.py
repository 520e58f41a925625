"""Imports: an export of txlite's, or of tx's, merged into this home: all of it, or nothing.

The lines are staged and checked beside the database (`staging`), where nothing is locked; only then does the one
transaction begin in which they are compared with what is here and merged (`merging`). Reached as `Store.importing`.
"""

from __future__ import annotations

import sqlite3

from ..errors import StoreUnavailable
from ..home import location
from . import merging, staging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database
    from .merging import Counts
    from .staging import LineSource
    from .waking import Waking

CACHE = "PRAGMA main.cache_size"
MERGE_CACHE = -98304  # KiB of pages of the database while an import is merged


class Import:
    """Merging an export into one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def merge(self, file: LineSource, name: str) -> Counts:
        """Merge an export, or tx's, into this home: all of it, or nothing.

        name: of the file, for messages. Raises UsageError, naming the line that is wrong.
        """
        connection = self._database.connection
        with self._database.alone():  # it changes the connection: no other thread's transaction may come between
            try:
                for statement in staging.ATTACH:
                    connection.execute(statement)
                self._stage(file, name)
                return self._merge(name)
            finally:
                _detach(connection)

    def _stage(self, file: LineSource, name: str) -> None:
        with self._database.reading() as connection:  # of what is attached: nothing else is looked at, or locked
            try:
                staging.Staging(name).stage(connection, staging.lines_of(file), location.working_directory())
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(
                    f"no temporary file can be written ({error}): set TMPDIR to a directory with room"
                ) from error

    def _merge(self, name: str) -> Counts:
        usual = self._database.execute(CACHE)[0][0]
        self._database.execute(f"{CACHE} = {MERGE_CACHE}")  # else pages are written again and again in one transaction
        try:
            with self._database.writing() as connection:
                counts = merging.merge(connection, name)
            with self._database.reading() as connection:
                touched = merging.touched_lanes(connection)
        finally:
            self._database.execute(f"{CACHE} = {usual}")
        self._waking.wake_for(touched)
        return counts


def _detach(connection: sqlite3.Connection) -> None:
    for statement in staging.DETACH:
        try:
            connection.execute(statement)
        except sqlite3.Error:
            pass  # it was not attached
