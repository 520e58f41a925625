"""Whether anything happens in a tree of processes: output, CPU time, processes that come and go.

An agent that waits for an answer which never comes neither writes nor computes, and is told apart from one that thinks
by both together. Used by `guarded_process`.
"""

from __future__ import annotations

from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..system.process import Process

LOOKS = 8  # at the tree within the time after which it counts as stalled


class StallDetector:
    """The last sign of life of one tree. limit: seconds without one; None: it may be still for ever."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._seen: set[tuple[int, int, str]] = set()
        self._last = clock.monotonic()
        self._next = self._last + limit / LOOKS if limit else 0.0

    @property
    def due(self) -> list[float]:
        """Return the monotonic time at which to look at the tree again, if at all."""
        return [self._next] if self._limit else []

    def record_output(self) -> None:
        """Note that something was written."""
        self._last = clock.monotonic()

    def has_stopped(self, members: list[Process]) -> bool:
        """Look at the processes of the tree; return whether nothing has happened for too long."""
        now = clock.monotonic()
        seen = {(member.pid, member.start, member.used) for member in members}
        if seen != self._seen:
            self._seen, self._last = seen, now
        assert self._limit
        self._next = now + self._limit / LOOKS
        return now >= self._last + self._limit
