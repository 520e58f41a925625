"""The one loop of a worker: a wait in which it does all that a worker owes others meanwhile.

    signals and orders   are noted by the stop policy, whose stage everybody reads when the wait is over
    heartbeat            every half minute, and the leases of the claims with it
    the dead             are recovered, by a worker without a supervisor

Every wait of a worker goes through it: for work, for an agent, for git, for a turn, for a lock. Guarantee: none of
these duties ever raises, since the agent that runs comes first. Used by everything in a worker's process.
"""

from __future__ import annotations

from ..errors import StoreLost, StoreUnavailable
from ..system import clock
from .control import ASKING
from .recovery import PATIENCE as RECOVERY_PATIENCE
from .stop_policy import NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..store.store import Store
    from ..system.event_loop import EventLoop
    from .control import Control
    from .recovery import RecoveryRounds
    from .stop_policy import StopPolicy

HEARTBEAT = 30.0  # seconds
ANSWER = 5.0  # seconds for the supervisor to decide whether the run goes on
STORE_PATIENCE = 60.0  # seconds for which a database that cannot be used is waited for
AGAIN = 1.0  # seconds until it is tried again
RECOVERY_TURN = 0.5  # seconds between turns of the loop while nothing but recovery is waited for


class WorkerLoop:
    """The waits of one worker."""

    def __init__(
        self,
        store: Store,
        worker: str,
        events: EventLoop,
        policy: StopPolicy,
        control: Control | None = None,
        rounds: RecoveryRounds | None = None,
    ) -> None:
        """worker: its id. control: to its supervisor, if it has one. rounds: of recovery, if it does that itself."""
        self.policy = policy
        self._store = store
        self._worker = worker
        self._events = events
        self._control = control
        self._rounds = rounds
        self._heartbeat = clock.monotonic() + HEARTBEAT

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> set[int]:
        """Wait until one of these descriptors is readable, at most so many seconds; return those that are. A signal, an
        order, or a duty that is due ends the wait early, with none."""
        control = self._control.descriptor if self._control else -1
        readable = self._events.wait(self._limit(seconds), (control, *descriptors))
        self.policy.judge()
        if self._control and control in readable:
            readable.discard(control)
            self.policy.order(self._control.read() or NONE)
        if self._rounds:
            self._rounds.go_on()
        if clock.monotonic() >= self._heartbeat:
            self._beat()
        return readable

    def tell(self, what: bytes) -> None:
        """Tell the supervisor, if there is one."""
        if self._control:
            self._control.tell(what)

    def ask(self) -> None:
        """Let the supervisor, if there is one, decide whether the run goes on, and wait for that; not for ever."""
        control = self._control
        if not control or not control.tell(ASKING):
            return
        deadline = clock.monotonic() + ANSWER
        while clock.monotonic() < deadline:
            if control.descriptor in self._events.wait(deadline - clock.monotonic(), [control.descriptor]):
                self.policy.order(control.read() or NONE)
                break

    def look_for_dead_every(self, seconds: float) -> None:
        """Look for dead workers at once, and then so often, where this worker does that."""
        if self._rounds:
            self._rounds.look_every(seconds)

    def finish_recovery(self) -> None:
        """Wait until the dead that we began to look after are done with; a signal, or a minute, ends that: others
        recover, too."""
        deadline, signals = clock.monotonic() + RECOVERY_PATIENCE, len(self._events.signals)
        while self._rounds and not self._rounds.is_over and len(self._events.signals) == signals:
            self.wait(RECOVERY_TURN)
            if clock.monotonic() > deadline:
                break

    def _limit(self, seconds: float) -> float:
        if self._rounds:
            seconds = min(seconds, self._rounds.patience)
        due = self.policy.due
        return seconds if due is None else min(seconds, max(due - clock.monotonic(), 0.0))

    def _beat(self) -> None:
        self._heartbeat = clock.monotonic() + HEARTBEAT
        try:
            self._store.workers.heartbeat(self._worker)
        except StoreUnavailable:
            pass  # the lock on our file says that we live; the next one may come through


class StoreWait:
    """Patience with a database that cannot be used for a while: somebody holds its lock, or the disk is full."""

    def __init__(self, loop: WorkerLoop) -> None:
        self._loop = loop
        self._deadline = clock.monotonic() + STORE_PATIENCE

    def begin_again(self) -> None:
        """Have patience anew: the database could be used."""
        self._deadline = clock.monotonic() + STORE_PATIENCE

    def bear(self, error: StoreUnavailable) -> None:
        """Wait a moment; raise the error where waiting does not help, or was long enough."""
        if isinstance(error, StoreLost) or clock.monotonic() > self._deadline:
            raise error
        self._loop.wait(AGAIN)
