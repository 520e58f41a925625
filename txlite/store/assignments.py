"""Assignments: what worker processes claim, how they hand it back, and what is decided about it meanwhile.

A claim that a worker process holds ends only through that worker, or through recovery once its agent's tree is gone.
Whoever decides otherwise meanwhile leaves a verdict on the claim, which the worker carries out. Reached as
`Store.assignments`; used by workers, by recovery, and by who stops an attempt.
"""

from __future__ import annotations

import os

from ..errors import StoreUnavailable
from ..model import APPROVAL, BACKLOG, CANCELLED, COSTLY, DONE, LOST, REVIEW, SETTLED, Claim, Lane, Task
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import attempts, claim_rows, group_room, ready_index, tasks
from .claim_rows import HELD_LEASE, OF_TOKEN, ClaimRow
from .moves import after_attempt, freed_by, move
from .occurrences import STAYS, come_again
from .pause import is_paused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ..model import Status
    from .attempts import Result
    from .database import Database
    from .waking import Waking

LOSSES = 10  # workers in a row that died over a task, until it is put aside: it may be what kills them

# A launched task goes its own way, unless another waits for it.
IS_ACTIVE = """SELECT 1 FROM claims c WHERE NOT EXISTS (SELECT 1 FROM launches l WHERE l.task = c.task)
    OR EXISTS (SELECT 1 FROM dependencies d WHERE d.blocker = c.task) LIMIT 1"""
IS_LATER = """SELECT 1 FROM tasks WHERE status = 'backlog' AND {} AND open_blockers = 0 AND ({}) LIMIT 1"""
# An index for each.
LATER = (
    "not_before IS NOT NULL AND delay_boot IS NULL AND (every IS NULL OR not_before <= ?)",
    "delay_boot IS NOT NULL AND ? <> ''",
)
ALWAYS = "A"  # behind all times
COUNT_BUSY = "SELECT count(*) FROM claims c JOIN workers w ON w.id = c.worker WHERE w.supervisor = ?"
HAS_LANDED = "SELECT 1 FROM trials WHERE attempt = ? AND landed IS NOT NULL"  # it is too late for another word
# A task is done as its attempt ended, unless something else was said meanwhile, its work is to be reviewed, or it comes
# again.
SET_DONE = f"""UPDATE tasks SET status = '{DONE}', updated = :now, completed = :now WHERE seq = (SELECT c.task
    FROM claims c WHERE c.task = {OF_TOKEN} AND c.token = :token AND c.verdict IS NULL
        AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.attempt = :token)) AND every IS NULL"""
IS_TO_REVIEW = f"""SELECT 1 FROM reviews r WHERE r.attempt = ? AND NOT EXISTS
    (SELECT 1 FROM trials l WHERE l.attempt = r.attempt AND l.stage = '{SETTLED}')"""  # then it has landed all the same
IS_APPROVAL = f"SELECT 1 FROM attempts WHERE id = ? AND agent = '{APPROVAL}'"
STOPPING = "SELECT token, verdict FROM claims WHERE worker = ? AND held AND stopping"
ADOPT = f"""UPDATE claims SET worker = :worker, host = :host, boot = :boot, deadline = :deadline, expires = :expires
    WHERE task = {OF_TOKEN} AND token = :token AND held"""
ADOPT_ATTEMPT = "UPDATE attempts SET worker = :worker WHERE id = :token"
AGENT_OF = "SELECT agent, coalesce(level, '') FROM attempts WHERE id = ?"
OF_ATTEMPT = "SELECT task FROM attempts WHERE id = ?"
SET_VERDICT = "UPDATE claims SET verdict = ?, stopping = max(stopping, ?) WHERE token = ?"
RECENT_OUTCOMES = f"""WITH RECURSIVE runs (id, outcome, depth) AS (
        SELECT id, outcome, 1 FROM attempts WHERE id = ?
        UNION ALL SELECT a.id, a.outcome, depth + 1 FROM runs r JOIN attempts b ON b.id = r.id
            JOIN attempts a ON a.id = b.previous WHERE depth < {LOSSES})
    SELECT outcome FROM runs ORDER BY id DESC"""


class Assignment(NamedTuple):
    """What a worker got: the claim, and its task."""

    claim: Claim
    task: Task
    agent: str = ""  # the name of the one for which it was claimed; "" where there is but one
    level: str = ""  # at which that is to think; "" for its own


class Assignments:
    """The claims of worker processes on the tasks of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def claim_next(self, worker: str, lanes: Iterable[Lane], agent: str, told: bool = True) -> Assignment | None:
        """Take the best ready task of these lanes for a worker process; None when there is none, or a pause. `told`: as
        in `Database.writing`."""
        if not is_anything_there(self._database, lanes):
            self._database.settle()
            return None
        with self._database.writing(told) as connection:
            assignment = take_best(connection, worker, lanes, agent)
        wake_next(self._database, self._waking, assignment)
        return assignment

    def finish(
        self,
        token: int,
        result: Result,
        max_attempts: int,
        worker: str = "",
        lanes: Iterable[Lane] = (),
        agent: str = "",
        told: bool = True,
    ) -> Assignment | None:
        """Record the end of a worker's attempt and, with `lanes`, claim its next task in the same transaction. `told`:
        as in `Database.writing`.

        A costly failure is tried again, later each time, until `max_attempts` of them, or the task's own bound.
        """
        with self._database.writing(told) as connection:
            given_back = _finish(connection, token, result, max_attempts)
            assignment = take_best(connection, worker, lanes, agent, instead_of=token) if lanes else None
            if not assignment:
                claim_rows.remove(connection, token)
        wake_next(self._database, self._waking, assignment, given_back, token)
        return assignment

    def stop(self, token: int) -> bool:
        """Cancel a task for as long as a worker runs it under this claim; False where it does not any more. One whose
        work is being landed, as a person approved it, is left to be reviewed."""
        with self._database.writing() as connection:
            hold = claim_rows.of_token(connection, token)
            if hold:
                is_approval = connection.execute(IS_APPROVAL, (token,)).fetchone()
                connection.execute(SET_VERDICT, (hold.verdict if is_approval else CANCELLED, True, token))
        if hold:
            self._waking.tell_worker(hold.worker)
        return hold is not None

    def must_stop(self, token: int) -> str | None:
        """Return why a worker must stop the agent that runs under this claim, or None."""
        hold = self._row(token)
        if hold is None:
            return "its claim was ended"
        return _reason(hold.verdict) if hold.stopping else None

    def to_stop(self, worker: str) -> dict[int, str]:
        """Return the tokens, of the claims that a worker process holds, whose agents it must stop, each with the reason
        that `must_stop` gives. A claim that was ended is not among them: `claims_of` lacks it."""
        return {token: _reason(verdict) for token, verdict in self._database.execute(STOPPING, (worker,))}

    def adopt(self, tokens: Iterable[int], worker: str) -> list[Assignment]:
        """Give the claims with these tokens, whose worker process is dead, to another one, with what was decided about
        them; those that it has then, in the order of the tokens. What was ended meanwhile is left out."""
        with self._database.writing() as connection:
            adopted = [_adopt(connection, token, worker) for token in sorted(set(tokens))]
        return [assignment for assignment in adopted if assignment]

    def is_lapsed(self, token: int) -> bool:
        """Say whether the lease of a claim is over, whoever holds it."""
        hold = self._row(token)
        return hold is not None and hold.is_over()

    def due_in(self) -> float | None:
        """Return the seconds until a worker process could claim the next task that is for later, or None."""
        with self._database.reading() as connection:
            return None if is_paused(connection) else ready_index.due_in(connection)

    def is_idle(self, lanes: Iterable[Lane]) -> bool:
        """Say whether nothing runs, and nothing in these lanes is ready, waits for its group or for its time."""
        with self._database.reading() as connection:
            if connection.execute(IS_ACTIVE).fetchone():
                return False
            if _is_any_later(connection, lanes, clock.now()):  # what comes again later is nothing to stay for
                return False
            return not ready_index.is_any_there(connection, lanes)

    def demand(self, lanes: Iterable[Lane], supervisor: str, limit: int) -> int:
        """Return how many workers this supervisor has use for now, at most `limit`: those that are busy, one for each
        task that they could claim, and one that waits where a task is for later."""
        with self._database.reading() as connection:
            busy = int(connection.execute(COUNT_BUSY, (supervisor,)).fetchone()[0])
            ready = sum(group_room.count_claimable(connection, lane, limit) for lane in lanes)
            return min(busy + max(ready, int(_is_any_later(connection, lanes, ALWAYS))), limit)

    def _row(self, token: int) -> ClaimRow | None:
        rows = self._database.execute(claim_rows.SELECT_BY_TOKEN, {"token": token})
        return ClaimRow._make(rows[0]) if rows else None


def _reason(verdict: Status | None) -> str:
    return f"its task was set to {verdict}" if verdict else "its approval was stopped"


def _adopt(connection: sqlite3.Connection, token: int, worker: str) -> Assignment | None:
    place = {"host": clock.host(), "boot": clock.boot()}
    lease = {"deadline": clock.monotonic() + HELD_LEASE, "expires": clock.now(HELD_LEASE)}
    values = {"token": token, "worker": worker, **place, **lease}
    if not connection.execute(ADOPT, values).rowcount:
        return None
    connection.execute(ADOPT_ATTEMPT, values)
    hold = claim_rows.of_token(connection, token)
    assert hold
    agent, level = connection.execute(AGENT_OF, (token,)).fetchone()
    return Assignment(hold.to_claim(), tasks.select(connection, hold.task), agent, level)


def _is_any_later(connection: sqlite3.Connection, lanes: Iterable[Lane], horizon: str) -> bool:
    """Whether a task waits for its time; of those that come again only one whose time is not behind the horizon."""
    marks = " OR ".join("(kind = ? AND needs = ?)" for _ in lanes)
    values = [horizon, *(part for lane in lanes for part in lane)]
    return any(connection.execute(IS_LATER.format(kind, marks), values).fetchone() for kind in LATER)


def is_anything_there(database: Database, lanes: Iterable[Lane]) -> bool:
    """Say whether a worker process may find something; asked without the lock, because idle ones look often."""
    with database.reading() as connection:
        if is_paused(connection):
            return False
        return ready_index.is_any_due(connection) or any(group_room.claimable(connection, lanes))


def wake_next(
    database: Database, waking: Waking, assignment: Assignment | None, given_back: Iterable[Lane] = (), token: int = 0
) -> None:
    """Wake others, where some sleep: for what a worker gave back, for what became ready by the end of its attempt (the
    one with this token), where its group has room now, and where it saw more than the one task that it took. After the
    commit."""
    if not waking.is_anybody_idle():
        return
    lanes = set(given_back)
    try:
        with database.reading() as connection:
            for row in connection.execute(OF_ATTEMPT, (token,)):
                lanes.update(lane for _, lane in freed_by(connection, row[0]))
            seen = [Lane(assignment.task.kind, assignment.task.needs)] if assignment else []
            lanes.update(group_room.claimable(connection, None if group_room.are_any(connection) else seen))
        waking.wake_for(lanes)
    except StoreUnavailable:
        pass  # who sleeps looks by itself, but the claim must reach who holds it now


def take_best(
    connection: sqlite3.Connection, worker: str, lanes: Iterable[Lane], agent: str, instead_of: int = 0
) -> Assignment | None:
    """Take the best ready task of these lanes for a worker process, inside a transaction that writes; instead_of: the
    token of what it had until now."""
    task = tasks.best_ready(connection, lanes, for_worker=True, instead_of=instead_of)
    if not task:
        return None
    return claim_for(connection, task, worker, task.agent or agent, task.level or "", instead_of)


def claim_for(
    connection: sqlite3.Connection, task: Task, worker: str, agent: str, level: str = "", instead_of: int = 0
) -> Assignment:
    """Claim a task for a worker process and an agent, inside a transaction that writes."""
    claim = claim_rows.begin(
        connection, task, worker, agent, HELD_LEASE, held=True, instead_of=instead_of, level=level or None
    )
    return Assignment(claim, task, agent, level)


def backoff(failures: int) -> float:
    """Return the seconds before the next attempt: doubling from half a second to a minute, each half to one and a half
    times that, so that tasks that failed together do not come back together."""
    jitter = int.from_bytes(os.urandom(2), "big") / 65536
    return min(2.0 ** min(failures - 2, 10), 60.0) * (0.5 + jitter)


def _losses(connection: sqlite3.Connection, token: int) -> int:
    """How many attempts of the task, up to this one, were lost in a row."""
    outcomes = [row[0] for row in connection.execute(RECENT_OUTCOMES, (token,))]
    return next((count for count, outcome in enumerate(outcomes) if outcome != LOST), len(outcomes))


def _finish(connection: sqlite3.Connection, token: int, result: Result, max_attempts: int) -> list[Lane]:
    """Record the end of an attempt, and what follows for its task; the claim stays. The lane of the task, if it is in
    the backlog again."""
    attempts.end(connection, token, result)
    if result.outcome == DONE and connection.execute(SET_DONE, {"now": clock.now(), "token": token}).rowcount:
        return []
    hold = claim_rows.of_token(connection, token)
    if hold is None:  # somebody ended the claim with rights of their own: only the attempt was ours to close
        return []
    if result.outcome == LOST:
        failures, losses = hold.failures, _losses(connection, token)
        is_spent, tries = losses >= LOSSES, losses - 1  # the first loss is bad luck; after that others go first
    else:
        costs = result.outcome in COSTLY
        failures = hold.failures + costs
        is_spent = failures >= (hold.max_attempts or max_attempts)
        tries = failures * costs
    status = _verdict(connection, hold, result) or _after(connection, hold, result, is_spent)
    move(connection, hold.seq, status, failures, backoff(tries) if tries > 0 and status == BACKLOG else 0.0)
    if result.outcome not in STAYS:
        come_again(connection, hold.seq)
    return [Lane(hold.kind, hold.needs)] if status == BACKLOG else []


def _is_over_cost(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether another attempt of a task could cost nothing: it would only pass its bound again."""
    from .usages import is_over  # what ends well does without

    return is_over(connection, seq)


def _after(connection: sqlite3.Connection, hold: ClaimRow, result: Result, is_spent: bool) -> Status:
    """What follows where nothing was decided."""
    if result.outcome == DONE and connection.execute(IS_TO_REVIEW, (hold.token,)).fetchone():
        return REVIEW
    if result.outcome != DONE and connection.execute(IS_APPROVAL, (hold.token,)).fetchone():
        return REVIEW  # of work that did not land
    is_spent = is_spent or (result.outcome in COSTLY and _is_over_cost(connection, hold.seq))
    return after_attempt(result.outcome, is_spent, bool(hold.launched))


def _verdict(connection: sqlite3.Connection, hold: ClaimRow, result: Result) -> Status | None:
    """What was decided while the attempt ran, unless its work had landed by then."""
    if hold.verdict and result.outcome == DONE and connection.execute(HAS_LANDED, (hold.token,)).fetchone():
        return None
    return hold.verdict
