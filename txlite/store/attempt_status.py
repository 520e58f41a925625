"""How attempts stand, as it is recorded: what waits, runs, has ended.

What runs by these rows may be lost: whether its worker lives is asked by `execution.presence`, through which `status`,
`logs`, `wait` and `stop` read. Reached as `Store.attempt_statuses`.
"""

from __future__ import annotations

from ..model import (
    APPROVAL,
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    PREEMPTED,
    QUEUED,
    RUNNING,
    TIMEOUT,
    UNSTARTABLE,
    WAITING,
    WORKERS,
)
from ..system.named_tuple import NamedTuple
from .tasks import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Outcome, Shown, Status
    from .database import Database

COLUMNS = f"""a.id, t.id, CAST(t.title AS TEXT), t.status, t.token = a.id, a.worker, a.agent,
    coalesce(l.type, '{WORKERS}'), coalesce(a.level, l.level, ''), l.task IS NOT NULL, coalesce(l.has_turn, 1),
    a.started, a.ended, a.outcome, a.exit_code,
    a.duration, a.pid, a.report, a.note, coalesce(w.identity, ''), a.place,
    a.id = coalesce((SELECT max(o.attempt) FROM reviews o WHERE o.task = a.task), 0),
    EXISTS (SELECT 1 FROM attempts p WHERE p.id = t.token AND p.agent = '{APPROVAL}' AND p.outcome = '{DONE}')"""
JOINS = """JOIN tasks t ON t.seq = a.task LEFT JOIN launches l ON l.task = a.task
    LEFT JOIN workers w ON w.id = a.worker WHERE a.agent <> ''"""
# An approval that is over is told with the attempt whose work it was about, unless it was killed, and nothing followed.
IS_SHOWN = f"(a.agent <> '{APPROVAL}' OR a.outcome IS NULL OR (a.outcome = '{LOST}' AND t.token = a.id))"
LATEST = f"""SELECT {COLUMNS} FROM attempts a {JOINS} AND (? OR {IS_SHOWN})
    AND (? IS NULL OR coalesce(l.type, '{WORKERS}') = ?) ORDER BY a.id DESC LIMIT ?"""
OPEN = f"SELECT {COLUMNS} FROM claims c JOIN attempts a ON a.id = c.token {JOINS} ORDER BY a.id DESC"
LAST_OF_TASK = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.id = (SELECT token FROM tasks WHERE id = ?)"
BY_NUMBER = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.id = ?"
BY_PID = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.pid = ? ORDER BY a.id DESC LIMIT 1"
ENDED_REPORTS = """SELECT id, report FROM attempts WHERE id > ? AND ended <= ? AND report IS NOT NULL
    ORDER BY id LIMIT 1000"""
TASK = "SELECT 1 FROM tasks WHERE id = ?"

# What is shown of an attempt that has ended, where nobody decided otherwise about its task.
_BY_OUTCOME: dict[Outcome, Shown] = {
    DONE: DONE, CANCELLED: CANCELLED, INTERRUPTED: INTERRUPTED, PREEMPTED: INTERRUPTED, LOST: LOST,
}  # fmt: skip


class AttemptStatus(NamedTuple):
    """An attempt as it stands."""

    attempt: int
    task: str  # id
    title: str
    task_status: Status
    is_last: bool  # of its task
    worker: str
    agent: str
    type: str  # the directory of its report
    level: str  # "" where none was given
    launched: bool
    has_turn: bool
    started: str
    ended: str | None
    outcome: Outcome | None  # None while it has not ended
    exit_code: int | None
    duration: float | None  # seconds
    pid: int | None  # of the launched worker; in a run, of the agent
    report: str | None  # path below home
    note: str | None
    identity: str  # of the worker's process
    place: str | None  # where it runs or ran, if not here
    is_reviewed: bool  # whether its work is what of its task was to be reviewed last
    has_landed: bool  # whether what a person approved of its task has
    state: Shown
    reason: str | None  # why it is queued, in Slurm's word
    silent: str | None  # since when it has neither written nor computed, where that is long ago

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or its worker died."""
        return self.state not in (WAITING, QUEUED, RUNNING)

    @property
    def is_approval(self) -> bool:
        """Whether it has no agent, and lands what a person approved."""
        return self.agent == APPROVAL

    @property
    def code(self) -> int:
        """Exit code that tells a shell how it went: the agent's own, 124 for its time limit, 125 for lost."""
        if self.state == DONE:
            return 0
        if self.state == LOST:
            return 125
        known = {TIMEOUT: 124, UNSTARTABLE: 127}.get(self.outcome or "")
        return known or self.exit_code or 1


class AttemptStatuses:
    """The attempts of one database, as they are recorded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(
        self, limit: int | None = None, type: str | None = None, with_approvals: bool = True
    ) -> list[AttemptStatus]:
        """Return the newest attempts, newest first, of one type of report or of all; at most `limit`.

        with_approvals: also those approvals that are over, and were not killed.
        """
        return self._read(LATEST, (with_approvals, type, type, -1 if limit is None else limit))

    def open(self) -> list[AttemptStatus]:
        """Return the attempts that have not been recorded as ended, newest first."""
        return self._read(OPEN, ())

    def of_task(self, task: str) -> AttemptStatus | None:
        """Return the last attempt of the task with this id; None for one that never ran. Raises TaskNotFound."""
        if not self._database.execute(TASK, (task,)):
            raise unknown(task)
        return self._first(LAST_OF_TASK, task)

    def of_pid(self, pid: int) -> AttemptStatus | None:
        """Return the newest attempt whose agent, or launched worker, was recorded to have this PID."""
        return self._first(BY_PID, pid) if pid < 1 << 63 else None

    def get(self, attempt: int) -> AttemptStatus | None:
        """Return the attempt with this number."""
        return self._first(BY_NUMBER, attempt)

    def ended_reports(self, until: str) -> Iterator[str]:
        """Yield the reports of the attempts that had ended at this time (UTC text), as paths below home, oldest first.

        No transaction stays open between them, and no more than a page of them is held.
        """
        last = 0
        while True:
            page = self._database.execute(ENDED_REPORTS, (last, until))
            if not page:
                return
            yield from (str(path) for _, path in page)
            last = page[-1][0]

    def _first(self, sql: str, key: object) -> AttemptStatus | None:
        return next(iter(self._read(sql, (key,))), None)

    def _read(self, sql: str, values: tuple) -> list[AttemptStatus]:
        return [
            _as_recorded(AttemptStatus._make((*row, RUNNING, None, None)))
            for row in self._database.execute(sql, values)
        ]


def _as_recorded(status: AttemptStatus) -> AttemptStatus:
    if status.outcome is None:
        return status if status.has_turn else status._replace(state=WAITING)
    state = _BY_OUTCOME.get(status.outcome, FAILED)
    decided: Status = status.task_status
    if status.is_last and (decided == DONE or decided == CANCELLED or (decided == FAILED and state != LOST)):
        state = decided  # whatever the agent did, somebody decided so
    return status._replace(state=state)
