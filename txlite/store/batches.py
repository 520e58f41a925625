"""Batches: the tasks that one `run` added, and how far they are.

A batch is a range of tasks, because it is added in one transaction; batches of one series are what was added to it
later. Lines are matched by their content and by how often they occur, so that a line that was added before is never
added again unless somebody says so. Reached as `Store.batches`.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter

from ..model import BACKLOG, Lane, Task
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks
from .inserting import insert
from .moves import move
from .new_tasks import check_many
from .spool import Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Any

    from .database import Database
    from .inserting import NewTask
    from .waking import Waking

INSERT = """INSERT INTO batches (digest, source, first, last, added, series)
    VALUES (?, ?, ?, ?, ?, coalesce(?, (SELECT coalesce(max(id), 0) + 1 FROM batches)))"""
CANDIDATES = "SELECT id, series, first, last FROM batches WHERE digest IN (?, ?) ORDER BY id DESC"
LINES = """SELECT coalesce(x.line, x.command, t.title) FROM tasks t
    LEFT JOIN task_texts x ON x.task = t.seq WHERE t.seq BETWEEN ? AND ?"""
UNFINISHED = f"{LINES} AND t.status NOT IN ('done', 'cancelled')"
JOIN = "UPDATE batches SET series = ? WHERE id = ?"
SERIES_OF = "SELECT series FROM batches WHERE id = ?"
_OF_SERIES = "batches b JOIN tasks t ON t.seq BETWEEN b.first AND b.last WHERE b.series = ?"
COUNT = f"SELECT t.status, count(*) FROM {_OF_SERIES} GROUP BY t.status"
_IN_SERIES = "EXISTS (SELECT 1 FROM batches b WHERE b.series = ? AND t.seq BETWEEN b.first AND b.last)"
OUTSIDE = f"SELECT count(*) FROM {_OF_SERIES} AND t.status = 'backlog' AND t.in_group <> ?"
HAS = f"SELECT 1 FROM tasks t WHERE t.id = ? AND {_IN_SERIES}"
FAILED = f"SELECT t.seq, t.kind, t.needs FROM {_OF_SERIES} AND t.status = 'failed'"
ALL_FAILED = """SELECT t.seq, t.kind, t.needs FROM tasks t WHERE t.status = 'failed'
    AND NOT EXISTS (SELECT 1 FROM launches l WHERE l.task = t.seq)"""
FAILED_TASKS = f"{tasks.SELECT} WHERE {_IN_SERIES} AND t.status = 'failed' ORDER BY t.seq"
# Waiting, at however many removes, for a task that will not be done by itself.
STUCK = f"""WITH RECURSIVE stuck (seq) AS (
        SELECT d.task FROM tasks b JOIN dependencies d ON d.blocker = b.seq
            WHERE b.status IN ('failed', 'cancelled', 'blocked', 'review')
        UNION SELECT d.task FROM stuck s JOIN dependencies d ON d.blocker = s.seq)
    {tasks.SELECT} WHERE t.seq IN stuck AND t.status = 'backlog' ORDER BY t.seq"""

# How much of an earlier batch there must be among the lines, for it to be the one that goes on.
ANY = "any"  # of its lines: they come from a file, which has a name
ALL = "all"  # of its lines: they come from a pipe, and another pipe may have some of the same
REST = "rest"  # of its lines, if one of those is unfinished: what is done may be gone, and something new have come
OPEN = "open"  # all, and something of it is unfinished: a command that was given as it is, and is wanted each time


class Batch(NamedTuple):
    """The batches of one series, together."""

    id: int
    added: int  # tasks that are new
    found: int  # and those that had been added before


def identify(agent: str, directory: str, lines: Iterable[str]) -> str:
    """Return what two batches have in common that are the same: who runs them, where, and each line."""
    digest = _sha256()(f"{agent}\n{directory}".encode())
    for line in lines:
        digest.update(b"\n" + line.encode())
    return str(digest.hexdigest())


def _sha256() -> Callable[[bytes], Any]:
    """The function itself, as `random` imports its own: all of hashlib takes three milliseconds."""
    for name in ("_sha2", "_sha256"):  # since Python 3.12, and before
        try:
            return importlib.import_module(name).sha256  # type: ignore[no-any-return]
        except ImportError:
            continue
    from hashlib import sha256

    return sha256


class Batches:
    """The batches of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(
        self,
        digests: tuple[str, str],
        source: str,
        new: Iterable[Mapping[str, object] | str],
        match: str | None = ANY,
        untold: Collection[int] = (),
    ) -> Batch:
        """Add those tasks that were not added before, as `add_many` does; there must be one.

        digests: of where the lines come from, and of the lines themselves, as older versions kept it; both as
        `identify` makes them. match: ANY, ALL, REST or OPEN; None adds all. untold: batches that count as unfinished,
        though all of their tasks may be done, because not all of their output was printed.
        """
        with Spool(os.path.dirname(self._database.path)) as checked:
            check_many(new, checked)
            with self._database.writing() as connection:
                matched, found = _match(connection, digests, checked, match, untold) if match else ([], Counter())
                series = matched[0][1] if matched else None
                for id, _ in matched:
                    connection.execute(JOIN, (series, id))
                count = len(checked) - sum(found.values())
                if count:
                    seqs = insert(connection, _without(found, checked), count)
                    values = (digests[0], source, seqs[0], seqs[-1], clock.now(), series)
                    batch = connection.execute(INSERT, values).lastrowid
                    series = connection.execute(SERIES_OF, (batch,)).fetchone()[0]
            self._waking.wake_for(checked.lanes if count else ())
            return Batch(int(series or 0), count, len(checked) - count)

    def count(self, batch: Batch) -> dict[str, int]:
        """Return how many of a batch's tasks there are in each status that has any."""
        return dict(self._database.execute(COUNT, (batch.id,)))

    def count_outside(self, batch: Batch, group: str) -> int:
        """Return how many of a batch's tasks that wait are not in a group."""
        return int(self._database.execute(OUTSIDE, (batch.id, group))[0][0])

    def has(self, batch: Batch, task: str) -> bool:
        """Say whether the task with this id is of a batch."""
        return bool(self._database.execute(HAS, (task, batch.id)))

    def retry_failed(self, batch: Batch | None) -> int:
        """Put a batch's tasks that failed, or all of the queue's, back into the queue, with all their attempts ahead of
        them, in one transaction; return how many there were."""
        with self._database.writing() as connection:
            rows = connection.execute(FAILED, (batch.id,)) if batch else connection.execute(ALL_FAILED)
            failed = rows.fetchall()
            for seq, _, _ in failed:
                move(connection, seq, BACKLOG, failures=0)
        self._waking.wake_for({Lane(kind, needs) for _, kind, needs in failed})
        return len(failed)

    def failed(self, batch: Batch) -> list[Task]:
        """Return a batch's tasks that failed."""
        return tasks.to_tasks(self._database.execute(FAILED_TASKS, (batch.id,)))

    def stuck(self) -> list[Task]:
        """Return the tasks that wait for one that failed, was cancelled, is blocked or waits for a review."""
        return tasks.to_tasks(self._database.execute(STUCK))


def _match(
    connection: sqlite3.Connection,
    digests: tuple[str, str],
    new: Iterable[NewTask],
    match: str,
    untold: Collection[int],
) -> tuple[list[tuple[int, int]], Counter[str]]:
    """The earlier batches that go on, each by id and series, the newest first; and how often each line is in them."""
    matched: list[tuple[int, int]] = []
    found: Counter[str] = Counter()
    candidates = connection.execute(CANDIDATES, digests).fetchall()
    left = Counter(map(_line_of, new)) if candidates else found
    if match in (OPEN, REST):
        going = {series for _, series, *rows in candidates if _is_unfinished(connection, rows, left)}.union(untold)
        candidates = [one for one in candidates if one[1] in going]
    for id, series, first, last in candidates:
        lines = Counter(row[0] for row in connection.execute(LINES, (first, last)))
        common = lines & left
        if common and (match in (ANY, REST) or common == lines):
            left -= common
            found += common
            matched.append((id, series))
    return matched, found


def _is_unfinished(connection: sqlite3.Connection, rows: list[int], lines: Counter[str]) -> bool:
    """Whether one of the lines is a task between two that has not ended well."""
    return any(row[0] in lines for row in connection.execute(UNFINISHED, rows))


def _without(found: Counter[str], new: Iterable[NewTask]) -> Iterator[NewTask]:
    """Those that are not found; of lines that are the same, the last ones: what was appended stands at the end."""
    for task in new:
        line = _line_of(task)
        if found[line] > 0:
            found[line] -= 1
        else:
            yield task


def _line_of(task: NewTask) -> str:
    return task.command or task.title
