"""The tasks of a task list, which bring their ids: those that are new come in, all of them or none.

One that is here already stays as it is, but that it waits, while it is in the backlog, for what is new. Reached as
`Store.listed`.
"""

from __future__ import annotations

from ..model import BACKLOG, DONE, PROMPT, Lane
from . import tasks
from .dependencies import link
from .inserting import insert
from .moves import move, move_quietly
from .new_tasks import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .database import Database
    from .waking import Waking

FIND = "SELECT seq, status, completed FROM tasks WHERE id = ?"
SET_PARENT = "UPDATE tasks SET parent = ? WHERE seq = ?"
LINK = "INSERT INTO dependencies (task, blocker) VALUES (?, ?)"


class ListedTasks:
    """The tasks of task lists in one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(self, listed: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add those that are not here, in one transaction; their ids.

        Each has `id`, `parent` (an id, or None), `after` (ids), `status` (backlog, done or blocked), and `title`,
        `description`, `verify`, `score` as `Store.add` takes them. Parents and blockers may come later, and none of
        those that are new waits for itself. Raises InvalidValue, TaskNotFound, DependencyCycle.
        """
        checked = [
            check(one["title"], description=one["description"], score=one["score"], verify=one["verify"])
            for one in listed
        ]
        with self._database.writing() as connection:
            new = [place for place, one in enumerate(listed) if not connection.execute(FIND, (one["id"],)).fetchone()]
            ids = [str(listed[place]["id"]) for place in new]
            seqs = dict(zip(ids, insert(connection, [checked[place] for place in new], len(new), ids=ids)))
            for one in listed:
                self._relate(connection, one, seqs)
        self._waking.wake_for({Lane(PROMPT)} if new else ())
        return ids

    def _relate(self, connection: sqlite3.Connection, one: Mapping[str, Any], new: Mapping[str, int]) -> None:
        seq, status, _ = connection.execute(FIND, (one["id"],)).fetchone()
        if one["id"] not in new:
            for blocker in one["after"] if status == BACKLOG else ():
                if blocker in new:
                    link(connection, seq, new[blocker])
            return
        if one["parent"]:
            connection.execute(SET_PARENT, (tasks.seq_of(connection, one["parent"]), seq))
        for blocker in one["after"]:
            if blocker in new:
                connection.execute(LINK, (seq, new[blocker]))
            else:
                link(connection, seq, tasks.seq_of(connection, blocker))
        if one["status"] == DONE:
            move(connection, seq, DONE, failures=0)
        elif one["status"] != BACKLOG:
            move_quietly(connection, seq, one["status"])

    def states(self, ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
        """Return the status of those that are here, and when they were completed, by id."""
        with self._database.reading() as connection:
            found = {id: connection.execute(FIND, (id,)).fetchone() for id in ids}
        return {id: (row[1], row[2]) for id, row in found.items() if row}
