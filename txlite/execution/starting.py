"""Patience with a system that has no room for one more process at this moment.

That a limit of processes or memory is reached (EAGAIN, ENOMEM of fork(2)) is no fault of the task: its start is waited
for, which is no attempt. Meanwhile the supervisor is told, so that fewer workers share what there is; a worker that has
to leave gives its task back. Guarantee: the wait is bounded, and ends at each order to stop. Used by `attempt_runner`
for all that it starts.
"""

from __future__ import annotations

from ..errors import NoRoom
from ..model import INTERRUPTED
from ..store.attempts import Result
from ..system import clock
from .control import NO_ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .executor import NoRoomToStart
    from .worker_context import WorkerContext

PATIENCE = 300.0  # seconds until it is given up
AGAIN = 0.5  # seconds between tries


class StartWait:
    """The wait for one start. trouble: why nothing can be started here, once that is so; is_interruptible: an order to
    leave ends it."""

    def __init__(self, context: WorkerContext, interruptible: bool = True) -> None:
        """Begin to wait."""
        self.trouble: NoRoom | None = None
        self._loop = context.loop
        self._policy = context.policy
        self._stage = context.policy.stage
        self.is_interruptible = interruptible
        self._deadline = clock.monotonic() + PATIENCE

    def bear(self, error: NoRoomToStart) -> Result | None:
        """Wait a moment; return how the attempt ends where the worker has to leave or has waited long enough.

        Raises the error at the end of a wait that nothing else could end.
        """
        self._loop.tell(NO_ROOM)
        self._loop.wait(AGAIN)
        if clock.monotonic() >= self._deadline:
            if not self.is_interruptible:
                raise error
            self.trouble = NoRoom(f"{error}, for {PATIENCE:g} s: see `ulimit -u`, and the machine's memory")
        if self.trouble or (self.is_interruptible and self._policy.stage > self._stage):
            return Result(INTERRUPTED, note=str(error))
        return None
