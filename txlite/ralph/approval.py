"""What a person approves is landed here and now: an attempt without an agent, by a worker of its own, in this process.

It is a worker as any other, so that a kill at any moment is recovered as that of any attempt is; one that ends without
having landed its task's work leaves the task to be reviewed (`store.approvals`). Used by the command `approve`.
"""

from __future__ import annotations

import os
from functools import partial

from ..agents.agent import Agent
from ..agents.roster import Roster
from ..errors import Error, Refused
from ..execution.attempt_record import Plan
from ..execution.attempt_runner import AttemptRunner, AttemptStopped
from ..execution.executor import Limits
from ..execution.stop_policy import LEAVE, STOP, STOPPING, StopPolicy
from ..execution.worker import Worker
from ..execution.worker_context import WorkerContext, WorkerSettings
from ..git import command
from ..git.repository import Repository
from ..model import APPROVAL, DONE, RELEASED, REVIEW, WORKERS
from ..reports.header import Header
from ..store.attempts import Result
from ..store.workers import new_id
from ..system import clock
from ..system.event_loop import EventLoop
from ..system.named_tuple import NamedTuple
from .host import GATE, AttemptHost
from .reviewed_work import ReviewedWork
from .workspace import Rules
from .worktree_directory import WORKTREES
from .worktree_landing import CONFLICTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Outcome, Review, WorkerRecord
    from ..store.assignments import Assignment
    from ..store.store import Store


class Approved(NamedTuple):
    """What became of one task that was approved."""

    task: str  # id
    title: str
    commit: str | None  # on the base branch; None where that had the same already, or nothing landed
    base: str  # the branch; "" where it was not to be reviewed
    outcome: Outcome  # of the attempt
    note: str  # why nothing landed, or what else is to be known; "" for nothing
    is_waiting: bool = False  # whether it is to be reviewed still

    @property
    def has_landed(self) -> bool:
        """Return whether its work is on the base branch, or held back for it."""
        return self.outcome == DONE

    @property
    def is_faulty(self) -> bool:
        """Return whether it is the work that is to be mended."""
        return self.outcome == RELEASED and self.note.startswith((CONFLICTS, GATE))


class WorktreeWishes(NamedTuple):
    """What config.ini says of worktrees: as in `workspace.Rules`."""

    allow: tuple[str, ...]
    copy: tuple[str, ...]
    setup: str | None


def approve(
    database: str, tasks: list[str], wishes: WorktreeWishes, cap: int, kill_after: float,
    told: Callable[[Approved], object], say: Callable[[str, str], object],
) -> bool:  # fmt: skip
    """Land the work of these tasks, one after another; whether a signal ended that. Each is told when it is over, one
    that could not be claimed, too.

    database: its path; cap: bytes of output kept for each report; say: is told of a task, by its id, what goes on.
    Raises Error where no worker can be made.
    """
    id, roster = new_id("worker"), Roster((Agent(APPROVAL),))
    settings = WorkerSettings(database, id, id, None, roster, 1, Limits(None, kill_after, None), cap)
    events = EventLoop()
    events.open(STOPPING)
    policy = StopPolicy(events.signals, first=STOP)
    context = WorkerContext(settings, events, policy)
    runner = ApprovalRunner(context, wishes, say)
    source = ApprovalSource(context.store, tasks, id, lambda: policy.order(LEAVE), told, runner)
    worker = Worker(context, source, runner)
    worker.register()
    try:
        worker.run()
    finally:
        worker.close()
    return bool(events.signals)


class ApprovalSource:
    """Tasks that a person named (a `TaskSource`), one after another. leave: called when there is none left."""

    def __init__(
        self,
        store: Store,
        tasks: list[str],
        worker: str,
        leave: Callable[[], object],
        told: Callable[[Approved], object],
        runner: ApprovalRunner,
    ) -> None:
        self.lanes: list = []
        self._store = store
        self._left = list(tasks)
        self._worker = worker
        self._leave = leave
        self._told = told
        self._runner = runner

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker; it has nothing yet."""
        self._store.workers.register(worker)
        return None

    def take(self) -> Assignment | None:
        """Claim the next of them that is to be reviewed."""
        while self._left:
            task = self._left.pop(0)
            try:
                return self._store.approvals.claim(task, self._worker)
            except Refused as error:
                self._told(Approved(task, "", None, "", RELEASED, str(error)))
        self._leave()
        return None

    def due_in(self) -> float | None:
        """There is nothing to wait for."""
        return None

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end, and tell it."""
        self._store.assignments.finish(assignment.claim.token, result, max_attempts=1)
        task = assignment.task
        found = self._runner.found
        note = found.held if result.outcome == DONE else result.note or result.outcome
        is_waiting = self._store.get(task.id).status == REVIEW
        self._told(Approved(task.id, task.title, found.commit, found.base, result.outcome, note, is_waiting))
        return None


class Found(NamedTuple):
    """What the last attempt brought about."""

    base: str = ""
    commit: str | None = None
    held: str = ""


class ApprovalRunner:
    """Lands the work of approved tasks (a `worker.Runner`). `found`: what the last one brought about."""

    def __init__(self, context: WorkerContext, wishes: WorktreeWishes, say: Callable[[str, str], object]) -> None:
        self.found = Found()
        self._say = say
        self._context = context
        self._wishes = wishes
        self._runner = AttemptRunner(context)

    @property
    def trouble(self) -> Error | None:
        """Return why nothing can be run here any more, once that is so."""
        return self._runner.trouble

    def end(self, result: Result) -> Result:
        """End the report; return the result with what it adds."""
        return self._runner.end(result)

    def run(self, assignment: Assignment) -> Result:
        """Land the work of a task, or leave all as it was."""
        began = clock.monotonic()
        task, token = assignment.task, assignment.claim.token
        header = Header.of(task, token, APPROVAL, clock.now())
        self._runner.begin(Plan(self._context.settings.roster.first, header, clock.stamp(), WORKERS, header.prompt))
        review = self._context.store.reviews.last(task.id)
        assert review  # it was claimed for that
        self.found = Found(review.base)
        result = self._land(assignment, review)
        return self.end(result._replace(duration=clock.monotonic() - began))

    def _land(self, assignment: Assignment, review: Review) -> Result:
        task, token = assignment.task, assignment.claim.token
        store = self._context.store
        environment = self._context.environment_of(task, assignment.claim, None)
        gate, tell = task.verify or review.gate, partial(self._tell, task.id)
        host = AttemptHost(self._context, self._runner, environment, gate, review.gate_timeout, tell)
        try:
            rules = self._find_rules(store, review)
        except Refused as error:
            store.loop_attempts.settle(token)
            return Result(RELEASED, note=str(error))
        work = ReviewedWork(store, host, rules, task, token, review)
        host.top = os.path.join(store.home, WORKTREES, task.id)
        result = self._try(work)
        if result.outcome != DONE:
            self._runner.end_process()  # nothing of it may run beside git
            work.restore(result.note or result.outcome)
        return result

    def _tell(self, task: str, words: str) -> None:
        """What takes its time; the rest is told with how it ended."""
        if words.startswith(GATE):
            self._say(task, words)

    def _try(self, work: ReviewedWork) -> Result:
        try:
            commit = work.land()
        except AttemptStopped as stop:
            return stop.result
        except Refused as error:
            return Result(RELEASED, note=str(error))
        except OSError as error:
            return Result(RELEASED, note=f"{error.filename or 'a file'}: {error.strerror}")
        self.found = Found(self.found.base, commit, work.held)
        return Result(DONE, 0, note=f"landed as {commit[:12]}" if commit else f"{self.found.base} had the same already")

    def _find_rules(self, store: Store, review: Review) -> Rules:
        """How its work is treated. Raises GitError where its repository is gone."""
        shared = Repository(review.repository, store.home, command.by_itself).shared_directory()
        return Rules(review.repository, review.base, True, *self._wishes, shared)
