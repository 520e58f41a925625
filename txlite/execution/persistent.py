"""Workers without a supervisor: they answer signals themselves, and recover the dead of their home.

    signal               a persistent worker                           a launched one
    first TERM or INT    no new claims; what runs may finish            stops its agent, cancels its task
                         (`drain` bounds that)
    another, 1 s later   stops its agent, gives the task back           the same
    QUIT                 the same, without waiting before KILL          the same, without waiting

HUP counts as TERM for a persistent worker, unless its caller had ignored it (nohup), and as nothing for a launched
one. Used by `worker start` and `launcher`.
"""

from __future__ import annotations

import signal

from ..errors import Error
from ..model import INTERRUPTED, Lane
from ..store.attempts import Result
from ..system import clock
from ..system.event_loop import handle_quietly
from . import worker
from .recovery import PATIENCE, Recovery
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RECOVER = 0.5  # seconds between looks for dead workers
SECOND_SIGNAL = 1.0  # seconds: signals closer together are one, since whole groups are signalled at once


class Standalone(worker.Worker):
    """A worker on its own. `stopping`: the signals that it answers; `recover_every`: seconds between its looks for the
    dead."""

    def __init__(self, settings: worker.WorkerSettings, stopping: Iterable[int], recover_every: float) -> None:
        self._signals: list[int] = []
        for number in stopping:
            signal.signal(number, lambda noted, _: self._signals.append(noted))
        self.recover_every(recover_every)
        self._recovery: Recovery | None = None
        super().__init__(settings, None)
        self._recovery = Recovery(self._store)

    def recover_every(self, seconds: float) -> None:
        """Look for the dead now, and then so often."""
        self._recover_every = seconds
        self._next_recovery = 0.0

    def _wait(self, seconds: float, descriptors: list[int]) -> set[int]:
        if self._recovery is None:
            return super()._wait(seconds, descriptors)
        due = self._recovery.patience
        readable = super()._wait(min(seconds, self._recover_every if due is None else due), descriptors)
        try:
            if clock.monotonic() >= self._next_recovery:
                self._next_recovery = clock.monotonic() + self._recover_every
                self._recovery.look()
            self._recovery.step()
        except (Error, OSError):
            pass  # others recover, too; our own agent comes first
        return readable

    def close(self) -> None:
        """Sign off, once the dead that we began to look after are done with."""
        deadline, signals = clock.monotonic() + PATIENCE, len(self._signals)
        try:
            while self._recovery and not self._recovery.is_over and len(self._signals) == signals:
                self._wait(RECOVER, [])
                if clock.monotonic() > deadline:
                    break  # others recover, too
        finally:
            super().close()


class Persistent(Standalone):
    """A worker that stays until it is told to leave. `capabilities`: the needs that it meets; `drain`: seconds that a
    running attempt gets after the first signal, None for all that it needs."""

    def __init__(self, settings: worker.WorkerSettings, capabilities: list[str], drain: float | None) -> None:
        self._capabilities = capabilities
        self._drain = drain
        self._first_signal = 0.0
        self._seen = 0
        stopping = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            stopping.append(signal.SIGHUP)
        handle_quietly((*STOPPING, signal.SIGCHLD))
        super().__init__(settings, stopping, RECOVER)

    def _register(self) -> None:
        self._lanes = [Lane(lane.kind, need) for lane in self._lanes for need in ("", *self._capabilities)]
        super()._register()

    def _heed_signals(self) -> None:
        if not self._signals:
            return
        now = clock.monotonic()
        if not self._first_signal:
            self._is_leaving = True
            self._first_signal, self._seen = now, len(self._signals)
        is_second = len(self._signals) > self._seen and now >= self._first_signal + SECOND_SIGNAL
        is_late = self._drain is not None and now >= self._first_signal + self._drain
        is_hard = signal.SIGQUIT in self._signals
        self._seen = len(self._signals)
        self._must_stop = self._must_stop or is_second or is_late or is_hard
        if self._run and self._must_stop:
            self._run.stop(Result(INTERRUPTED, note="it was stopped"))
            if is_hard:
                self._run.hasten()
