"""A way out for bytes, which may be slow, or come to an end: stdout or stderr, beside other work.

It promises that a reader who takes nothing stops nobody for longer than was said, and that one who goes away stops
nobody at all; what could not be written though somebody was there to read it is told at the end (`terminal`). Used by
`task_output`.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from ..system import clock
from .terminal import note_lost

CHUNK = 1 << 16  # bytes


class Outlet:
    """One descriptor. is_terminal: a person reads it; is_lost: nobody reads it any more, or it cannot be written."""

    def __init__(self, descriptor: int) -> None:
        """descriptor: -1 where there is none."""
        self.is_lost = descriptor < 0
        self.is_broken = False  # it cannot be written, though somebody may read it
        self.is_terminal = not self.is_lost and os.isatty(descriptor)
        self._descriptor = descriptor
        is_file = not self.is_lost and stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._most = CHUNK if is_file else select.PIPE_BUF  # that a pipe takes without waiting, if it takes any
        self._poll = select.poll()
        if not self.is_lost:
            self._poll.register(descriptor, select.POLLOUT)

    def put(self, data: memoryview, until: float) -> int:
        """Write the beginning of `data`, until this monotonic time at the latest; return how much was taken: all, where
        it is lost."""
        taken = 0
        while taken < len(data) and not self.is_lost:
            if not self._poll.poll(max(until - clock.monotonic(), 0.0) * 1000):
                return taken
            try:
                taken += os.write(self._descriptor, data[taken : taken + self._most])
            except BlockingIOError:  # somebody else has made it so that it does not block, and was quicker
                return taken
            except OSError as error:
                self.is_lost = True
                self.is_broken = error.errno != errno.EPIPE
                if self.is_broken:
                    note_lost(error)
        return len(data)
