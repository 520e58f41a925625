"""Claims made by hand: taking a task, keeping it, giving it back.

Their lease governs them, for no process of ours stands behind them. The claims of worker processes are given by
`assignments`; how tasks are decided stands in `completion`. Used by the store's façade.
"""

from __future__ import annotations

from .. import text
from ..errors import AlreadyClaimed, InvalidValue, LeaseLost, NotReady, Refused
from ..model import BACKLOG, LOST, RELEASED, REVIEW, Claim, Lane, Task
from ..system import clock
from . import claim_rows, tasks
from .assignments import Assignment
from .attempts import Result
from .claim_rows import ClaimRow
from .moves import move

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database
    from .waking import Waking

RESERVED = 2.0  # seconds for which a task released by hand is its last holder's alone

RENEW = "UPDATE claims SET deadline = ?, expires = ?, renewals = renewals + 1 WHERE token = ?"
STARTED = "SELECT started FROM attempts WHERE id = ?"
REGISTER = """INSERT INTO workers (id, name, accepts, host, identity, kill_after, started, heartbeat)
    VALUES (?, ?, '', ?, '', 0, ?, ?) ON CONFLICT (id) DO UPDATE SET ended = NULL WHERE identity = ''"""
BLOCKERS = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker
    WHERE d.task = ? AND b.status <> 'done' ORDER BY b.seq LIMIT 3"""


class Claims:
    """The claims of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def take(self, task: str, worker: str, lease: float) -> Claim:
        """Take the task with this id for `lease` seconds. Raises as `Store.claim`."""
        text.check_name(worker, "the worker's name")
        check_lease(lease)
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            hold = claim_rows.of_task(connection, found.seq)
            if hold and not hold.held and hold.is_over():
                _give_back(connection, hold, Result(LOST, note="its lease ran out"))
                found = tasks.select(connection, task)
            elif hold and hold.held:
                raise AlreadyClaimed(f"{task} is already claimed by {text.shorten(hold.worker, 60)}, which runs it")
            elif hold:
                raise AlreadyClaimed(
                    f"{task} is already claimed by {text.shorten(hold.worker, 60)} until {hold.expires}"
                )
            if not found.is_free and not (found.is_reserved and found.reserved_for == worker):
                raise NotReady(_why_not_ready(connection, found))
            return _take(connection, found, worker, lease)

    def take_best(self, worker: str, lease: float, lanes: Iterable[Lane] | None) -> Assignment | None:
        """Take the best ready task, of these lanes or of all; None when there is none."""
        text.check_name(worker, "the worker's name")
        check_lease(lease)
        with self._database.writing() as connection:
            task = tasks.best_ready(connection, lanes, for_worker=False)
            if not task:
                return None
            claim = _take(connection, task, worker, lease)
            return Assignment(claim, tasks.select(connection, task.id))

    def renew(self, task: str, worker: str | None, token: int | None) -> Claim:
        """Begin the lease again, at the length it was given. Raises as `Store.renew`."""
        with self._database.writing() as connection:
            hold = claim_rows.own(connection, task, worker, token)
            deadline, expires = clock.monotonic() + hold.lease, clock.now(hold.lease)
            connection.execute(RENEW, (deadline, expires, hold.token))
            return hold.to_claim()._replace(expires=expires, renewals=hold.renewals + 1)

    def release(self, task: str, worker: str | None, token: int | None) -> None:
        """Give a task back, reserved for its holder for two seconds. Raises as `Store.release`."""
        with self._database.writing() as connection:
            hold = claim_rows.own(connection, task, worker, token)
            claim_rows.refuse_held(hold)
            _give_back(connection, hold, Result(RELEASED), later=RESERVED, reserved_for=hold.worker)
        self._waking.wake_for_groups()

    def expired(self) -> list[Claim]:
        """Return the claims made by hand whose lease has run out. (A worker's claim ends through recovery.)"""
        return [hold.to_claim() for hold in self._rows() if not hold.held and hold.is_over()]

    def expire(self, token: int) -> None:
        """End a claim whose lease has run out; its task is ready again. Raises as `Store.expire`."""
        with self._database.writing() as connection:
            hold = claim_rows.of_token(connection, token)
            if hold is None:
                raise LeaseLost(f"claim {token} is over: nothing was changed")
            if hold.held or not hold.is_over():
                raise Refused(f"the claim of {text.shorten(hold.worker, 60)} on {hold.task} lasts until {hold.expires}")
            _give_back(connection, hold, Result(LOST, note="its lease ran out"))
        self._waking.wake_for({Lane(hold.kind, hold.needs)})
        self._waking.wake_for_groups()

    def all(self) -> list[Claim]:
        """Return the claims of this moment, oldest first."""
        return [hold.to_claim() for hold in self._rows()]

    def started(self, claim: Claim) -> str:
        """Return when a claim began, as UTC text."""
        return str(self._database.execute(STARTED, (claim.token,))[0][0])

    def _rows(self) -> list[ClaimRow]:
        return list(map(ClaimRow._make, self._database.execute(claim_rows.SELECT_ALL)))


def check_lease(seconds: float) -> None:
    """Raise InvalidValue for a lease that is too short, or no number."""
    if not 1 <= seconds < 1e9:
        raise InvalidValue(f"a lease of {seconds:g} s: give a second or more")


def _why_not_ready(connection: sqlite3.Connection, task: Task) -> str:
    if task.status == REVIEW:
        return f"{task.id} is to be reviewed: `txlite review {task.id}` shows its work"
    if task.status != BACKLOG:
        return f"{task.id} is {task.status}: only tasks that are ready can be claimed"
    if task.open_blockers:
        blockers = ", ".join(row[0] for row in connection.execute(BLOCKERS, (task.seq,)))
        return f"{task.id} waits for {blockers}: `txlite show {task.id}` shows all that it waits for"
    if task.reserved_for:
        holder = text.shorten(task.reserved_for, 60)
        return f"{task.id} was released by {holder} a moment ago: others can claim it after {RESERVED:g} s"
    return f"{task.id} is for later: it is ready at {task.not_before}"


def _take(connection: sqlite3.Connection, task: Task, worker: str, lease: float) -> Claim:
    moment = clock.now()
    connection.execute(REGISTER, (worker, worker, clock.host(), moment, moment))
    return claim_rows.begin(connection, task, worker, "", lease, held=False)


def _give_back(
    connection: sqlite3.Connection, hold: ClaimRow, result: Result, later: float = 0.0, reserved_for: str | None = None
) -> None:
    claim_rows.end_by_hand(connection, hold, result)
    move(connection, hold.seq, BACKLOG, hold.failures, later, reserved_for)
