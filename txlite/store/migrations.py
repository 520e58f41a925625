"""Migrations: an older database, or an empty one, brought to this code's schema by those of `versions` it has not seen.

Each takes the database from one `user_version` to the next, inside the caller's transaction, and with foreign keys off
where there is data: a table that is made anew would take with it all that refers to it. Beside a run of an older
version, which would go on claiming and know nothing of what is new, a database stays as it is. Used by `opening` and
`create`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

from ..errors import StoreUnavailable
from ..system import process
from . import schema
from .versions import v1_queue, v2_launches, v3_pause, v4_loops, v5_delays, v6_series, v7_jobs, v8_groups, v9_reviews

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSIONS = (v1_queue, v2_launches, v3_pause, v4_loops, v5_delays, v6_series, v7_jobs, v8_groups, v9_reviews)
MIGRATIONS = tuple(version.SQL for version in _VERSIONS)

# Who has signed in and claims one task after the other: before the migration only older versions have.
CLAIMING = """SELECT id, identity FROM supervisors WHERE ended IS NULL
    UNION ALL SELECT id, identity FROM workers WHERE ended IS NULL AND supervisor IS NULL AND accepts <> ''"""


def refuse_beside_older(connection: sqlite3.Connection) -> None:
    """Raise StoreUnavailable where a database is of an older schema and a run of that version goes on, inside a
    transaction."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION:
        return
    for id, identity in connection.execute(CLAIMING):
        known = process.Identity.parse(identity)
        if known and known.is_alive():
            raise StoreUnavailable(
                f"an older version of txlite is at work in this home ({id}, PID {known.pid}), and would not know what "
                f"this one writes: wait for it, or end it (`kill -INT {known.pid}`)"
            )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to this code's schema, inside a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for migration in MIGRATIONS[version : schema.VERSION]:
        for statement in split_statements(migration):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")


@contextmanager
def without_foreign_keys(connection: sqlite3.Connection) -> Iterator[None]:
    """Open a context in which no foreign key is enforced; begin the transaction in it, for inside of one it could not
    be opened."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def split_statements(script: str) -> list[str]:
    """Split a script into its statements; `executescript` would commit the transaction around it."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
