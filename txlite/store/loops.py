"""Loops: the runs of RALPH, how far each may go, and until when an agent's provider refuses to work.

Reached as `Store.loops`; used by `ralph`, and by those who tell of the night.
"""

from __future__ import annotations

from ..model import AGENT_LANE, COSTLY, DONE, LoopRecord, agent_need
from ..system import clock
from ..text import money
from .usages import SPENT_BY

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database

INSERT = """INSERT INTO loops (id, agent, started, max_tasks, max_failures, max_cost, review)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
END = "UPDATE loops SET ended = ?, reason = ? WHERE id = ?"
SELECT_NEWEST = """SELECT id, agent, started, ended, reason, max_tasks, max_failures, max_cost, review FROM loops
    ORDER BY started DESC, id LIMIT ?"""
BOUNDS = "SELECT max_tasks, max_failures, max_cost FROM loops WHERE id = ?"
# Read until one that was done, or no further than is asked for. (The + keeps SQLite from sorting all of the loop's.)
LATEST = """SELECT r.task, a.outcome FROM trials r JOIN attempts a ON a.id = r.attempt
    WHERE +r.loop = ? AND a.ended IS NOT NULL ORDER BY r.attempt DESC"""
# A task that failed and waits for its next attempt does not count: another may take its place.
TAKEN = """SELECT count(DISTINCT r.task) FROM trials r JOIN tasks t ON t.seq = r.task
    WHERE r.loop = ? AND t.status <> 'backlog'"""
ENDED = f"{TAKEN} AND t.status <> 'active'"
SET_LIMIT = """INSERT INTO agent_limits (agent, until, reason) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET until = excluded.until, reason = excluded.reason"""
LIFT_LIMITS = "DELETE FROM agent_limits"
SELECT_LIMITS = "SELECT agent, until, reason FROM agent_limits WHERE until > ? ORDER BY agent"
DROP = "INSERT OR IGNORE INTO dropped_agents (loop, agent, at, reason) VALUES (?, ?, ?, ?)"
SELECT_DROPPED = "SELECT agent, reason FROM dropped_agents WHERE loop = ?"
# What waited for it because of a ladder alone.
RELEASE = """UPDATE tasks SET needs = '' WHERE status = 'backlog' AND kind = 'prompt' AND needs GLOB ?
    AND (SELECT x.agent FROM task_texts x WHERE x.task = tasks.seq) IS NULL"""


class Loops:
    """The loops of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        loop: str,
        agent: str,
        max_tasks: int | None,
        max_failures: int | None,
        max_cost: int | None = None,
        review: bool = False,
    ) -> None:
        """Note that a loop begins, under its supervisor's id, with its bounds; `review`: what passes its gate waits for
        a person."""
        with self._database.writing() as connection:
            connection.execute(INSERT, (loop, agent, clock.now(), max_tasks, max_failures, max_cost, review))

    def end(self, loop: str, reason: str) -> None:
        """Note that a loop ended by itself, and why; one that has no end goes on, or was killed. What waits for an
        agent because of its ladder waits for any."""
        with self._database.writing() as connection:
            connection.execute(RELEASE, (AGENT_LANE + "*",))
            connection.execute(END, (clock.now(), reason, loop))

    def newest(self, limit: int | None = None) -> list[LoopRecord]:
        """Return the loops, the newest first, at most `limit`."""
        rows = self._database.execute(SELECT_NEWEST, (-1 if limit is None else limit,))
        return [LoopRecord._make((*row[:-1], bool(row[-1]))) for row in rows]

    def reached_bound(self, loop: str) -> str | None:
        """Return which of its bounds a loop has reached, in words, or None."""
        with self._database.reading() as connection:
            max_tasks, max_failures, max_cost = connection.execute(BOUNDS, (loop,)).fetchone()
            if max_failures and _failing(connection, loop, max_failures) >= max_failures:
                return f"{max_failures} different tasks failed in a row"
            if max_tasks and connection.execute(ENDED, (loop,)).fetchone()[0] >= max_tasks:
                return f"{max_tasks} task{'s' if max_tasks > 1 else ''} had ended"
            cost = _cost(connection, loop) if max_cost else 0
            if max_cost and cost >= max_cost:
                return f"it had cost {money(cost)}, of {money(max_cost)} at most"
        return None

    def max_cost(self, loop: str) -> int | None:
        """Return the millionths of a US dollar that a loop may cost; None for as much as it likes."""
        rows = self._database.execute(BOUNDS, (loop,))
        return rows[0][2] if rows else None

    def limit_agent(self, agent: str, until: str, reason: str) -> None:
        """Note that the provider of this agent refuses to work until then (UTC text), and why."""
        with self._database.writing() as connection:
            connection.execute(SET_LIMIT, (agent, until, reason))

    def lift_limits(self) -> None:
        """Forget that any provider refuses, because a person says so."""
        with self._database.writing() as connection:
            connection.execute(LIFT_LIMITS)

    def limits(self) -> list[tuple[str, str, str]]:
        """Return the agents whose providers refuse to work at this moment, until when, and why."""
        return list(self._database.execute(SELECT_LIMITS, (clock.now(),)))

    def limits_of(self, agents: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return until when, and why, the providers of those of these agents refuse to work that do."""
        names = set(agents)
        return {agent: (until, reason) for agent, until, reason in self.limits() if agent in names}

    def drop_agent(self, loop: str, agent: str, reason: str) -> bool:
        """Note that an agent cannot work, and takes no more part in a loop; return whether nobody knew it before. What
        waited for it, and did not name it itself, may be others' again."""
        with self._database.writing() as connection:
            is_new = connection.execute(DROP, (loop, agent, clock.now(), reason)).rowcount > 0
            connection.execute(RELEASE, (agent_need(agent),))
        return is_new

    def dropped(self, loop: str) -> dict[str, str]:
        """Return the agents that take no more part in a loop, each with the reason."""
        return dict(self._database.execute(SELECT_DROPPED, (loop,)))


def is_full(connection: sqlite3.Connection, loop: str) -> bool:
    """Say whether a loop may claim nothing more, inside a transaction."""
    max_tasks, max_failures, max_cost = connection.execute(BOUNDS, (loop,)).fetchone()
    if max_cost and _cost(connection, loop) >= max_cost:
        return True
    if max_failures and _failing(connection, loop, max_failures) >= max_failures:
        return True
    return bool(max_tasks and connection.execute(TAKEN, (loop,)).fetchone()[0] >= max_tasks)


def _cost(connection: sqlite3.Connection, loop: str) -> int:
    """What a loop's attempts are known to have cost."""
    return int(connection.execute(SPENT_BY, (loop,)).fetchone()[0])


def _failing(connection: sqlite3.Connection, loop: str, enough: int) -> int:
    """How many different tasks failed since the last one that was done; `enough` are."""
    failing: set[int] = set()
    for task, outcome in connection.execute(LATEST, (loop,)):
        if outcome == DONE or len(failing) >= enough:
            break
        if outcome in COSTLY:
            failing.add(task)
    return len(failing)
