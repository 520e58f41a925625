"""Migrations: an older database, or an empty one, brought to this code's schema, which `schema` holds.

Each takes the database from one `user_version` to the next, inside the caller's transaction, and with foreign keys off
where there is data: a table that is made anew would take with it all that refers to it. Used by `opening` and `create`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

from . import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to this code's schema, inside a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for migration in schema.MIGRATIONS[version:]:
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
