"""The store's part for what people change about tasks that exist. Mixed into `store.Store`.

A task that a worker process runs keeps its state until that worker is done with it; what it says may change.
"""

from __future__ import annotations

from .. import text
from ..errors import DependencyCycle, InvalidMove, InvalidValue, Refused
from ..model import RELEASED, STATES, Lane
from ..system import clock
from . import tasks
from .claims import SELECT_BY_TASK, Result, end_by_hand, find_hold, move, refuse_held
from .completion import IS_LAUNCHED, Completion, Decision, decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Task

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


class Editing(Completion):
    """Mixed into Store."""

    def update(
        self,
        task: str,
        *,
        title: str | None = None,
        description: str | None = None,
        score: float | None = None,
        parent: str | None = None,
        status: str | None = None,
        verify: str | None = None,
        token: int | None = None,
    ) -> Task:
        """Change what is given, all of it or nothing; the task as it is then.

        `parent`: an id, or "" for none. `verify`: its gate, or "" for none of its own. `status`: a state but
        `active`, which claiming gives; backlog (or ready, as tx has it) gives back a task that was claimed by hand.
        While a worker runs it, its agent may say done or failed with `token`, and cancelled stops the agent. Raises
        InvalidValue, InvalidMove, TaskNotFound, DependencyCycle for a parent below the task, AlreadyClaimed,
        LeaseLost.
        """
        decision = Decision([], "")
        with self.db.writing() as connection:
            found = tasks.select(connection, task)
            _change(connection, found, title, description, score, parent, verify)
            if status is not None:
                decision = decide(connection, task, _state(status), token=token, force=status == "cancelled")
            changed = tasks.select(connection, task)
        self.carry_out(decision)
        return changed

    def reset(self, task: str) -> str:
        """Put a task back into the queue, whatever its state, with all its attempts ahead of it; the state it was in.

        A claim made by hand ends. Raises AlreadyClaimed while a worker runs it, Refused for a launched task,
        TaskNotFound.
        """
        with self.db.writing() as connection:
            found = tasks.select(connection, task)
            hold = find_hold(connection, SELECT_BY_TASK, found.seq)
            if hold:
                refuse_held(hold)
            if connection.execute(IS_LAUNCHED, (found.seq,)).fetchone():
                raise Refused(f"{task} was launched and is not of the queue: `txlite retry {task}` launches it again")
            if hold:
                end_by_hand(connection, hold, Result(RELEASED, note="its task was reset"))
            move(connection, found.seq, "backlog", failures=0)
        self.wake_for({Lane(found.kind, found.needs)})
        return found.status

    def delete(self, task: str, cascade: bool = False) -> list[str]:
        """Remove a task and, with `cascade`, all below it; their ids. What waited for it does so no longer.

        Raises Refused where it has children and `cascade` is not given, or where one of them is claimed; TaskNotFound.
        """
        with self.db.writing() as connection:
            found = tasks.select(connection, task)
            if not cascade and connection.execute(HAS_CHILDREN, (found.seq,)).fetchone():
                raise Refused(f"{task} has children: --cascade deletes them, too")
            family = [row[0] for row in connection.execute(FAMILY, (found.seq,))]
            for seq in family:
                for id, worker in connection.execute(HELD, (seq,)):
                    raise Refused(f"{id} is claimed by {text.shorten(worker, 60)}: release it, or stop it, first")
            lanes = {Lane(*row) for seq in family for row in connection.execute(FREED, (seq,))}
            ids = [_delete(connection, seq) for seq in family]
        self.wake_for(lanes)
        return ids


def _delete(connection: sqlite3.Connection, seq: int) -> str:
    id = str(connection.execute(NAME, (seq,)).fetchone()[0])
    connection.execute(DELETE, (seq,))
    return id


def _state(status: str) -> str:
    if status == "ready":
        return "backlog"
    if status == "active":
        raise InvalidMove("a task becomes active by being claimed: `txlite claim ID WORKER`")
    if status not in STATES:
        known = ", ".join(state for state in STATES if state != "active")
        raise InvalidValue(f"unknown status {text.shorten(status, 40)!r}: it is one of {known}")
    return status


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
        tasks.check_command(verify, "the gate")
    if title is not None:
        text.check_line(title, "the title")
    if score is not None:
        tasks.check_score(score)
    seq = connection.execute(tasks.PARENT_OF, (found.seq,)).fetchone()[0]
    if parent is not None:
        seq = tasks.seq_of(connection, parent) if parent else None
        if seq is not None and connection.execute(ANCESTORS, (seq, found.seq)).fetchone():
            raise DependencyCycle(f"{parent} cannot be the parent of {found.id}: it is that task, or below it")
    values = (found.title if title is None else title, found.score if score is None else score, seq, clock.now())
    connection.execute(UPDATE, (*values, found.seq))
    if description is not None:
        connection.execute(UPDATE_TEXT, (text.check_text(description, "the description"), found.seq))
    if verify is not None:
        connection.execute(UPDATE_VERIFY, (verify or None, found.seq))
