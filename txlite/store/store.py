"""The store: one home's tasks, dependencies, claims, attempts, workers and batches in one SQLite file.

Each noun has a module of its own, which holds its SQL and a part of `Store`; this one puts them together and
opens them. Used by everything above, and by programs: `txlite.open()`.
"""

from __future__ import annotations

import os

from ..home import location
from ..system import mounts
from . import database as db
from .attempt_status import AttemptStatuses
from .attempts import Attempts
from .batches import Batches
from .claims import LEASE, Claims
from .dependencies import Dependencies
from .editing import Editing
from .launches import Launches
from .loop_attempts import LoopAttempts
from .tasks import Tasks
from .workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Lane
    from .claim_keeper import ClaimKeeper
    from .export import Transfer

UUID = "SELECT uuid FROM home"
# A launched task goes its own way, unless another waits for it.
IS_ACTIVE = """SELECT 1 FROM claims c WHERE NOT EXISTS (SELECT 1 FROM launches l WHERE l.task = c.task)
    OR EXISTS (SELECT 1 FROM dependencies d WHERE d.blocker = c.task) LIMIT 1"""
IS_LATER = """SELECT 1 FROM tasks WHERE status = 'backlog' AND not_before IS NOT NULL AND open_blockers = 0
    AND ({}) LIMIT 1"""
IS_READY = """SELECT 1 FROM tasks WHERE kind = ? AND needs = ? AND status = 'backlog' AND open_blockers = 0
    AND not_before IS NULL LIMIT 1"""


class Store(Workers, Dependencies, Tasks, Claims, Editing, Attempts, Batches, Launches, LoopAttempts, AttemptStatuses):
    """The queue of one home. Use it as a context manager, in the process that opened it; threads may share it.

    home: its directory, absolute.
    """

    def __init__(self, home: str, database: db.Database) -> None:
        self.home = home
        self.db = database

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. Raises StoreUnavailable where the lock for it is not to be had."""
        self.db.close()

    def changes(self) -> int:
        """A number that differs when another process has changed the queue since."""
        return self.db.changes()

    def claimed(self, task: str, worker: str, lease: float = LEASE) -> ClaimKeeper:
        """Take a task by hand for as long as a `with` block runs: its claim is renewed in the background, and the
        task is given back at the end unless it was done. Raises as `claim`."""
        from .claim_keeper import ClaimKeeper

        return ClaimKeeper(self, self.claim(task, worker, lease))

    @property
    def transfer(self) -> Transfer:
        """Exports, imports, backups and the history."""
        from .export import Transfer

        return Transfer(self.db, self.wake_for)

    @property
    def is_on_network(self) -> bool:
        """Whether home lies on a network file system."""
        return mounts.is_on_network(self.home)

    @property
    def uuid(self) -> str:
        """Who this home is."""
        return str(self.db.execute(UUID)[0][0])

    def is_idle(self, lanes: Iterable[Lane]) -> bool:
        """Whether nothing runs, and nothing in these lanes is ready or waits for its time."""
        with self.db.reading() as connection:
            if connection.execute(IS_ACTIVE).fetchone():
                return False
            marks = " OR ".join("(kind = ? AND needs = ?)" for _ in lanes)
            values = [part for lane in lanes for part in lane]
            if connection.execute(IS_LATER.format(marks), values).fetchone():
                return False
            return not any(connection.execute(IS_READY, lane).fetchone() for lane in lanes)


def open_store(path: str | None = None, read_only: bool = False) -> Store:
    """The store of a home: `path` is home's directory, or its database file (ending in .db), or None for the home
    that the command line would use.

    Unless `read_only`, home and database are made where they are missing; with it, they read as empty.
    Raises StoreUnavailable where they cannot be made, trusted or used; UsageError for a broken config.ini.
    """
    home, name = path, location.DATABASE
    if path is not None and path.endswith(".db"):
        home, name = os.path.split(os.path.abspath(path))
    home = location.locate(home)
    database = os.path.join(home, name)
    if read_only:
        if not os.path.lexists(database):
            return Store(home, db.EmptyDatabase(database))
        location.check_trust(home)
        location.check_trust(database)
        found = db.Database(database, read_only=True)
        if found.is_current:
            return Store(home, found)
        found.close()
        db.Database(database).close()  # an older version's: only writing brings it up to date
        return Store(home, db.Database(database, read_only=True))
    from ..home.config import read_synchronous  # what only reads does without

    location.make(home)
    synchronous = read_synchronous(home)
    if not os.path.lexists(database):
        import uuid

        from .create import create

        create(database, str(uuid.uuid4()))
    location.check_trust(database)
    return Store(home, db.Database(database, synchronous=synchronous))
