"""A worker: takes assignments and has their attempts run, one at a time, until it is told to leave.

It is composed of a task source (`sources`: where its tasks come from), a stop policy (`stop_policy`: what makes it
leave) and a runner (`attempt_runner`: from an assignment to a result), and shares one loop (`worker_loop`) with them.
It is single-threaded, holds the lock on its file for as long as it lives, and guards what it runs.

Guarantee: what it holds when it ends is given back, or left to recovery; an attempt is never run twice at a time. Made
by `queue_worker`, `launched` and, with parts of its own, by the loop of `ralph`.
"""

from __future__ import annotations

from ..errors import Error, StoreUnavailable, find_shortage, record_bug
from ..model import UNSTARTABLE
from ..store.attempts import Result
from ..system import clock
from .attempt_runner import GIVING_UP
from .control import FINISHED, IDLE
from .worker_loop import StoreWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..store.assignments import Assignment
    from .sources import TaskSource
    from .worker_context import WorkerContext

    class Runner(Protocol):
        """From an assignment to a result."""

        @property
        def trouble(self) -> Error | None:
            """Return why no attempt can be run here any more, once that is so."""

        def run(self, assignment: Assignment) -> Result:
            """Run an attempt to the end of its tree."""

        def end(self, result: Result) -> Result:
            """End the report of an attempt that `run` left by an exception; return the result with what it adds."""


LOOK = 1.0  # seconds between looks at the change counter, in case the bell was lost
WORD = 0.1  # seconds between words about finished attempts, at the least


class Worker:
    """One worker process. `assignment`: what it holds, or None."""

    def __init__(self, context: WorkerContext, source: TaskSource, runner: Runner) -> None:
        self.assignment: Assignment | None = None
        self._context = context
        self._source = source
        self._runner = runner
        self._store = context.store
        self._loop = context.loop
        self._policy = context.policy
        self._bell = context.bell
        self._unrecorded: Result | None = None  # how the attempt of the assignment ended, until that is recorded
        self._next_word = 0.0

    def register(self) -> None:
        """Enter it into the database. Raises Error; then it is as if it had never been."""
        try:
            self._hold(self._source.register(self._context.describe(self._source.lanes)))
        except BaseException:
            self._context.abandon()
            raise

    def run(self) -> None:
        """Work until told to leave. Raises Error where it cannot work any more."""
        self._loop.wait(0.0)  # orders may have come before we were ready
        while self.assignment or not self._policy.is_leaving:
            if self.assignment is None:
                self._wait_for_work()
                continue
            try:
                result = self._runner.run(self.assignment)
            except Error:
                raise
            except Exception as error:  # a bug of ours that only this task brings about is its failure, not ours
                shortage = find_shortage(error)
                if shortage:
                    raise shortage from error
                bug = record_bug(f"worker {self._context.settings.id}, task {self.assignment.task.id}")
                result = self._runner.end(Result(UNSTARTABLE, note=str(bug)))
            self.record(self.assignment, result)
            if self._runner.trouble:
                raise self._runner.trouble

    def record(self, assignment: Assignment, result: Result) -> None:
        """Write down how an attempt ended, and hold what follows, if anything does."""
        wait = StoreWait(self._loop)
        self._unrecorded = result
        while True:
            try:
                self._hold(self._source.record(assignment, result, self._policy.is_leaving))
                self._unrecorded = None
                break
            except StoreUnavailable as error:
                wait.bear(error)
        if clock.monotonic() >= self._next_word:
            self._next_word = clock.monotonic() + WORD
            self._loop.tell(FINISHED)

    def close(self) -> None:
        """Sign off. Where something went wrong before, the task is given back; if that fails, too, nothing is signed
        off, and recovery takes the case."""
        try:
            self._loop.finish_recovery()
        finally:
            self._bell.close()
            if self.assignment:
                self._source.record(self.assignment, self._unrecorded or self._runner.end(GIVING_UP), is_leaving=True)
            self._store.workers.retire(self._context.settings.id)
            self._store.close()
            self._context.lock.release()

    def _hold(self, assignment: Assignment | None) -> None:
        self.assignment = assignment

    def _wait_for_work(self) -> None:
        """Claim a task, sleeping until there is one or it is time to leave. A database that cannot be used for a
        while (somebody holds its lock, the disk is full) is waited for, too."""
        wait = StoreWait(self._loop)
        while not self._policy.is_leaving and not self.assignment:
            self._bell.show()
            try:
                changes = self._store.changes()
                self._hold(self._source.take())
                if not self.assignment:
                    self._loop.tell(IDLE)
                    self._sleep(changes)
                wait.begin_again()
            except StoreUnavailable as error:
                wait.bear(error)
            self._bell.hide()

    def _sleep(self, changes: int) -> None:
        """Until we are rung, or the database changes, or a task's time comes, or we have to leave."""
        due = self._source.due_in()
        while not self._policy.is_leaving:
            patience = LOOK if due is None else min(LOOK, max(due, 0.0) + 0.001)
            is_rung = self._bell.descriptor in self._loop.wait(patience, [self._bell.descriptor])
            if due is not None:
                due = self._source.due_in()  # anew: the clock may have been set
                if due is None or due <= 0:  # None: what was waited for is over, as a provider's refusal
                    break
            if is_rung or self._store.changes() != changes:
                break
