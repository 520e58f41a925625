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
    from collections.abc import Iterable

    from ..store.history import Finished


class Progress:
    """How many tasks of a run have ended, and how they did.

    total: of the tasks that can be run, so far as they are known; done: those that were done before it began;
    quiet: show nothing.
    """

    def __init__(self, done: int = 0, quiet: bool = False) -> None:
        self.total = done
        self.done = done
        self.failed = 0
        self._started = clock.monotonic()
        self._done_before = done
        self._quiet = quiet
        self._is_live = not quiet and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, line: str) -> None:
        """Print a line of its own, above the bar."""
        if not self._quiet:
            say(f"\r\033[K{line}" if self._is_live else line)

    def finished(self, events: Iterable[Finished]) -> None:
        """Count tasks that left the state active, and print those that need a line."""
        for event in events:
            self.done += event.to_status == "done"
            self.failed += event.to_status == "failed"
            if not self._is_live or event.to_status not in ("done", "cancelled"):
                self.say(self._line(event))

    def update(self, running: int, runnable: int, later: int) -> None:
        """Draw the bar anew: how many run, can be run, and are for later."""
        if not self._is_live:
            return
        self.total = self.done + self.failed + running + runnable
        tail = "  ".join(self._facts(running, later))
        room = min(width() - len(tail) - 5, 40)
        filled = room * (self.done + self.failed) // max(self.total, 1)
        bar = f"[{'#' * filled}{'.' * (room - filled)}]  " if room > 5 else ""
        self._draw(bar + tail)

    def end(self) -> None:
        """Take the bar away."""
        if self._is_live:
            self._draw("")

    def _facts(self, running: int, later: int) -> list[str]:
        over = self.done + self.failed
        passed = clock.monotonic() - self._started
        rate = (over - self._done_before) / passed if passed > 0 else 0.0
        facts = [f"{over}/{self.total}", f"{running} running"]
        facts += [f"{self.failed} failed"] if self.failed else []
        facts += [f"{later} later"] if later else []
        if rate > 0:
            left = (self.total - over) / rate
            facts += [f"{rate:.3g}/s", (text.duration(left) if left >= 60 else f"{left:.0f}s") + " left"]
        return facts

    def _draw(self, line: str) -> None:
        try:
            sys.stdout.write(f"\r\033[K{line[: width() - 1]}")
            sys.stdout.flush()
        except OSError:
            self._is_live, self._quiet = False, True

    def _line(self, event: Finished) -> str:
        word = "again" if event.to_status == "backlog" else event.to_status
        took = "" if event.duration is None else text.duration(event.duration)
        why = "" if event.to_status == "done" else f"  ({describe(event)})"
        room = width() - 31 - len(why) if self._is_live else 100
        title = text.shorten(event.title, max(room, 20))
        return f"{word:<9} {event.task}  {took:>6}  {title}{text.printable(why)}"
