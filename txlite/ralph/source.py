"""Where the tasks of a loop's worker come from: the queue, one at a time, within the loop's bounds.

Guarantee: a claim is counted against the loop's bounds in the transaction that makes it, and nothing is claimed while
the agent's provider refuses to work. Satisfies `execution.sources.TaskSource`; made by `loop_worker`.
"""

from __future__ import annotations

import time

from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..execution.worker_context import WorkerSettings
    from ..model import WorkerRecord
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from ..store.store import Store


class LoopSource:
    """The queue, as one worker of a loop sees it. loop: its id."""

    def __init__(self, store: Store, settings: WorkerSettings, loop: str) -> None:
        self.lanes = settings.agent.lanes
        self._store = store
        self._worker = settings.id
        self._agent = settings.agent.name
        self._max_attempts = settings.max_attempts
        self._loop = loop

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker; it has nothing yet."""
        self._store.workers.register(worker)
        return None

    def take(self) -> Assignment | None:
        """Claim the best ready task, if the loop may claim any."""
        return self._store.loop_attempts.claim_next(self._worker, self.lanes, self._agent, self._loop)

    def due_in(self) -> float | None:
        """Return the seconds until to look again: what is waited for may be the provider, too."""
        limit = self._store.loops.limit_of(self._agent)
        return clock.to_seconds(limit[0]) - time.time() if limit else self._store.assignments.due_in()

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end. Nothing is claimed in the same transaction: the loop has a word in what comes next."""
        self._store.assignments.finish(assignment.claim.token, result, self._max_attempts)
        return None
