"""What a supervisor and its worker say to each other, through the one connection between them.

    to the worker      a stage of `stop_policy`, in digits; the end of the connection (the supervisor died) is LEAVE
    to the supervisor  IDLE, FINISHED, NO_ROOM; TROUBLE, followed by an exit code, a space and the reason

By connection and never by signal, because terminals, `timeout`, systemd and Slurm signal the whole group. Neither side
ever blocks on the other. Used by `slot` (the supervisor's end) and by supervised workers.
"""

from __future__ import annotations

import os

from ..errors import Error, told
from .stop_policy import LEAVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

IDLE = b"i"  # it found nothing to do
FINISHED = b"f"  # an attempt has ended
NO_ROOM = b"r"  # the system has no room for what it would start
TROUBLE = b"!"  # it cannot work


class Control:
    """A worker's end of the connection to its supervisor."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        os.set_blocking(connection.fileno(), False)

    @property
    def descriptor(self) -> int:
        """What to wait for: readable when there is an order; -1 once the supervisor is gone."""
        return -1 if self._connection.closed else self._connection.fileno()

    def read(self) -> int | None:
        """Return the stage that was ordered, or None where there was no order after all."""
        try:
            return int(self._connection.recv_bytes())
        except BlockingIOError:
            return None
        except (EOFError, OSError):
            self._connection.close()
            return LEAVE

    def tell(self, what: bytes) -> None:
        """Say it, if somebody listens: the database tells a supervisor all the same."""
        try:
            if not self._connection.closed:
                self._connection.send_bytes(what)
        except OSError:
            pass  # the supervisor is gone, or does not read

    def tell_trouble(self, error: Error) -> bool:
        """Say that we cannot work, and why; whether there was anybody to be told."""
        try:
            self._connection.send_bytes(b"%s%d %s" % (TROUBLE, error.exit_code, str(error).encode()))
            return True
        except OSError:
            return False


def read_trouble(message: bytes) -> Error:
    """Return the error that a message beginning with TROUBLE tells of, with its exit code."""
    code, _, reason = message[len(TROUBLE) :].decode().partition(" ")
    return told(int(code), reason)
