"""Parts of a job's course: what it wrote, how long it may run, how far its end has come.

Made by `job_course` for each job.
"""

from __future__ import annotations

from ...model import TIMEOUT
from ...store.attempts import Result
from ...system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...agents.results import Sink
    from ..executor import Limits
    from .ticket import Ticket

READ, LONGEST_READ, GROWTH = 0.5, 5.0, 1.3  # seconds between looks at what it wrote
TERM, CANCEL = "TERM", "CANCEL"  # what a job is sent; CANCEL: what Slurm ends jobs with, TERM and later KILL
SIGNAL_AGAIN = 5.0  # seconds until a signal is sent again


class JobOutput:
    """What a job writes, on its way from its file into a sink."""

    def __init__(self, ticket: Ticket, sink: Sink) -> None:
        self._ticket = ticket
        self._sink = sink
        self._taken = 0  # bytes
        self._next, self._pause = 0.0, READ

    def take(self, now: float) -> None:
        """Take what came, if it is time to look."""
        if now < self._next:
            return
        has_come = self._take_part()
        self._pause = READ if has_come else min(self._pause * GROWTH, LONGEST_READ)
        self._next = now if has_come else now + self._pause

    def drain(self) -> None:
        """Take all that there is: no more will come."""
        while self._take_part():
            pass

    def _take_part(self) -> bool:
        data = self._ticket.read_output(self._taken)
        self._taken += len(data)
        if data:
            self._sink.write(data)
        return bool(data)


class JobDeadlines:
    """How long a job may run, once it has started."""

    def __init__(self, limits: Limits) -> None:
        self._timeout = limits.timeout
        self._deadlines: list[tuple[float, Result]] = []
        self._bound: list[tuple[float, Result]] = []

    def start(self, now: float) -> None:
        """Begin to count."""
        if self._timeout is not None:
            result = Result(TIMEOUT, note=f"it ran longer than {self._timeout:g} s")
            self._deadlines = [(now + self._timeout, result)]

    def bound(self, seconds: float, result: Result) -> None:
        """Let it run no longer than so many seconds from now."""
        self._bound = [(clock.monotonic() + seconds, result)]

    def unbind(self) -> None:
        """Let it run on, after all."""
        self._bound = []

    def find_passed(self, now: float) -> Result | None:
        """Return how it ends whose time is over."""
        return next((result for deadline, result in self._deadlines + self._bound if now >= deadline), None)


class JobEnd:
    """How far the end of a job has come that somebody decided. `result`: with which it ends; None: nobody did.
    `signal`: what is to be sent to it now, or ""."""

    def __init__(self, kill_after: float) -> None:
        self.result: Result | None = None
        self.signal = ""
        self._kill_after = kill_after
        self._kill_at = 0.0  # monotonic time
        self._is_gentle = False  # it was sent TERM only
        self._sent = 0.0  # monotonic time of the last signal

    def decide(self, result: Result, has_run: bool) -> None:
        """End it with this result; has_run: it may run; else it never will."""
        self.result = result
        self._is_gentle = has_run
        self.signal = TERM if has_run else CANCEL
        self._kill_at = clock.monotonic() + self._kill_after

    def hasten(self) -> None:
        """Do not wait any longer before it is cancelled."""
        self._kill_at = 0.0

    def advance(self, now: float) -> None:
        """Have it cancelled when TERM took too long."""
        if self.result and self._is_gentle and now >= self._kill_at:
            self._is_gentle, self.signal = False, CANCEL

    def note_alive(self, asked: float) -> None:
        """Take it that it was alive at this time: what was sent is sent again after a while, because a controller that
        is killed forgets what it was told last."""
        if self.result and not self.signal and asked > self._sent + SIGNAL_AGAIN:
            self.signal = TERM if self._is_gentle else CANCEL

    def note_sent(self) -> None:
        """Take it that its signal is on its way."""
        self._sent, self.signal = clock.monotonic(), ""


def describe_ending(result: Result | None) -> dict[str, object]:
    """Return what is noted of a job that is to end with this result: what becomes of it then is nobody else's doing,
    also where its worker dies."""
    return {"ending": [result.outcome, result.note]} if result else {}


def parse_ending(note: Mapping[str, object]) -> Result | None:
    """Return the result with which a job was to end whose worker died, as that was noted."""
    ending = note.get("ending")
    if not isinstance(ending, list):
        return None
    outcome, words = ending
    return Result(outcome, note=words)
