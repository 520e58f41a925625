"""The store's part for loops and their trials: what RALPH must know of an attempt besides its result.

A trial is an attempt whose agent's word is not enough: the task is done when a gate has passed, and its work is where
it belongs. So what the agent says is kept here, and is no verdict; and a worker that dies leaves behind how far the
work had come. Mixed into `store.Store`; used by `ralph`, and by those who tell of the night.
"""

from __future__ import annotations

from ..model import BEGUN, COSTLY, DONE, INTERRUPTED, LANDING, LOST, PREPARED, SETTLED, Lane, Loop, LoopAttempt
from ..system import clock
from .claims import Assignment, take_best

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database

INSERT_LOOP = "INSERT INTO loops (id, agent, started, max_tasks, max_failures) VALUES (?, ?, ?, ?, ?)"
END_LOOP = "UPDATE loops SET ended = ?, reason = ? WHERE id = ?"
SELECT_LOOPS = (
    "SELECT id, agent, started, ended, reason, max_tasks, max_failures FROM loops ORDER BY started DESC, id LIMIT ?"
)
BOUNDS = "SELECT max_tasks, max_failures FROM loops WHERE id = ?"
# Read until one that was done, or no further than is asked for. (The + keeps SQLite from sorting all of the loop's.)
LATEST = """SELECT r.task, a.outcome FROM trials r JOIN attempts a ON a.id = r.attempt
    WHERE +r.loop = ? AND a.ended IS NOT NULL ORDER BY r.attempt DESC"""
# A task that failed and waits for its next attempt does not count: another may take its place.
TAKEN = """SELECT count(DISTINCT r.task) FROM trials r JOIN tasks t ON t.seq = r.task
    WHERE r.loop = ? AND t.status <> 'backlog'"""
ENDED = f"{TAKEN} AND t.status <> 'active'"
INSERT = f"INSERT INTO trials (attempt, task, loop, stage) VALUES (?, ?, ?, '{BEGUN}')"
COLUMNS = """SELECT r.attempt, t.id, r.loop, r.stage, r.said_done, r.repository, r.base, r.start, r.worktree, r.landed,
    r.parked FROM trials r JOIN tasks t ON t.seq = r.task"""
SELECT = f"{COLUMNS} WHERE r.attempt = ?"
# Back through the attempts of a task that were cut off, to one whose work had landed.
CUT_OFF_LANDING = f"""WITH RECURSIVE cut_off (id) AS (
        SELECT previous FROM attempts WHERE id = ?
        UNION SELECT a.previous FROM cut_off c JOIN attempts a ON a.id = c.id
            WHERE a.outcome IN ('{LOST}', '{INTERRUPTED}'))
    SELECT r.landed FROM cut_off c JOIN attempts a ON a.id = c.id JOIN trials r ON r.attempt = a.id
    WHERE a.outcome IN ('{LOST}', '{INTERRUPTED}') AND r.landed IS NOT NULL ORDER BY c.id DESC LIMIT 1"""
CUT_OFF_SINCE = f"""SELECT a.started, a.ended FROM trials r JOIN attempts a ON a.id = r.attempt
    WHERE a.outcome = '{LOST}' AND a.ended > ?"""
SELECT_OF_LOOP = f"{COLUMNS} WHERE r.loop = ? ORDER BY r.attempt"
UNSETTLED = f"{COLUMNS} WHERE r.stage <> '{SETTLED}' ORDER BY +r.attempt"
UNSETTLED_OF_TASK = f"{COLUMNS} WHERE r.stage <> '{SETTLED}' AND r.task = ? ORDER BY r.attempt"
PREPARE = f"""UPDATE trials SET stage = '{PREPARED}', repository = ?, base = ?, start = ?, worktree = ?
    WHERE attempt = ?"""
LAND = f"UPDATE trials SET stage = '{LANDING}', landed = ? WHERE attempt = ?"
SETTLE = f"UPDATE trials SET stage = '{SETTLED}', landed = ?, parked = coalesce(?, parked) WHERE attempt = ?"
SAID_DONE = "SELECT said_done FROM trials WHERE attempt = ?"
SET_LIMIT = """INSERT INTO agent_limits (agent, until, reason) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET until = excluded.until, reason = excluded.reason"""
LIFT_LIMITS = "DELETE FROM agent_limits"
SELECT_LIMIT = "SELECT until, reason FROM agent_limits WHERE agent = ? AND until > ?"


class LoopAttempts:
    """Mixed into Store."""

    db: Database

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        raise NotImplementedError

    def _is_anything_there(self, lanes: Iterable[Lane]) -> bool:
        raise NotImplementedError

    def begin_loop(self, loop: str, agent: str, max_tasks: int | None, max_failures: int | None) -> None:
        """A loop begins, under its supervisor's id."""
        with self.db.writing() as connection:
            connection.execute(INSERT_LOOP, (loop, agent, clock.now(), max_tasks, max_failures))

    def end_loop(self, loop: str, reason: str) -> None:
        """It ended by itself; one that has no end goes on, or was killed."""
        with self.db.writing() as connection:
            connection.execute(END_LOOP, (clock.now(), reason, loop))

    def loops(self, limit: int | None = None) -> list[Loop]:
        """The newest first."""
        return list(map(Loop._make, self.db.execute(SELECT_LOOPS, (-1 if limit is None else limit,))))

    def bound_of_loop(self, loop: str) -> str | None:
        """Which of its bounds a loop has reached, in words."""
        with self.db.reading() as connection:
            max_tasks, max_failures = connection.execute(BOUNDS, (loop,)).fetchone()
            if max_failures and _failing(connection, loop, max_failures) >= max_failures:
                return f"{max_failures} different tasks failed in a row"
            if max_tasks and connection.execute(ENDED, (loop,)).fetchone()[0] >= max_tasks:
                return f"{max_tasks} task{'s' if max_tasks > 1 else ''} had ended"
        return None

    def claim_trial(self, worker: str, lanes: Iterable[Lane], agent: str, loop: str) -> Assignment | None:
        """Take the best ready task for a worker of a loop, and begin a trial; None where there is none, the loop has
        reached a bound, or the agent's provider refuses to work at this time."""
        if self.limit_of(agent) or not self._is_anything_there(lanes):
            return None
        with self.db.writing() as connection:
            if _is_full(connection, loop):
                return None
            assignment = take_best(connection, worker, lanes, agent)
            if assignment:
                connection.execute(INSERT, (assignment.claim.token, assignment.task.seq, loop))
        if assignment and assignment.more:
            self.wake_for({Lane(assignment.task.kind, assignment.task.needs)})
        return assignment

    def trial(self, attempt: int) -> LoopAttempt | None:
        """The trial that this attempt was, if it was one."""
        rows = self.db.execute(SELECT, (attempt,))
        return LoopAttempt._make(rows[0]) if rows else None

    def cut_off_landing(self, attempt: int) -> str | None:
        """The commit of an earlier attempt of the same task, if that was cut off as its work landed."""
        rows = self.db.execute(CUT_OFF_LANDING, (attempt,))
        return rows[0][0] if rows else None

    def cut_off_since(self, moment: str) -> list[tuple[str, str]]:
        """When the trials began and ended whose workers died after this moment."""
        return [(row[0], row[1]) for row in self.db.execute(CUT_OFF_SINCE, (moment,))]

    def trials(self, loop: str) -> list[LoopAttempt]:
        """All of a loop, oldest first."""
        return list(map(LoopAttempt._make, self.db.execute(SELECT_OF_LOOP, (loop,))))

    def unsettled(self, seq: int | None = None) -> list[LoopAttempt]:
        """Those of which something may be left in their places, of one task or of all: they run, or were cut off."""
        rows = self.db.execute(UNSETTLED) if seq is None else self.db.execute(UNSETTLED_OF_TASK, (seq,))
        return list(map(LoopAttempt._make, rows))

    def prepare(
        self, attempt: int, repository: str | None, base: str | None, start: str | None, worktree: str | None
    ) -> None:
        """Its place is ready: from now on something of it may be there."""
        with self.db.writing() as connection:
            connection.execute(PREPARE, (repository, base, start, worktree, attempt))

    def land(self, attempt: int, commit: str | None) -> None:
        """Its work passed, and is about to get onto the base branch; as this commit, if that is known."""
        with self.db.writing() as connection:
            connection.execute(LAND, (commit, attempt))

    def settle(self, attempt: int, landed: str | None = None, parked: str | None = None) -> None:
        """Nothing of it is left in its place: its work has landed as this commit, or is parked under this ref."""
        with self.db.writing() as connection:
            connection.execute(SETTLE, (landed, parked, attempt))

    def has_said_done(self, attempt: int) -> bool:
        """Whether the agent of this trial has said that its task is done."""
        rows = self.db.execute(SAID_DONE, (attempt,))
        return bool(rows and rows[0][0])

    def limit_agent(self, agent: str, until: str, reason: str) -> None:
        """The provider of this agent refuses to work until then."""
        with self.db.writing() as connection:
            connection.execute(SET_LIMIT, (agent, until, reason))

    def lift_limits(self) -> None:
        """No provider refuses any more, a person says."""
        with self.db.writing() as connection:
            connection.execute(LIFT_LIMITS)

    def limit_of(self, agent: str) -> tuple[str, str] | None:
        """Until when, and why, the provider of this agent refuses to work; None where it does not."""
        rows = self.db.execute(SELECT_LIMIT, (agent, clock.now()))
        return rows[0] if rows else None


def _is_full(connection: sqlite3.Connection, loop: str) -> bool:
    """Whether a loop may claim nothing more."""
    max_tasks, max_failures = connection.execute(BOUNDS, (loop,)).fetchone()
    if max_failures and _failing(connection, loop, max_failures) >= max_failures:
        return True
    return bool(max_tasks and connection.execute(TAKEN, (loop,)).fetchone()[0] >= max_tasks)


def _failing(connection: sqlite3.Connection, loop: str, enough: int) -> int:
    """How many different tasks failed since the last one that was done; `enough` are."""
    failing: set[int] = set()
    for task, outcome in connection.execute(LATEST, (loop,)):
        if outcome == DONE or len(failing) >= enough:
            break
        if outcome in COSTLY:
            failing.add(task)
    return len(failing)
