"""Nights in figures: what became of all attempts of some loops, counted in the database.

Reached as `Store.nights`; used by `ralph`, which compares one with those before it.
"""

from __future__ import annotations

from ..model import APPROVAL
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Database

# As it ended the last time: what waits for a person's word is not done; where that word lands it, an attempt of its own
# is, which no agent made.
_ENDED_WELL = "a.outcome = 'done' AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.attempt = a.id)"
# As the task is now, also by a person's hand; unless a later night went on with it, or it comes again.
_IS_DONE = f"""CASE WHEN r.attempt <> e.attempt THEN 0
    WHEN EXISTS (SELECT 1 FROM trials o WHERE o.attempt = t.token AND o.attempt > e.attempt)
        OR (t.every IS NOT NULL AND t.status = 'backlog') THEN {_ENDED_WELL}
    ELSE t.status = 'done' END"""
_IS_PRICED = """EXISTS (SELECT 1 FROM usages u WHERE u.attempt = a.id)
    AND NOT EXISTS (SELECT 1 FROM usages u WHERE u.attempt = a.id AND u.cost IS NULL)"""
FIGURES = f"""WITH latest (task, attempt) AS
    (SELECT task, max(attempt) FROM trials WHERE loop IN ({{loops}}) GROUP BY task)
    SELECT coalesce(sum(a.agent <> '{APPROVAL}'), 0), count(DISTINCT r.task),
    count(DISTINCT CASE WHEN {_IS_DONE} THEN r.task END), count(DISTINCT r.landed),
    coalesce(sum(CASE WHEN a.agent <> '{APPROVAL}' THEN a.duration END), 0),
    sum((SELECT sum(u.cost) FROM usages u WHERE u.attempt = a.id)), coalesce(sum({_IS_PRICED}), 0)
    FROM trials r JOIN attempts a ON a.id = r.attempt JOIN tasks t ON t.seq = r.task
    JOIN latest e ON e.task = r.task WHERE r.loop IN ({{loops}})"""


class Figures(NamedTuple):
    """What became of all attempts of some loops."""

    attempts: int  # by agents
    tasks: int  # that were begun
    done: int  # of these
    commits: int
    seconds: float  # that all attempts took together
    cost: int | None = None  # millionths of a US dollar, of those that said it; None: none did
    priced: int = 0  # attempts that said what they cost


class Nights:
    """The loops of one database, in figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, loops: Sequence[str]) -> Figures:
        """Return the figures of these loops (ids) together."""
        statement = FIGURES.format(loops=", ".join("?" * len(loops)))
        return Figures(*self._database.execute(statement, (*loops, *loops))[0])
