"""How tasks came to their ends, each with what was asked for: for who prints their outputs, or writes their results.

Reached as `Store.ends`; only reads.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple
from .tasks import parse_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import Lane, Outcome, Status
    from .batches import Batch
    from .database import Database

COLUMNS = """t.seq, t.id, CAST(t.title AS TEXT), t.status, CAST(x.command AS TEXT), CAST(x.arguments AS TEXT), a.id,
    a.worker, a.outcome, a.exit_code, a.started, a.ended, a.duration, a.report, a.id = t.token"""
OF_ATTEMPT = f"""SELECT {COLUMNS} FROM attempts a JOIN tasks t ON t.seq = a.task
    LEFT JOIN task_texts x ON x.task = t.seq WHERE a.id = ? AND a.ended IS NOT NULL"""
IS_OPEN = "SELECT 1 FROM attempts WHERE id = ? AND ended IS NULL"
OF_RANGE = f"""SELECT {COLUMNS} FROM tasks t JOIN attempts a ON a.id = t.token
    LEFT JOIN task_texts x ON x.task = t.seq WHERE t.seq BETWEEN ? AND ? AND a.ended IS NOT NULL
    AND t.status IN ('done', 'failed', 'cancelled') ORDER BY t.seq LIMIT 1000"""
COMES_AGAIN = "SELECT 1 FROM tasks WHERE seq = ? AND every IS NOT NULL"
IS_OCCURRENCE = """SELECT 1 FROM attempts a JOIN tasks t ON t.seq = a.task JOIN history h ON h.task = t.id
    WHERE a.id = ? AND t.every IS NOT NULL AND h.token = a.id AND h.from_status = 'active'
    AND h.to_status IN ('done', 'failed')"""
RUNS = """WITH RECURSIVE runs (id) AS (SELECT ?
        UNION ALL SELECT a.previous FROM runs r JOIN attempts a ON a.id = r.id WHERE a.previous > 0)
    SELECT count(*) FROM runs"""
RANGES = "SELECT first, last FROM batches WHERE series = ? ORDER BY first"
SERIES = "SELECT series, last FROM batches WHERE first <= ? ORDER BY id DESC LIMIT 1"  # both grow together
SUPERVISOR = "SELECT supervisor FROM workers WHERE id = ?"
FIRST_OPEN = """SELECT t.seq FROM tasks t WHERE t.seq BETWEEN ? AND ? AND t.status IN ('backlog', 'active')
    AND t.every IS NULL AND ({}) ORDER BY t.seq LIMIT 1"""
IN_LANE = "(t.kind = ? AND t.needs = ?)"
LAST = (1 << 63) - 1


class End(NamedTuple):
    """A task whose attempt has ended."""

    seq: int
    task: str  # id
    title: str
    status: Status
    command: str | None
    arguments: tuple[str, ...] | None
    attempt: int
    worker: str
    outcome: Outcome | None
    exit_code: int | None
    started: str
    ended: str
    duration: float | None
    report: str | None
    is_last: bool  # of the task's attempts


class Ends:
    """The ends of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, attempt: int) -> End | None:
        """Return the end of this attempt; None where it has not ended, or its task is gone."""
        return next(_to_ends(self._database.execute(OF_ATTEMPT, (attempt,))), None)

    def is_open(self, attempt: int) -> bool:
        """Say whether an attempt has not ended."""
        return bool(self._database.execute(IS_OPEN, (attempt,)))

    def comes_again(self, seq: int) -> bool:
        """Say whether a task comes again."""
        return bool(self._database.execute(COMES_AGAIN, (seq,)))

    def is_occurrence(self, attempt: int) -> bool:
        """Say whether an occurrence of a task that comes again ended with this attempt."""
        return bool(self._database.execute(IS_OCCURRENCE, (attempt,)))

    def of_batch(self, batch: Batch) -> Iterator[End]:
        """Yield, in order, the last attempts of those of a batch's tasks that have come to their end; no more than a
        page of them is held."""
        for first, last in self._ranges(batch):
            page = self._database.execute(OF_RANGE, (first, last))
            while page:
                yield from _to_ends(page)
                page = self._database.execute(OF_RANGE, (page[-1][0] + 1, last))

    def count_attempts(self, attempt: int) -> int:
        """Return how many attempts its task had, up to this one."""
        return int(self._database.execute(RUNS, (attempt,))[0][0])

    def batch_of(self, seq: int) -> int | None:
        """Return the id of the batch that a task is of; None for one that came alone."""
        found = self._database.execute(SERIES, (seq,))
        return int(found[0][0]) if found and seq <= found[0][1] else None

    def supervisor_of(self, worker: str) -> str | None:
        """Return the id of the supervisor that a worker has, or had."""
        found = self._database.execute(SUPERVISOR, (worker,))
        return str(found[0][0]) if found and found[0][0] else None

    def first_open(self, batch: Batch | None, lanes: Iterable[Lane], after: int = 0) -> int:
        """Return the number of the first task, of a batch or of all, that is still to end, if these lanes are accepted;
        above `after`; where there is none, a number above all. What comes again has no end."""
        values = [part for lane in lanes for part in lane]
        sql = FIRST_OPEN.format(" OR ".join([IN_LANE] * (len(values) // 2)))
        for first, last in self._ranges(batch) if batch else [(1, LAST)]:
            found = self._database.execute(sql, (max(first, after), last, *values)) if last >= after else []
            if found:
                return int(found[0][0])
        return LAST

    def _ranges(self, batch: Batch) -> list[tuple]:
        return self._database.execute(RANGES, (batch.id,))


def _to_ends(rows: Iterable[tuple]) -> Iterator[End]:
    for row in rows:
        yield End._make((*row[:5], parse_arguments(row[5]), *row[6:-1], bool(row[-1])))
