"""The store's part for claims: taking a task, keeping it, giving it back.

What it guarantees: a task has at most one claim; each claim's token is higher than all before it; whoever
speaks with an old token, or for a claim that is another's, changes nothing and is told so. How tasks end stands
in `outcomes`. Mixed into `store.Store`.
"""

from __future__ import annotations

from .. import text
from ..errors import AlreadyClaimed, InvalidValue, LeaseLost, NotReady, Refused
from ..model import DONE, LOST, RELEASED, Claim, Lane, Task
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database

LEASE = 30 * 60.0  # seconds, as tx gives
HELD_LEASE = 120.0  # seconds, of a worker process: only another machine or container, which cannot ask, judges by it
RESERVED = 2.0  # seconds for which a task released by hand is its last holder's alone
PROMOTED_AT_ONCE = 1000  # tasks whose time has come, entered into the ready index by one claim

IS_DUE = "SELECT 1 FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND not_before <= ? LIMIT 1"
PROMOTE = f"""UPDATE tasks SET not_before = NULL, reserved_for = NULL WHERE seq IN (
    SELECT seq FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND not_before <= ?
    ORDER BY not_before LIMIT {PROMOTED_AT_ONCE})"""
BEST_IN_LANE = """SELECT score, seq FROM tasks WHERE kind = ? AND needs = ? AND status = 'backlog'
    AND open_blockers = 0 AND not_before IS NULL ORDER BY score DESC, seq LIMIT 2"""
RESERVATION = "SELECT reserved_for FROM tasks WHERE seq = ?"
START_ATTEMPT = "INSERT INTO attempts (task, previous, worker, agent, started) VALUES (?, ?, ?, ?, ?)"
ACTIVATE = """UPDATE tasks SET status = 'active', token = ?, updated = ?, not_before = NULL, reserved_for = NULL
    WHERE seq = ?"""
INSERT = """INSERT INTO claims (task, token, worker, held, lease, host, boot, deadline, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
COLUMNS = """SELECT t.id, c.worker, c.token, c.lease, c.expires, c.held, c.task, c.host, c.boot, c.deadline,
    c.verdict, c.stopping, t.failures, t.kind, t.needs, EXISTS (SELECT 1 FROM launches l WHERE l.task = c.task),
    c.renewals FROM claims c JOIN tasks t ON t.seq = c.task"""
SELECT_BY_TASK = f"{COLUMNS} WHERE c.task = ?"
SELECT_BY_TOKEN = f"{COLUMNS} WHERE c.token = ?"
SELECT_ALL = f"{COLUMNS} ORDER BY c.token"
RENEW = "UPDATE claims SET deadline = ?, expires = ?, renewals = renewals + 1 WHERE token = ?"
STARTED = "SELECT started FROM attempts WHERE id = ?"
REGISTER = """INSERT INTO workers (id, name, accepts, host, identity, kill_after, started, heartbeat)
    VALUES (?, ?, '', ?, '', 0, ?, ?) ON CONFLICT (id) DO UPDATE SET ended = NULL WHERE identity = ''"""
PAUSED = "SELECT paused FROM home"
PAUSE = "UPDATE home SET paused = ?"
DELETE = "DELETE FROM claims WHERE token = ?"
END_ATTEMPT = """UPDATE attempts SET ended = ?, outcome = ?, exit_code = ?, duration = ?, pid = ?, report = ?,
    note = coalesce(note, ?) WHERE id = ? AND ended IS NULL"""
SET_NOTE = "UPDATE attempts SET note = ? WHERE id = ?"
RETIRE_NAME = """UPDATE workers SET ended = ? WHERE id = ? AND identity = '' AND NOT EXISTS
    (SELECT 1 FROM claims WHERE worker = workers.id AND token <> ?)"""
INSERT_TAIL = "INSERT OR REPLACE INTO attempt_texts (attempt, tail) VALUES (?, ?)"
MOVE = """UPDATE tasks SET status = ?, updated = ?, completed = ?, failures = ?, not_before = ?, reserved_for = ?
    WHERE seq = ?"""
SET_STATUS = "UPDATE tasks SET status = ?, updated = ? WHERE seq = ?"
# A time that was edited to nonsense never comes.
NEXT_DUE = """SELECT min(not_before) FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL
    AND not_before GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9]*Z'"""
BLOCKERS = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker
    WHERE d.task = ? AND b.status <> 'done' ORDER BY b.seq LIMIT 3"""


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
    verdict: str | None
    stopping: int
    failures: int
    kind: str
    needs: str
    launched: int
    renewals: int

    def is_over(self) -> bool:
        """Whether the lease has run out: by monotonic time on the same boot, at once after a reboot of the
        same host, by the wall clock for another host."""
        if self.boot == clock.boot():
            return clock.monotonic() >= self.deadline
        return self.host == clock.host() or clock.now() >= self.expires

    def to_claim(self) -> Claim:
        return Claim(self.task, self.worker, self.token, self.lease, self.expires, bool(self.held), self.renewals)


class Assignment(NamedTuple):
    """What a worker got: the claim, its task, and whether more is ready for it."""

    claim: Claim
    task: Task
    more: bool


class Result(NamedTuple):
    """How an attempt ended, for `Store.finish`."""

    outcome: str
    exit_code: int | None = None
    duration: float | None = None  # seconds
    pid: int | None = None
    report: str | None = None  # path below home
    note: str | None = None
    tail: str = ""


class Claims:
    """Mixed into Store."""

    db: Database

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        raise NotImplementedError

    def tell_worker(self, worker: str) -> None:
        raise NotImplementedError

    def claim(self, task: str, worker: str, lease: float = LEASE) -> Claim:
        """Take the task with this id, by hand, for `lease` seconds (1 or more).

        `worker` is any name. Raises AlreadyClaimed (naming the holder), NotReady, TaskNotFound, InvalidValue.
        """
        text.check_name(worker, "the worker's name")
        check_lease(lease)
        with self.db.writing() as connection:
            found = tasks.select(connection, task)
            hold = find_hold(connection, SELECT_BY_TASK, found.seq)
            if hold and not hold.held and hold.is_over():
                _give_back(connection, hold, Result(LOST, note="its lease ran out"))
                found = tasks.select(connection, task)
            elif hold and hold.held:
                raise AlreadyClaimed(f"{task} is run by {text.shorten(hold.worker, 60)}")
            elif hold:
                raise AlreadyClaimed(f"{task} is claimed by {text.shorten(hold.worker, 60)} until {hold.expires}")
            reserved = connection.execute(RESERVATION, (found.seq,)).fetchone()[0]
            is_ours = reserved == worker and found.status == "backlog" and not found.open_blockers
            if not found.is_ready and not is_ours:
                raise NotReady(_why_not_ready(connection, found, reserved))
            return _claim_by_hand(connection, found, worker, lease)

    def claim_best(self, worker: str, lease: float = LEASE, lanes: Iterable[Lane] | None = None) -> Assignment | None:
        """Take the best ready task, of these lanes or of all, by hand; None when there is none."""
        text.check_name(worker, "the worker's name")
        check_lease(lease)
        with self.db.writing() as connection:
            best = _best(connection, lanes)
            if not best:
                return None
            task = _get(connection, best[0])
            claim = _claim_by_hand(connection, task, worker, lease)
            return Assignment(claim, tasks.select(connection, task.id), len(best) > 1)

    def claim_next(self, worker: str, lanes: Iterable[Lane], agent: str) -> Assignment | None:
        """Take the best ready task of these lanes for a worker process, or None when there is none."""
        if not self._is_anything_there(lanes):  # asked without the lock: idle workers look often
            return None
        with self.db.writing() as connection:
            assignment = take_best(connection, worker, lanes, agent)
        if assignment and assignment.more:
            self.wake_for({Lane(assignment.task.kind, assignment.task.needs)})
        return assignment

    def renew(self, task: str, worker: str | None = None, token: int | None = None) -> Claim:
        """Begin the lease again, at the length it was given. Any number of times.

        Raises LeaseLost unless `worker`, or `token`, holds the claim; TaskNotFound.
        """
        with self.db.writing() as connection:
            hold = own(connection, task, worker, token)
            deadline, expires = clock.monotonic() + hold.lease, clock.now(hold.lease)
            connection.execute(RENEW, (deadline, expires, hold.token))
            return hold.to_claim()._replace(expires=expires, renewals=hold.renewals + 1)

    def release(self, task: str, worker: str | None = None, token: int | None = None) -> None:
        """Give a task back that was claimed by hand. It costs no attempt.

        For two seconds it is neither ready nor claimable by another worker, so that whoever releases a task and
        then marks it done does not see it run again in between. Raises as `renew`.
        """
        with self.db.writing() as connection:
            hold = own(connection, task, worker, token)
            refuse_held(hold)
            _give_back(connection, hold, Result(RELEASED), later=RESERVED, reserved_for=hold.worker)

    def expired(self) -> list[Claim]:
        """Claims made by hand whose lease has run out. (A worker's claim ends through `recovery`.)"""
        holds = map(ClaimRow._make, self.db.execute(SELECT_ALL))
        return [hold.to_claim() for hold in holds if not hold.held and hold.is_over()]

    def expire(self, token: int) -> None:
        """End a claim whose lease has run out; its task is ready again. Raises LeaseLost where there is no such
        claim any more, Refused where its lease has not run out."""
        with self.db.writing() as connection:
            hold = _existing(connection, token)
            if hold.held or not hold.is_over():
                raise Refused(f"the claim of {text.shorten(hold.worker, 60)} on {hold.task} lasts until {hold.expires}")
            _give_back(connection, hold, Result(LOST, note="its lease ran out"))
        self.wake_for({Lane(hold.kind, hold.needs)})

    def is_lapsed(self, token: int) -> bool:
        """Whether the lease of a claim is over, whoever holds it."""
        rows = self.db.execute(SELECT_BY_TOKEN, (token,))
        return bool(rows) and ClaimRow._make(rows[0]).is_over()

    def claims(self) -> list[Claim]:
        """The claims of this moment, oldest first."""
        return [ClaimRow._make(row).to_claim() for row in self.db.execute(SELECT_ALL)]

    def started(self, claim: Claim) -> str:
        """When a claim began."""
        return str(self.db.execute(STARTED, (claim.token,))[0][0])

    def pause(self) -> str:
        """Have the worker processes claim nothing more until `resume`; since when that has been so."""
        with self.db.writing() as connection:
            paused = connection.execute(PAUSED).fetchone()[0]
            if paused is None:
                paused = clock.now()
                connection.execute(PAUSE, (paused,))
            return str(paused)

    def resume(self) -> None:
        """Have them claim again."""
        with self.db.writing() as connection:
            connection.execute(PAUSE, (None,))
            lanes = tasks.lanes_in_use(connection)
        self.wake_for(lanes)

    def paused(self) -> str | None:
        """Since when the queue has been paused, or None."""
        rows = self.db.execute(PAUSED)
        return rows[0][0] if rows else None

    def must_stop(self, token: int) -> str | None:
        """Why a worker must stop the agent that runs under this claim, or None."""
        rows = self.db.execute(SELECT_BY_TOKEN, (token,))
        if not rows:
            return "its claim was ended"
        hold = ClaimRow._make(rows[0])
        return f"its task was set to {hold.verdict or 'stop'}" if hold.stopping else None

    def next_due(self) -> str | None:
        """When a worker process could claim the next task that is for later."""
        due: str | None = None if self.paused() else self.db.execute(NEXT_DUE)[0][0]
        return due

    def _is_anything_there(self, lanes: Iterable[Lane]) -> bool:
        with self.db.reading() as connection:
            if connection.execute(PAUSED).fetchone()[0]:
                return False
            due = connection.execute(NEXT_DUE).fetchone()[0]
            return bool(due and due <= clock.now()) or any(
                connection.execute(BEST_IN_LANE, lane).fetchone() for lane in lanes
            )


def check_lease(seconds: float) -> None:
    if not 1 <= seconds < 1e9:
        raise InvalidValue(f"a lease of {seconds:g} s: give a second or more")


def find_hold(connection: sqlite3.Connection, sql: str, key: int) -> ClaimRow | None:
    row = connection.execute(sql, (key,)).fetchone()
    return ClaimRow._make(row) if row else None


def _existing(connection: sqlite3.Connection, token: int) -> ClaimRow:
    hold = find_hold(connection, SELECT_BY_TOKEN, token)
    if hold is None:
        raise LeaseLost(f"claim {token} is over: nothing was changed")
    return hold


def own(connection: sqlite3.Connection, task: str, worker: str | None, token: int | None) -> ClaimRow:
    """The task's claim, if it is the caller's; else LeaseLost."""
    hold = find_hold(connection, SELECT_BY_TASK, tasks.seq_of(connection, task))
    if hold is None:
        raise LeaseLost(f"{task} is not claimed by anybody now: nothing was changed")
    if (worker is not None and hold.worker != worker) or (token is not None and hold.token != token):
        raise LeaseLost(f"{task} is claimed by {text.shorten(hold.worker, 60)} now: nothing was changed")
    if not hold.held and hold.is_over():
        raise LeaseLost(f"the lease of {task} ran out at {hold.expires}: nothing was changed")
    return hold


def refuse_held(hold: ClaimRow) -> None:
    if hold.held:
        raise AlreadyClaimed(f"{hold.task} is run by {hold.worker} now: wait, or end it with `txlite stop {hold.task}`")


def _why_not_ready(connection: sqlite3.Connection, task: Task, reserved: str | None) -> str:
    if task.status != "backlog":
        return f"{task.id} is {task.status}: only tasks that are ready can be claimed"
    if task.open_blockers:
        blockers = ", ".join(row[0] for row in connection.execute(BLOCKERS, (task.seq,)))
        return f"{task.id} waits for {blockers}: `txlite show {task.id}` shows all that it waits for"
    if reserved:
        return (
            f"{task.id} was released by {text.shorten(reserved, 60)} a moment ago: it is ready again in {RESERVED:g} s"
        )
    return f"{task.id} is for later: it is ready at {task.not_before}"


def take_best(connection: sqlite3.Connection, worker: str, lanes: Iterable[Lane], agent: str) -> Assignment | None:
    if connection.execute(PAUSED).fetchone()[0]:
        return None
    best = _best(connection, lanes)
    if not best:
        return None
    task = _get(connection, best[0])
    return Assignment(start(connection, task, worker, agent, HELD_LEASE, held=True), task, len(best) > 1)


def _promote(connection: sqlite3.Connection) -> bool:
    """Enter what has become due into the ready index, some at a time; whether there was any."""
    moment = clock.now()
    is_due = connection.execute(IS_DUE, (moment,)).fetchone() is not None
    if is_due:
        connection.execute(PROMOTE, (moment,))
    return is_due


def _best(connection: sqlite3.Connection, lanes: Iterable[Lane] | None) -> list[int]:
    """The seqs of the best ready tasks of these lanes, or of all, the best first."""
    while True:
        is_due = _promote(connection)
        places = tasks.lanes_in_use(connection) if lanes is None else lanes
        rows = [row for lane in places for row in connection.execute(BEST_IN_LANE, lane)]
        if rows or not is_due:
            return [row[1] for row in sorted(rows, key=lambda row: tasks.rank(*row))]


def _get(connection: sqlite3.Connection, seq: int) -> Task:
    return Task._make(connection.execute(tasks.SELECT_BY_SEQ, (seq,)).fetchone())


def _claim_by_hand(connection: sqlite3.Connection, task: Task, worker: str, lease: float) -> Claim:
    moment = clock.now()
    connection.execute(REGISTER, (worker, worker, clock.host(), moment, moment))
    return start(connection, task, worker, "", lease, held=False)


def start(connection: sqlite3.Connection, task: Task, worker: str, agent: str, lease: float, held: bool) -> Claim:
    """Begin an attempt with a claim, inside a transaction that writes."""
    moment = clock.now()
    token = connection.execute(START_ATTEMPT, (task.seq, task.token, worker, agent, moment)).lastrowid or 0
    connection.execute(ACTIVATE, (token, moment, task.seq))
    deadline, expires = clock.monotonic() + lease, clock.now(lease)
    connection.execute(INSERT, (task.seq, token, worker, held, lease, clock.host(), clock.boot(), deadline, expires))
    return Claim(task.id, worker, token, lease, expires, held)


def end_attempt(connection: sqlite3.Connection, token: int, result: Result) -> None:
    connection.execute(
        END_ATTEMPT,
        (clock.now(), result.outcome, result.exit_code, result.duration, result.pid, result.report, result.note, token),
    )
    if result.tail:
        connection.execute(INSERT_TAIL, (token, result.tail))
    connection.execute(DELETE, (token,))


def end_by_hand(connection: sqlite3.Connection, hold: ClaimRow, result: Result) -> None:
    """End a claim made by hand; a name that holds nothing more is no worker any longer."""
    connection.execute(RETIRE_NAME, (clock.now(), hold.worker, hold.token))
    end_attempt(connection, hold.token, result)


def move(
    connection: sqlite3.Connection,
    seq: int,
    status: str,
    failures: int,
    later: float = 0.0,
    reserved_for: str | None = None,
) -> None:
    moment = clock.now()
    completed = moment if status == DONE else None
    not_before = clock.now(later) if later else None
    connection.execute(MOVE, (status, moment, completed, failures, not_before, reserved_for, seq))


def set_status(connection: sqlite3.Connection, seq: int, status: str) -> None:
    """Change the state and nothing else: what a person blocks keeps its time."""
    connection.execute(SET_STATUS, (status, clock.now(), seq))


def _give_back(
    connection: sqlite3.Connection, hold: ClaimRow, result: Result, later: float = 0.0, reserved_for: str | None = None
) -> None:
    end_by_hand(connection, hold, result)
    move(connection, hold.seq, "backlog", hold.failures, later, reserved_for)
