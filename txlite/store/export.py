"""An export: what a fresh home needs to go on, as JSON Lines: limits of groups, all tasks, what they wait for, how
they are launched, their attempts.

Importing it into an empty home and exporting that gives the same bytes. Not in it, because no other machine can hold
them: claims, workers, runs and their batches, pauses, reports. So a task that is active is exported as one of the
backlog, without its open attempt; a launched one, which no queue may take, as cancelled: `retry` launches it again. How
its lines look stands in `jsonl`. Reached as `Store.export`.
"""

from __future__ import annotations

import os

from ..errors import UsageError
from ..model import parse_environment
from ..system.atomic_file import AtomicFile
from . import jsonl, tasks, usage_lines
from .usages import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from .database import Database

# What stands for an active task, and for the moments for which one that was released is its holder's.
EXPORT_TASKS = """SELECT t.seq, l.task IS NOT NULL, t.id, t.title, x.description,
    CASE WHEN t.status <> 'active' THEN t.status WHEN l.task IS NULL THEN 'backlog' ELSE 'cancelled' END,
    (SELECT p.id FROM tasks p WHERE p.seq = t.parent), t.score, t.created, t.updated, t.completed, NULL, t.kind,
    x.command, x.directory, x.verify, CASE WHEN t.needs NOT GLOB 'agent:*' THEN t.needs ELSE '' END,
    CASE WHEN t.reserved_for IS NULL THEN t.not_before END,
    nullif(t.failures, 0), x.time_limit, t.max_attempts, x.environment, x.slurm, t.in_group,
    t.every, x.planned, x.arguments, x.max_memory, x.agent, x.level, x.max_cost, l.agent,
    l.type, l.level, l.template, l.timeout, l.kill_after, l.width
    FROM tasks t LEFT JOIN task_texts x ON x.task = t.seq LEFT JOIN launches l ON l.task = t.seq ORDER BY t.seq"""
EXPORT_GROUPS = "SELECT name, wanted FROM groups WHERE wanted IS NOT 1 ORDER BY name"
EXPORT_DEPENDENCIES = """SELECT d.task, b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker
    ORDER BY d.task, d.blocker"""
EXPORT_ATTEMPTS = """SELECT a.id, t.id, a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration,
    a.pid, a.report, a.place, a.note, a.level, NULL, x.tail FROM attempts a CROSS JOIN tasks t ON t.seq = a.task
    LEFT JOIN attempt_texts x ON x.attempt = a.id WHERE a.ended IS NOT NULL ORDER BY a.id"""
USAGES = f"SELECT {NAMES} FROM usages ORDER BY attempt, part"

_AFTER = jsonl.TASK_KEYS.index("after")
_ENVIRONMENT = jsonl.TASK_KEYS.index("environment")
_ARGUMENTS = jsonl.TASK_KEYS.index("arguments")
_USAGES = jsonl.ATTEMPT_KEYS.index("usages")
_LAUNCH = jsonl.TASK_KEYS.index("launch")


class Export:
    """The export of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self) -> Iterator[str]:
        """Yield the lines of an export, of one moment: what others write meanwhile is not in it.

        Read them to the end, and soon, or close the iterator: until then no checkpoint gets by (sqlite.org/wal.html,
        "Avoiding Excessively Large WAL Files").
        """
        yield jsonl.write(jsonl.FORMAT, jsonl.FORMAT.values())
        with self._database.reading() as connection:
            for row in connection.execute(EXPORT_GROUPS):
                yield jsonl.write(jsonl.GROUP_KEYS, row)
            waits = _Along(connection, EXPORT_DEPENDENCIES)
            for seq, launched, *values in connection.execute(EXPORT_TASKS):
                values[_AFTER] = [row[0] for row in waits.of(seq)] or None
                values[_ENVIRONMENT] = _readable(values[_ENVIRONMENT])
                values[_ARGUMENTS] = _list(values[_ARGUMENTS])
                fields, launch = values[:_LAUNCH], values[_LAUNCH:]
                fields.append(_present(launch) if launched else None)
                yield jsonl.write(jsonl.TASK_KEYS, fields)
            usages = _Along(connection, USAGES)
            for row in connection.execute(EXPORT_ATTEMPTS):
                values = list(row)
                told = [usage_lines.write(one) for one in usages.of(row[0])]
                values[_USAGES] = told or None
                yield jsonl.write(jsonl.ATTEMPT_KEYS, values)

    def write(self, path: str) -> None:
        """Write an export into this file; it is replaced at the end, or not at all.

        Raises StoreUnavailable where it cannot be written, UsageError where it is the database, or no file.
        """
        self.check(path)
        with AtomicFile(path, replace=True) as new, open(new.draft, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(self.lines())

    def check(self, path: str) -> None:
        """Raise UsageError where this file is the database's own, and no export may take its place."""
        if os.path.realpath(path).startswith(os.path.realpath(self._database.path)):
            raise UsageError(f"{path} is the database's own: give another name")


def _present(launch: list[object]) -> dict[str, object]:
    return {key: value for key, value in zip(jsonl.LAUNCH_KEYS, launch) if value is not None and value != ""}


def _readable(block: bytes | None) -> dict[str, str] | None:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in parse_environment(block).items()} or None


def _list(words: str | None) -> list[str] | None:
    found = tasks.parse_arguments(words)
    return None if found is None else list(found)


class _Along:
    """Rows in the order of their tasks, or attempts, which are their first column, read along with these."""

    def __init__(self, connection: sqlite3.Connection, sql: str) -> None:
        self._rows = iter(connection.execute(sql))
        self._next = next(self._rows, None)

    def of(self, number: int) -> list[tuple]:
        """Those of this one, without its number. Ask in ascending order."""
        found = []
        while self._next and self._next[0] <= number:
            if self._next[0] == number:
                found.append(self._next[1:])
            self._next = next(self._rows, None)
        return found
