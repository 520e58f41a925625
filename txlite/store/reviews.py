"""Reviews: work that passed its gate and waits for a word, and the verdicts, of persons and of agents that review.

An attempt for which one is noted before it ends leaves its task to be reviewed, where it is done and its work has not
landed (`assignments`): who has a reviewer alone notes one, too, so that a kill costs no work that had passed.
Reached as `Store.reviews`; used by `ralph`, and by those who tell of it.
"""

from __future__ import annotations

from ..model import Review, Verdict
from ..system import clock
from .loop_attempts import CUT_OFF_CHAIN, WAS_CUT_OFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database

PUT = """INSERT OR REPLACE INTO reviews (attempt, task, repository, base, branch, work, since, gate, gate_timeout)
    SELECT id, task, ?, ?, ?, ?, ?, ?, ? FROM attempts WHERE id = ?"""
_FIELDS = "SELECT r.attempt, t.id, r.repository, r.base, r.branch, r.work, r.since, r.gate, r.gate_timeout"
COLUMNS = f"{_FIELDS} FROM reviews r CROSS JOIN tasks t ON t.seq = r.task"
OF_ATTEMPT = f"{COLUMNS} WHERE r.attempt = ?"
OF_TASK = f"{COLUMNS} WHERE t.id = ? ORDER BY r.attempt DESC LIMIT 1"
# The last of each task that waits.
OPEN = f"""{_FIELDS} FROM tasks t
    CROSS JOIN reviews r ON r.attempt = (SELECT max(o.attempt) FROM reviews o WHERE o.task = t.seq)
    WHERE t.status = 'review' ORDER BY r.since, r.attempt"""
# Back through the attempts of a task that were cut off, to one whose work had passed.
CUT_OFF_WORK = f"""{CUT_OFF_CHAIN} {_FIELDS} FROM cut_off c JOIN attempts a ON a.id = c.id
    JOIN reviews r ON r.attempt = a.id JOIN tasks t ON t.seq = r.task WHERE {WAS_CUT_OFF} ORDER BY c.id DESC LIMIT 1"""
JUDGE = "INSERT INTO verdicts (attempt, reviewer, verdict, reason, at) VALUES (?, ?, ?, ?, ?)"
VERDICTS = "SELECT attempt, reviewer, verdict, reason, at FROM verdicts WHERE attempt = ? ORDER BY id"


class Reviews:
    """The reviews of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        attempt: int,
        repository: str,
        base: str,
        branch: str,
        work: str,
        gate: str | None = None,
        gate_timeout: float = 600.0,
    ) -> None:
        """Note that the work of an attempt, a commit on a branch, passed its gate, and waits for a person when the
        attempt has ended without having landed it."""
        values = (repository, base, branch, work, clock.now(), gate, gate_timeout, attempt)
        with self._database.writing() as connection:
            connection.execute(PUT, values)

    def get(self, attempt: int) -> Review | None:
        """Return the review of this attempt's work, if there was to be one."""
        rows = self._database.execute(OF_ATTEMPT, (attempt,))
        return Review._make(rows[0]) if rows else None

    def last(self, task: str) -> Review | None:
        """Return the last review of the task with this id, whether it waits or not."""
        rows = self._database.execute(OF_TASK, (task,))
        return Review._make(rows[0]) if rows else None

    def cut_off(self, attempt: int) -> Review | None:
        """Return that of an earlier attempt of the same task which was cut off when its work had passed."""
        rows = self._database.execute(CUT_OFF_WORK, (attempt,))
        return Review._make(rows[0]) if rows else None

    def open(self) -> list[Review]:
        """Return those that wait for a person now, the oldest first."""
        return list(map(Review._make, self._database.execute(OPEN)))

    def judge(self, attempt: int, verdict: str, reason: str = "", reviewer: str = "") -> None:
        """Note what somebody said of the work of an attempt; reviewer: the name of an agent, "" for a person."""
        with self._database.writing() as connection:
            connection.execute(JUDGE, (attempt, reviewer, verdict, reason, clock.now()))

    def verdicts(self, attempt: int) -> list[Verdict]:
        """Return what was said of the work of an attempt, in order."""
        return list(map(Verdict._make, self._database.execute(VERDICTS, (attempt,))))
