"""What signals and orders mean for who runs attempts: one rule, by parameters, for everybody who can be stopped.

Stopping has four stages and never goes back: nothing; LEAVE (no new claims, what runs may finish); STOP (the agent is
ended, TERM and later KILL); KILL (without waiting before KILL).

    signal                 supervisor, persistent worker    launched worker            supervised worker
    first INT/TERM (HUP)   LEAVE, STOP after `drain`        STOP (HUP: nothing)        none: it is told by pipe,
    another, 1 s later     STOP                             STOP                       which counts as an `order`
    QUIT                   KILL                             KILL

Signals closer together than a second are one, because terminals, `timeout`, systemd and Slurm signal whole groups, some
of them twice. It only notes and judges: handlers are the event loop's, acting is the owner's. Used by supervisor and
workers.
"""

from __future__ import annotations

import signal

from ..model import CANCELLED, INTERRUPTED
from ..store.attempts import Result
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Outcome

NONE, LEAVE, STOP, KILL = range(4)  # the stages

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)  # what people and systems stop a process with
SECOND_SIGNAL = 1.0  # seconds


class StopPolicy:
    """How far stopping has come.

    signals: the noted ones, a list that grows. first: the stage that a first signal means. drain: seconds after it
    until STOP; None: never. stage: where it begins. outcome: of an attempt that is stopped; CANCELLED names the signal.
    """

    def __init__(
        self,
        signals: Sequence[int] = (),
        first: int = LEAVE,
        drain: float | None = None,
        stage: int = NONE,
        outcome: Outcome = INTERRUPTED,
    ) -> None:
        self.stage = stage
        self._signals = signals
        self._first = first
        self._drain = drain
        self._outcome: Outcome = outcome
        self._first_at: float | None = None  # monotonic time at which a first signal was judged
        self._seen = 0  # signals judged so far

    @property
    def is_leaving(self) -> bool:
        """Whether nothing new may be claimed."""
        return self.stage >= LEAVE

    @property
    def must_stop(self) -> bool:
        """Whether what runs must be ended."""
        return self.stage >= STOP

    @property
    def must_kill(self) -> bool:
        """Whether it must be ended without waiting before KILL."""
        return self.stage >= KILL

    @property
    def due(self) -> float | None:
        """Monotonic time at which to judge again though no signal came; None: no such time."""
        if self._first_at is None or self._drain is None or self.must_stop:
            return None
        return self._first_at + self._drain

    @property
    def result(self) -> Result:
        """How an attempt ends that is stopped so."""
        if self._outcome == CANCELLED and self._signals:
            return Result(CANCELLED, note=f"it was stopped by {signal.Signals(self._signals[0]).name}")
        return Result(self._outcome, note="it was stopped")

    def order(self, stage: int) -> None:
        """Come to this stage at least: a softer order after a harder one changes nothing."""
        self.stage = max(self.stage, stage)

    def judge(self) -> None:
        """Look at the signals that were noted, and at the clock."""
        if not self._signals:
            return
        now = clock.monotonic()
        if self._first_at is None:
            self._first_at = now
            self.order(self._first)
        elif len(self._signals) > self._seen and now >= self._first_at + SECOND_SIGNAL:
            self.order(STOP)
        self._seen = len(self._signals)
        if self._drain is not None and now >= self._first_at + self._drain:
            self.order(STOP)
        if signal.SIGQUIT in self._signals:
            self.order(KILL)
