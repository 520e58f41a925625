"""Nights in figures: what became of all attempts of some loops, counted in the database.

Reached as `Store.nights`; used by `ralph`, which compares one with those before it.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Database

FIGURES = """SELECT count(*), count(DISTINCT r.task), count(DISTINCT CASE WHEN a.outcome = 'done' THEN r.task END),
    count(r.landed), coalesce(sum(a.duration), 0), sum((SELECT sum(u.cost) FROM usages u WHERE u.attempt = a.id)),
    coalesce(sum(EXISTS (SELECT 1 FROM usages u WHERE u.attempt = a.id)
        AND NOT EXISTS (SELECT 1 FROM usages u WHERE u.attempt = a.id AND u.cost IS NULL)), 0)
    FROM trials r JOIN attempts a ON a.id = r.attempt WHERE r.loop IN ({})"""


class Figures(NamedTuple):
    """What became of all attempts of some loops."""

    attempts: int
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
        statement = FIGURES.format(", ".join("?" * len(loops)))
        return Figures(*self._database.execute(statement, tuple(loops))[0])
