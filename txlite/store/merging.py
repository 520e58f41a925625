"""What an import brought, merged into what is here, in the one transaction in which both are compared.

A task that is here already has one of these fates:
  newer   the file's record was changed later: it replaces the one here, with what it waits for
  edited  both say the same time and something else: a person changed the file, and the file is right
  linked  the same, except that it waits for more: for that, too
  same    nothing changes
  kept    the record here was changed later, or somebody holds the task: nothing changes

Whatever is wrong is named with its line, and nothing is changed. Used by `importing`, after `staging`.
"""

from __future__ import annotations

from ..model import Lane, Usage
from ..system import clock
from ..system.named_tuple import NamedTuple
from .graph import find_cycle
from .staging import refuse_any, wrong
from .usages import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

# What is wrong with what is here, and where it shows: the line, and a name.
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

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'"
LAST_TOKEN = "SELECT coalesce(max(id), 0) FROM main.attempts"
# A task that is new gets the seq :base + its line: the order of the file.
SEQ_OF_LINE = "coalesce((SELECT k.seq FROM arriving.known k WHERE k.line = {0}), :base + {0})"
SEQ_OF_ID = "(SELECT t.seq FROM main.tasks t WHERE t.id = {})"
IS_HELD = "EXISTS (SELECT 1 FROM main.claims c WHERE c.task = {})"
FIELDS = (
    "title, kind, needs, score, status, not_before, failures, max_attempts, in_group, every, "
    "created, updated, completed"
)
TEXT_FIELDS = (
    "description, command, directory, verify, time_limit, environment, slurm, planned, arguments, max_memory, max_cost"
)
OWN_FIELDS = "agent, level"  # of the same table; how a task is launched has such ones, too, so that in arriving.tasks
STAGED_FIELDS = "own_agent, own_level"  # they have other names
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
            AND {_same("n", "x", TEXT_FIELDS)} AND n.own_agent IS x.agent AND n.own_level IS x.level
            AND {_same("n", "l", LAUNCH_FIELDS)}
            AND (SELECT t2.id FROM main.tasks t2 WHERE t2.seq = t.parent) IS p.parent THEN 'same'
        ELSE 'edited' END
    FROM arriving.tasks n CROSS JOIN main.tasks t ON t.id = n.id LEFT JOIN arriving.parents p ON p.line = n.line
    LEFT JOIN main.task_texts x ON x.task = t.seq LEFT JOIN main.launches l ON l.task = t.seq"""
# What tx's lines do not tell stays as it is here.
KEEP_OWN = f"""UPDATE arriving.tasks
    SET (kind, needs, not_before, failures, max_attempts, in_group, every, command, directory, verify, time_limit,
        environment, slurm, planned, arguments, max_memory, max_cost, {STAGED_FIELDS}, {LAUNCH_FIELDS}, status)
        = (SELECT
        t.kind, t.needs, t.not_before, t.failures, t.max_attempts, t.in_group, t.every, x.command, x.directory,
        x.verify, x.time_limit, x.environment, x.slurm, x.planned, x.arguments, x.max_memory, x.max_cost,
        x.agent, x.level, {", ".join("l." + name for name in LAUNCH_FIELDS.split(", "))},
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

# A limit that somebody gave here stays; one that nobody gave is made up for by the tasks that are added.
ADD_GROUPS = "INSERT OR IGNORE INTO main.groups (name, wanted) SELECT name, wanted FROM arriving.groups ORDER BY line"
IS_CHANGED = "k.fate IN ('newer', 'edited')"
CHANGED = f"SELECT k.seq FROM arriving.known k WHERE {IS_CHANGED}"
IS_ADDED = "n.line NOT IN (SELECT k.line FROM arriving.known k)"
PARENT = f"""CASE WHEN p.parent IS NULL THEN NULL WHEN p.parent_line IS NULL THEN {SEQ_OF_ID.format("p.parent")}
    ELSE {SEQ_OF_LINE.format("p.parent_line")} END"""
ADD = f"""INSERT INTO main.tasks (seq, id, {FIELDS}, token, parent)
    SELECT :base + n.line, n.id, {FIELDS},
        coalesce((SELECT max(a.id) + :shift FROM arriving.attempts a WHERE a.task = n.id), 0), {PARENT}
    FROM arriving.tasks n LEFT JOIN arriving.parents p ON p.line = n.line WHERE {IS_ADDED} ORDER BY n.line"""
ADD_TEXTS = f"""INSERT INTO main.task_texts (task, {TEXT_FIELDS}, {OWN_FIELDS})
    SELECT :base + n.line, {TEXT_FIELDS}, {STAGED_FIELDS} FROM arriving.tasks n
    WHERE {IS_ADDED} ORDER BY n.line"""
ADD_LAUNCHES = f"""INSERT INTO main.launches (task, {LAUNCH_FIELDS}, has_turn)
    SELECT :base + n.line, {LAUNCH_FIELDS}, 0 FROM arriving.tasks n WHERE n.agent IS NOT NULL AND {IS_ADDED}"""
CHANGE = f"""UPDATE main.tasks SET ({FIELDS}, parent, reserved_for, delay_boot) = (SELECT {FIELDS}, {PARENT}, NULL, NULL
        FROM arriving.known k JOIN arriving.tasks n ON n.line = k.line LEFT JOIN arriving.parents p ON p.line = n.line
        WHERE k.seq = tasks.seq)
    WHERE seq IN ({CHANGED})"""
CHANGE_TEXTS = f"""INSERT OR REPLACE INTO main.task_texts (task, {TEXT_FIELDS}, {OWN_FIELDS})
    SELECT k.seq, {TEXT_FIELDS}, {STAGED_FIELDS} FROM arriving.known k
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
        duration, pid, report, place, note, level)
    SELECT a.id + :shift, coalesce({SEQ_OF_ID.format("a.task")},
            :base + (SELECT n.line FROM arriving.tasks n WHERE n.id = a.task)),
        lag(a.id + :shift, 1, coalesce((SELECT t.token FROM main.tasks t WHERE t.id = a.task), 0))
            OVER (PARTITION BY a.task ORDER BY a.id),
        a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration, a.pid, a.report, a.place,
        a.note, a.level
    FROM arriving.attempts a ORDER BY a.id"""
ADD_TAILS = """INSERT INTO main.attempt_texts (attempt, tail)
    SELECT a.id + :shift, a.tail FROM arriving.attempts a WHERE a.tail IS NOT NULL ORDER BY a.id"""
_USED = ", ".join("u." + name for name in Usage._fields[1:])
ADD_USAGES = f"""INSERT INTO main.usages ({NAMES}) SELECT a.id + :shift, {_USED} FROM arriving.usages u
    JOIN arriving.attempts a ON a.line = u.line"""
SET_TOKENS = """UPDATE main.tasks
    SET token = (SELECT max(a.id) + :shift FROM arriving.attempts a WHERE a.task = tasks.id)
    WHERE id IN (SELECT task FROM arriving.attempts) AND seq <= :base"""

# What waits now for a task that comes again, and a line that says so.
WAITS_FOR_EVER = """SELECT e.line, t.id, b.id FROM arriving.edges e JOIN main.tasks b ON b.seq = e.blocker
    JOIN main.tasks t ON t.seq = e.task WHERE b.every IS NOT NULL
    UNION ALL SELECT k.line, t.id, b.id FROM arriving.known k JOIN main.tasks b ON b.seq = k.seq
        JOIN main.dependencies d ON d.blocker = b.seq JOIN main.tasks t ON t.seq = d.task
        WHERE k.fate = 'newer' AND b.every IS NOT NULL
    LIMIT 1"""
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


def merge(connection: sqlite3.Connection, name: str) -> Counts:
    """Bring in what is staged of the file `name`, in a transaction that writes, to be rolled back if this raises.
    Raises UsageError."""
    base = connection.execute(LAST_SEQ).fetchone()[0]
    connection.execute(KNOW, {"now": clock.now()})
    connection.execute(KEEP_OWN)
    refuse_any(connection, name, UNKNOWN)
    values = {"base": base, "shift": 0}
    connection.execute(EDGES, values)
    connection.execute(LINK_SAME)
    attempts = _merge_attempts(connection, values)
    connection.execute(ADD_GROUPS)  # before the tasks that are in them
    for statement in (ADD, ADD_TEXTS, ADD_LAUNCHES, CHANGE, CHANGE_TEXTS, FORGET_LAUNCHES, CHANGE_LAUNCHES,
                      UNLINK, LINK):  # fmt: skip
        connection.execute(statement, values)
    for line, task, blocker in connection.execute(WAITS_FOR_EVER).fetchall():
        raise wrong(name, line, f"{task} waits for {blocker}, which comes again and is never done for good")
    _refuse_cycles(connection, name, base)
    return _count(connection, attempts)


def _refuse_cycles(connection: sqlite3.Connection, name: str, base: int) -> None:
    if connection.execute(IS_BACKWARD).fetchone():
        cycle = find_cycle(connection.execute(ALL_EDGES))
        pairs = zip(cycle, [*cycle[1:], *cycle[:1]])
        lines = [row[0] for pair in pairs for row in connection.execute(LINE_OF_EDGE, pair)]
        _refuse_cycle(connection, name, cycle, lines, "waits for")
    if connection.execute(HAS_LATE_PARENT).fetchone():
        cycle = find_cycle(connection.execute(ALL_PARENTS))
        lines = [seq - base for seq in cycle if seq > base]
        lines += [row[0] for seq in cycle for row in connection.execute(LINE_OF_SEQ, (seq,))]
        _refuse_cycle(connection, name, cycle, lines, "is a part of")


def _refuse_cycle(connection: sqlite3.Connection, name: str, cycle: list[int], lines: list[int], verb: str) -> None:
    """`lines`: of the file, where the cycle stands; it stood nowhere here before."""
    if cycle:
        names = [connection.execute(NAME, (seq,)).fetchone()[0] for seq in cycle[:4]]
        way = f"{', '.join(names[1:])}{', …' if len(cycle) > 4 else ''}"
        raise wrong(name, min(lines), f"{names[0]} {verb} itself, by way of {way}")


def _merge_attempts(connection: sqlite3.Connection, values: dict[str, int]) -> int:
    """Add the attempts that are not here. They keep their numbers if all are above those that were ever given here;
    else they get new ones above them, in their order: no token is given twice, and a task's last one is its highest."""
    connection.execute(FORGET_HELD)
    connection.execute(FORGET_KNOWN)
    first, count = connection.execute(FIRST_NEW).fetchone()
    if count:
        last = connection.execute(LAST_TOKEN).fetchone()[0]
        values["shift"] = 0 if first > last else last + 1 - first
        for statement in (ADD_ATTEMPTS, ADD_TAILS, ADD_USAGES, SET_TOKENS):
            connection.execute(statement, values)
    return int(count)


def _count(connection: sqlite3.Connection, attempts: int) -> Counts:
    total = connection.execute(COUNT).fetchone()[0]
    fates = dict(connection.execute(COUNT_FATES))
    updated = sum(fates.get(fate, 0) for fate in ("newer", "edited", "linked"))
    return Counts(total - sum(fates.values()), updated, fates.get("same", 0), fates.get("kept", 0), attempts)


def touched_lanes(connection: sqlite3.Connection) -> set[Lane]:
    """Return the lanes in which something may be ready that was not before the merge, inside a transaction."""
    return {Lane(*row) for row in connection.execute(LANES)}
