"""The store's part for how attempts stand at this moment: what waits, runs, has ended, or was lost.

The state is asked of the living, not of what was last written down: an attempt whose worker is dead is lost, as
soon as it is dead. Mixed into `store.Store`; used by `status`, `logs`, `wait` and `stop`.
"""

from __future__ import annotations

from ..errors import NotFound
from ..model import CANCELLED, DONE, INTERRUPTED, LOST, TIMEOUT, UNSTARTABLE, WORKERS
from ..system import process
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .tasks import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database

COLUMNS = f"""a.id, t.id, CAST(t.title AS TEXT), t.status, t.token = a.id, a.worker, a.agent,
    coalesce(l.type, '{WORKERS}'), coalesce(l.level, ''), l.task IS NOT NULL, coalesce(l.has_turn, 1),
    a.started, a.ended, a.outcome, a.exit_code,
    a.duration, a.pid, a.report, a.note, coalesce(w.identity, '')"""
JOINS = """JOIN tasks t ON t.seq = a.task LEFT JOIN launches l ON l.task = a.task
    LEFT JOIN workers w ON w.id = a.worker WHERE a.agent <> ''"""
LATEST = f"""SELECT {COLUMNS} FROM attempts a {JOINS}
    AND (? IS NULL OR coalesce(l.type, '{WORKERS}') = ?) ORDER BY a.id DESC LIMIT ?"""
OPEN = f"SELECT {COLUMNS} FROM claims c JOIN attempts a ON a.id = c.token {JOINS} ORDER BY a.id DESC"
LAST_OF_TASK = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.id = (SELECT token FROM tasks WHERE id = ?)"
BY_NUMBER = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.id = ?"
BY_PID = f"SELECT {COLUMNS} FROM attempts a {JOINS} AND a.pid = ? ORDER BY a.id DESC LIMIT 1"
TASK = "SELECT 1 FROM tasks WHERE id = ?"

WAITING = "waiting"  # for its turn among the launched
RUNNING = "running"
FAILED = "failed"
STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED, LOST)

_BY_OUTCOME = {DONE: DONE, CANCELLED: CANCELLED, INTERRUPTED: CANCELLED, LOST: LOST}


class AttemptStatus(NamedTuple):
    """An attempt as it stands now."""

    attempt: int
    task: str  # id
    title: str
    task_status: str  # the state of its task
    is_last: bool  # of its task
    worker: str
    agent: str
    type: str  # the directory of its report
    level: str  # "" where none was given
    launched: bool
    has_turn: bool
    started: str
    ended: str | None
    outcome: str | None
    exit_code: int | None
    duration: float | None  # seconds
    pid: int | None  # of the launched worker; in a run, of the agent
    report: str | None  # path below home
    note: str | None
    identity: str  # of the worker's process
    state: str = ""  # one of STATES

    @property
    def is_over(self) -> bool:
        return self.state not in (WAITING, RUNNING)

    @property
    def code(self) -> int:
        """The exit code that tells a shell how it went: the agent's own, 124 for its time limit, 125 for lost."""
        if self.state == DONE:
            return 0
        if self.state == LOST:
            return 125
        known = {TIMEOUT: 124, UNSTARTABLE: 127}.get(self.outcome or "")
        return known or self.exit_code or 1


class AttemptStatuses:
    """Mixed into Store."""

    db: Database

    def lock_path(self, name: str) -> str:
        raise NotImplementedError

    def is_present(self, name: str, identity: str) -> bool:
        raise NotImplementedError

    def standings(self, limit: int | None = None, type: str | None = None) -> list[AttemptStatus]:
        """The newest attempts, newest first, of one type of report or of all."""
        rows = self.db.execute(LATEST, (type, type, -1 if limit is None else limit))
        return list(map(self._judge, rows))

    def open_standings(self) -> list[AttemptStatus]:
        """The attempts that have not been recorded as ended, newest first."""
        return list(map(self._judge, self.db.execute(OPEN)))

    def standing(self, name: str) -> AttemptStatus | None:
        """The last attempt of the task with this id, or the one with this PID; None for a task that never ran.

        Of several with one PID it is the one that runs, else the newest. Raises NotFound, TaskNotFound.
        """
        if not (name.isascii() and name.isdigit()):
            if not self.db.execute(TASK, (name,)):
                raise unknown(name)
            return self._first(self.db.execute(LAST_OF_TASK, (name,)))
        for standing in self.open_standings():
            if standing.pid == int(name):
                return standing
        found = self._first(self.db.execute(BY_PID, (int(name),))) if len(name) < 19 else None
        if not found:
            raise NotFound(f"no attempt had the PID {shorten(name, 40)}: `txlite status --all` lists them")
        return found

    def standing_of(self, attempt: int) -> AttemptStatus | None:
        """The attempt with this number."""
        return self._first(self.db.execute(BY_NUMBER, (attempt,)))

    def _first(self, rows: list[tuple]) -> AttemptStatus | None:
        return self._judge(rows[0]) if rows else None

    def _judge(self, row: tuple) -> AttemptStatus:
        standing = AttemptStatus._make((*row, ""))
        if standing.ended is None:
            standing = self._look(standing)
            if standing.state != LOST:
                return standing
            # Lost, or recorded as ended since the row was read: a worker leaves only after that.
            standing = AttemptStatus._make((*self.db.execute(BY_NUMBER, (standing.attempt,))[0], ""))
            if standing.ended is None:
                return self._look(standing)
        state = _BY_OUTCOME.get(standing.outcome or "", FAILED)
        decided = (DONE, CANCELLED) if state == LOST else (DONE, CANCELLED, FAILED)
        if standing.is_last and standing.task_status in decided:
            state = standing.task_status  # whatever the agent did, somebody decided so
        return standing._replace(state=state)

    def _look(self, standing: AttemptStatus) -> AttemptStatus:
        """What its worker's process and the note in its lock file say about an attempt that has not ended."""
        path = self.lock_path(standing.worker)
        from ..system.liveness import read_note  # what only reads the queue does without

        note = read_note(path)
        if note.get("attempt") != standing.attempt:
            note = {}
        owner = standing.identity if standing.launched else str(note.get("agent", ""))
        known = process.Identity.parse(owner)
        state = WAITING if not standing.has_turn else RUNNING
        return standing._replace(
            state=state if self.is_present(standing.worker, standing.identity) else LOST,
            pid=known.pid if known else None,
            report=note.get("report"),
            started=note.get("started", standing.started),
        )
