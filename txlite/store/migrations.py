"""Migrations: an older database, or an empty one, brought to this code's schema, which `schema` holds.

Each takes the database from one `user_version` to the next, inside the caller's transaction. Used by `database` and
`create`.
"""

from __future__ import annotations

import sqlite3

from . import schema


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to this code's schema, inside a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for migration in schema.MIGRATIONS[version:]:
        for statement in split_statements(migration):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def split_statements(script: str) -> list[str]:
    """Split a script into its statements; `executescript` would commit the transaction around it."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
