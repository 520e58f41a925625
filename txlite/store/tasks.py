"""The store's part for tasks: adding, reading, what is ready.

Mixed into `store.Store`, which gives `db` and `wake_for`.
"""

from __future__ import annotations

import os
import re

from .. import text
from ..errors import InvalidValue, Refused, TaskNotFound
from ..home import location
from ..model import COMMAND, PROMPT, STATES, Lane, Task
from ..system import clock
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .dependencies import link

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from .database import Database

# Text is cast: a row edited by hand may hold anything, and must not break the others.
COLUMNS = """t.seq, t.id, CAST(t.title AS TEXT), t.kind, t.needs, t.score, t.status, t.open_blockers, t.not_before,
    t.failures, t.token, t.created, t.updated, t.completed, (SELECT p.id FROM tasks p WHERE p.seq = t.parent),
    coalesce(CAST(x.description AS TEXT), ''), CAST(x.command AS TEXT), CAST(x.directory AS TEXT),
    CAST(x.verify AS TEXT)"""
SELECT = f"SELECT {COLUMNS} FROM tasks t LEFT JOIN task_texts x ON x.task = t.seq"
SELECT_BY_ID = f"{SELECT} WHERE t.id = ?"
SELECT_BY_SEQ = f"{SELECT} WHERE t.seq = ?"
SELECT_ALL = f"{SELECT} ORDER BY t.seq LIMIT ?"
PARENT_OF = "SELECT parent FROM tasks WHERE seq = ?"
SEQ_OF_ID = "SELECT seq FROM tasks WHERE id = ?"
LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM tasks"
INSERT = """INSERT INTO tasks (id, title, kind, needs, score, not_before, created, updated, parent)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_TEXT = "INSERT INTO task_texts (task, description, command, directory, verify) VALUES (?, ?, ?, ?, ?)"
# The lanes in use, a step or two down the index for each. (Rows compared at once, (kind, needs) > (?, ?), would make
# SQLite walk through all the tasks that are equal.)
FIRST_LANE = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    ORDER BY kind, needs LIMIT 1"""
NEXT_NEED = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    AND kind = ? AND needs > ? ORDER BY needs LIMIT 1"""
NEXT_KIND = """SELECT kind, needs FROM tasks WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL
    AND kind > ? ORDER BY kind, needs LIMIT 1"""
READY_IN_LANE = f"""{SELECT} WHERE t.kind = ? AND t.needs = ? AND t.status = 'backlog' AND t.open_blockers = 0
    AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT ?"""
READY_SINCE = f"""{SELECT} WHERE t.status = 'backlog' AND t.open_blockers = 0
    AND t.not_before IS NOT NULL AND t.not_before <= ? ORDER BY t.score DESC, t.seq LIMIT ?"""
COUNT = "SELECT status, count(*) FROM tasks GROUP BY status"
BLOCKERS = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.blocker WHERE d.task = ? ORDER BY b.seq"""
BLOCKED = """SELECT b.id FROM dependencies d JOIN tasks b ON b.seq = d.task WHERE d.blocker = ? ORDER BY b.seq"""
CHILDREN = "SELECT id FROM tasks WHERE parent = ? ORDER BY seq"

BEGINNING = "SELECT id FROM tasks WHERE id >= ? AND id < ? ORDER BY id LIMIT 4"
# What the backlog holds, in a person's words.
DERIVED = {
    "ready": "(t.status = 'backlog' AND t.open_blockers = 0 AND (t.not_before IS NULL OR t.not_before <= ?))",
    "waiting": "(t.status = 'backlog' AND t.open_blockers > 0)",
    "later": "(t.status = 'backlog' AND t.open_blockers = 0 AND t.not_before > ?)",
}
IN_STATE = "t.status = ?"

TITLE_LENGTH = 200  # characters of a command that become its title
COMMAND_BYTES = 131_071  # Linux's MAX_ARG_STRLEN, less the closing NUL: `sh -c` takes no longer argument


class NewTask(NamedTuple):
    """What `add` was given, checked."""

    title: str
    kind: str
    description: str
    command: str | None
    score: float
    parent: str | None
    needs: str
    not_before: str | None
    directory: str
    after: tuple[str, ...]
    verify: str | None = None


class Relations(NamedTuple):
    """The ids of the tasks around one."""

    blocked_by: list[str]
    blocks: list[str]
    children: list[str]


class Tasks:
    """Mixed into Store."""

    db: Database

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        raise NotImplementedError

    def add(
        self,
        title: str = "",
        *,
        command: str | None = None,
        description: str = "",
        score: float = 0,
        parent: str | None = None,
        needs: str = "",
        not_before: str | None = None,
        directory: str | None = None,
        after: Iterable[str] = (),
        verify: str | None = None,
    ) -> Task:
        """Add one task, in state backlog.

        With `command` (for `sh -c`) it is a command, and `title` may be left out; without, a prompt of title
        and description. `score`: the higher, the sooner. `parent`, `after`: ids; it waits for those in
        `after`. `needs`: the capability that its worker must have. `not_before`: UTC text as `clock.now` writes
        it. `directory`: where it runs, the working directory unless given. `verify`: for `sh -c`, the gate that its
        work must pass in a loop.
        Raises InvalidValue, TaskNotFound, StoreUnavailable.
        """
        new = check(title, command, description, score, parent, needs, not_before, directory, tuple(after), verify)
        with self.db.writing() as connection:
            ids = insert(connection, [new])
            task = select(connection, ids[0])
        self.wake_for({Lane(new.kind, new.needs)})
        return task

    def add_many(self, tasks: Iterable[Mapping[str, object] | str]) -> Sequence[str]:
        """Add many in one transaction: all of them, or none. Their ids, in order.

        Each is a title, or a mapping of what `add` takes. The iterable is read to its end before the database is
        locked. Raises as `add` does, naming the position.
        """
        checked = check_many(tasks)
        with self.db.writing() as connection:
            ids = insert(connection, checked)
        self.wake_for({Lane(new.kind, new.needs) for new in checked})
        return ids

    def get(self, task: str) -> Task:
        """The task with this id; raises TaskNotFound."""
        with self.db.reading() as connection:
            return select(connection, task)

    def list(self, status: Sequence[str] | None = None, limit: int | None = None) -> Sequence[Task]:
        """Tasks in the order of arrival, of these states or of all, at most `limit`. What is in the backlog can also be
        asked for as ready, waiting (for other tasks) or later."""
        count = -1 if limit is None else limit
        if status is None:
            return to_tasks(self.db.execute(SELECT_ALL, (count,)))
        conditions, values, moment = ["0"], [], clock.now()
        for name in status:
            if name not in STATES and name not in DERIVED:
                known = ", ".join([*STATES, *DERIVED])
                raise InvalidValue(f"unknown status {text.shorten(name, 40)!r}: it is one of {known}")
            conditions.append(DERIVED.get(name, IN_STATE))
            values += [moment] * DERIVED[name].count("?") if name in DERIVED else [name]
        sql = f"{SELECT} WHERE {' OR '.join(conditions)} ORDER BY t.seq LIMIT ?"
        return to_tasks(self.db.execute(sql, (*values, count)))

    def resolve(self, name: str) -> str:
        """The id that is meant: by itself, or by a beginning of it that no other task's id has, with or without tx-.

        Raises TaskNotFound; InvalidValue where several are meant.
        """
        start = text.check_text(name if name.startswith("tx-") else "tx-" + name, "the id")
        if not re.fullmatch(r"tx-[a-z0-9]+", start, re.ASCII):
            raise unknown(name)
        found = [row[0] for row in self.db.execute(BEGINNING, (start, start + "{"))]
        if start in found or len(found) == 1:
            return start if start in found else str(found[0])
        if not found:
            raise unknown(name)
        more = ", ..." if len(found) > 3 else ""
        raise InvalidValue(f"{shorten(name, 60)!r} is the beginning of several ids: {', '.join(found[:3])}{more}")

    def ready(self, limit: int | None = None, needs: Iterable[str] | None = None) -> Sequence[Task]:
        """The tasks that a worker could claim now, best first: by score, then by arrival.

        `needs`: only those that need one of these capabilities ("": none)."""
        count = -1 if limit is None else limit
        with self.db.reading() as connection:
            rows = connection.execute(READY_SINCE, (clock.now(), count)).fetchall()
            if needs is not None:
                rows = [row for row in rows if row[4] in needs]
            for lane in lanes_in_use(connection):
                if needs is None or lane.needs in needs:
                    rows += connection.execute(READY_IN_LANE, (*lane, count)).fetchall()
        tasks = sorted(to_tasks(rows), key=lambda task: rank(task.score, task.seq))
        return tasks if limit is None else tasks[:limit]

    def count(self) -> dict[str, int]:
        """How many tasks there are in each state that has any."""
        return dict(self.db.execute(COUNT))

    def relations(self, tasks: Iterable[Task]) -> dict[str, Relations]:
        """By id: what each waits for, what waits for it, and its children."""
        with self.db.reading() as connection:
            return {
                task.id: Relations(
                    *([row[0] for row in connection.execute(sql, (task.seq,))] for sql in (BLOCKERS, BLOCKED, CHILDREN))
                )
                for task in tasks
            }


def lanes_in_use(connection: sqlite3.Connection) -> list[Lane]:
    """The lanes in which something is ready."""
    lanes = []
    lane = connection.execute(FIRST_LANE).fetchone()
    while lane:
        lanes.append(Lane(*lane))
        following = connection.execute(NEXT_NEED, lane).fetchone()
        lane = following or connection.execute(NEXT_KIND, lane[:1]).fetchone()
    return lanes


def rank(score: float, seq: int) -> tuple[float, int]:
    """What tasks are ordered by; a score edited by hand to nonsense comes last."""
    return (-score if isinstance(score, (int, float)) else float("inf")), seq


def to_tasks(rows: Iterable[tuple]) -> list[Task]:
    """Records of rows of COLUMNS. A time that has come is none."""
    moment = clock.now()
    tasks = map(Task._make, rows)
    return [t._replace(not_before=None) if t.not_before and t.not_before <= moment else t for t in tasks]


def select(connection: sqlite3.Connection, task: str) -> Task:
    """The task with this id, inside a transaction; raises TaskNotFound."""
    rows = connection.execute(SELECT_BY_ID, (task,)).fetchall()
    if not rows:
        raise unknown(task)
    return to_tasks(rows)[0]


def seq_of(connection: sqlite3.Connection, task: str) -> int:
    row = connection.execute(SEQ_OF_ID, (task,)).fetchone()
    if row is None:
        raise unknown(task)
    return int(row[0])


def unknown(task: str) -> TaskNotFound:
    return TaskNotFound(f"no task {text.shorten(task, 60)!r}: `txlite list` shows those that exist")


def check(
    title: str,
    command: str | None = None,
    description: str = "",
    score: float = 0,
    parent: str | None = None,
    needs: str = "",
    not_before: str | None = None,
    directory: str | None = None,
    after: tuple[str, ...] = (),
    verify: str | None = None,
) -> NewTask:
    """A NewTask of what `add` takes; raises InvalidValue."""
    if verify is not None:
        check_command(verify, "the gate")
    if command is not None:
        check_command(command)
        title = title or command.strip().split("\n", 1)[0][:TITLE_LENGTH]
    if needs:
        text.check_name(needs, "the capability")
    check_score(score)
    return NewTask(
        title=text.check_line(title, "the title"),
        kind=PROMPT if command is None else COMMAND,
        description=text.check_text(description, "the description"),
        command=command,
        score=score,
        parent=parent,
        needs=needs,
        not_before=not_before,
        directory=text.check_text(
            os.path.abspath(directory) if directory else location.working_directory(), "the directory"
        ),
        after=after,
        verify=verify,
    )


def check_score(score: float) -> None:
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not abs(score) < 1e15:
        raise InvalidValue(f"score {score!r} is not a number")


def check_command(command: str, what: str = "the command") -> None:
    """Raise InvalidValue for what `sh -c` would not take."""
    text.check_line(command, what)
    size = len(command.encode())
    if size > COMMAND_BYTES:
        raise InvalidValue(
            f"{what} is {size:,} bytes long and the system takes {COMMAND_BYTES:,}: put it into a script"
        )


def check_many(tasks: Iterable[Mapping[str, object] | str]) -> list[NewTask]:
    """The same for many; the message names the position, counted from 1."""
    checked = []
    directory = location.working_directory()
    for position, task in enumerate(tasks, 1):
        values: dict[str, object] = {"title": "", "directory": directory}
        values.update({"title": task} if isinstance(task, str) else task)
        try:
            checked.append(check(**values))  # type: ignore[arg-type]
        except (InvalidValue, TypeError) as error:
            raise InvalidValue(f"task {position}: {error}") from error
    return checked


def insert(connection: sqlite3.Connection, tasks: list[NewTask]) -> list[str]:
    """Insert, inside a transaction that writes. Their ids."""
    moment = clock.now()
    length = _id_length(connection.execute(LAST_SEQ).fetchone()[0] + len(tasks))
    ids = []
    for new in tasks:
        parent = seq_of(connection, new.parent) if new.parent else None
        values = (new.title, new.kind, new.needs, new.score, new.not_before, moment, moment, parent)
        seq, task = _insert_row(connection, values, length)
        connection.execute(INSERT_TEXT, (seq, new.description, new.command, new.directory, new.verify))
        for blocker in new.after:
            link(connection, seq, seq_of(connection, blocker))
        ids.append(task)
    return ids


def _insert_row(connection: sqlite3.Connection, values: tuple, length: int) -> tuple[int, str]:
    import sqlite3

    for _ in range(10):
        task = _random_id(length)
        try:
            return connection.execute(INSERT, (task, *values)).lastrowid or 0, task
        except sqlite3.IntegrityError as error:
            if "tasks.id" not in str(error):
                raise
    raise Refused("no free id was found for a task in ten tries: try again")


def _id_length(count: int) -> int:
    """Letters enough that among `count` ids two equal ones are one in a million; short ones while there are few."""
    length = 8
    while 36**length < count * count * 500_000 and length < 16:
        length += 1
    return length


def _random_id(length: int) -> str:
    number = int.from_bytes(os.urandom(12), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 36)
        letters.append("0123456789abcdefghijklmnopqrstuvwxyz"[rest])
    return "tx-" + "".join(letters)
