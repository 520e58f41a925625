"""The time that a page spans: where a moment lies in it, and how it is told, by this machine's clock.

Called by `timeline` and `document`. Moments are seconds since the epoch.
"""

from __future__ import annotations

import time

from ...text import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS = 9  # at most
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # seconds


def local(form: str, moment: float) -> str:
    """Return a moment in a form of strftime(3)."""
    return time.strftime(form, time.localtime(moment))


class TimeScale:
    """A stretch of time, drawn from left to right."""

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.length = end - start  # seconds
        self._is_one_day = local("%j", start) == local("%j", end) and end - start < 86400

    def percent(self, moment: float) -> float:
        """Return how far from the left a moment lies."""
        return 100 * (moment - self.start) / self.length

    def tell(self, moment: float, form: str = "") -> str:
        """Return a moment of this time, as short as it can be told; `form` is that of the time of day."""
        form = form or ("%H:%M:%S" if self.length < 3600 else "%H:%M")
        return local(form if self._is_one_day else f"%e %b {form}", moment).strip()

    def tell_period(self, start: float, end: float) -> str:
        """Return from when to when, and how long that is."""
        return f"{self.tell(start, '%H:%M:%S')} to {local('%H:%M:%S', end)} ({duration(end - start)})"

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield the round times, each with its label; midnight's is the day."""
        step = _step(self.length)
        for moment in _round_times(self.start, self.start + self.length, step):
            yield moment, local("%a %d %b" if is_midnight(moment) else "%H:%M:%S" if step < 60 else "%H:%M", moment)


def is_midnight(moment: float) -> bool:
    """Return whether a day begins then."""
    return local("%H:%M:%S", moment) == "00:00:00"


def _step(length: float) -> int:
    """Seconds from one tick to the next."""
    step = next((step for step in STEPS if length / step <= TICKS), STEPS[-1])
    while length / step > TICKS:
        step *= 2
    return step


def _round_times(start: float, end: float, step: int) -> Iterator[float]:
    """Those by this machine's clock, also where it is put forward or back between them."""
    moment = start + step / 2
    while True:
        offset = time.localtime(moment).tm_gmtoff
        moment -= (moment + offset + step / 2) % step - step / 2
        if moment > end:
            return
        if moment >= start:
            yield moment
        moment += step
