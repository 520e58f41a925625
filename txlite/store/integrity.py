"""What must hold between the rows of a database, what mends it where it does not, and which commands wait or run.

No command of ours breaks these rules; a row edited by hand, a bug, or a file put together from two copies can. Only
reads. Used by `doctor`.
"""

from __future__ import annotations

import re
import sqlite3

from ..model import STATES
from ..system.named_tuple import NamedTuple
from .migrations import MIGRATIONS, split_statements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database

SHOWN = 1000  # rows of one kind that are counted: whether it is more makes no difference

QUICK_CHECK = "PRAGMA quick_check(10)"
FOREIGN_KEY_CHECK = "PRAGMA foreign_key_check"
SCHEMA_VERSION = "PRAGMA user_version"
JOURNAL_MODE = "PRAGMA journal_mode"
COMPILE_OPTIONS = "PRAGMA compile_options"
OPEN_COMMANDS = """SELECT t.id, x.command, x.slurm FROM tasks t JOIN task_texts x ON x.task = t.seq
    WHERE t.status IN ('backlog', 'active', 'review', 'blocked') AND instr(x.command, ?) ORDER BY t.seq"""
BREAKERS = "SELECT count(*) FROM {table} WHERE NOT ({rule})"

_KNOWN = ", ".join(f"'{state}'" for state in STATES)
_RECOUNT = """(SELECT count(*) FROM dependencies d JOIN tasks b ON b.seq = d.blocker
    WHERE d.task = tasks.seq AND b.status <> 'done')"""
_UNCLAIMED = "NOT EXISTS (SELECT 1 FROM claims c WHERE c.task = tasks.seq)"
_ORPHANED = "NOT EXISTS (SELECT 1 FROM claims c WHERE c.token = attempts.id)"
_TASK_IS_GONE = "NOT EXISTS (SELECT 1 FROM tasks t WHERE t.seq = claims.task)"
_IS_OVER = "token IN (SELECT id FROM attempts WHERE ended IS NOT NULL)"
_NOBODY = "held AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = claims.worker)"
_GROUP_IS_GONE = """status IN ('backlog', 'active', 'review', 'blocked') AND in_group <> ''
    AND in_group NOT IN (SELECT name FROM groups)"""
_OF_CLAIM = "coalesce((SELECT t.id FROM tasks t WHERE t.seq = claims.task), 'no task ' || claims.task)"

# What is wrong, the rows that are (each by a name for people), and the statement that mends them.
RULES = (
    (
        "in a state that does not exist",
        f"SELECT id FROM tasks WHERE status NOT IN ({_KNOWN})",
        f"UPDATE tasks SET status = 'failed' WHERE status NOT IN ({_KNOWN})",
    ),
    (
        "with a wrong count of open blockers",
        f"SELECT id FROM tasks WHERE open_blockers <> {_RECOUNT}",
        f"UPDATE tasks SET open_blockers = {_RECOUNT}",
    ),
    (
        "active, but claimed by nobody",
        f"SELECT id FROM tasks WHERE status = 'active' AND {_UNCLAIMED}",
        f"UPDATE tasks SET status = 'failed' WHERE status = 'active' AND {_UNCLAIMED}",
    ),
    (
        "claimed, but not active",
        "SELECT t.id FROM claims c JOIN tasks t ON t.seq = c.task WHERE t.status <> 'active'",
        "UPDATE tasks SET status = 'active' WHERE seq IN (SELECT task FROM claims)",
    ),
    (
        "gone, but still claimed",
        f"SELECT 'number ' || task FROM claims WHERE {_TASK_IS_GONE}",
        f"DELETE FROM claims WHERE {_TASK_IS_GONE}",
    ),
    (
        "claimed for an attempt that has ended",
        f"SELECT {_OF_CLAIM} FROM claims WHERE {_IS_OVER}",
        f"DELETE FROM claims WHERE {_IS_OVER}",
    ),
    (
        "claimed by a worker that was never entered",
        f"SELECT {_OF_CLAIM} FROM claims WHERE {_NOBODY}",
        f"UPDATE claims SET held = 0 WHERE {_NOBODY}",
    ),
    (
        "in a group that is gone",
        f"SELECT id FROM tasks WHERE {_GROUP_IS_GONE}",
        f"INSERT INTO groups (name) SELECT DISTINCT in_group FROM tasks WHERE {_GROUP_IS_GONE}",
    ),
    (
        "with an attempt that never ended, and no claim",
        f"""SELECT coalesce((SELECT t.id FROM tasks t WHERE t.seq = attempts.task), 'number ' || task)
            FROM attempts WHERE ended IS NULL AND {_ORPHANED}""",
        f"UPDATE attempts SET ended = started, outcome = 'lost' WHERE ended IS NULL AND {_ORPHANED}",
    ),
)


class Inconsistency(NamedTuple):
    """A rule that some tasks break."""

    name: str  # "active, but claimed by nobody"
    tasks: list[str]  # their ids, the first SHOWN of them
    remedy: str  # a statement of SQL


class Inspection:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def schema_version(self) -> int:
        """Schema that the database has."""
        return int(self._database.execute(SCHEMA_VERSION)[0][0])

    @property
    def journal_mode(self) -> str:
        """`wal` or another of SQLite's journal modes."""
        return str(self._database.execute(JOURNAL_MODE)[0][0])

    def damage(self) -> list[str]:
        """Return what SQLite finds wrong with the pages of the file."""
        return [str(row[0]) for row in self._database.execute(QUICK_CHECK) if row[0] != "ok"]

    def violations(self) -> list[str]:
        """Return the rules of the schema that rows break all the same: "kind_is_known is broken by 2 rows of tasks".

        SQLite's own check leaves them out where it may only read.
        """
        missing = [row[:3] for row in self._database.execute(FOREIGN_KEY_CHECK)[:SHOWN]]
        found = [f"row {row} of {table} names a row of {parent} that is gone" for table, row, parent in missing]
        for table, name, rule in _rules_of_schema(self.schema_version):
            count = self._database.execute(BREAKERS.format(table=table, rule=rule))[0][0]
            found += [f"{name} is broken by {count} row{'s' * (count > 1)} of {table}"] if count else []
        return found

    def inconsistencies(self) -> list[Inconsistency]:
        """Return the rules between rows that are broken, at one moment."""
        found = []
        with self._database.reading() as connection:
            for name, select, remedy in RULES:
                tasks = [str(row[0]) for row in connection.execute(f"{select} LIMIT {SHOWN}")]
                if tasks:
                    found.append(Inconsistency(name, tasks, " ".join(remedy.split())))
        return found

    def open_commands(self, words: Iterable[str]) -> list[tuple[str, str, str | None]]:
        """Return id, command and options for Slurm of each task that has not ended and whose command has one of these
        words in it."""
        found = {row[0]: row for word in words for row in self._database.execute(OPEN_COMMANDS, (word,))}
        return list(found.values())


def _rules_of_schema(version: int) -> list[tuple[str, str, str]]:
    """Each CHECK that the schema states, with its table, as it is called now, and its name."""
    rules: list[tuple[str, str, str]] = []
    for migration in MIGRATIONS[:version]:
        for statement in split_statements(migration):
            table = re.search(r"\b(CREATE|ALTER|DROP) TABLE (\w+)(?: RENAME TO (\w+))?", statement)
            if not table:
                continue
            if table[1] == "DROP":
                rules = [rule for rule in rules if rule[0] != table[2]]
            if table[3]:
                rules = [(table[3], *rule[1:]) if rule[0] == table[2] else rule for rule in rules]
            for found in re.finditer(r"CONSTRAINT (\w+)\s+CHECK (?=\()", statement):
                rules.append((table[2], found[1], _in_brackets(statement[found.end() :])))
    return rules


def _in_brackets(text: str) -> str:
    """What stands between the bracket that `text` begins with, and the one that closes it."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return text[1:place]
    return text


def compile_options() -> list[str]:
    """Return the options with which this Python's SQLite was built."""
    connection = sqlite3.connect(":memory:")
    try:
        return [row[0] for row in connection.execute(COMPILE_OPTIONS)]
    finally:
        connection.close()
