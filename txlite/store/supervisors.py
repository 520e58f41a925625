"""Supervisors: the runs of this home, and how many workers each should have.

A row says who somebody is; whether it lives is asked of its lock and of the process table (`execution.presence`).
Reached as `Store.supervisors`.
"""

from __future__ import annotations

from ..errors import InvalidValue
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Database
    from .waking import Waking

INSERT = "INSERT INTO supervisors (id, identity, wanted, started) VALUES (?, ?, ?, ?)"
SELECT_PRESENT = "SELECT id, identity, wanted, started, hold FROM supervisors WHERE ended IS NULL ORDER BY started, id"
WANTED = "SELECT wanted FROM supervisors WHERE id = ?"
SCALE = "UPDATE supervisors SET wanted = ? WHERE id = ?"
HOLD = "UPDATE supervisors SET hold = ? WHERE id = ?"
RETIRE = "UPDATE supervisors SET ended = ? WHERE id = ?"

WORKER_LIMIT = 1024


class SupervisorRecord(NamedTuple):
    """A run: it keeps `wanted` workers alive."""

    id: str
    identity: str  # of its process, as `process.Identity` writes itself
    wanted: int
    started: str
    hold: str | None = None  # why it begins nothing now


class Supervisors:
    """The supervisors of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def register(self, id: str, identity: str, wanted: int) -> None:
        """Enter a supervisor, its process's identity as text; its lock must be held already. Raises InvalidValue."""
        with self._database.writing() as connection:
            connection.execute(INSERT, (id, identity, check_count(wanted), clock.now()))

    def present(self) -> list[SupervisorRecord]:
        """Return those that have not signed off, whether they live or not, oldest first."""
        return list(map(SupervisorRecord._make, self._database.execute(SELECT_PRESENT)))

    def wanted(self, id: str) -> int:
        """Return how many workers a supervisor should have."""
        return int(self._database.execute(WANTED, (id,))[0][0])

    def scale(self, id: str, wanted: int) -> None:
        """Give a supervisor this many workers, and wake it. Raises InvalidValue."""
        check_count(wanted)
        with self._database.writing() as connection:
            connection.execute(SCALE, (wanted, id))
        self._waking.tell_supervisor(id)

    def hold(self, id: str, reason: str | None) -> None:
        """Note why a supervisor begins nothing at this time; None: it does."""
        with self._database.writing() as connection:
            connection.execute(HOLD, (reason, id))

    def retire(self, id: str) -> None:
        """Note that a supervisor is no more."""
        with self._database.writing() as connection:
            connection.execute(RETIRE, (clock.now(), id))


def check_count(count: int) -> int:
    """Return a number of workers; raises InvalidValue for one that no supervisor takes."""
    if not 1 <= count <= WORKER_LIMIT:
        raise InvalidValue(f"{count} workers: give a number from 1 to {WORKER_LIMIT}")
    return count
