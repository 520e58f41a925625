"""The store's part for how tasks end: by an attempt's result, or by somebody's word.

A claim that a worker process holds ends only through that worker, or through `recovery` once its agent's tree is
gone. Whoever decides otherwise meanwhile leaves a verdict on the claim, which the worker carries out. Mixed into
`store.Store`.
"""

from __future__ import annotations

import os

from .. import text
from ..errors import AlreadyClaimed, InvalidMove, Refused
from ..model import CANCELLED, COSTLY, DONE, LOST, MOVES, RELEASED, UNKILLABLE, Lane
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks
from .claims import (
    SELECT_BY_TASK,
    SELECT_BY_TOKEN,
    SET_NOTE,
    Assignment,
    Result,
    end_attempt,
    end_by_hand,
    find_hold,
    move,
    own,
    refuse_held,
    set_status,
    take_best,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ..model import Task
    from .claims import ClaimRow
    from .database import Database

LOSSES = 10  # workers in a row that died over a task, until it is put aside: it may be what kills them

IS_LAUNCHED = "SELECT 1 FROM launches WHERE task = ?"
SAY_DONE = "UPDATE trials SET said_done = ? WHERE attempt = ?"
HAS_LANDED = "SELECT 1 FROM trials WHERE attempt = ? AND landed IS NOT NULL"  # it is too late for another word
SET_VERDICT = "UPDATE claims SET verdict = ?, stopping = max(stopping, ?) WHERE token = ?"
FREED = """SELECT t.id, t.kind, t.needs FROM dependencies d JOIN tasks t ON t.seq = d.task WHERE d.blocker = ?
    AND t.status = 'backlog' AND t.open_blockers = 0 AND (t.not_before IS NULL OR t.not_before <= ?) ORDER BY t.seq"""
RECENT_OUTCOMES = f"""WITH RECURSIVE runs (id, outcome, depth) AS (
        SELECT id, outcome, 1 FROM attempts WHERE id = ?
        UNION ALL SELECT a.id, a.outcome, depth + 1 FROM runs r JOIN attempts b ON b.id = r.id
            JOIN attempts a ON a.id = b.previous WHERE depth < {LOSSES})
    SELECT outcome FROM runs ORDER BY id DESC"""


VERDICTS = (DONE, "failed", CANCELLED)  # what can be decided while a worker runs the task


class Decision(NamedTuple):
    """What a decision about a task brought about."""

    freed: list[tuple[str, Lane]]  # the ids of the tasks that became ready, and their lanes
    told: str  # the worker that has to know, or ""


class Completion:
    """Mixed into Store."""

    db: Database

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        raise NotImplementedError

    def tell_worker(self, worker: str) -> None:
        raise NotImplementedError

    def done(self, task: str, worker: str | None = None, token: int | None = None, force: bool = False) -> list[str]:
        """Mark a task done. The ids of the tasks that this made ready.

        A claim made by hand is taken and closed. Where a live worker holds the task, its agent may say so with
        `token`, and the worker records it when the agent has ended; others need `force`, which has the worker stop
        the agent. Raises LeaseLost where `worker` or `token` is not the holder's, AlreadyClaimed, InvalidMove,
        TaskNotFound.
        """
        return self._decide(task, DONE, worker, token, force)

    def fail(self, task: str, note: str = "", worker: str | None = None, token: int | None = None) -> None:
        """Put a task aside as failed; the reason is kept with its last attempt, if it had one. Raises as `done`."""
        self._decide(task, "failed", worker, token, False, text.check_text(note, "the reason"))

    def cancel(self, task: str) -> None:
        """Take a task out of the queue. If a worker runs it, the worker stops its agent first.

        Raises InvalidMove for a task that is done, TaskNotFound.
        """
        self._decide(task, "cancelled", None, None, True)

    def stop(self, token: int) -> bool:
        """Cancel a task for as long as a worker runs it under this claim; False where it does not any more."""
        with self.db.writing() as connection:
            hold = find_hold(connection, SELECT_BY_TOKEN, token)
            if hold:
                connection.execute(SET_VERDICT, (CANCELLED, True, token))
        if hold:
            self.tell_worker(hold.worker)
        return hold is not None

    def retry(self, task: str) -> None:
        """Put a task back into the queue with all its attempts ahead of it: done, failed, cancelled, blocked, or
        waiting for its next attempt. Raises AlreadyClaimed while it is active; Refused for a launched task, which
        `launcher.relaunch` starts again; TaskNotFound."""
        with self.db.writing() as connection:
            found = tasks.select(connection, task)
            hold = find_hold(connection, SELECT_BY_TASK, found.seq)
            if hold:
                raise AlreadyClaimed(f"{task} is running, claimed by {text.shorten(hold.worker, 60)}: cancel it first")
            if connection.execute(IS_LAUNCHED, (found.seq,)).fetchone():
                raise Refused(f"{task} was launched and is not of the queue: `txlite retry {task}` launches it again")
            move(connection, found.seq, "backlog", failures=0)
        self.wake_for({Lane(found.kind, found.needs)})

    def finish(
        self,
        token: int,
        result: Result,
        max_attempts: int,
        worker: str = "",
        lanes: Iterable[Lane] = (),
        agent: str = "",
    ) -> Assignment | None:
        """Record the end of a worker's attempt and, with `lanes`, claim its next task in the same transaction.

        A costly failure is tried again, later each time, until `max_attempts` of them.
        """
        with self.db.writing() as connection:
            touched = _finish(connection, token, result, max_attempts)
            assignment = take_best(connection, worker, lanes, agent) if lanes else None
        if assignment and assignment.more:
            touched.add(Lane(assignment.task.kind, assignment.task.needs))
        self.wake_for(touched)
        return assignment

    def _decide(
        self, task: str, status: str, worker: str | None, token: int | None, force: bool, note: str = ""
    ) -> list[str]:
        with self.db.writing() as connection:
            decision = decide(connection, task, status, worker, token, force, note)
        return self.carry_out(decision)

    def carry_out(self, decision: Decision) -> list[str]:
        """After its commit: tell whom it concerns. The ids of the tasks that it made ready."""
        if decision.told:
            self.tell_worker(decision.told)
        self.wake_for({lane for _, lane in decision.freed})
        return [task for task, _ in decision.freed]


def decide(
    connection: sqlite3.Connection,
    task: str,
    status: str,
    worker: str | None = None,
    token: int | None = None,
    force: bool = False,
    note: str = "",
) -> Decision:
    """Give a task the state that somebody says, inside a transaction that writes. Raises as `Outcomes.done`."""
    found = tasks.select(connection, task)
    hold = find_hold(connection, SELECT_BY_TASK, found.seq)
    if worker is not None or token is not None:
        hold = own(connection, task, worker, token)
    if hold and hold.held:
        if status not in VERDICTS or (token is None and not force):
            refuse_held(hold)
        return _leave_verdict(connection, hold, status, is_own=token is not None, note=note)
    if found.status != status and status not in MOVES.get(found.status, ()):
        raise InvalidMove(f"{task} is {found.status} and cannot become {status}: retry it first")
    if status == "backlog" and connection.execute(IS_LAUNCHED, (found.seq,)).fetchone():
        raise Refused(f"{task} was launched and is not of the queue: `txlite retry {task}` launches it again")
    if hold:
        end_by_hand(connection, hold, Result(status if status in VERDICTS else RELEASED, note=note or None))
    elif note:
        connection.execute(SET_NOTE, (note, found.token))
    if "blocked" in (status, found.status) and not hold and found.status != status and status != DONE:
        set_status(connection, found.seq, status)
    elif found.status != status:
        move(connection, found.seq, status, failures=found.failures)
    return Decision(_freed_by(connection, found, status), "")


def _leave_verdict(connection: sqlite3.Connection, hold: ClaimRow, status: str, is_own: bool, note: str) -> Decision:
    """What the worker that runs the task carries out: at once, unless its own agent says it. That of a trial decides
    nothing by saying done: its work is judged."""
    if is_own and status == DONE and connection.execute(SAY_DONE, (True, hold.token)).rowcount:
        return Decision([], hold.worker)
    connection.execute(SET_VERDICT, (status, not is_own, hold.token))
    if note:
        connection.execute(SET_NOTE, (note, hold.token))
    return Decision([], "" if is_own else hold.worker)


def _freed_by(connection: sqlite3.Connection, before: Task, status: str) -> list[tuple[str, Lane]]:
    """What became ready when a task got this state."""
    if status == "backlog":
        return [(before.id, Lane(before.kind, before.needs))]
    if status != DONE or before.status == DONE:
        return []
    rows = connection.execute(FREED, (before.seq, clock.now()))
    return [(id, Lane(kind, needs)) for id, kind, needs in rows]


def backoff(failures: int) -> float:
    """Seconds before the next attempt: doubling from half a second to a minute, each half to one and a half
    times that, so that tasks that failed together do not come back together."""
    jitter = int.from_bytes(os.urandom(2), "big") / 65536
    return min(2.0 ** min(failures - 2, 10), 60.0) * (0.5 + jitter)


def _losses(connection: sqlite3.Connection, token: int) -> int:
    """How many attempts of the task, up to this one, were lost in a row."""
    outcomes = [row[0] for row in connection.execute(RECENT_OUTCOMES, (token,))]
    return next((count for count, outcome in enumerate(outcomes) if outcome != LOST), len(outcomes))


def _finish(connection: sqlite3.Connection, token: int, result: Result, max_attempts: int) -> set[Lane]:
    """The lanes in which something may be ready, now or later, that was not before."""
    hold = find_hold(connection, SELECT_BY_TOKEN, token)
    end_attempt(connection, token, result)
    if hold is None:  # somebody ended the claim with rights of their own: only the attempt was ours to close
        return set()
    costly = result.outcome in COSTLY
    failures = hold.failures + costly
    losses = _losses(connection, token) if result.outcome == LOST else 0
    if hold.verdict and not (result.outcome == DONE and connection.execute(HAS_LANDED, (token,)).fetchone()):
        status = hold.verdict
    elif result.outcome == DONE:
        status = DONE
    elif hold.launched:
        status = CANCELLED if result.outcome == CANCELLED else "failed"
    elif result.outcome == UNKILLABLE or (costly and failures >= max_attempts) or losses >= LOSSES:
        status = "failed"
    else:
        status = "backlog"
    tries = failures if costly else losses - 1  # the first loss is bad luck; after that others go first
    move(connection, hold.seq, status, failures, backoff(tries) if tries > 0 and status == "backlog" else 0.0)
    if status == DONE:
        return {Lane(kind, needs) for _, kind, needs in connection.execute(FREED, (hold.seq, clock.now()))}
    return {Lane(hold.kind, hold.needs)} if status == "backlog" else set()
