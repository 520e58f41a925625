"""Whether anything happens in a tree of processes: output, CPU time, processes that come and go.

An agent that waits for an answer which never comes neither writes nor computes, and is told apart from one that thinks
by both together. One that has been still for a while is shown to be; where there is a limit, it is ended at that. Used
by `guarded_process`.
"""

from __future__ import annotations

import time
from math import inf

from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..system.process import Process

LOOKS = 8  # at the tree within the time after which it is ended
SELDOM = 4  # within that after which it counts as silent, where it is not ended
SILENT = 300.0  # seconds without a sign of life after which that is shown; a quarter of the limit, where that is less


class StallDetector:
    """The last sign of life of one tree. limit: seconds without one; None: it may be still for ever. silent_since: UTC
    text of its last sign of life, "" while that is not long ago."""

    def __init__(self, limit: float | None) -> None:
        self.silent_since = ""
        self._limit = limit
        self._shown = min(SILENT, limit / 4) if limit else SILENT  # seconds until it counts as silent
        self._seen: set[tuple[int, int, str]] = set()
        self._is_late = False  # the last look was
        self._last = clock.monotonic()
        self._next = self._last + self._pause(0.0)

    @property
    def due(self) -> float:
        """Return the monotonic time at which to look at the tree again."""
        return self._next

    def record_output(self) -> None:
        """Note that something was written."""
        self._last = clock.monotonic()
        self.silent_since = ""

    def has_stopped(self, members: list[Process]) -> bool:
        """Look at the processes of the tree; return whether nothing has happened for too long."""
        now = clock.monotonic()
        seen = {(member.pid, member.start, member.used) for member in members}
        if seen != self._seen:
            self._seen, self._last = seen, now
        self._note_silence(now)
        pause = self._pause(now - self._last)
        # What kept us from looking may have kept it from doing anything: it has until the next look.
        self._is_late = now > self._next + pause and not self._is_late
        self._next = now + pause
        return now >= self._last + (self._limit or inf) and not self._is_late

    def _pause(self, still: float) -> float:
        """The seconds until the next look: seldom at what has been still for long, unless it is to be ended in time."""
        if self._limit:
            return min(self._limit, SILENT) / LOOKS
        return max(self._shown, still) / SELDOM

    def _note_silence(self, now: float) -> None:
        if now < self._last + self._shown:
            self.silent_since = ""
        elif not self.silent_since:
            self.silent_since = clock.to_text(time.time() - (now - self._last))
