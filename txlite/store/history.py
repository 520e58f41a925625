"""The history: each change of a task's state, as triggers wrote it down.

A change has a number, higher than any before it; no row is ever removed, so whoever knows the number of the last change
that he was told of can go on exactly there. Reached as `Store.history`; used by `txlite history` and `txlite events`,
and by what tells of tasks as they end.
"""

from __future__ import annotations

from ..errors import NotFound
from ..system.named_tuple import NamedTuple
from .tasks import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Outcome, Status
    from .database import Database

# A token's attempt began with a change to active, and ended with one from it.
SELECT = """SELECT h.id, h.at, h.task, CAST(t.title AS TEXT), h.from_status, h.to_status, h.token,
    a.worker, w.supervisor, e.outcome, e.exit_code, e.duration, e.note, e.report,
    a.agent FROM history h LEFT JOIN tasks t ON t.id = h.task
    LEFT JOIN attempts a ON a.id = h.token AND 'active' IN (h.from_status, h.to_status)
    LEFT JOIN workers w ON w.id = a.worker
    LEFT JOIN attempts e ON e.id = h.token AND h.from_status = 'active'"""
SELECT_LATEST = f"{SELECT} ORDER BY h.id DESC LIMIT ?"
SELECT_OF_TASK = f"{SELECT} WHERE h.task = ? ORDER BY h.id DESC LIMIT ?"
SELECT_SINCE = f"{SELECT} WHERE h.id > ? ORDER BY h.id LIMIT ?"
FINISHED_SINCE = """SELECT h.id, h.at, h.task, h.from_status, h.to_status, CAST(t.title AS TEXT), a.outcome,
    a.duration, a.exit_code, a.worker, a.note, a.report, t.seq, h.token, a.started, a.ended, a.agent, a.level,
    t.kind FROM history h JOIN tasks t ON t.id = h.task LEFT JOIN attempts a ON a.id = h.token
    WHERE h.id > ? AND h.from_status = 'active' AND NOT EXISTS (SELECT 1 FROM launches l WHERE l.task = t.seq)
    ORDER BY h.id"""
END_OF = """SELECT max(h.id) FROM history h JOIN attempts a ON a.id = h.token
    WHERE h.task = ? AND a.ended = ? AND h.from_status = 'active'"""
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM history"


class Event(NamedTuple):
    """A change of a task's state."""

    id: int
    at: str
    task: str  # id
    title: str | None  # as it is now; None: the task was deleted meanwhile
    from_status: Status | None  # None: it was added
    to_status: Status | None  # None: it was deleted
    token: int  # of its last claim; 0 before the first
    worker: str | None  # of the attempt that began or ended with it
    run: str | None  # the supervisor of that worker
    outcome: Outcome | None  # from here on: of the attempt that ended with it
    exit_code: int | None
    duration: float | None
    note: str | None
    report: str | None
    agent: str | None  # of the attempt that began or ended with it

    @property
    def attempt(self) -> int | None:
        """Return the number of the attempt that began or ended with it."""
        return self.token if self.worker else None

    def to_object(self) -> dict[str, object]:
        """Return it as JSON has it, with its keys in the order in which they are printed."""
        return {
            "id": self.id,
            "at": self.at,
            "task": self.task,
            "title": self.title,
            "from": self.from_status,
            "to": self.to_status,
            "attempt": self.attempt,
            "worker": self.worker,
            "run": self.run,
            "outcome": self.outcome,
            "exitCode": self.exit_code,
            "duration": self.duration,
            "note": self.note,
            "report": self.report,
        }


class Finished(NamedTuple):
    """A task that left `active`, with the attempt that ended."""

    event: int  # its number in the history
    at: str
    task: str
    from_status: Status
    to_status: Status
    title: str
    outcome: Outcome | None
    duration: float | None
    exit_code: int | None
    worker: str | None
    note: str | None
    report: str | None
    seq: int  # of the task
    attempt: int  # its number, which is its token, too
    started: str | None
    ended: str | None
    agent: str | None  # by whom it was made
    level: str | None  # at which that was to think
    kind: str  # of the task


class History:
    """The history of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, task: str | None = None, limit: int | None = None) -> list[Event]:
        """Return changes of status: the newest first, or those of one task, oldest first; at most the `limit` newest.

        A deleted task's can still be read. Raises TaskNotFound for one that never was.
        """
        count = -1 if limit is None else limit
        if task is None:
            return list(map(Event._make, self._database.execute(SELECT_LATEST, (count,))))
        rows = self._database.execute(SELECT_OF_TASK, (task, count))
        if not rows and (count or not self._database.execute(SELECT_OF_TASK, (task, 1))):
            raise unknown(task)
        return list(map(Event._make, reversed(rows)))

    def since(self, event: int, limit: int) -> list[Event]:
        """Return the changes after the one with this number, in order, at most `limit`."""
        return list(map(Event._make, self._database.execute(SELECT_SINCE, (event, limit))))

    def check_number(self, event: int) -> int:
        """Return the number of a change that there was, or 0. Raises NotFound for one that has not come yet: it was
        told of by another home, or by this one before a backup of it was put back."""
        newest = self.last_event()
        if event > newest:
            raise NotFound(f"no change has the number {event}: the newest is {newest}; --since 0 tells all of them")
        return event

    def finished_since(self, event: int) -> list[Finished]:
        """Return what left the status active after the event with this number, in order."""
        return list(map(Finished._make, self._database.execute(FINISHED_SINCE, (event,))))

    def event_of(self, task: str, ended: str) -> int | None:
        """Return the number of the event with which a task's attempt ended at this time; None for none."""
        found = self._database.execute(END_OF, (task, ended))[0][0]
        return None if found is None else int(found)

    def last_event(self) -> int:
        """Return the number of the newest event, 0 where there is none."""
        return int(self._database.execute(LAST_EVENT)[0][0])
