"""Attempts of a loop: what RALPH must know of an attempt besides its result.

The agent's word is not enough for one: its task is done when a gate has passed, and its work is where it belongs. So
what the agent says is kept here, and is no verdict; and a worker that dies leaves behind how far the work had come.
Reached as `Store.loop_attempts`; used by `ralph`, and by those who tell of the night.
"""

from __future__ import annotations

from ..model import AGENT_LANE, BEGUN, CUT_OFF, LANDING, LOST, PREPARED, PROMPT, SETTLED, Lane, LoopAttempt, Task
from ..system.named_tuple import NamedTuple
from . import loops, tasks
from .assignments import Assignment, claim_for, is_anything_there, wake_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from .database import Database
    from .waking import Waking

INSERT = f"INSERT INTO trials (attempt, task, loop, stage) VALUES (?, ?, ?, '{BEGUN}')"
COLUMNS = """SELECT r.attempt, t.id, r.loop, r.stage, r.repository, r.base, r.start, r.worktree, r.landed, r.parked
    FROM trials r JOIN tasks t ON t.seq = r.task"""
SELECT = f"{COLUMNS} WHERE r.attempt = ?"
_CUT_OFF = ", ".join(f"'{outcome}'" for outcome in (LOST, *CUT_OFF))
# Back through the attempts of a task that were cut off, to one whose work had landed.
WAS_CUT_OFF = f"a.outcome IN ({_CUT_OFF})"
CUT_OFF_CHAIN = f"""WITH RECURSIVE cut_off (id) AS (
        SELECT previous FROM attempts WHERE id = ?
        UNION SELECT a.previous FROM cut_off c JOIN attempts a ON a.id = c.id WHERE {WAS_CUT_OFF})"""
CUT_OFF_LANDING = f"""{CUT_OFF_CHAIN}
    SELECT r.landed FROM cut_off c JOIN attempts a ON a.id = c.id JOIN trials r ON r.attempt = a.id
    WHERE {WAS_CUT_OFF} AND r.landed IS NOT NULL ORDER BY c.id DESC LIMIT 1"""
CUT_OFF_SINCE = f"""SELECT a.started, a.ended FROM trials r JOIN attempts a ON a.id = r.attempt
    WHERE a.outcome = '{LOST}' AND a.ended > ?"""
SELECT_OF_LOOP = f"{COLUMNS} WHERE r.loop = ? ORDER BY r.attempt"
UNSETTLED = f"{COLUMNS} WHERE r.stage <> '{SETTLED}' ORDER BY +r.attempt"
UNSETTLED_OF_TASK = f"{COLUMNS} WHERE r.stage <> '{SETTLED}' AND r.task = ? ORDER BY r.attempt"
PREPARE = f"""UPDATE trials SET stage = '{PREPARED}', repository = ?, base = ?, start = ?, worktree = ?
    WHERE attempt = ?"""
LAND = f"UPDATE trials SET stage = '{LANDING}', landed = ? WHERE attempt = ?"
SETTLE = f"UPDATE trials SET stage = '{SETTLED}', landed = ?, parked = coalesce(?, parked) WHERE attempt = ?"
SET_LANE = "UPDATE tasks SET needs = ? WHERE seq = ?"
MOVE_TO_LANE = f"""UPDATE tasks SET needs = ? WHERE id = ? AND status = 'backlog' AND kind = 'prompt'
    AND (needs = '' OR needs GLOB '{AGENT_LANE}*')"""
SAID_DONE = "SELECT said_done FROM trials WHERE attempt = ?"


class Choice(NamedTuple):
    """By whom an attempt is made."""

    agent: str  # the agent's name
    level: str = ""  # at which it is to think; "" for its own
    wait_in: str = ""  # what the task needs instead, in whose lane it waits: that agent is not to be had now


class LoopAttempts:
    """The attempts of the loops of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def claim_next(
        self, worker: str, lanes: list[Lane], choose: Callable[[Task], Choice], loop: str
    ) -> Assignment | None:
        """Take the best ready task of these lanes for a worker of a loop; None where there is none, or the loop has
        reached a bound. choose: says by whom a task is worked on."""
        if not is_anything_there(self._database, lanes):
            return None
        with self._database.writing() as connection:
            if loops.is_full(connection, loop):
                return None
            assignment = _take_best(connection, worker, lanes, choose)
            if assignment:
                connection.execute(INSERT, (assignment.claim.token, assignment.task.seq, loop))
        wake_next(self._database, self._waking, assignment)
        return assignment

    def get(self, attempt: int) -> LoopAttempt | None:
        """Return the attempt with this number, if it was one of a loop."""
        rows = self._database.execute(SELECT, (attempt,))
        return LoopAttempt._make(rows[0]) if rows else None

    def cut_off_landing(self, attempt: int) -> str | None:
        """Return the commit of an earlier attempt of the same task, if that was cut off as its work landed."""
        rows = self._database.execute(CUT_OFF_LANDING, (attempt,))
        return rows[0][0] if rows else None

    def cut_off_since(self, moment: str) -> list[tuple[str, str]]:
        """Return when the attempts began and ended whose workers died after this moment, all as UTC text."""
        return [(row[0], row[1]) for row in self._database.execute(CUT_OFF_SINCE, (moment,))]

    def of_loop(self, loop: str) -> list[LoopAttempt]:
        """Return all attempts of a loop, oldest first."""
        return list(map(LoopAttempt._make, self._database.execute(SELECT_OF_LOOP, (loop,))))

    def unsettled(self, seq: int | None = None) -> list[LoopAttempt]:
        """Return those of which something may be left in their places, of one task (by its seq) or of all: they run, or
        were cut off."""
        rows = self._database.execute(UNSETTLED) if seq is None else self._database.execute(UNSETTLED_OF_TASK, (seq,))
        return list(map(LoopAttempt._make, rows))

    def prepare(
        self, attempt: int, repository: str | None, base: str | None, start: str | None, worktree: str | None
    ) -> None:
        """Note that an attempt's place is ready: from now on something of it may be there."""
        with self._database.writing() as connection:
            connection.execute(PREPARE, (repository, base, start, worktree, attempt))

    def land(self, attempt: int, commit: str | None) -> None:
        """Note that its work passed, and is about to get onto the base branch; as this commit, if that is known."""
        with self._database.writing() as connection:
            connection.execute(LAND, (commit, attempt))

    def settle(self, attempt: int, landed: str | None = None, parked: str | None = None) -> None:
        """Note that nothing of it is left in its place: its work has landed as this commit, or is parked under this
        ref."""
        with self._database.writing() as connection:
            connection.execute(SETTLE, (landed, parked, attempt))

    def move_to_lane(self, task: str, need: str) -> None:
        """Have a prompt of the backlog that needs no more than an agent wait for this need."""
        with self._database.writing() as connection:
            connection.execute(MOVE_TO_LANE, (need, task))
        self._waking.wake_for({Lane(PROMPT, need)})

    def has_said_done(self, attempt: int) -> bool:
        """Say whether the agent of this attempt has said that its task is done."""
        rows = self._database.execute(SAID_DONE, (attempt,))
        return bool(rows and rows[0][0])


def _take_best(
    connection: sqlite3.Connection, worker: str, lanes: list[Lane], choose: Callable[[Task], Choice]
) -> Assignment | None:
    """Take the best ready task for whom it is meant, inside a transaction that writes; those that wait for somebody
    else are out of the way from now on."""
    while True:
        task = tasks.best_ready(connection, lanes, for_worker=True)
        if task is None:
            return None
        choice = choose(task)
        if not choice.wait_in:
            break
        connection.execute(SET_LANE, (choice.wait_in, task.seq))
    if task.needs.startswith(AGENT_LANE) and not task.agent:  # it had waited for the agent of a rung
        connection.execute(SET_LANE, ("", task.seq))
    return claim_for(connection, task, worker, choice.agent, choice.level)
