"""Claims as rows: how one begins, whose it is, whether it is over, how it ends.

What it guarantees: a task has at most one claim; each claim's token is higher than all before it; whoever speaks with
an old token, or for a claim that is another's, changes nothing and is told so. Used by the parts of the store that
claim and that end claims, inside their transactions.
"""

from __future__ import annotations

from .. import text
from ..errors import AlreadyClaimed, LeaseLost
from ..model import Claim
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import attempts, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Status, Task
    from .attempts import Result

HELD_LEASE = 120.0  # seconds, of a worker process: only another machine or container, which cannot ask, judges by it

ACTIVATE = """UPDATE tasks SET status = 'active', token = ?, updated = ?, not_before = NULL, reserved_for = NULL,
    delay_boot = NULL WHERE seq = ?"""
INSERT = """INSERT INTO claims (task, token, worker, held, lease, host, boot, deadline, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
COLUMNS = """SELECT t.id, c.worker, c.token, c.lease, c.expires, c.held, c.task, c.host, c.boot, c.deadline,
    c.verdict, c.stopping, t.failures, t.kind, t.needs, EXISTS (SELECT 1 FROM launches l WHERE l.task = c.task),
    c.renewals, t.max_attempts FROM claims c JOIN tasks t ON t.seq = c.task"""
SELECT_BY_TASK = f"{COLUMNS} WHERE c.task = ?"
# By keys alone: claims have no index by token, which each claim would write.
OF_TOKEN = "(SELECT a.task FROM attempts a WHERE a.id = :token)"
SELECT_BY_TOKEN = f"{COLUMNS} WHERE c.task = {OF_TOKEN} AND c.token = :token"
SELECT_ALL = f"{COLUMNS} ORDER BY c.token"
DELETE = f"DELETE FROM claims WHERE task = {OF_TOKEN} AND token = :token"
# The claim of one task becomes that of the next, by the same worker process.
HAND_OVER = f"""UPDATE claims SET task = :task, token = :next, deadline = :deadline, expires = :expires, verdict = NULL,
    stopping = 0, renewals = 0 WHERE task = {OF_TOKEN} AND token = :token"""
RETIRE_NAME = """UPDATE workers SET ended = ? WHERE id = ? AND identity = '' AND NOT EXISTS
    (SELECT 1 FROM claims WHERE worker = workers.id AND token <> ?)"""


class ClaimRow(NamedTuple):
    """A row of claims with what is needed to judge it."""

    task: str
    worker: str
    token: int
    lease: float
    expires: str
    held: int
    seq: int
    host: str
    boot: str
    deadline: float
    verdict: Status | None
    stopping: int
    failures: int
    kind: str
    needs: str
    launched: int
    renewals: int
    max_attempts: int | None  # of the task, if it has a bound of its own

    def is_over(self) -> bool:
        """Say whether the lease has run out."""
        return clock.has_passed(self.host, self.boot, self.deadline, self.expires)

    def to_claim(self) -> Claim:
        """Return what is told of it."""
        return Claim(self.task, self.worker, self.token, self.lease, self.expires, bool(self.held), self.renewals)


def of_task(connection: sqlite3.Connection, seq: int) -> ClaimRow | None:
    """Return the claim on the task with this seq."""
    row = connection.execute(SELECT_BY_TASK, (seq,)).fetchone()
    return ClaimRow._make(row) if row else None


def of_token(connection: sqlite3.Connection, token: int) -> ClaimRow | None:
    """Return the claim with this token."""
    row = connection.execute(SELECT_BY_TOKEN, {"token": token}).fetchone()
    return ClaimRow._make(row) if row else None


def own(connection: sqlite3.Connection, task: str, worker: str | None, token: int | None) -> ClaimRow:
    """Return the claim on the task with this id, if it is the caller's; else raise LeaseLost."""
    hold = of_task(connection, tasks.seq_of(connection, task))
    if hold is None:
        raise LeaseLost(f"{task} is not claimed by anybody now: nothing was changed")
    if (worker is not None and hold.worker != worker) or (token is not None and hold.token != token):
        raise LeaseLost(f"{task} is claimed by {text.shorten(hold.worker, 60)} now: nothing was changed")
    if not hold.held and hold.is_over():
        raise LeaseLost(f"the lease of {task} ran out at {hold.expires}: nothing was changed")
    return hold


def refuse_held(hold: ClaimRow) -> None:
    """Raise AlreadyClaimed for the claim of a worker process."""
    if hold.held:
        raise AlreadyClaimed(f"{hold.task} is run by {hold.worker} now: wait, or end it with `txlite stop {hold.task}`")


def begin(
    connection: sqlite3.Connection,
    task: Task,
    worker: str,
    agent: str,
    lease: float,
    held: bool,
    instead_of: int = 0,
    level: str | None = None,
) -> Claim:
    """Begin an attempt with a claim of `lease` seconds, inside a transaction that writes; instead_of: the token of the
    claim of the same worker whose place it takes, if it is still there; level: at which its agent is to think."""
    moment = clock.now()
    token = attempts.begin(connection, task, worker, agent, moment, level)
    connection.execute(ACTIVATE, (token, moment, task.seq))
    deadline, expires = clock.monotonic() + lease, clock.now(lease)
    after = {"task": task.seq, "next": token, "deadline": deadline, "expires": expires, "token": instead_of}
    if not instead_of or not connection.execute(HAND_OVER, after).rowcount:
        place = (clock.host(), clock.boot())
        connection.execute(INSERT, (task.seq, token, worker, held, lease, *place, deadline, expires))
    return Claim(task.id, worker, token, lease, expires, held, 0)


def remove(connection: sqlite3.Connection, token: int) -> None:
    """Remove a claim whose attempt has ended, inside a transaction that writes."""
    connection.execute(DELETE, {"token": token})


def end(connection: sqlite3.Connection, token: int, result: Result) -> None:
    """End a claim, and its attempt with it, inside a transaction that writes; what is over stays as it is."""
    attempts.end(connection, token, result)
    remove(connection, token)


def end_by_hand(connection: sqlite3.Connection, hold: ClaimRow, result: Result) -> None:
    """End a claim made by hand; a name that holds nothing more is no worker any longer."""
    connection.execute(RETIRE_NAME, (clock.now(), hold.worker, hold.token))
    end(connection, hold.token, result)
