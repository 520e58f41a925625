"""What people change about tasks that exist: their words, their rank, their place; and their end.

A task that a worker process runs keeps its state until that worker is done with it; what it says may change. Used by
the store's façade.
"""

from __future__ import annotations

from .. import text
from ..errors import DependencyCycle, InvalidValue, Refused
from ..model import ACTIVE, BACKLOG, CANCELLED, STATES, Lane
from ..system import clock
from . import tasks
from .completion import Decision, carry_out, check_active, decide
from .new_tasks import check_command, check_score

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Status, Task
    from .database import Database
    from .waking import Waking

UPDATE = "UPDATE tasks SET title = ?, score = ?, parent = ?, updated = ? WHERE seq = ?"
UPDATE_TEXT = "UPDATE task_texts SET description = ? WHERE task = ?"
UPDATE_VERIFY = "UPDATE task_texts SET verify = ? WHERE task = ?"
ANCESTORS = """WITH RECURSIVE above (seq) AS (
        SELECT ? UNION SELECT t.parent FROM tasks t JOIN above a ON t.seq = a.seq WHERE t.parent IS NOT NULL)
    SELECT 1 FROM above WHERE seq = ?"""
FAMILY = """WITH RECURSIVE below (seq) AS (
        SELECT ? UNION SELECT t.seq FROM tasks t JOIN below b ON t.parent = b.seq)
    SELECT seq FROM below ORDER BY seq DESC"""
HAS_CHILDREN = "SELECT 1 FROM tasks WHERE parent = ? LIMIT 1"
HELD = "SELECT t.id, c.worker FROM claims c JOIN tasks t ON t.seq = c.task WHERE c.task = ?"
FREED = """SELECT DISTINCT t.kind, t.needs FROM dependencies d JOIN tasks t ON t.seq = d.task
    WHERE d.blocker = ? AND t.status = 'backlog'"""
NAME = "SELECT id FROM tasks WHERE seq = ?"
DELETE = "DELETE FROM tasks WHERE seq = ?"


class Editing:
    """Changes to the tasks of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def update(
        self,
        task: str,
        *,
        title: str | None,
        description: str | None,
        score: float | None,
        parent: str | None,
        status: str | None,
        verify: str | None,
        token: int | None,
    ) -> Task:
        """Change what is given, all of it or nothing; the task as it is then. Raises as `Store.update`."""
        decision = Decision([], "")
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            _change(connection, found, title, description, score, parent, verify)
            if status == ACTIVE:
                check_active(connection, found, token)
            elif status is not None:
                decision = decide(connection, task, _status(status), token=token, force=status == CANCELLED)
            changed = tasks.select(connection, task)
        carry_out(self._waking, decision)
        return changed

    def delete(self, task: str, cascade: bool) -> list[str]:
        """Remove a task and, with `cascade`, all below it; their ids. Raises as `Store.delete`."""
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            if not cascade and connection.execute(HAS_CHILDREN, (found.seq,)).fetchone():
                raise Refused(f"{task} has children: --cascade deletes them, too")
            family = [row[0] for row in connection.execute(FAMILY, (found.seq,))]
            for seq in family:
                for id, worker in connection.execute(HELD, (seq,)):
                    raise Refused(f"{id} is claimed by {text.shorten(worker, 60)}: release it, or stop it, first")
            lanes = {Lane(*row) for seq in family for row in connection.execute(FREED, (seq,))}
            ids = [_delete(connection, seq) for seq in family]
        self._waking.wake_for(lanes)
        return ids


def _delete(connection: sqlite3.Connection, seq: int) -> str:
    id = str(connection.execute(NAME, (seq,)).fetchone()[0])
    connection.execute(DELETE, (seq,))
    return id


def _status(status: str) -> Status:
    """The status that is meant; raises InvalidMove, InvalidValue."""
    if status == "ready":  # as tx has it
        return BACKLOG
    known = [state for state in STATES if state != ACTIVE]
    for state in known:
        if status == state:
            return state
    raise InvalidValue(f"unknown status {text.shorten(status, 40)!r}: it is one of {', '.join(known)}")


def _change(
    connection: sqlite3.Connection,
    found: Task,
    title: str | None,
    description: str | None,
    score: float | None,
    parent: str | None,
    verify: str | None,
) -> None:
    if verify:
        check_command(verify, "the gate")
    if title is not None:
        text.check_line(title, "the title")
    if score is not None:
        check_score(score)
    seq = _parent(connection, found, parent)
    values = (found.title if title is None else title, found.score if score is None else score, seq, clock.now())
    connection.execute(UPDATE, (*values, found.seq))
    if description is not None:
        connection.execute(UPDATE_TEXT, (text.check_text(description, "the description"), found.seq))
    if verify is not None:
        connection.execute(UPDATE_VERIFY, (verify or None, found.seq))


def _parent(connection: sqlite3.Connection, found: Task, parent: str | None) -> int | None:
    """The seq of the parent that a task is to have: an id, "" for none, None for the one it has."""
    if parent is None:
        own: int | None = connection.execute(tasks.PARENT_OF, (found.seq,)).fetchone()[0]
        return own
    seq = tasks.seq_of(connection, parent) if parent else None
    if seq is not None and connection.execute(ANCESTORS, (seq, found.seq)).fetchone():
        raise DependencyCycle(f"{parent} cannot be the parent of {found.id}: it is that task, or below it")
    return seq
