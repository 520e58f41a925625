"""Launched tasks: each is claimed as it is inserted, by a worker of its own.

A launched task never enters the queue: no other worker claims it, and when its attempt has ended, however it
ended, it is done, failed or cancelled. It has its turn at once, or waits for one among the launched. Reached as
`Store.launches`; used by `execution.launch`.
"""

from __future__ import annotations

from ..errors import AlreadyClaimed
from ..model import BACKLOG, Launch
from ..system import clock
from . import claim_rows, tasks, workers
from .assignments import Assignment
from .claim_rows import HELD_LEASE
from .inserting import insert_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import WorkerRecord
    from .database import Database
    from .inserting import NewTask
    from .waking import Waking

COLUMNS = "agent, type, level, template, timeout, kill_after, width"
INSERT = f"INSERT INTO launches (task, {COLUMNS}, has_turn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)"
SELECT = f"SELECT {COLUMNS} FROM launches WHERE task = (SELECT seq FROM tasks WHERE id = ?)"
RESET_TURN = "UPDATE launches SET has_turn = 0 WHERE task = ?"
REOPEN = "UPDATE tasks SET status = 'backlog', updated = ?, completed = NULL, failures = 0 WHERE seq = ?"
TURN = "SELECT l.has_turn FROM claims c JOIN launches l ON l.task = c.task WHERE c.token = ?"
WIDTH = "SELECT l.width FROM claims c JOIN launches l ON l.task = c.task WHERE c.token = ?"
RUNNING = "SELECT count(*) FROM claims c JOIN launches l ON l.task = c.task WHERE l.has_turn"
EARLIER = "SELECT count(*) FROM claims c JOIN launches l ON l.task = c.task WHERE NOT l.has_turn AND c.token < ?"
TAKE_TURN = "UPDATE launches SET has_turn = 1 WHERE task = (SELECT task FROM claims WHERE token = ?)"
WAITING = "SELECT c.worker FROM claims c JOIN launches l ON l.task = c.task WHERE NOT l.has_turn"


class Launches:
    """The launched tasks of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(self, new: NewTask, launch: Launch, worker: WorkerRecord) -> Assignment:
        """Add a task, enter the worker that launches it, and claim the one for the other, in one transaction.

        The worker's lock must be held already. Raises as `add`.
        """
        with self._database.writing() as connection:
            task = insert_one(connection, new)
            connection.execute(INSERT, (tasks.seq_of(connection, task), *launch))
            return _claim(connection, task, launch, worker)

    def claim_again(self, task: str, worker: WorkerRecord) -> Assignment:
        """Claim a launched task that has ended once more, for a new worker.

        Raises AlreadyClaimed while it runs, TaskNotFound.
        """
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            hold = claim_rows.of_task(connection, found.seq)
            if hold:
                raise AlreadyClaimed(f"{task} is running, held by {hold.worker}: `txlite stop {task}` ends it")
            launch = Launch._make(connection.execute(SELECT, (task,)).fetchone())
            if found.status != BACKLOG:
                connection.execute(REOPEN, (clock.now(), found.seq))
            connection.execute(RESET_TURN, (found.seq,))
            return _claim(connection, task, launch, worker)

    def of(self, task: str) -> Launch | None:
        """Return how the task with this id was launched; None for one of the queue."""
        rows = self._database.execute(SELECT, (task,))
        return Launch._make(rows[0]) if rows else None

    def take_turn(self, token: int) -> bool:
        """Take the turn of the launched task of this claim, if it has come; whether it may run."""
        if self._database.execute(TURN, (token,)) != [(0,)]:
            return True
        with self._database.reading() as connection:
            if not _is_its_turn(connection, token):
                return False
        with self._database.writing() as connection:
            if not _is_its_turn(connection, token):
                return False
            connection.execute(TAKE_TURN, (token,))
            return True

    def wake_waiting(self) -> None:
        """Have the launched tasks that wait look whether it is their turn."""
        for (worker,) in self._database.execute(WAITING):
            self._waking.tell_worker(worker)


def _claim(connection: sqlite3.Connection, task: str, launch: Launch, worker: WorkerRecord) -> Assignment:
    workers.enter(connection, worker)
    found = tasks.select(connection, task)
    claim = claim_rows.begin(
        connection, found, worker.id, launch.agent, HELD_LEASE, held=True, level=launch.level or None
    )
    if _is_its_turn(connection, claim.token):
        connection.execute(TAKE_TURN, (claim.token,))
    return Assignment(claim, found)


def _is_its_turn(connection: sqlite3.Connection, token: int) -> bool:
    """Fewer than its width run, counting those that wait and came before it: a narrow one is not passed for ever."""
    width = connection.execute(WIDTH, (token,)).fetchone()[0]
    if width is None:
        return True
    running = connection.execute(RUNNING).fetchone()[0]
    return bool(running + connection.execute(EARLIER, (token,)).fetchone()[0] < width)
