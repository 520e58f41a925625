"""What an import brings: staged and checked beside the database, then merged into it.

The lines go into a database of their own, which SQLite keeps in a temporary file without a name, attached to the
connection. So memory does not grow with them, nothing is locked while they are read, and a kill leaves nothing. Each
line is checked by itself (`jsonl`), then all of them together; only then does the one transaction begin in which
they are compared with what is here, merged, and checked once more. Whatever is wrong is named with its line, and
nothing is changed. Reached as `Store.importing`.

A task that is here already has one of these fates:
  newer   the file's record was changed later: it replaces the one here, with what it waits for
  edited  both say the same time and something else: a person changed the file, and the file is right
  linked  the same, except that it waits for more: for that, too
  same    nothing changes
  kept    the record here was changed later, or somebody holds the task: nothing changes
"""

from __future__ import annotations

import sqlite3

from ..errors import InvalidValue, StoreUnavailable, UsageError
from ..home import location
from ..model import Lane
from ..system import clock
from ..system.named_tuple import NamedTuple
from .graph import find_cycle
from .jsonl import AttemptLine, TaskLine, Waits, check, is_first, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from .database import Database
    from .jsonl import Arrival
    from .waking import Waking

LINE_BYTES = 64 << 20
BATCH = 1000  # rows staged at once
MERGE_CACHE = -98304  # KiB of pages of the database while an import is merged

# The connection keeps its temporary files in memory, and must not keep these there.
ATTACH = ("PRAGMA temp_store = FILE", "ATTACH '' AS arriving", "PRAGMA arriving.journal_mode = OFF",
          "PRAGMA arriving.cache_size = -65536")  # fmt: skip
DETACH = ("DETACH arriving", "PRAGMA temp_store = MEMORY")  # neither can be run in a transaction
CREATE = (
    """CREATE TABLE arriving.tasks (line INTEGER PRIMARY KEY, id TEXT, title TEXT, kind TEXT, needs TEXT, score NUMERIC,
    status TEXT, not_before TEXT, failures INTEGER, created TEXT, updated TEXT, completed TEXT, description TEXT,
    command TEXT, directory TEXT, verify TEXT, agent TEXT, type TEXT, level TEXT, template TEXT, timeout REAL,
    kill_after REAL, width INTEGER, of_tx INTEGER)""",
    "CREATE TABLE arriving.parents (line INTEGER PRIMARY KEY, parent TEXT, parent_line INTEGER)",
    "CREATE TABLE arriving.waits (line INTEGER, task TEXT, task_line INTEGER, blocker TEXT, blocker_line INTEGER)",
    """CREATE TABLE arriving.attempts (line INTEGER PRIMARY KEY, id INTEGER, task TEXT, worker TEXT, agent TEXT,
    started TEXT, ended TEXT, outcome TEXT, exit_code INTEGER, duration REAL, pid INTEGER, report TEXT, note TEXT,
    tail TEXT)""",
    # Filled when what is here can no longer change.
    "CREATE TABLE arriving.known (line INTEGER PRIMARY KEY, seq INTEGER UNIQUE, fate TEXT)",
    """CREATE TABLE arriving.edges (task INTEGER, blocker INTEGER, line INTEGER, PRIMARY KEY (task, blocker))
    WITHOUT ROWID""",
)
STAGE_TASK = f"INSERT INTO arriving.tasks VALUES (?{', ?' * len(TaskLine._fields)})"
STAGE_ATTEMPT = f"INSERT INTO arriving.attempts VALUES (?{', ?' * len(AttemptLine._fields)})"
STAGE_PARENT = "INSERT INTO arriving.parents VALUES (?, ?, NULL)"
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
UNKNOWN = (
    (
        "its parent {} is neither in the file nor here",
        """SELECT line, parent FROM arriving.parents WHERE parent_line IS NULL
        AND parent NOT IN (SELECT id FROM main.tasks) ORDER BY line LIMIT 1""",
    ),
    (
        "{}, which it waits for, is neither in the file nor here",
        """SELECT line, blocker FROM arriving.waits WHERE blocker_line IS NULL
        AND blocker NOT IN (SELECT id FROM main.tasks) ORDER BY line LIMIT 1""",
    ),
    (
        "its task {} is neither in the file nor here",
        """SELECT line, task FROM arriving.waits WHERE task_line IS NULL
        AND task NOT IN (SELECT id FROM main.tasks) ORDER BY line LIMIT 1""",
    ),
    (
        "its task {} is neither in the file nor here",
        """SELECT line, task FROM arriving.attempts WHERE task NOT IN (SELECT id FROM arriving.tasks)
        AND task NOT IN (SELECT id FROM main.tasks) ORDER BY line LIMIT 1""",
    ),
)

CACHE = "PRAGMA main.cache_size"
LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'"
LAST_TOKEN = "SELECT coalesce(max(id), 0) FROM main.attempts"
# A task that is new gets the seq :base + its line: the order of the file.
SEQ_OF_LINE = "coalesce((SELECT k.seq FROM arriving.known k WHERE k.line = {0}), :base + {0})"
SEQ_OF_ID = "(SELECT t.seq FROM main.tasks t WHERE t.id = {})"
IS_HELD = "EXISTS (SELECT 1 FROM main.claims c WHERE c.task = {})"
FIELDS = "title, kind, needs, score, status, not_before, failures, created, updated, completed"
LAUNCH_FIELDS = "agent, type, level, template, timeout, kill_after, width"


def _same(one: str, other: str, names: str) -> str:
    return " AND ".join(f"{one}.{name} IS {other}.{name}" for name in names.split(", "))


# Neither is the record's: the time for which a task released by hand is its holder's, and one that has come.
KNOW = f"""INSERT INTO arriving.known SELECT n.line, t.seq, CASE
        WHEN {IS_HELD.format("t.seq")} OR n.updated < t.updated THEN 'kept'
        WHEN n.updated > t.updated THEN 'newer'
        WHEN n.of_tx THEN 'same'
        WHEN {_same("n", "t", FIELDS.replace("not_before, ", ""))}
            AND (n.not_before IS t.not_before OR t.reserved_for IS NOT NULL
                OR (t.not_before IS NULL AND n.not_before <= :now))
            AND {_same("n", "x", "description, command, directory, verify")} AND {_same("n", "l", LAUNCH_FIELDS)}
            AND (SELECT t2.id FROM main.tasks t2 WHERE t2.seq = t.parent) IS p.parent THEN 'same'
        ELSE 'edited' END
    FROM arriving.tasks n CROSS JOIN main.tasks t ON t.id = n.id LEFT JOIN arriving.parents p ON p.line = n.line
    LEFT JOIN main.task_texts x ON x.task = t.seq LEFT JOIN main.launches l ON l.task = t.seq"""
# What tx's lines do not tell stays as it is here.
KEEP_OWN = f"""UPDATE arriving.tasks
    SET (kind, needs, not_before, failures, command, directory, verify, {LAUNCH_FIELDS}, status) = (SELECT
        t.kind, t.needs, t.not_before, t.failures, x.command, x.directory, x.verify, {LAUNCH_FIELDS},
        CASE WHEN l.task IS NOT NULL AND tasks.status = 'backlog' THEN 'cancelled' ELSE tasks.status END
        FROM arriving.known k JOIN main.tasks t ON t.seq = k.seq LEFT JOIN main.task_texts x ON x.task = t.seq
        LEFT JOIN main.launches l ON l.task = t.seq WHERE k.line = tasks.line)
    WHERE of_tx AND line IN (SELECT line FROM arriving.known WHERE fate = 'newer')"""

EDGES = f"""INSERT OR IGNORE INTO arriving.edges
    SELECT CASE WHEN w.task_line IS NULL THEN {SEQ_OF_ID.format("w.task")} ELSE {SEQ_OF_LINE.format("w.task_line")} END,
        CASE WHEN w.blocker_line IS NULL THEN {SEQ_OF_ID.format("w.blocker")}
            ELSE {SEQ_OF_LINE.format("w.blocker_line")} END, w.line
    FROM arriving.waits w WHERE NOT EXISTS
        (SELECT 1 FROM arriving.known k WHERE k.line = w.task_line AND k.fate = 'kept')
    AND (w.task_line IS NOT NULL OR NOT {IS_HELD.format(SEQ_OF_ID.format("w.task"))})"""
IS_NEW_EDGE = """NOT EXISTS (SELECT 1 FROM main.dependencies d WHERE d.task = e.task AND d.blocker = e.blocker)"""
LINK_SAME = f"""UPDATE arriving.known SET fate = 'linked' WHERE fate = 'same' AND EXISTS
    (SELECT 1 FROM arriving.edges e WHERE e.task = known.seq AND {IS_NEW_EDGE})"""
UNLINK = """DELETE FROM main.dependencies WHERE task IN (SELECT k.seq FROM arriving.known k
        JOIN arriving.tasks n ON n.line = k.line WHERE k.fate = 'newer' AND NOT n.of_tx)
    AND NOT EXISTS
        (SELECT 1 FROM arriving.edges e WHERE e.task = dependencies.task AND e.blocker = dependencies.blocker)"""
LINK = f"""INSERT INTO main.dependencies (task, blocker) SELECT e.task, e.blocker FROM arriving.edges e
    WHERE {IS_NEW_EDGE} ORDER BY e.task, e.blocker"""

IS_CHANGED = "k.fate IN ('newer', 'edited')"
CHANGED = f"SELECT k.seq FROM arriving.known k WHERE {IS_CHANGED}"
IS_ADDED = "n.line NOT IN (SELECT k.line FROM arriving.known k)"
PARENT = f"""CASE WHEN p.parent IS NULL THEN NULL WHEN p.parent_line IS NULL THEN {SEQ_OF_ID.format("p.parent")}
    ELSE {SEQ_OF_LINE.format("p.parent_line")} END"""
ADD = f"""INSERT INTO main.tasks (seq, id, {FIELDS}, token, parent)
    SELECT :base + n.line, n.id, {FIELDS},
        coalesce((SELECT max(a.id) + :shift FROM arriving.attempts a WHERE a.task = n.id), 0), {PARENT}
    FROM arriving.tasks n LEFT JOIN arriving.parents p ON p.line = n.line WHERE {IS_ADDED} ORDER BY n.line"""
ADD_TEXTS = f"""INSERT INTO main.task_texts (task, description, command, directory, verify)
    SELECT :base + n.line, n.description, n.command, n.directory, n.verify FROM arriving.tasks n
    WHERE {IS_ADDED} ORDER BY n.line"""
ADD_LAUNCHES = f"""INSERT INTO main.launches (task, {LAUNCH_FIELDS}, has_turn)
    SELECT :base + n.line, {LAUNCH_FIELDS}, 0 FROM arriving.tasks n WHERE n.agent IS NOT NULL AND {IS_ADDED}"""
CHANGE = f"""UPDATE main.tasks SET ({FIELDS}, parent, reserved_for) = (SELECT {FIELDS}, {PARENT}, NULL
        FROM arriving.known k JOIN arriving.tasks n ON n.line = k.line LEFT JOIN arriving.parents p ON p.line = n.line
        WHERE k.seq = tasks.seq)
    WHERE seq IN ({CHANGED})"""
CHANGE_TEXTS = f"""INSERT OR REPLACE INTO main.task_texts (task, description, command, directory, verify)
    SELECT k.seq, n.description, n.command, n.directory, n.verify FROM arriving.known k
    JOIN arriving.tasks n ON n.line = k.line WHERE {IS_CHANGED}"""
FORGET_LAUNCHES = f"DELETE FROM main.launches WHERE task IN ({CHANGED})"
CHANGE_LAUNCHES = f"""INSERT INTO main.launches (task, {LAUNCH_FIELDS}, has_turn) SELECT k.seq, {LAUNCH_FIELDS}, 0
    FROM arriving.known k JOIN arriving.tasks n ON n.line = k.line WHERE {IS_CHANGED} AND n.agent IS NOT NULL"""

FORGET_HELD = """DELETE FROM arriving.attempts WHERE task IN
    (SELECT t.id FROM main.claims c JOIN main.tasks t ON t.seq = c.task)"""
# The same attempt has the same task, worker, beginning and end, and perhaps another number.
FORGET_KNOWN = """DELETE FROM arriving.attempts WHERE line IN (SELECT n.line FROM main.attempts a
    CROSS JOIN main.tasks t ON t.seq = a.task
    CROSS JOIN arriving.attempts n ON n.task = t.id AND n.started = a.started AND n.worker = a.worker
        AND n.ended = a.ended)"""
FIRST_NEW = "SELECT min(id), count(*) FROM arriving.attempts"
ADD_ATTEMPTS = f"""INSERT INTO main.attempts (id, task, previous, worker, agent, started, ended, outcome, exit_code,
        duration, pid, report, note)
    SELECT a.id + :shift, coalesce({SEQ_OF_ID.format("a.task")},
            :base + (SELECT n.line FROM arriving.tasks n WHERE n.id = a.task)),
        lag(a.id + :shift, 1, coalesce((SELECT t.token FROM main.tasks t WHERE t.id = a.task), 0))
            OVER (PARTITION BY a.task ORDER BY a.id),
        a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration, a.pid, a.report, a.note
    FROM arriving.attempts a ORDER BY a.id"""
ADD_TAILS = """INSERT INTO main.attempt_texts (attempt, tail)
    SELECT a.id + :shift, a.tail FROM arriving.attempts a WHERE a.tail IS NOT NULL ORDER BY a.id"""
SET_TOKENS = """UPDATE main.tasks
    SET token = (SELECT max(a.id) + :shift FROM arriving.attempts a WHERE a.task = tasks.id)
    WHERE id IN (SELECT task FROM arriving.attempts) AND seq <= :base"""

IS_BACKWARD = "SELECT 1 FROM main.dependencies WHERE blocker > task LIMIT 1"
ALL_EDGES = "SELECT task, blocker FROM main.dependencies ORDER BY task, blocker"
LINE_OF_EDGE = "SELECT line FROM arriving.edges WHERE task = ? AND blocker = ?"
HAS_LATE_PARENT = "SELECT 1 FROM main.tasks WHERE parent > seq LIMIT 1"
ALL_PARENTS = "SELECT seq, parent FROM main.tasks WHERE parent IS NOT NULL ORDER BY seq"
LINE_OF_SEQ = "SELECT line FROM arriving.known WHERE seq = ?"
NAME = "SELECT id FROM main.tasks WHERE seq = ?"

COUNT = "SELECT count(*) FROM arriving.tasks"
COUNT_FATES = "SELECT fate, count(*) FROM arriving.known GROUP BY fate"
LANES = f"""SELECT n.kind, n.needs FROM arriving.tasks n WHERE {IS_ADDED} AND n.status = 'backlog'
    UNION SELECT t.kind, t.needs FROM main.tasks t WHERE t.seq IN ({CHANGED})
    UNION SELECT t.kind, t.needs FROM main.dependencies d JOIN main.tasks t ON t.seq = d.task
        WHERE d.blocker IN ({CHANGED})"""


class Counts(NamedTuple):
    """What an import did."""

    added: int
    updated: int
    unchanged: int
    kept: int  # newer here, or held by somebody
    attempts: int  # added


class Arrivals:
    """The lines of one file, in the database attached as `arriving`. Use it on one connection from begin to end.

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
                raise self._wrong(number, str(error)) from None
        rows.flush()
        if not rows.count and not self._is_export:
            raise UsageError(f"{self._name} is empty, not an export of txlite: nothing was imported")
        for statement in INDEX:
            connection.execute(statement)
        self._refuse_any(connection, TWICE)

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
        rows.add(number, check(fields, directory))

    def merge(self, connection: sqlite3.Connection) -> Counts:
        """Bring them in, in a transaction that writes, to be rolled back if this raises. Raises UsageError."""
        base = connection.execute(LAST_SEQ).fetchone()[0]
        connection.execute(KNOW, {"now": clock.now()})
        connection.execute(KEEP_OWN)
        self._refuse_any(connection, UNKNOWN)
        values = {"base": base, "shift": 0}
        connection.execute(EDGES, values)
        connection.execute(LINK_SAME)
        attempts = _merge_attempts(connection, values)
        for statement in (ADD, ADD_TEXTS, ADD_LAUNCHES, CHANGE, CHANGE_TEXTS, FORGET_LAUNCHES, CHANGE_LAUNCHES,
                          UNLINK, LINK):  # fmt: skip
            connection.execute(statement, values)
        self._refuse_cycles(connection, base)
        return _count(connection, attempts)

    def _refuse_any(self, connection: sqlite3.Connection, rules: Iterable[tuple[str, str]]) -> None:
        found = [(row, rule) for rule, sql in rules for row in connection.execute(sql)]
        for (number, what), rule in sorted(found)[:1]:
            raise self._wrong(number, rule.format(what))

    def _refuse_cycles(self, connection: sqlite3.Connection, base: int) -> None:
        if connection.execute(IS_BACKWARD).fetchone():
            cycle = find_cycle(connection.execute(ALL_EDGES))
            pairs = zip(cycle, [*cycle[1:], *cycle[:1]])
            lines = [row[0] for pair in pairs for row in connection.execute(LINE_OF_EDGE, pair)]
            self._refuse_cycle(connection, cycle, lines, "waits for")
        if connection.execute(HAS_LATE_PARENT).fetchone():
            cycle = find_cycle(connection.execute(ALL_PARENTS))
            lines = [seq - base for seq in cycle if seq > base]
            lines += [row[0] for seq in cycle for row in connection.execute(LINE_OF_SEQ, (seq,))]
            self._refuse_cycle(connection, cycle, lines, "is a part of")

    def _refuse_cycle(self, connection: sqlite3.Connection, cycle: list[int], lines: list[int], verb: str) -> None:
        """`lines`: of the file, where the cycle stands; it stood nowhere here before."""
        if cycle:
            names = [connection.execute(NAME, (seq,)).fetchone()[0] for seq in cycle[:4]]
            way = f"{', '.join(names[1:])}{', …' if len(cycle) > 4 else ''}"
            raise self._wrong(min(lines), f"{names[0]} {verb} itself, by way of {way}")

    def _wrong(self, number: int, why: str) -> UsageError:
        return UsageError(f"{self._name}, line {number}: {why}: nothing was imported")


class _Rows:
    """Rows on their way into the tables, many at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.count = 0
        self._connection = connection
        self._waiting: dict[str, list[tuple]] = {
            sql: [] for sql in (STAGE_TASK, STAGE_PARENT, STAGE_WAIT, STAGE_ATTEMPT)
        }

    def add(self, number: int, arrival: Arrival) -> None:
        record, waiting = arrival.record, self._waiting
        if isinstance(record, TaskLine):
            waiting[STAGE_TASK].append((number, *record))
            if arrival.parent:
                waiting[STAGE_PARENT].append((number, arrival.parent))
            for blocker in arrival.after:
                waiting[STAGE_WAIT].append((number, record.id, number, blocker))
        elif isinstance(record, Waits):
            waiting[STAGE_WAIT].append((number, record.task, None, record.blocker))
        else:
            waiting[STAGE_ATTEMPT].append((number, *record))
        self.count += 1
        if not self.count % BATCH:
            self.flush()

    def flush(self) -> None:
        for sql, rows in self._waiting.items():
            self._connection.executemany(sql, rows)
            rows.clear()


def lines_of(file: object) -> Iterator[bytes]:
    """The lines of a binary file; of one that is too long, no more than shows that."""
    while True:
        line: bytes = file.readline(LINE_BYTES + 1)  # type: ignore[attr-defined]
        if not line:
            return
        yield line


def _merge_attempts(connection: sqlite3.Connection, values: dict[str, int]) -> int:
    """Add the attempts that are not here. They keep their numbers if all are above those that were ever given here;
    else they get new ones above them, in their order: no token is given twice, and a task's last one is its highest."""
    connection.execute(FORGET_HELD)
    connection.execute(FORGET_KNOWN)
    first, count = connection.execute(FIRST_NEW).fetchone()
    if count:
        last = connection.execute(LAST_TOKEN).fetchone()[0]
        values["shift"] = 0 if first > last else last + 1 - first
        for statement in (ADD_ATTEMPTS, ADD_TAILS, SET_TOKENS):
            connection.execute(statement, values)
    return int(count)


def _count(connection: sqlite3.Connection, attempts: int) -> Counts:
    total = connection.execute(COUNT).fetchone()[0]
    fates = dict(connection.execute(COUNT_FATES))
    updated = sum(fates.get(fate, 0) for fate in ("newer", "edited", "linked"))
    return Counts(total - sum(fates.values()), updated, fates.get("same", 0), fates.get("kept", 0), attempts)


def touched_lanes(connection: sqlite3.Connection) -> set[Lane]:
    """Where something may be ready that was not before."""
    return {Lane(*row) for row in connection.execute(LANES)}


class Import:
    """Merging an export into one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def merge(self, file: BinaryIO, name: str) -> Counts:
        """Merge an export, or tx's, into this home: all of it, or nothing.

        name: of the file, for messages. Raises UsageError, naming the line that is wrong.
        """
        connection, arrivals = self._database.connection, Arrivals(name)
        with self._database.alone():  # it changes the connection: no other thread's transaction may come between
            try:
                for statement in ATTACH:
                    connection.execute(statement)
                self._stage(arrivals, file)
                return self._merge(arrivals)
            finally:
                _detach(connection)

    def _stage(self, arrivals: Arrivals, file: BinaryIO) -> None:
        with self._database.reading() as connection:  # of what is attached: nothing else is looked at, or locked
            try:
                arrivals.stage(connection, lines_of(file), location.working_directory())
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(
                    f"no temporary file can be written ({error}): set TMPDIR to a directory with room"
                ) from error

    def _merge(self, arrivals: Arrivals) -> Counts:
        usual = self._database.execute(CACHE)[0][0]
        self._database.execute(f"{CACHE} = {MERGE_CACHE}")  # else pages are written again and again in one transaction
        try:
            with self._database.writing() as connection:
                counts = arrivals.merge(connection)
            with self._database.reading() as connection:
                touched = touched_lanes(connection)
        finally:
            self._database.execute(f"{CACHE} = {usual}")
        self._waking.wake_for(touched)
        return counts


def _detach(connection: sqlite3.Connection) -> None:
    for statement in DETACH:
        try:
            connection.execute(statement)
        except sqlite3.Error:
            pass  # it was not attached
