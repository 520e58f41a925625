"""The pause of a queue: worker processes claim nothing more until it is over; claims by hand go on.

Used by the store's façade, and by what claims for worker processes.
"""

from __future__ import annotations

from ..system import clock
from .ready_index import lanes_in_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from .database import Database
    from .waking import Waking

SINCE = "SELECT paused FROM home"
SET = "UPDATE home SET paused = ?"


class Pause:
    """The pause of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def begin(self) -> str:
        """Pause, unless it is so already; since when it has been so, as UTC text."""
        with self._database.writing() as connection:
            paused = connection.execute(SINCE).fetchone()[0]
            if paused is None:
                paused = clock.now()
                connection.execute(SET, (paused,))
            return str(paused)

    def end(self) -> None:
        """Have worker processes claim again."""
        with self._database.writing() as connection:
            connection.execute(SET, (None,))
            lanes = lanes_in_use(connection)
        self._waking.wake_for(lanes)

    def since(self) -> str | None:
        """Return since when the queue has been paused, as UTC text, or None."""
        rows = self._database.execute(SINCE)
        return rows[0][0] if rows else None


def is_paused(connection: sqlite3.Connection) -> bool:
    """Say whether worker processes may claim nothing, inside a transaction."""
    return connection.execute(SINCE).fetchone()[0] is not None
