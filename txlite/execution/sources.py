"""Where a worker's tasks come from: the queue, or the one launch that it was made for.

A source enters the worker into the database, gives the next assignment, says when it may have one, and records how an
attempt ended. Guarantee of `QueueSource`: the end of one attempt and the claim of the next are one transaction. (The
loop of `ralph` has a source of its own.) Called by `worker`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..model import Lane, Launch, Outcome, WorkerRecord
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from ..store.inserting import NewTask
    from ..store.store import Store
    from .worker_context import WorkerSettings
    from .worker_loop import WorkerLoop

    class TaskSource(Protocol):
        """Where one worker's tasks come from. Each method raises StoreUnavailable where the database is not to be
        had."""

        lanes: list[Lane]  # what it accepts

        def register(self, worker: WorkerRecord) -> Assignment | None:
            """Enter the worker, whose lock is held; return what it has got already, if anything."""

        def take(self) -> Assignment | None:
            """Claim the next task; None where there is none now."""

        def due_in(self) -> float | None:
            """Return the seconds after which to look again though nothing happened, or None."""

        def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
            """Record the end of an attempt; return the next assignment where it is taken at once."""


class QueueSource:
    """The queue (a `TaskSource`): its ends and claims wait for no disk, since whoever tells of them sees to that.

    lanes: what the worker accepts."""

    def __init__(self, store: Store, settings: WorkerSettings, lanes: list[Lane]) -> None:
        self.lanes = lanes
        self._store = store
        self._worker = settings.id
        self._agent = settings.roster.first.name
        self._max_attempts = settings.max_attempts

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker; it has nothing yet."""
        self._store.workers.register(worker)
        return None

    def take(self) -> Assignment | None:
        """Claim the best ready task."""
        return self._store.assignments.claim_next(self._worker, self.lanes, self._agent, told=False)

    def due_in(self) -> float | None:
        """Return the seconds until the next task that is for later becomes ready."""
        return self._store.assignments.due_in()

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end and, unless it leaves, claim the next task in the same transaction."""
        lanes = () if is_leaving else self.lanes
        token = assignment.claim.token
        return self._store.assignments.finish(
            token, result, self._max_attempts, self._worker, lanes, self._agent, told=False
        )


class AskingSource:
    """The queue, for a run that may end before all is done (a `TaskSource`): after an attempt that may decide it
    nothing is claimed before the supervisor has seen its end."""

    def __init__(self, source: TaskSource, loop: WorkerLoop, outcomes: tuple[Outcome, ...]) -> None:
        """outcomes: of the attempts that may decide it."""
        self.lanes = source.lanes
        self.register = source.register
        self.take = source.take
        self.due_in = source.due_in
        self._source = source
        self._loop = loop
        self._outcomes = outcomes

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end; the next assignment is taken with it only where that decides nothing."""
        asks = not is_leaving and result.outcome in self._outcomes
        following = self._source.record(assignment, result, is_leaving or asks)
        if asks:
            self._loop.ask()
        return following


class LaunchSource:
    """One launched task (a `TaskSource`), claimed as it is inserted, or again. new: None for one that was launched
    before, which `task` names."""

    def __init__(self, store: Store, new: NewTask | None, task: str | None, launch: Launch) -> None:
        self.lanes: list[Lane] = []
        self._store = store
        self._new = new
        self._task = task
        self._launch = launch

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker and claim its task in one transaction. Raises AlreadyClaimed, TaskNotFound."""
        if self._new:
            return self._store.launches.add(self._new, self._launch, worker)
        return self._store.launches.claim_again(str(self._task), worker)

    def take(self) -> Assignment | None:
        """There is no other."""
        return None

    def due_in(self) -> float | None:
        """There is no other."""
        return None

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end: it was the only attempt."""
        self._store.assignments.finish(assignment.claim.token, result, max_attempts=1)
        return None

    def take_turn(self, assignment: Assignment) -> bool:
        """Return whether the task may run now: it has its turn among the launched, or takes it."""
        return self._store.launches.take_turn(assignment.claim.token)

    def wake_waiting(self) -> None:
        """Have the launched tasks that wait look whether it is their turn."""
        self._store.launches.wake_waiting()
