"""Where the tasks of a loop's worker come from: the queue, one at a time, within the loop's bounds.

Guarantee: a claim is counted against the loop's bounds in the transaction that makes it, and nothing is claimed for an
agent whose provider refuses to work (`agent_choice`). Satisfies `execution.sources.TaskSource`; made by `loop_worker`.
"""

from __future__ import annotations

import time

from ..model import COSTLY
from ..system import clock
from .agent_choice import AgentChoice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..execution.worker_context import WorkerSettings
    from ..model import Task, WorkerRecord
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from ..store.store import Store
    from .loop_settings import LoopSettings


class LoopSource:
    """The queue, as one worker of a loop sees it."""

    def __init__(self, store: Store, settings: WorkerSettings, policy: LoopSettings) -> None:
        self.lanes = settings.roster.lanes
        self._store = store
        self._worker = settings.id
        self._roster = settings.roster
        self._max_attempts = settings.max_attempts
        self._policy = policy
        self._reviewer = policy.reviewer.agent.name if policy.reviewer else ""
        names = [agent.name for agent in (*self._roster.agents, *self._roster.others)]
        self._names = [*names, self._reviewer] if self._reviewer else names

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker; it has nothing yet."""
        self._store.workers.register(worker)
        return None

    def take(self) -> Assignment | None:
        """Claim the best ready task, if the loop may claim any, and somebody can review it."""
        if self._reviewer and self._store.loops.limits_of([self._reviewer]):
            return None
        choice = self._look()
        return self._store.loop_attempts.claim_next(self._worker, choice.lanes, choice.choose, self._policy.loop)

    def due_in(self) -> float | None:
        """Return the seconds until to look again: what is waited for may be a provider, too."""
        limits = self._store.loops.limits_of(self._names)
        due = [clock.to_seconds(until) - time.time() for until, _ in limits.values()]
        task = self._store.assignments.due_in()
        return min(due if task is None else [*due, task], default=None)

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end. Nothing is claimed in the same transaction: the loop has a word in what comes next."""
        self._store.assignments.finish(assignment.claim.token, result, self._max_attempts)
        self._escalate(assignment.task, result)
        return None

    def _escalate(self, task: Task, result: Result) -> None:
        """Have a task wait in the lane of the agent of its next rung, if it is to be tried again."""
        lane = self._look().next_lane(task, task.failures + (result.outcome in COSTLY))
        if lane:
            self._store.loop_attempts.move_to_lane(task.id, lane)

    def _look(self) -> AgentChoice:
        """Which agents there are at this moment."""
        loops, policy = self._store.loops, self._policy
        limited, dropped = loops.limits_of(self._names), loops.dropped(policy.loop)
        return AgentChoice(self._roster, policy.ladder, policy.level, limited, dropped)
