"""The progress of a run: a live bar on a terminal, else a line for each task that left the state active.

It promises that a terminal that goes away stops no work. Used by `run_progress`.
"""

from __future__ import annotations

import os
import sys

from .. import text
from ..system import clock
from .tasks import describe
from .terminal import say, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..store.history import Finished
    from .live_lines import LiveLine, LiveLines


def _make_lines() -> LiveLines:
    from .live_lines import LiveLines  # who has no terminal does without

    return LiveLines()


class Progress:
    """How many tasks of a run have ended, and how they did.

    total: of the tasks that can be run, so far as they are known; done: those that were done before it began;
    quiet: show nothing; tells_all: also on a terminal, a line for each task that was done.
    """

    def __init__(self, done: int = 0, quiet: bool = False, tells_all: bool = False) -> None:
        self.total = done
        self.done = done
        self.failed = 0
        self._later = 0
        self._started = clock.monotonic()
        self._done_before = done
        self._quiet = quiet
        is_live = not quiet and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._live = _make_lines() if is_live else None
        self._tells_all = tells_all or not is_live

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal, on which it is drawn."""
        return self._live is not None

    def say(self, line: str) -> None:
        """Print a line of its own, above the bar."""
        if self._live:
            self._live.say(line)
        elif not self._quiet:
            say(line)

    def finished(self, events: Iterable[Finished]) -> None:
        """Count tasks that left the state active, and print those that need a line."""
        for event in events:
            self.done += event.to_status == "done"
            self.failed += event.to_status == "failed"
            if self._tells_all or event.to_status not in ("done", "cancelled"):
                self.say(self._line(event))

    def expect(self, runnable: int, later: int) -> None:
        """Take note of how many tasks run or can be run, besides those that have ended, and are for later."""
        self.total = self.done + self.failed + runnable
        self._later = later

    def draw(self, running: int, details: Sequence[LiveLine], queued: int = 0) -> None:
        """Draw what runs, and below it the bar, where there is a terminal; queued: how many of those that run are jobs
        that have not started."""
        if not self._live:
            return
        self.total = max(self.total, self.done + self.failed + running)
        tail = "  ".join(self._facts(running, queued))
        room = min(width() - len(tail) - 5, 40)
        filled = room * (self.done + self.failed) // max(self.total, 1)
        bar = f"[{'#' * filled}{'.' * (room - filled)}]  " if room > 5 else ""
        self._live.draw(details, bar + tail)

    def end(self) -> None:
        """Take away what is drawn."""
        if self._live:
            self._live.draw([])

    def _facts(self, running: int, queued: int) -> list[str]:
        over = self.done + self.failed
        passed = clock.monotonic() - self._started
        rate = (over - self._done_before) / passed if passed > 0 else 0.0
        facts = [f"{over}/{self.total}", f"{max(running - queued, 0)} running"]
        facts += [f"{queued} queued"] if queued else []
        facts += [f"{self.failed} failed"] if self.failed else []
        facts += [f"{self._later} later"] if self._later else []
        if rate > 0 and self.total > over:
            left = (self.total - over) / rate
            facts += [f"{rate:.3g}/s", (text.duration(left) if left >= 60 else f"{left:.0f}s") + " left"]
        return facts

    def _line(self, event: Finished) -> str:
        word = "again" if event.to_status == "backlog" else event.to_status
        took = "" if event.duration is None else text.duration(event.duration)
        why = "" if event.to_status == "done" else f"  ({describe(event)})"
        room = width() - 31 - len(why) if self._live else 100
        title = text.shorten(event.title, max(room, 20))
        return f"{word:<9} {event.task}  {took:>6}  {title}{text.printable(why)}"
