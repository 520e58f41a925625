"""The progress of a run: a live bar on a terminal, else a line for each task that left the state active.

It promises that a terminal that goes away stops no work. Used by `run_progress`.
"""

from __future__ import annotations

import os
import sys

from .. import text
from ..model import PROMPT, describe_agent
from .pace import EndPace
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
    quiet: show nothing; tells_all: also on a terminal, a line for each task that was done; agent: who makes attempts
    without that being told.
    """

    def __init__(self, done: int = 0, quiet: bool = False, tells_all: bool = False, agent: str | None = None) -> None:
        self.total = done
        self.done = done
        self._failed: set[str] = set()  # tasks
        self.hold = ""  # for what its workers wait before they begin anything
        self._later = 0
        self._pace = EndPace()
        self._quiet = quiet
        is_live = not quiet and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._live = _make_lines() if is_live else None
        self._tells_all = tells_all or not is_live
        self._agent = agent

    @property
    def failed(self) -> int:
        """How many tasks failed, and have not ended otherwise since."""
        return len(self._failed)

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
            self._failed.discard(event.task)  # it may have been tried once more
            if event.to_status == "failed":
                self._failed.add(event.task)
            if event.to_status in ("done", "failed"):
                self._pace.record(event.duration)
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
        columns = width() - 1
        tail = "  ".join(self._facts(running, queued, columns))
        room = min(columns - len(tail) - 4, 40)
        filled = room * (self.done + self.failed) // max(self.total, 1)
        bar = f"[{'#' * filled}{'.' * (room - filled)}]  " if room > 5 else ""
        self._live.draw(details, bar + tail)

    def end(self) -> None:
        """Take away what is drawn."""
        if self._live:
            self._live.draw([])

    def _facts(self, running: int, queued: int, columns: int) -> list[str]:
        """What stands beside the bar: as much as there is room for, what matters less left out first."""
        over, at_work = self.done + self.failed, max(running - queued, 0)
        left = self._pace.estimate(self.total - over, at_work) if self.total > over else None
        facts = {  # in their order on the line, each with its rank
            f"{over}/{self.total}": 0,
            f"{at_work} running": 4,
            f"{queued} queued" if queued else "": 5,
            f"{self.failed} failed" if self.failed else "": 3,
            f"{self._later} later" if self._later else "": 7,
            f"waits for {self.hold}" if self.hold else "": 1,
            _describe_rate(self._pace.rate) if left is not None else "": 6,
            f"{text.age(left)} left" if left is not None else "": 2,
        }
        facts.pop("", None)
        while len("  ".join(facts)) > columns and len(facts) > 1:
            del facts[max(facts, key=facts.__getitem__)]
        return list(facts)

    def _line(self, event: Finished) -> str:
        word = "again" if event.to_status == "backlog" else event.to_status
        took = "" if event.duration is None else text.duration(event.duration)
        told = [self._by(event), "" if event.to_status in ("done", "review") else describe(event)]
        why = f"  ({', '.join(filter(None, told))})" if any(told) else ""
        room = width() - 31 - len(why) if self._live else 100
        title = text.shorten(event.title, max(room, 20))
        return f"{word:<9} {event.task}  {took:>6}  {title}{text.printable(why)}"

    def _by(self, event: Finished) -> str:
        """By whom an attempt was made, where that is to be told."""
        if self._agent is None or not event.agent or event.kind != PROMPT:
            return ""
        by = describe_agent(event.agent, event.level)
        return f"by {by}" if by != self._agent else ""


def _describe_rate(rate: float) -> str:
    """3.2/s, or 12/min, or 5/h: a number that says something."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1:
            return f"{rate * seconds:.{0 if rate * seconds >= 10 else 1}f}/{unit}"
    return f"{rate * 3600:.0f}/h"
