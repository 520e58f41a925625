"""Which tasks may be meant by the beginning of an id, while somebody types it.

Quick at any size of queue: what is typed enough of is found by the index of ids, else only the newest are looked at.
Used by who completes what is typed.
"""

from __future__ import annotations

from ..model import ACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Database

FEW = 2  # characters behind tx-, from which on one in a thousand begins so
WINDOW, MOST = 10_000, 200  # tasks looked at; and found
COLUMNS = "t.id, CAST(t.title AS TEXT)"
# CROSS JOIN: along the claims, which are few, and not along the tasks.
OF_ACTIVE = f"""SELECT {COLUMNS} FROM claims c CROSS JOIN tasks t ON t.seq = c.task
    WHERE t.id >= :first AND t.id < :end ORDER BY t.seq DESC LIMIT {MOST}"""
BY_ID = f"""SELECT {COLUMNS} FROM tasks t WHERE t.id >= :first AND t.id < :end AND ({{}})
    ORDER BY t.id LIMIT {MOST}"""
NEWEST = f"""SELECT {COLUMNS} FROM (SELECT * FROM tasks ORDER BY seq DESC LIMIT {WINDOW}) t
    WHERE t.id >= :first AND t.id < :end AND ({{}}) LIMIT {MOST}"""


def find_candidates(database: Database, beginning: str, states: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return id and title of the tasks whose id begins so, with or without its tx-, the newest first; `states`: only of
    those in one of these."""
    start = beginning if beginning.startswith("tx-"[: len(beginning)]) else "tx-" + beginning
    values = {"first": start, "end": start + "\U0010ffff"}
    if tuple(states) == (ACTIVE,):
        return database.execute(OF_ACTIVE, values)
    condition = " OR ".join(f"t.status = '{state}'" for state in states) or "1"
    sql = BY_ID if len(start) >= len("tx-") + FEW else NEWEST
    return database.execute(sql.format(condition), values)
