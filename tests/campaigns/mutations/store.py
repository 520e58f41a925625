"""Mutants of `store`: transactions, claims, moves, the schema's rules, what comes in and goes out."""

from __future__ import annotations

from .mutant import Mutant

CLAIMS = "store.test_store.Claims"
DATABASE = "store.test_database"

MUTANTS = (
    Mutant(
        "database-begin-deferred", "store/database.py", "database.connection.execute(self._begin)",
        'database.connection.execute("BEGIN")', "who writes holds SQLite's lock from the start",
        (f"{DATABASE}.Sharing.test_who_writes_holds_sqlites_own_lock_from_the_start",),
    ),
    Mutant(
        "migration-version-seen-before", "store/opening.py",
        "    with database.writing() as connection:\n        migrate(connection)",
        '    seen = database.pragma("user_version")\n    with database.writing() as connection:\n'
        '        connection.execute(f"PRAGMA user_version = {seen}")\n        migrate(connection)',
        "what another process migrated is not migrated again", (f"{DATABASE}.Migrations",),
    ),
    Mutant(
        "claim-despite-new-blocker", "store/claims.py", " and not found.open_blockers", "",
        "a task waits until its blockers are done, for its last holder, too", (CLAIMS,),
    ),
    Mutant(
        "ready-ignores-blockers", "store/ready_index.py",
        "AND open_blockers = 0 AND not_before IS NULL ORDER BY score DESC, seq LIMIT 2",
        "AND not_before IS NULL ORDER BY score DESC, seq LIMIT 2",
        "no worker claims what waits for another task", ("store.test_store.Dependencies",),
    ),
)  # fmt: skip
