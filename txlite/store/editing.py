"""What people change about tasks that exist: their words, their rank, their place; and their end.

A task that a worker process runs keeps its state until that worker is done with it; what it says may change. Used by
the store's façade.
"""

from __future__ import annotations

from .. import text
from ..errors import DependencyCycle, InvalidMove, InvalidValue, Refused
from ..model import ACTIVE, AGENT_LANE, BACKLOG, CANCELLED, REVIEW, SLURM, STATES, Lane, agent_need, named_agent
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks
from .completion import Decision, carry_out, check_active, decide
from .new_tasks import (
    check_agent,
    check_agent_alone,
    check_command,
    check_cost,
    check_group,
    check_level,
    check_max_attempts,
    check_memory,
    check_score,
    check_slurm,
    check_timeout,
    title_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Status, Task
    from .database import Database
    from .waking import Waking

UPDATE = "UPDATE tasks SET title = ?, score = ?, parent = ?, updated = ? WHERE seq = ?"
UPDATE_TEXT = "UPDATE task_texts SET description = ? WHERE task = ?"
KEEP_LINE = "UPDATE task_texts SET line = coalesce(line, ?) WHERE task = ?"  # by which `run --from` knows it again
UPDATE_COMMAND = "UPDATE task_texts SET command = ? WHERE task = ?"
UPDATE_TIMEOUT = "UPDATE task_texts SET time_limit = nullif(?, 0) WHERE task = ?"
UPDATE_ATTEMPTS = "UPDATE tasks SET max_attempts = nullif(?, 0) WHERE seq = ?"
UPDATE_SLURM = "UPDATE task_texts SET slurm = ? WHERE task = ?"
UPDATE_NEEDS = f"UPDATE tasks SET needs = '{SLURM}' WHERE seq = ? AND needs = ''"
UPDATE_LANE = f"UPDATE tasks SET needs = ? WHERE seq = ? AND (needs = '' OR needs GLOB '{AGENT_LANE}*')"
UPDATE_VERIFY = "UPDATE task_texts SET verify = ? WHERE task = ?"
UPDATE_GROUP = "UPDATE tasks SET in_group = ? WHERE seq = ?"
UPDATE_MEMORY = "UPDATE task_texts SET max_memory = nullif(?, 0) WHERE task = ?"
UPDATE_AGENT = "UPDATE task_texts SET agent = ? WHERE task = ?"
UPDATE_LEVEL = "UPDATE task_texts SET level = ? WHERE task = ?"
UPDATE_COST = "UPDATE task_texts SET max_cost = nullif(?, 0) WHERE task = ?"
UPDATE_DIRECTORY = "UPDATE task_texts SET directory = ? WHERE task = ?"
UPDATES = {
    "description": UPDATE_TEXT, "verify": UPDATE_VERIFY, "command": UPDATE_COMMAND, "timeout": UPDATE_TIMEOUT,
    "max_attempts": UPDATE_ATTEMPTS, "slurm": UPDATE_SLURM, "group": UPDATE_GROUP,
    "max_memory": UPDATE_MEMORY, "directory": UPDATE_DIRECTORY, "agent": UPDATE_AGENT, "level": UPDATE_LEVEL,
    "max_cost": UPDATE_COST,
}  # fmt: skip
CLEARED = ("verify", "agent", "level")  # by the empty text
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


class Changes(NamedTuple):
    """What is to be changed about a task; None leaves it as it is."""

    title: str | None = None
    description: str | None = None
    score: float | None = None
    parent: str | None = None  # an id, or "" for none
    verify: str | None = None  # "" for none
    command: str | None = None
    timeout: float | None = None  # 0 for none of its own
    max_attempts: int | None = None  # 0 for none of its own
    slurm: str | None = None
    group: str | None = None  # "" for none
    every: str | None = None  # "" for none
    max_memory: int | None = None  # 0 for none of its own
    directory: str | None = None
    agent: str | None = None  # "" for the run's
    level: str | None = None  # "" for the run's
    max_cost: int | None = None  # 0 for none of its own


# What a person who edits a task has seen, and what tells that it has run since.
SEEN = (*(name for name in Changes._fields if name != "parent"), "token")


class Editing:
    """Changes to the tasks of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def update(
        self, task: str, changes: Changes, status: str | None = None, token: int | None = None, seen: Task | None = None
    ) -> Task:
        """Change what is given, all of it or nothing; the task as it is then. Raises as `Store.update`.

        seen: as it was when a person began to edit it: it must be so still, and nobody's. Raises Refused.
        """
        decision = Decision([], "")
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            if seen:
                _check_seen(found, seen)
            _change(connection, found, changes)
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


def check_free(task: Task) -> None:
    """Raise InvalidMove for a task that somebody works on."""
    if task.status == ACTIVE:
        raise InvalidMove(f"{task.id} is in work now: edit it when that has ended, or `txlite stop {task.id}`")


def _check_seen(found: Task, seen: Task) -> None:
    check_free(found)
    changed = [name for name in SEEN if getattr(found, name) != getattr(seen, name)]
    if changed:
        what = "has been in work" if "token" in changed else f"was changed ({', '.join(changed)})"
        raise Refused(f"{found.id} {what} meanwhile: nothing was written")


def _status(status: str) -> Status:
    """The status that is meant; raises InvalidMove, InvalidValue."""
    if status == "ready":  # as tx has it
        return BACKLOG
    known = [state for state in STATES if state not in (ACTIVE, REVIEW)]
    for state in known:
        if status == state:
            return state
    raise InvalidValue(f"unknown status {text.shorten(status, 40)!r}: it is one of {', '.join(known)}")


def _change(connection: sqlite3.Connection, found: Task, new: Changes) -> None:
    _check(found, new)
    seq = _parent(connection, found, new.parent)
    score = found.score if new.score is None else new.score
    connection.execute(UPDATE, (_title(found, new), score, seq, clock.now(), found.seq))
    if new.title is not None or new.command is not None:
        connection.execute(KEEP_LINE, (found.command or found.title, found.seq))
    if new.slurm is not None:
        connection.execute(UPDATE_NEEDS, (found.seq,))
    _change_lane(connection, found, new.agent)
    for name, sql in UPDATES.items():
        value = getattr(new, name)
        if value is not None:
            connection.execute(sql, (None if name in CLEARED and not value else value, found.seq))
    if new.every is not None:
        from .occurrences import change_schedule

        change_schedule(connection, found, new.every)


def _change_lane(connection: sqlite3.Connection, found: Task, agent: str | None) -> None:
    """Have a task wait for its agent, "" for the run's; None leaves it where it is."""
    if agent is not None:
        connection.execute(UPDATE_LANE, (agent_need(agent) if agent else "", found.seq))


def _title(found: Task, new: Changes) -> str:
    """The title: the one that is given, or that follows from the command, if it did before."""
    if new.title is None and new.command and found.command and found.title == title_of(found.command):
        return title_of(new.command)
    return found.title if new.title is None else new.title


def _check(found: Task, new: Changes) -> None:
    """Raise InvalidValue, InvalidMove for what cannot be changed so."""
    _check_words(new)
    if new.score is not None:
        check_score(new.score)
    check_timeout(new.timeout or None)
    check_max_attempts(new.max_attempts or None)
    check_slurm(new.slurm)
    check_group(new.group or "")
    check_memory(new.max_memory or None)
    _check_agent(found, new)
    check_level(new.level)
    check_cost(new.max_cost or None)
    if new.command is not None:
        check_command(new.command)
        if found.command is None:
            raise InvalidValue(f"{found.id} is a prompt and has no command: change its title or description")
        if found.status == ACTIVE:
            raise InvalidMove(f"{found.id} runs its command now: change it when it has ended")


def _check_agent(found: Task, new: Changes) -> None:
    needs = "" if named_agent(found.needs) else found.needs
    if check_agent(new.agent):
        check_agent_alone(str(new.agent), found.command, needs or (SLURM if new.slurm is not None else ""))
    elif new.slurm is not None and found.agent and new.agent is None:
        check_agent_alone(found.agent, None, SLURM)


def _check_words(new: Changes) -> None:
    if new.verify:
        check_command(new.verify, "the gate")
    for value, what in ((new.title, "the title"), (new.directory, "the directory")):
        if value is not None:
            text.check_line(value, what)
    if new.description is not None:
        text.check_text(new.description, "the description")


def _parent(connection: sqlite3.Connection, found: Task, parent: str | None) -> int | None:
    """The seq of the parent that a task is to have: an id, "" for none, None for the one it has."""
    if parent is None:
        own: int | None = connection.execute(tasks.PARENT_OF, (found.seq,)).fetchone()[0]
        return own
    seq = tasks.seq_of(connection, parent) if parent else None
    if seq is not None and connection.execute(ANCESTORS, (seq, found.seq)).fetchone():
        raise DependencyCycle(f"{parent} cannot be the parent of {found.id}: it is that task, or below it")
    return seq
