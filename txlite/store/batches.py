"""Batches: the tasks that one `run --from` added, and how far they are.

A batch is a range of tasks, because it is added in one transaction. It is unfinished until each of its tasks is
done or cancelled and a run has come to its end after that: a run that was killed as it finished has told nobody,
and whoever starts it again must not find everything added anew. Reached as `Store.batches`.
"""

from __future__ import annotations

from ..model import BACKLOG, Lane, Task
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import new_tasks, tasks
from .moves import move

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .database import Database
    from .waking import Waking

INSERT = "INSERT INTO batches (digest, source, first, last, added) VALUES (?, ?, ?, ?, ?)"
FIND_UNFINISHED = """SELECT id, source, first, last FROM batches WHERE digest = ? AND ended IS NULL
    ORDER BY id DESC LIMIT 1"""
END = """UPDATE batches SET ended = ? WHERE ended IS NULL AND NOT EXISTS (
    SELECT 1 FROM tasks WHERE seq BETWEEN first AND last AND status NOT IN ('done', 'cancelled'))"""
COUNT = "SELECT status, count(*) FROM tasks WHERE seq BETWEEN ? AND ? GROUP BY status"
FAILED = "SELECT seq, kind, needs FROM tasks WHERE seq BETWEEN ? AND ? AND status = 'failed'"
UNFINISHED = f"""{tasks.SELECT} WHERE t.seq BETWEEN ? AND ? AND t.status NOT IN ('done', 'cancelled') ORDER BY t.seq"""
# Waiting, at however many removes, for a task that will not be done by itself.
STUCK = f"""WITH RECURSIVE stuck (seq) AS (
        SELECT d.task FROM tasks b JOIN dependencies d ON d.blocker = b.seq
            WHERE b.status IN ('failed', 'cancelled', 'blocked')
        UNION SELECT d.task FROM stuck s JOIN dependencies d ON d.blocker = s.seq)
    {tasks.SELECT} WHERE t.seq IN stuck AND t.status = 'backlog' AND t.seq BETWEEN ? AND ? ORDER BY t.seq"""


class Batch(NamedTuple):
    """The tasks with `first` <= seq <= `last`."""

    id: int
    source: str
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many tasks it has."""
        return self.last - self.first + 1


def identify(agent: str, directory: str, lines: Iterable[str]) -> str:
    """Return what two batches have in common that are the same: who runs them, where, and each line."""
    import hashlib

    return hashlib.sha256("\n".join([agent, directory, *lines]).encode()).hexdigest()


class Batches:
    """The batches of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(
        self, digest: str, source: str, new: Iterable[Mapping[str, object] | str], again: bool = False
    ) -> tuple[Batch, bool]:
        """Add tasks as `add_many` does, as a batch; or, unless `again`, find the newest unfinished one with this
        digest. The batch, and whether it was added. There must be a task in it."""
        checked = new_tasks.check_many(new)
        with self._database.writing() as connection:
            found = None if again else connection.execute(FIND_UNFINISHED, (digest,)).fetchone()
            if found:
                return Batch._make(found), False
            ids = new_tasks.insert(connection, checked)
            last = tasks.seq_of(connection, ids[-1])
            first = last - len(ids) + 1
            number = connection.execute(INSERT, (digest, source, first, last, clock.now())).lastrowid or 0
        self._waking.wake_for({Lane(task.kind, task.needs) for task in checked})
        return Batch(number, source, first, last), True

    def end_finished(self) -> None:
        """Note, at the end of a run, that the batches of which nothing is left to do are finished."""
        with self._database.writing() as connection:
            connection.execute(END, (clock.now(),))

    def count(self, batch: Batch) -> dict[str, int]:
        """Return how many of a batch's tasks there are in each status that has any."""
        return dict(self._database.execute(COUNT, (batch.first, batch.last)))

    def retry_failed(self, batch: Batch) -> int:
        """Put a batch's tasks that failed back into the queue, with all their attempts ahead of them, in one
        transaction; return how many there were."""
        with self._database.writing() as connection:
            failed = connection.execute(FAILED, (batch.first, batch.last)).fetchall()
            for seq, _, _ in failed:
                move(connection, seq, BACKLOG, failures=0)
        self._waking.wake_for({Lane(kind, needs) for _, kind, needs in failed})
        return len(failed)

    def unfinished(self, batch: Batch) -> list[Task]:
        """Return a batch's tasks that are neither done nor cancelled."""
        return tasks.to_tasks(self._database.execute(UNFINISHED, (batch.first, batch.last)))

    def stuck(self, batch: Batch | None = None) -> list[Task]:
        """Return the tasks, of a batch or of all, that wait for one that failed, was cancelled or is blocked."""
        bounds = (batch.first, batch.last) if batch else (0, 1 << 62)
        return tasks.to_tasks(self._database.execute(STUCK, bounds))
