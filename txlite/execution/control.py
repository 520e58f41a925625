"""What a supervisor and its worker say to each other, through the channel between them.

    to the worker      a stage of `stop_policy`, in digits; the end of the channel (the supervisor died) is LEAVE
    to the supervisor  IDLE, FINISHED, ASKING, NO_ROOM; LINE, HOLD with words; TROUBLE with an exit code and the reason

By channel and never by signal, because terminals, `timeout`, systemd and Slurm signal the whole group. Neither side
ever blocks on the other. Used by `slot` (the supervisor's end) and by supervised workers.
"""

from __future__ import annotations

from ..errors import Error, told
from .stop_policy import LEAVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..system.channel import Channel

IDLE = b"i"  # it found nothing to do
FINISHED = b"f"  # an attempt has ended
ASKING = b"a"  # an attempt has ended, which may end the run: it claims nothing before it has an answer, any order
HOLD = b"h"  # what it waits for before it may begin anything; no words: for nothing any more
NO_ROOM = b"r"  # the system has no room for what it would start
LINE = b"l"  # something that a person should know
TROUBLE = b"!"  # it cannot work


class Control:
    """A worker's side of the channel to its supervisor."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @property
    def descriptor(self) -> int:
        """What to wait for: readable when there is an order; -1 once the supervisor is gone."""
        return self._channel.descriptor

    def read(self) -> int | None:
        """Return the stage that was ordered, or None where there was no order after all."""
        try:
            return max(map(int, self._channel.receive()), default=None)
        except EOFError:
            self._channel.close()
            return LEAVE

    def tell(self, what: bytes) -> bool:
        """Say it, if somebody listens: the database tells a supervisor all the same."""
        return self._channel.send(what)

    def tell_line(self, words: str) -> bool:
        """Tell a person something; whether there was anybody to pass it on."""
        return self.tell(LINE + words.encode())

    def tell_hold(self, words: str) -> bool:
        """Tell for what we wait, or "" for nothing any more; whether there was anybody to pass it on."""
        return self.tell(HOLD + words.encode())

    def tell_trouble(self, error: Error) -> bool:
        """Say that we cannot work, and why; whether there was anybody to be told."""
        return self.tell(b"%s%d %s" % (TROUBLE, error.exit_code, str(error).encode()))


def read_line(message: bytes) -> str:
    """Return the words of a message beginning with LINE or HOLD."""
    return message[len(LINE) :].decode("utf-8", "replace")


def read_trouble(message: bytes) -> Error:
    """Return the error that a message beginning with TROUBLE tells of, with its exit code."""
    code, _, reason = message[len(TROUBLE) :].decode("utf-8", "replace").partition(" ")
    return told(int(code), reason)
