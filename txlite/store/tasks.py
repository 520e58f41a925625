"""Tasks as they are: one, some in the order of arrival, those that are ready, and what stands around them.

Only reads; what changes tasks stands in `new_tasks`, `editing` and `completion`. Used by the store's
façade and, inside their transactions, by its other parts.
"""

from __future__ import annotations

import re

from .. import text
from ..errors import InvalidValue, TaskNotFound
from ..model import STATES, Task
from ..system.named_tuple import NamedTuple
from . import group_room
from .ready_index import DUE, HAS_COME, IS_DUE, has_come, lanes_in_use, promote, rank, this_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from ..model import Lane
    from .database import Database

# Whether a task of the backlog waits because its group is full or paused.
IS_HELD_BY_GROUP = """CASE WHEN t.in_group = '' OR t.status <> 'backlog' THEN 0 ELSE EXISTS (SELECT 1 FROM groups g
    WHERE g.name = t.in_group AND (g.paused IS NOT NULL OR g.wanted <= (SELECT count(*) FROM claims c
        CROSS JOIN tasks o ON o.seq = c.task WHERE o.in_group = t.in_group))) END"""
# The same where many tasks are gone through: found once.
HAS_NO_ROOM = """t.in_group IN (SELECT name FROM groups WHERE paused IS NOT NULL UNION ALL SELECT o.in_group
    FROM claims c CROSS JOIN tasks o ON o.seq = c.task JOIN groups g ON g.name = o.in_group
    GROUP BY o.in_group HAVING count(*) >= min(g.wanted))"""
# Text is cast: a row edited by hand may hold anything, and must not break the others.
COLUMNS = f"""t.seq, t.id, CAST(t.title AS TEXT), t.kind, t.needs, t.score, t.status, t.open_blockers, t.not_before,
    t.failures, t.token, t.created, t.updated, t.completed, (SELECT p.id FROM tasks p WHERE p.seq = t.parent),
    coalesce(CAST(x.description AS TEXT), ''), CAST(x.command AS TEXT), CAST(x.directory AS TEXT),
    CAST(x.verify AS TEXT), x.time_limit, t.max_attempts, CAST(x.environment AS BLOB), t.reserved_for,
    CAST(x.slurm AS TEXT), t.in_group, CAST(t.every AS TEXT), CAST(x.planned AS TEXT), CAST(x.arguments AS TEXT),
    x.max_memory, CAST(x.agent AS TEXT), CAST(x.level AS TEXT), x.max_cost, {IS_HELD_BY_GROUP},
    t.delay_host, t.delay_boot, t.delay_until"""
SELECT = f"SELECT {COLUMNS} FROM tasks t LEFT JOIN task_texts x ON x.task = t.seq"
SELECT_BY_ID = f"{SELECT} WHERE t.id = ?"
SELECT_ALL = f"{SELECT} ORDER BY t.seq LIMIT ?"
PARENT_OF = "SELECT parent FROM tasks WHERE seq = ?"
SEQ_OF_ID = "SELECT seq FROM tasks WHERE id = ?"
READY_IN_LANE = f"""{SELECT} WHERE t.kind = ? AND t.needs = ? AND t.in_group = '' AND t.status = 'backlog'
    AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT ?"""
READY_IN_GROUPS = f"""SELECT {COLUMNS} FROM tasks t INDEXED BY tasks_grouped LEFT JOIN task_texts x ON x.task = t.seq
    WHERE t.kind = ? AND t.needs = ? AND t.in_group <> '' AND t.status = 'backlog' AND t.open_blockers = 0
    AND t.not_before IS NULL AND NOT {HAS_NO_ROOM} ORDER BY t.score DESC, t.seq LIMIT ?"""
# The best of a lane, and what may keep it from being the one to take: groups, a pause, and what has become due since.
_BEST = f"""SELECT {COLUMNS}, EXISTS ({group_room.IS_ANY}), (SELECT paused FROM home), EXISTS ({IS_DUE}) FROM tasks t
    LEFT JOIN task_texts x ON x.task = t.seq"""
BEST_IN_LANE = f"""{_BEST} WHERE t.kind = :kind AND t.needs = :needs AND t.in_group = ''
    AND t.status = 'backlog' AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT 1"""
BEST_IN_GROUPS = f"{_BEST} WHERE t.seq = :seq"
READY_SINCE = f"{SELECT} WHERE t.seq IN ({DUE}) AND t.open_blockers = 0"
RESERVED = f"""{SELECT} WHERE t.status = 'backlog' AND t.delay_boot IS NOT NULL AND t.open_blockers = 0
    AND t.reserved_for IS NOT NULL AND NOT {HAS_COME}"""
COUNT = "SELECT status, count(*) FROM tasks GROUP BY status"
BLOCKERS = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker WHERE d.task = ? ORDER BY b.seq"""
BLOCKED = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.task WHERE d.blocker = ? ORDER BY b.seq"""
CHILDREN = "SELECT id FROM tasks WHERE parent = ? ORDER BY seq"

SHORTEST = 3  # characters of an id, behind tx-, that can be meant as a beginning
BEGINNING = "SELECT id, CAST(title AS TEXT) FROM tasks WHERE id >= ? AND id < ? ORDER BY id LIMIT 4"
# What the backlog holds, in a person's words.
DERIVED = {
    "ready": f"(t.status = 'backlog' AND t.open_blockers = 0 AND {HAS_COME} AND NOT {HAS_NO_ROOM})",
    "waiting": f"(t.status = 'backlog' AND (t.open_blockers > 0 OR {HAS_COME} AND {HAS_NO_ROOM}))",
    "reserved": f"(t.status = 'backlog' AND t.open_blockers = 0 AND t.reserved_for IS NOT NULL AND NOT {HAS_COME})",
    "later": f"(t.status = 'backlog' AND t.open_blockers = 0 AND t.reserved_for IS NULL AND NOT {HAS_COME})",
}
IN_STATE: dict[str, str] = {state: f"t.status = '{state}'" for state in STATES}


class Relations(NamedTuple):
    """The ids of the tasks around one."""

    blocked_by: list[str]
    blocks: list[str]
    children: list[str]


class Tasks:
    """The tasks of one database, to be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, task: str) -> Task:
        """Return the task with this id; raises TaskNotFound."""
        with self._database.reading() as connection:
            return select(connection, task)

    def list(self, status: Sequence[str] | None = None, limit: int | None = None) -> Sequence[Task]:
        """Return tasks in the order of arrival, of these states or of all, at most `limit`. Raises as `Store.list`."""
        count = -1 if limit is None else limit
        if status is None:
            return to_tasks(self._database.execute(SELECT_ALL, (count,)))
        known = {**IN_STATE, **DERIVED}
        for name in status:
            if name not in known:
                hint = " (what runs is active)" if name == "running" else ""
                shown = text.shorten(name, 40)
                raise InvalidValue(f"unknown status {shown!r}: it is one of {', '.join(known)}{hint}")
        conditions = " OR ".join(["0", *(known[name] for name in status)])
        sql = f"{SELECT} WHERE {conditions} ORDER BY t.seq LIMIT :limit"
        return to_tasks(self._database.execute(sql, {**this_moment(), "limit": count}))

    def resolve(self, name: str) -> str:
        """Return the id that a beginning of it means. Raises as `Store.resolve`."""
        start = text.check_text(name if name.startswith("tx-") else "tx-" + name, "the id")
        if not re.fullmatch(r"tx-[a-z0-9]+", start, re.ASCII):
            raise unknown(name)
        found = dict(self._database.execute(BEGINNING, (start, start + "{")))
        if start in found:
            return start
        if len(start) < len("tx-") + SHORTEST:
            raise TaskNotFound(f"Task not found: {name}: the beginning of an id has {SHORTEST} characters at the least")
        if len(found) == 1:
            return str(next(iter(found)))
        if not found:
            raise unknown(name)
        named = [f"{id} ({text.shorten(title, 30)})" for id, title in found.items()]
        several = ", ".join(named[:3] + ["..."] * (len(named) > 3))
        raise InvalidValue(f"{text.shorten(name, 60)!r} is the beginning of several ids: {several}")

    def ready(self, limit: int | None = None, needs: Iterable[str] | None = None) -> Sequence[Task]:
        """Return the tasks that a worker could claim now, best first, and after them those that are reserved.

        `needs`: only those that need one of these capabilities ("": none)."""
        count, moment = -1 if limit is None else limit, this_moment()
        with self._database.reading() as connection:
            statements = (READY_IN_LANE, READY_IN_GROUPS)[: 1 + group_room.are_any(connection)]
            rows = connection.execute(READY_SINCE, {**moment, "limit": -1}).fetchall()
            rows += connection.execute(RESERVED, moment).fetchall()
            if needs is not None:
                rows = [row for row in rows if row[4] in needs]
            for lane in lanes_in_use(connection):
                if needs is None or lane.needs in needs:
                    for sql in statements:
                        rows += connection.execute(sql, (*lane, count)).fetchall()
        found = filter(_is_listed, to_tasks(rows))
        tasks = sorted(found, key=lambda task: (task.is_reserved, *rank(task.score, task.seq)))
        return tasks if limit is None else tasks[:limit]

    def count(self) -> dict[str, int]:
        """Return how many tasks there are in each status that has any."""
        return dict(self._database.execute(COUNT))

    def relations(self, tasks: Iterable[Task]) -> dict[str, Relations]:
        """Return by id what each waits for, what waits for it, and its children."""
        with self._database.reading() as connection:
            return {
                task.id: Relations(
                    *([row[0] for row in connection.execute(sql, (task.seq,))] for sql in (BLOCKERS, BLOCKED, CHILDREN))
                )
                for task in tasks
            }


def to_tasks(rows: Iterable[tuple]) -> list[Task]:
    """Return the records of rows of COLUMNS. A time that has come is none."""
    return [_to_task(row) for row in rows]


def _to_task(row: tuple) -> Task:
    task = _make(row[:-3])
    if task.not_before is None or not has_come(task.not_before, *row[-3:]):
        return task
    return task._replace(not_before=None, reserved_for=None)


def _is_listed(task: Task) -> bool:
    return task.is_ready or task.is_reserved


def _make(row: tuple) -> Task:
    """The record of a row of COLUMNS, as far as it is the task's."""
    task = Task._make(row)
    return task if task.arguments is None else task._replace(arguments=parse_arguments(task.arguments))


def parse_arguments(words: object) -> tuple[str, ...] | None:
    """Return what a template was filled with, of the text that a task keeps; None where there is none."""
    import json

    try:
        return None if words is None else tuple(map(str, json.loads(str(words))))
    except (ValueError, TypeError):
        return None  # edited by hand


def select(connection: sqlite3.Connection, task: str) -> Task:
    """Return the task with this id, inside a transaction; raises TaskNotFound."""
    rows = connection.execute(SELECT_BY_ID, (task,)).fetchall()
    if not rows:
        raise unknown(task)
    return to_tasks(rows)[0]


def best_ready(
    connection: sqlite3.Connection, lanes: Iterable[Lane] | None, for_worker: bool, instead_of: int = 0
) -> Task | None:
    """Return the best ready task of these lanes, or of all, inside a transaction that writes; None where there is none,
    or, for a worker process, a pause. instead_of: the token of a claim that ends as this one begins."""
    is_promoted = False
    while True:
        best, is_paused, is_due = _find_best(connection, lanes, instead_of)
        if is_paused and for_worker:
            return None
        if best and (is_promoted or not is_due):  # however much is due: the rest is for those who claim next
            return best
        is_promoted = promote(connection)
        if not is_promoted:
            return best


def _find_best(
    connection: sqlite3.Connection, lanes: Iterable[Lane] | None, instead_of: int
) -> tuple[Task | None, bool, bool]:
    """The best of what is in the index; whether there is a pause, and whether more has become due."""
    values, best, is_paused, is_due = this_moment(), None, False, False
    room: group_room.GroupRoom | None = None
    for lane in lanes_in_use(connection) if lanes is None else lanes:
        values["kind"], values["needs"] = lane
        rows = connection.execute(BEST_IN_LANE, values).fetchall()
        if room is None and (not rows or rows[0][-3]):
            room = group_room.look(connection, instead_of)
        if room:
            values["seq"] = room.find_best(lane)
            rows += connection.execute(BEST_IN_GROUPS, values).fetchall()
        for row in rows:
            task = _make(row[:-6])
            is_paused, is_due = row[-2] is not None, bool(row[-1])
            if best is None or rank(task.score, task.seq) < rank(best.score, best.seq):
                best = task
    return best, is_paused, is_due


def seq_of(connection: sqlite3.Connection, task: str) -> int:
    """Return the seq of the task with this id, inside a transaction; raises TaskNotFound."""
    row = connection.execute(SEQ_OF_ID, (task,)).fetchone()
    if row is None:
        raise unknown(task)
    return int(row[0])


def id_of(task: Task | str, name: str = "task") -> str:
    """Return the id of a task that is named by it, or by itself; raises InvalidValue, naming the argument."""
    if isinstance(task, (str, Task)):
        return task if isinstance(task, str) else task.id
    raise InvalidValue(f"{name}: {text.shorten(repr(task), 60)} is neither an id nor a Task")


def unknown(task: str) -> TaskNotFound:
    """Return the error for an id that no task has."""
    return TaskNotFound(f"Task not found: {text.shorten(task, 60)}: `txlite list` shows those that exist")
