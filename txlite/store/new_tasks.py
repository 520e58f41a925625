"""New tasks: what they may say, and how they enter the queue.

All of what is added together is checked before the database is locked, and enters in one transaction, or not at all.
Used by the store's façade, and by what adds tasks together with something else (`batches`, `launches`).
"""

from __future__ import annotations

import itertools
import os

from .. import text
from ..errors import InvalidValue, Refused
from ..home import location
from ..model import COMMAND, PROMPT, Lane, Task, format_environment
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import tasks
from .dependencies import link

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from .database import Database
    from .waking import Waking

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM tasks"
INSERT = """INSERT INTO tasks (id, title, kind, needs, score, not_before, max_attempts, created, updated, parent)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_TEXT = """INSERT INTO task_texts (task, description, command, directory, verify, time_limit, environment)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
SEED = os.environ.get("TXLITE_SEED")  # of ids that are to be the same again, as tests want them
_DRAWS = itertools.count()  # how many ids were drawn from it in this process
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
    timeout: float | None = None
    max_attempts: int | None = None
    environment: bytes | None = None


class NewTasks:
    """The tasks that come into the queue of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(self, new: NewTask) -> Task:
        """Add one task. Raises TaskNotFound for a parent or a blocker that does not exist."""
        with self._database.writing() as connection:
            ids = insert(connection, [new])
            task = tasks.select(connection, ids[0])
        self._waking.wake_for({Lane(new.kind, new.needs)})
        return task

    def add_many(self, many: Iterable[Mapping[str, object] | str]) -> Sequence[str]:
        """Add many in one transaction: all of them, or none. Their ids, in order."""
        checked = check_many(many)
        with self._database.writing() as connection:
            ids = insert(connection, checked)
        self._waking.wake_for({Lane(new.kind, new.needs) for new in checked})
        return ids


def check(
    title: str,
    command: str | None = None,
    description: str = "",
    score: float = 0,
    parent: Task | str | None = None,
    needs: str = "",
    not_before: str | None = None,
    directory: str | None = None,
    after: Iterable[Task | str] | Task | str = (),
    verify: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> NewTask:
    """Check what `Store.add` takes, and return it as one record; raises InvalidValue."""
    if verify is not None:
        check_command(verify, "the gate")
    if command is not None:
        check_command(command)
        title = title or title_of(command)
    if needs:
        text.check_name(needs, "the capability")
    check_score(score)
    return NewTask(
        title=text.check_line(title, "the title"),
        kind=PROMPT if command is None else COMMAND,
        description=text.check_text(description, "the description"),
        command=command,
        score=score,
        parent=None if parent is None else tasks.id_of(parent, "parent"),
        needs=needs,
        not_before=not_before,
        directory=text.check_text(
            os.path.abspath(directory) if directory else location.working_directory(), "the directory"
        ),
        after=_ids(after),
        verify=verify,
        timeout=check_timeout(timeout),
        max_attempts=check_max_attempts(max_attempts),
        environment=check_environment(environment) if environment else None,
    )


def title_of(command: str) -> str:
    """Return the title of a command that was given none: the beginning of its first line."""
    return command.strip().split("\n", 1)[0][:TITLE_LENGTH]


def _ids(after: Iterable[Task | str] | Task | str) -> tuple[str, ...]:
    """Those that it waits for; a single one stands for itself."""
    many = (after,) if isinstance(after, (str, Task)) else after
    try:
        return tuple(tasks.id_of(task, "after") for task in many)
    except TypeError:
        raise InvalidValue(f"after: {text.shorten(repr(after), 60)} is neither ids nor Tasks") from None


def check_score(score: float) -> None:
    """Raise InvalidValue for what is no number below 1e15 in size."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not abs(score) < 1e15:
        raise InvalidValue(f"score {score!r} is not a number")


def check_timeout(seconds: float | None) -> float | None:
    """Return a time limit; raises InvalidValue for what is no number of seconds above 0."""
    if seconds is None or (type(seconds) in (int, float) and 0 < seconds < 1e9):
        return seconds
    raise InvalidValue(f"timeout {seconds!r} is not a number of seconds above 0")


def check_max_attempts(count: int | None) -> int | None:
    """Return a number of attempts; raises InvalidValue for what is no whole number from 1 to 1,000,000."""
    if count is None or (type(count) is int and 1 <= count <= 1_000_000):
        return count
    raise InvalidValue(f"max_attempts {count!r} is not a whole number from 1")


def check_environment(variables: Mapping[str, str]) -> bytes:
    """Return variables as a task keeps them; raises InvalidValue for what no environment can hold, or what txlite sets
    itself."""
    for name, value in variables.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise InvalidValue(f"{text.shorten(str(name), 40)!r} is not the name of a variable")
        if name.startswith("TXLITE_"):
            raise InvalidValue(f"{name} is set by txlite itself for each attempt: choose another name")
        if not isinstance(value, str) or "\0" in value:
            raise InvalidValue(f"the value of {text.shorten(name, 40)} is not text without NUL")
    try:
        return format_environment(variables)
    except UnicodeEncodeError:
        raise InvalidValue("a variable holds characters that the system cannot encode") from None


def check_command(command: str, what: str = "the command") -> None:
    """Raise InvalidValue for what `sh -c` would not take."""
    text.check_line(command, what)
    size = len(command.encode())
    if size > COMMAND_BYTES:
        raise InvalidValue(
            f"{what} is {size:,} bytes long and the system takes {COMMAND_BYTES:,}: put it into a script"
        )


def check_many(many: Iterable[Mapping[str, object] | str]) -> list[NewTask]:
    """Check many, titles or mappings; the message of InvalidValue names the position, counted from 1."""
    checked = []
    directory = location.working_directory()
    for position, task in enumerate(many, 1):
        values: dict[str, object] = {"title": "", "directory": directory}
        values.update({"title": task} if isinstance(task, str) else task)
        try:
            checked.append(check(**values))  # type: ignore[arg-type]
        except (InvalidValue, TypeError) as error:
            raise InvalidValue(f"task {position}: {error}") from error
    return checked


def insert(connection: sqlite3.Connection, many: list[NewTask]) -> list[str]:
    """Insert tasks, inside a transaction that writes; their ids. Raises TaskNotFound, DependencyCycle."""
    moment = clock.now()
    length = _id_length(connection.execute(LAST_SEQ).fetchone()[0] + len(many))
    ids = []
    for new in many:
        parent = tasks.seq_of(connection, new.parent) if new.parent else None
        ranks = (new.score, new.not_before, new.max_attempts)
        seq, task = _insert_row(connection, (new.title, new.kind, new.needs, *ranks, moment, moment, parent), length)
        texts = (new.description, new.command, new.directory, new.verify, new.timeout, new.environment)
        connection.execute(INSERT_TEXT, (seq, *texts))
        for blocker in new.after:
            link(connection, seq, tasks.seq_of(connection, blocker))
        ids.append(task)
    return ids


def _insert_row(connection: sqlite3.Connection, values: tuple, length: int) -> tuple[int, str]:
    import sqlite3

    for go in range(10):
        task = _random_id(length, is_first=not go)
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


def _random_id(length: int, is_first: bool) -> str:
    """An id, of as many letters; from TXLITE_SEED, where that is given and it is the first one that is tried."""
    number = int.from_bytes(_draw(SEED) if SEED and is_first else os.urandom(12), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 36)
        letters.append("0123456789abcdefghijklmnopqrstuvwxyz"[rest])
    return "tx-" + "".join(letters)


def _draw(seed: str) -> bytes:
    """As many bytes as of urandom, and other ones each time."""
    import hashlib

    return hashlib.sha256(f"{seed} {next(_DRAWS)}".encode()).digest()[:12]
