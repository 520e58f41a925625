"""Workers: who is here, what they accept, when they were heard of last.

A row says who somebody is; whether it lives is asked of its lock and of the process table (`execution.presence`).
Reached as `Store.workers`.
"""

from __future__ import annotations

import os

from ..errors import NotFound
from ..model import Claim, WorkerRecord
from ..system import clock
from .claim_rows import HELD_LEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from .database import Database

COLUMNS = "id, name, supervisor, accepts, host, identity, kill_after, started, heartbeat, ended, allocation"
SEEN = COLUMNS.replace("name", "CAST(name AS TEXT)").replace("accepts", "CAST(accepts AS TEXT)")
# A name used by hand is here for as long as it holds something.
SELECT_PRESENT = f"""SELECT {SEEN} FROM workers WHERE ended IS NULL
    AND (identity <> '' OR id IN (SELECT worker FROM claims)) ORDER BY started, id"""
SELECT_ONE = f"SELECT {COLUMNS} FROM workers WHERE id = ?"
SELECT_UNRECOVERED = f"""SELECT {COLUMNS} FROM workers WHERE ended IS NULL AND identity <> ''
    OR id IN (SELECT worker FROM claims WHERE held) ORDER BY started, id"""
INSERT = f"INSERT INTO workers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
HEARTBEAT = "UPDATE workers SET heartbeat = ? WHERE id = ?"
RENEW = "UPDATE claims SET deadline = ? + lease, expires = ? WHERE worker = ? AND held"
RETIRE = "UPDATE workers SET ended = ? WHERE id = ? AND ended IS NULL"
SELECT_CLAIMS = """SELECT t.id, c.worker, c.token, c.lease, c.expires, c.held, c.renewals FROM claims c
    JOIN tasks t ON t.seq = c.task WHERE c.worker = ? ORDER BY c.held DESC, c.token LIMIT ?"""


class Workers:
    """The worker processes of one database, and the names that hold something by hand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, worker: WorkerRecord) -> None:
        """Enter a worker; its lock must be held already."""
        with self._database.writing() as connection:
            enter(connection, worker)

    def heartbeat(self, worker: str) -> None:
        """Note that a worker goes on; the leases of all claims that it holds begin again."""
        with self._database.writing() as connection:
            connection.execute(HEARTBEAT, (clock.now(), worker))
            connection.execute(RENEW, (clock.monotonic(), clock.now(HELD_LEASE), worker))

    def retire(self, worker: str) -> None:
        """Note that a worker is no more."""
        with self._database.writing() as connection:
            connection.execute(RETIRE, (clock.now(), worker))

    def present(self) -> list[WorkerRecord]:
        """Return those that have not left, whether they live or not, oldest first."""
        return list(map(WorkerRecord._make, self._database.execute(SELECT_PRESENT)))

    def unrecovered(self) -> list[WorkerRecord]:
        """Return those that recovery has to look at: that have not left, or left a claim behind."""
        return list(map(WorkerRecord._make, self._database.execute(SELECT_UNRECOVERED)))

    def get(self, id: str) -> WorkerRecord:
        """Return the worker with this id, also one that left; raises NotFound."""
        rows = self._database.execute(SELECT_ONE, (id,))
        if not rows:
            raise NotFound(f"no worker {id!r}: `txlite status` shows those that exist")
        return WorkerRecord._make(rows[0])

    def claim_of(self, worker: str) -> Claim | None:
        """Return the claim that a worker holds; of several the oldest."""
        return next(iter(self._claims(worker, 1)), None)

    def claims_of(self, worker: str) -> list[Claim]:
        """Return all claims that a worker holds, oldest first."""
        return self._claims(worker, -1)

    def _claims(self, worker: str, limit: int) -> list[Claim]:
        rows = self._database.execute(SELECT_CLAIMS, (worker, limit))
        return [Claim._make(row)._replace(held=bool(row[5])) for row in rows]


def enter(connection: sqlite3.Connection, worker: WorkerRecord) -> None:
    """Enter a worker, inside a transaction that writes."""
    connection.execute(INSERT, worker)


def new_id(role: str) -> str:
    """Make up an id: worker-abc123, run-abc123."""
    return f"{role}-{os.urandom(5).hex()}"
