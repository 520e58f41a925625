"""How quickly a run's tasks end, and how long what is left of them will take.

It judges by what ended last, so that it is right soon after workers were added, or tasks of another kind came. Used by
`progress`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from ..system import clock

KEPT = 501  # durations, of which the one in the middle counts
WINDOW = 30.0  # seconds for which ends are counted, if there were
ENOUGH = 10  # of them; else all since the beginning are
SHORT = 1.0  # seconds: with shorter ones, what lies between two of them counts, too


class EndPace:
    """The ends of one run so far."""

    def __init__(self) -> None:
        self._began = clock.monotonic()
        self._count = 0
        self._durations: deque[float] = deque()  # in their order
        self._sorted: list[float] = []
        self._moments: deque[float] = deque()  # monotonic times of the last ends

    def record(self, duration: float | None) -> None:
        """Take note that a task has ended just now, after so many seconds."""
        self._count += 1
        self._moments.append(clock.monotonic())
        if duration is None:
            return
        self._durations.append(duration)
        insort(self._sorted, duration)
        if len(self._durations) > KEPT:
            del self._sorted[bisect_left(self._sorted, self._durations.popleft())]

    @property
    def rate(self) -> float:
        """Return how many end in a second, of late."""
        now = clock.monotonic()
        while self._moments and self._moments[0] < now - WINDOW:
            self._moments.popleft()
        if len(self._moments) >= ENOUGH and now - self._began > WINDOW:
            return len(self._moments) / WINDOW
        return self._count / max(now - self._began, 0.001)

    @property
    def median(self) -> float | None:
        """Return how long a task takes; None while none has ended."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else None

    def estimate(self, left: int, at_a_time: int) -> float | None:
        """Return the seconds that so many tasks will take, so many at a time; None where nobody can know."""
        median = self.median
        if median is None or at_a_time < 1:
            return None
        each = max(median, at_a_time / self.rate) if median < SHORT else median
        return each * left / at_a_time
