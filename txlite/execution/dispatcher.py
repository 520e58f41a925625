"""A worker whose attempts run elsewhere: many at a time, none of them a process here.

It claims as long as there is room, submits what it has claimed, waits for all of it in one loop, and records each end.
Guarantees: a claim is on the disk before anything is submitted for it, since a power cut here ends nothing there; what
it holds when it dies is found by its tickets, and taken over (`adoption`) or ended (`recovery`). When it has to leave,
what has not started is given back. Made by `queue_worker`, in the place of a `worker`.
"""

from __future__ import annotations

from types import MappingProxyType

from ..errors import StoreUnavailable
from ..model import CANCELLED, INTERRUPTED
from ..store.attempts import Result
from ..system import clock
from .adoption import Adoption
from .control import FINISHED, IDLE
from .remote_attempt import RemoteAttempt
from .worker_loop import StoreWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..store.assignments import Assignment
    from .executor import RemoteExecutor
    from .sources import TaskSource
    from .worker_context import WorkerContext

LOOK = 1.0  # seconds between looks at the database
TOGETHER = 50  # claims in a row, before anything else is done
NOT_STARTED = Result(INTERRUPTED, note="it had not started")


class Dispatcher:
    """One such worker process."""

    def __init__(
        self, context: WorkerContext, source: TaskSource, executor: RemoteExecutor, count_wanted: Callable[[], int]
    ) -> None:
        """count_wanted: gives how many attempts may be open at a time."""
        self._context = context
        self._source = source
        self._executor = executor
        self._count_wanted = count_wanted
        self._store = context.store
        self._open: dict[int, RemoteAttempt] = {}  # by token
        self._adoption = Adoption(context.store, context.settings.id)
        self._wait_for_store = StoreWait(context.loop)
        self._seen: int | None = None  # what the store said of its changes when nothing was to be claimed
        self._due: float | None = None  # monotonic time at which a task's own time comes
        self._next_look = 0.0
        self._is_shown = False  # to who looks for somebody to be rung for a task
        self._wanted = context.settings.width

    def register(self) -> None:
        """Enter it into the database. Raises Error; then it is as if it had never been."""
        try:
            self._source.register(self._context.describe(self._source.lanes))
        except BaseException:
            self._context.abandon()
            raise

    def run(self) -> None:
        """Work until told to leave. Raises Error where it cannot work any more."""
        self._context.loop.wait(0.0)  # orders may have come before we were ready
        policy = self._context.policy
        while (self._open or not policy.is_leaving) and not (policy.must_kill and self._executor.is_silent):
            try:
                self._look_around()
                self._end_what_is_over()  # first, as it makes room
                self._claim()
                self._wait_for_store.begin_again()
            except StoreUnavailable as error:
                self._wait_for_store.bear(error)
            self._wait()
            self._heed_orders()
            for attempt in self._open.values():
                attempt.turn()

    def close(self) -> None:
        """Sign off. What is still open, where something went wrong or nobody answers, is left to who takes it over."""
        context = self._context
        try:
            context.loop.finish_recovery()
        finally:
            context.bell.close()
            if not self._open:
                self._store.workers.retire(context.settings.id)
            self._store.close()
            context.lock.release()

    def _look_around(self) -> None:
        """About once a second: what others decided, what others left, how many there may be."""
        if clock.monotonic() < self._next_look:
            return
        self._next_look = clock.monotonic() + LOOK
        self._wanted = self._count_wanted()
        self._executor.make_room(self._wanted)
        for token, reason in self._store.assignments.to_stop(self._context.settings.id).items():
            if token in self._open:
                self._open[token].stop(Result(CANCELLED, note=reason))
        for attempt in self._open.values():
            attempt.observe()
        if not self._context.policy.is_leaving:
            for assignment in self._adoption.look():
                self._take(assignment, self._executor.read_note(assignment.claim.token)).resume()

    def _claim(self) -> None:
        """Claim as many as there is room for, and submit them."""
        taken: list[Assignment] = []
        has_room = self._has_room()
        if has_room != self._is_shown:
            self._is_shown = has_room
            self._context.bell.show() if has_room else self._context.bell.hide()
            self._seen = None  # showing forgot earlier rings
        if has_room and self._may_be_there():
            changes = self._store.changes()
            while self._has_room(len(taken)) and len(taken) < TOGETHER:
                assignment = self._source.take()
                if assignment is None:
                    self._rest(changes)
                    break
                taken.append(assignment)
        if taken:
            self._store.database.settle()
        for assignment in taken:
            self._take(assignment).start()

    def _has_room(self, more: int = 0) -> bool:
        is_leaving = self._context.policy.is_leaving
        return len(self._open) + more < self._wanted and not is_leaving and not self._executor.is_crowded

    def _may_be_there(self) -> bool:
        is_due = self._due is not None and clock.monotonic() >= self._due
        return is_due or self._store.changes() != self._seen

    def _rest(self, changes: int) -> None:
        """There is nothing more to claim, until the database changes or a task's time comes."""
        self._seen = changes
        due = self._source.due_in()
        self._due = None if due is None else clock.monotonic() + due
        if not self._open:
            self._context.loop.tell(IDLE)

    def _take(self, assignment: Assignment, left: Mapping[str, object] = MappingProxyType({})) -> RemoteAttempt:
        attempt = RemoteAttempt(self._context, self._executor, assignment, left)
        self._open[assignment.claim.token] = attempt
        return attempt

    def _wait(self) -> None:
        bell, executor = self._context.bell, self._executor
        due = [self._next_look, *([self._due] if self._due is not None and self._has_room() else [])]
        seconds = min(executor.patience, max(min(due) - clock.monotonic(), 0.0))
        if any(attempt.result for attempt in self._open.values()):
            seconds = 0.0
        readable = self._context.loop.wait(seconds, [*executor.descriptors, bell.descriptor])
        if bell.descriptor in readable:
            bell.drain()
            self._next_look, self._seen = 0.0, None
        executor.advance(readable)

    def _heed_orders(self) -> None:
        policy = self._context.policy
        if not policy.is_leaving:
            return
        for attempt in self._open.values():
            attempt.withdraw(NOT_STARTED)
            if policy.must_stop:
                attempt.stop(policy.result)
            if policy.must_kill:
                attempt.hasten()

    def _end_what_is_over(self) -> None:
        ended = []
        for token in [token for token, attempt in self._open.items() if attempt.result]:
            attempt = self._open[token]
            self._source.record(attempt.assignment, attempt.end(), is_leaving=True)
            ended.append(self._open.pop(token))
        if ended:
            self._store.database.settle()  # only then may what stands beside the tickets go
            for attempt in ended:
                attempt.remove()
            self._seen = None  # what ended may have made others ready
            self._context.loop.tell(FINISHED)
