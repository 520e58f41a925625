"""The store's part for attempts: reading what ran, how it ended and what it said. Mixed into `store.Store`.

Attempts begin and end with claims (`claims`), never by themselves.
"""

from __future__ import annotations

from ..model import Attempt
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database import Database

COLUMNS = """a.id, t.id, a.worker, a.agent, a.started, a.ended, a.outcome, a.exit_code, a.duration, a.pid, a.report,
    a.note, x.tail"""
SELECT = f"""SELECT {COLUMNS} FROM attempts a JOIN tasks t ON t.seq = a.task
    LEFT JOIN attempt_texts x ON x.attempt = a.id"""
SELECT_BY_TASK = f"""WITH RECURSIVE runs (id) AS (SELECT token FROM tasks WHERE id = ?
        UNION SELECT b.previous FROM runs r JOIN attempts b ON b.id = r.id WHERE b.previous > 0)
    {SELECT} WHERE a.id IN runs ORDER BY a.id"""
FINISHED_SINCE = """SELECT h.id, h.at, h.task, h.from_status, h.to_status, CAST(t.title AS TEXT), a.outcome,
    a.duration, a.exit_code, a.worker, a.note, a.report
    FROM history h JOIN tasks t ON t.id = h.task LEFT JOIN attempts a ON a.id = h.token
    WHERE h.id > ? AND h.from_status = 'active' AND NOT EXISTS (SELECT 1 FROM launches l WHERE l.task = t.seq)
    ORDER BY h.id"""
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM history"
ENDED_REPORTS = """SELECT id, report FROM attempts WHERE id > ? AND ended <= ? AND report IS NOT NULL
    ORDER BY id LIMIT 1000"""


class Finished(NamedTuple):
    """A task that left `active`, with the attempt that ended."""

    event: int  # its number in the history
    at: str
    task: str
    from_status: str
    to_status: str
    title: str
    outcome: str | None
    duration: float | None
    exit_code: int | None
    worker: str | None
    note: str | None
    report: str | None


class Attempts:
    """Mixed into Store."""

    db: Database

    def attempts(self, task: str) -> list[Attempt]:
        """All attempts of the task with this id, oldest first."""
        return list(map(Attempt._make, self.db.execute(SELECT_BY_TASK, (task,))))

    def finished_since(self, event: int) -> list[Finished]:
        """What left the state active after this event, in order."""
        return list(map(Finished._make, self.db.execute(FINISHED_SINCE, (event,))))

    def last_event(self) -> int:
        """The number of the newest row of history."""
        return int(self.db.execute(LAST_EVENT)[0][0])

    def ended_reports(self, until: str) -> Iterator[str]:
        """The reports of the attempts that had ended at this time, as paths below home, oldest first. No
        transaction stays open between them, and no more than a page of them is held."""
        last = 0
        while True:
            page = self.db.execute(ENDED_REPORTS, (last, until))
            if not page:
                return
            yield from (str(path) for _, path in page)
            last = page[-1][0]
