"""Reviews: work that passed its gate and waits for a word, and the verdicts, of persons and of agents that review.

An attempt for which a review is noted before it ends leaves its task to be reviewed, where it is done (`assignments`).
Reached as `Store.reviews`; used by `ralph`, and by those who tell of it.
"""

from __future__ import annotations

from ..model import Review, Verdict
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database

PUT = """INSERT OR REPLACE INTO reviews (attempt, task, repository, base, branch, work, since)
    SELECT id, task, ?, ?, ?, ?, ? FROM attempts WHERE id = ?"""
COLUMNS = """SELECT r.attempt, t.id, r.repository, r.base, r.branch, r.work, r.since FROM reviews r
    CROSS JOIN tasks t ON t.seq = r.task"""
OF_ATTEMPT = f"{COLUMNS} WHERE r.attempt = ?"
OF_TASK = f"{COLUMNS} WHERE t.id = ? ORDER BY r.attempt DESC LIMIT 1"
# The last of each task that waits.
OPEN = """SELECT r.attempt, t.id, r.repository, r.base, r.branch, r.work, r.since FROM tasks t
    CROSS JOIN reviews r ON r.attempt = (SELECT max(o.attempt) FROM reviews o WHERE o.task = t.seq)
    WHERE t.status = 'review' ORDER BY r.since, r.attempt"""
JUDGE = "INSERT INTO verdicts (attempt, reviewer, verdict, reason, at) VALUES (?, ?, ?, ?, ?)"
VERDICTS = "SELECT attempt, reviewer, verdict, reason, at FROM verdicts WHERE attempt = ? ORDER BY id"


class Reviews:
    """The reviews of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, attempt: int, repository: str, base: str, branch: str, work: str) -> None:
        """Note that the work of an attempt, a commit on a branch, waits for a person when the attempt has ended."""
        with self._database.writing() as connection:
            connection.execute(PUT, (repository, base, branch, work, clock.now(), attempt))

    def get(self, attempt: int) -> Review | None:
        """Return the review of this attempt's work, if there was to be one."""
        rows = self._database.execute(OF_ATTEMPT, (attempt,))
        return Review._make(rows[0]) if rows else None

    def last(self, task: str) -> Review | None:
        """Return the last review of the task with this id, whether it waits or not."""
        rows = self._database.execute(OF_TASK, (task,))
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
