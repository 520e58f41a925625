"""Short messages between two processes, over two pipes: what one writes, and whether it is still there.

A message is written whole or not at all, because no more than PIPE_BUF bytes are (pipe(7)); neither side ever blocks on
the other. When a process ends, however it does, the other reads the end of its pipe. Used between a supervisor and each
of its workers.
"""

from __future__ import annotations

import os
from select import PIPE_BUF

END = b"\0"  # of a message
CAPACITY = 1 << 16  # bytes that a pipe holds, at the most: all that has come is read at once


class Channel:
    """One side's ends of both pipes. descriptor: readable when something has come; -1 once it is closed."""

    def __init__(self, reading: int, writing: int) -> None:
        self.descriptor = reading
        self._writing = writing
        for end in (reading, writing):
            os.set_blocking(end, False)

    def send(self, message: bytes) -> bool:
        """Send a message, or the beginning of a long one; whether there is somebody to read it."""
        try:
            return self.descriptor >= 0 and os.write(self._writing, message[: PIPE_BUF - len(END)] + END) > 0
        except OSError:
            return False  # the other is gone, or does not read

    def receive(self) -> list[bytes]:
        """Return the messages that have come. Raises EOFError where the other is gone, and has said no more."""
        try:
            data = os.read(self.descriptor, CAPACITY)
        except BlockingIOError:
            return []
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        return data.split(END)[:-1]

    def close(self) -> None:
        """Close both ends."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            os.close(self._writing)
            self.descriptor = -1
