"""A person's word on work that waits for a review: approved, it is claimed by a worker that lands it; rejected, its
task goes back into the queue.

An approval is an attempt without an agent, named APPROVAL: one that lands the work leaves its task done, any other
leaves it to be reviewed, also when its worker died (`assignments`). Reached as `Store.approvals`; used by the commands
`approve` and `reject`, and by `ralph` for what its next attempt is told.
"""

from __future__ import annotations

from ..errors import AlreadyClaimed, InvalidValue, Refused
from ..model import APPROVAL, APPROVED, BACKLOG, BEGUN, DONE, REJECTED, REVIEW, Lane, Review, Verdict
from ..system import clock
from . import claim_rows, reviews, tasks
from .assignments import IS_APPROVAL, Assignment
from .claim_rows import HELD_LEASE
from .messages import check_length
from .moves import move

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Task
    from .database import Database
    from .waking import Waking

# What it lands belongs to the loop whose attempt did it.
INSERT_TRIAL = f"""INSERT INTO trials (attempt, task, loop, stage) SELECT ?, task, loop, '{BEGUN}' FROM trials
    WHERE attempt = ?"""
LAST_REJECTION = f"""SELECT v.attempt, v.reviewer, v.verdict, v.reason, v.at FROM reviews r
    JOIN verdicts v ON v.attempt = r.attempt WHERE r.task = ? AND v.reviewer = '' AND v.verdict = '{REJECTED}'
    AND NOT EXISTS (SELECT 1 FROM trials l JOIN attempts a ON a.id = l.attempt WHERE l.task = r.task
        AND l.attempt > v.attempt AND l.landed IS NOT NULL AND a.outcome = '{DONE}')
    ORDER BY v.id DESC LIMIT 1"""


class Approvals:
    """Persons' words on the reviews of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def find(self, task: str) -> Review:
        """Return the review for which a task waits. Raises Refused where it waits for none, TaskNotFound."""
        with self._database.reading() as connection:
            return _find(connection, tasks.select(connection, task))

    def claim(self, task: str, worker: str) -> Assignment:
        """Note that a person approved the work of a task, and claim the task for the worker process that lands it.

        Raises Refused where it does not wait for a review, TaskNotFound.
        """
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            review = _find(connection, found)
            claim = claim_rows.begin(connection, found, worker, APPROVAL, HELD_LEASE, held=True)
            if not connection.execute(INSERT_TRIAL, (claim.token, review.attempt)).rowcount:
                raise Refused(f"{task} was reviewed in another home: nothing is known here of where its work lies")
            _judge(connection, review, APPROVED, "")
            return Assignment(claim, found)

    def reject(self, task: str, reason: str) -> None:
        """Note that a person rejected the work of a task, and why; the task is in the queue again, after one more
        attempt that did not pass. Raises Refused where it does not wait for a review, TaskNotFound, InvalidValue."""
        reason = check_length(reason.strip(), "the reason")
        if not reason:
            raise InvalidValue("the reason is empty: say why, since the next attempt is told")
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            review = _find(connection, found)
            _judge(connection, review, REJECTED, reason)
            move(connection, found.seq, BACKLOG, found.failures + 1)
        self._waking.wake_for({Lane(found.kind, found.needs)})

    def last_rejection(self, task: Task) -> Verdict | None:
        """Return the last time that a person rejected work of a task, unless work of it has landed since."""
        rows = self._database.execute(LAST_REJECTION, (task.seq,))
        return Verdict._make(rows[0]) if rows else None


def _find(connection: sqlite3.Connection, task: Task) -> Review:
    row = connection.execute(reviews.OF_TASK, (task.id,)).fetchone()
    if task.status == REVIEW and row:
        return Review._make(row)
    hold = claim_rows.of_task(connection, task.seq)
    if hold and connection.execute(IS_APPROVAL, (hold.token,)).fetchone():
        raise AlreadyClaimed(f"{task.id} was approved, and {hold.worker} lands it now")
    if task.status == REVIEW:
        raise Refused(f"{task.id} was reviewed in another home: nothing is known here of where its work lies")
    raise Refused(f"{task.id} is {task.state}: nothing of it waits for a review")


def _judge(connection: sqlite3.Connection, review: Review, verdict: str, reason: str) -> None:
    connection.execute(reviews.JUDGE, (review.attempt, "", verdict, reason, clock.now()))
