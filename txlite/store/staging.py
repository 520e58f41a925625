"""What an import brings, staged beside the database: its lines in tables of their own, checked among themselves.

They are in a database of their own, which SQLite keeps in a temporary file without a name, attached to the connection
as `arriving`. So memory does not grow with them, nothing is locked while they are read, and a kill leaves nothing. Each
line is checked by itself (`import_lines`, `tx_lines`), then all of them together. Used by `importing`.
"""

from __future__ import annotations

from ..errors import InvalidValue, UsageError
from ..model import Usage
from . import import_lines, tx_lines
from .import_lines import AttemptLine, GroupLine, TaskLine, Waits
from .jsonl import is_first, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from .import_lines import ImportLine

    class LineSource(Protocol):
        """A binary file, as far as an import reads it."""

        def readline(self, size: int = -1, /) -> bytes:
            """Return a line, of no more than so many bytes."""


LINE_BYTES = 64 << 20
BATCH = 1000  # rows staged at once

# The connection keeps its temporary files in memory, and must not keep these there. Their journal has only what a
# second transaction changes; without one, a ROLLBACK would leave them undefined, and the whole connection with them.
ATTACH = ("PRAGMA temp_store = FILE", "ATTACH '' AS arriving", "PRAGMA arriving.journal_mode = MEMORY",
          "PRAGMA arriving.cache_size = -65536")  # fmt: skip
DETACH = ("DETACH arriving", "PRAGMA temp_store = MEMORY")  # neither can be run in a transaction
CREATE = (
    """CREATE TABLE arriving.tasks (line INTEGER PRIMARY KEY, id TEXT, title TEXT, kind TEXT, needs TEXT, score NUMERIC,
    status TEXT, not_before TEXT, failures INTEGER, created TEXT, updated TEXT, completed TEXT, description TEXT,
    command TEXT, directory TEXT, verify TEXT, time_limit REAL, max_attempts INTEGER, environment BLOB, slurm TEXT,
    in_group TEXT, every TEXT, planned TEXT, arguments TEXT, max_memory INTEGER,
    own_agent TEXT, own_level TEXT, max_cost INTEGER,
    agent TEXT, type TEXT, level TEXT, template TEXT, timeout REAL,
    kill_after REAL, width INTEGER, of_tx INTEGER)""",
    "CREATE TABLE arriving.parents (line INTEGER PRIMARY KEY, parent TEXT, parent_line INTEGER)",
    "CREATE TABLE arriving.groups (line INTEGER, name TEXT, wanted INTEGER)",
    "CREATE TABLE arriving.waits (line INTEGER, task TEXT, task_line INTEGER, blocker TEXT, blocker_line INTEGER)",
    """CREATE TABLE arriving.attempts (line INTEGER PRIMARY KEY, id INTEGER, task TEXT, worker TEXT, agent TEXT,
    started TEXT, ended TEXT, outcome TEXT, exit_code INTEGER, duration REAL, pid INTEGER, report TEXT, place TEXT,
    note TEXT, level TEXT, tail TEXT)""",
    """CREATE TABLE arriving.usages (line INTEGER, part TEXT, agent TEXT, model TEXT, session TEXT,
    input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, cost INTEGER, turns INTEGER)""",
    # Filled when what is here can no longer change.
    "CREATE TABLE arriving.known (line INTEGER PRIMARY KEY, seq INTEGER UNIQUE, fate TEXT)",
    """CREATE TABLE arriving.edges (task INTEGER, blocker INTEGER, line INTEGER, PRIMARY KEY (task, blocker))
    WITHOUT ROWID""",
)
STAGE_TASK = f"INSERT INTO arriving.tasks VALUES (?{', ?' * len(TaskLine._fields)})"
STAGE_ATTEMPT = f"INSERT INTO arriving.attempts VALUES (?{', ?' * len(AttemptLine._fields)})"
STAGE_USAGE = f"INSERT INTO arriving.usages VALUES (?{', ?' * (len(Usage._fields) - 1)})"
STAGE_PARENT = "INSERT INTO arriving.parents VALUES (?, ?, NULL)"
STAGE_GROUP = "INSERT INTO arriving.groups VALUES (?, ?, ?)"
STAGE_WAIT = "INSERT INTO arriving.waits VALUES (?, ?, ?, ?, NULL)"
INDEX = (
    "CREATE INDEX arriving.tasks_by_id ON tasks (id, line)",
    "CREATE INDEX arriving.attempts_by_task ON attempts (task, started, worker, ended, id)",
    "CREATE INDEX arriving.attempts_by_id ON attempts (id)",
    "UPDATE arriving.parents SET parent_line = (SELECT n.line FROM arriving.tasks n WHERE n.id = parent)",
    """UPDATE arriving.waits SET
    task_line = coalesce(task_line, (SELECT n.line FROM arriving.tasks n WHERE n.id = task)),
    blocker_line = (SELECT n.line FROM arriving.tasks n WHERE n.id = blocker)""",
    """UPDATE arriving.tasks SET status = CASE WHEN id IN (SELECT task FROM arriving.waits) THEN 'backlog'
    ELSE 'blocked' END WHERE status = 'waits'""",
)
# What is wrong, and where it shows: the line, and a name.
TWICE = (
    (
        "task {} stands in the file twice",
        "SELECT max(line), id FROM arriving.tasks GROUP BY id HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
    ),
    (
        "attempt {} stands in the file twice",
        "SELECT max(line), id FROM arriving.attempts GROUP BY id HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
    ),
)


class Staging:
    """The lines of one file on their way into the database attached as `arriving`.

    name: of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_export = False

    def stage(self, connection: sqlite3.Connection, file: Iterable[bytes], directory: str) -> None:
        """Take in all lines, and check them among themselves. Needs a transaction. Raises UsageError."""
        for statement in CREATE:
            connection.execute(statement)
        rows = _Rows(connection)
        for number, line in enumerate(file, 1):
            try:
                self._take(rows, number, line, directory)
            except InvalidValue as error:
                raise wrong(self._name, number, str(error)) from None
        rows.flush()
        if not rows.count and not self._is_export:
            raise UsageError(f"{self._name} is empty, not an export of txlite: nothing was imported")
        for statement in INDEX:
            connection.execute(statement)
        refuse_any(connection, self._name, TWICE)

    def _take(self, rows: _Rows, number: int, line: bytes, directory: str) -> None:
        if len(line) > LINE_BYTES:
            raise InvalidValue(f"it has more than {LINE_BYTES >> 20} MB")
        if not line.strip():
            return
        fields = parse(line)
        if not rows.count and not self._is_export and is_first(fields):
            self._is_export = True
            return
        if not self._is_export and "op" not in fields:
            raise InvalidValue("an export of txlite begins with a line of its format, and this is another")
        if "op" in fields:
            rows.add(number, tx_lines.check(fields, directory))
        else:
            rows.add(number, import_lines.check(fields))


class _Rows:
    """Rows on their way into the tables, many at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.count = 0
        self._connection = connection
        self._waiting: dict[str, list[tuple]] = {
            sql: [] for sql in (STAGE_TASK, STAGE_PARENT, STAGE_WAIT, STAGE_ATTEMPT, STAGE_GROUP, STAGE_USAGE)
        }

    def add(self, number: int, line: ImportLine) -> None:
        record, waiting = line.record, self._waiting
        if isinstance(record, TaskLine):
            waiting[STAGE_TASK].append((number, *record))
            if line.parent:
                waiting[STAGE_PARENT].append((number, line.parent))
            for blocker in line.after:
                waiting[STAGE_WAIT].append((number, record.id, number, blocker))
        elif isinstance(record, Waits):
            waiting[STAGE_WAIT].append((number, record.task, None, record.blocker))
        elif isinstance(record, GroupLine):
            waiting[STAGE_GROUP].append((number, *record))
        else:
            waiting[STAGE_ATTEMPT].append((number, *record))
            waiting[STAGE_USAGE] += ((number, *usage[1:]) for usage in line.usages)
        self.count += 1
        if not self.count % BATCH:
            self.flush()

    def flush(self) -> None:
        for sql, rows in self._waiting.items():
            self._connection.executemany(sql, rows)
            rows.clear()


def lines_of(file: LineSource) -> Iterator[bytes]:
    """Yield the lines of a binary file; of one that is too long, no more than shows that."""
    while True:
        line = file.readline(LINE_BYTES + 1)
        if not line:
            return
        yield line


def refuse_any(connection: sqlite3.Connection, name: str, rules: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError for the first line of the file `name` that one of the rules, each a message and the statement
    that selects line and name, finds to be wrong."""
    found = [(row, rule) for rule, sql in rules for row in connection.execute(sql)]
    for (number, what), rule in sorted(found)[:1]:
        raise wrong(name, number, rule.format(what))


def wrong(name: str, number: int, why: str) -> UsageError:
    """Return the error that names a file, a line and what is wrong there."""
    return UsageError(f"{name}, line {number}: {why}: nothing was imported")
