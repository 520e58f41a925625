"""From an assignment to a result: note, report, prompt, agent, the guarded process, until its tree is gone.

All that is started for an attempt, the agent, git and a gate, is started here, through the executor, and guarded in the
worker's loop. What recovery must know is noted in the worker's lock file before it is needed. Guarantee: whatever is
raised on the way, what was started is ended first. Used by the worker; the launched one and the loop compose it.
"""

from __future__ import annotations

from functools import partial

from ..errors import StoreUnavailable
from ..model import CANCELLED, FAILED, INTERRUPTED, QUEUED, UNSTARTABLE
from ..store.attempts import Result
from ..system import clock
from .attempt_record import AttemptRecord, plan_attempt
from .executor import CannotStart, NoRoomToStart
from .starting import StartWait
from .stop_policy import LEAVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.environment import Invocation
    from ..agents.results import Sink
    from ..errors import Error
    from ..model import Task
    from ..store.assignments import Assignment
    from .attempt_record import Plan
    from .executor import RunningProcess
    from .worker_context import WorkerContext

LOOK = 1.0  # seconds between looks at what was decided about the task, in case the bell was lost
GIVING_UP = Result(INTERRUPTED, note="its worker had to give up")


class AttemptStopped(Exception):
    """Somebody stopped the attempt, or decided about its task."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.note)
        self.result = result


class AttemptRunner:
    """Runs the attempts of one worker, one at a time: `begin`, `ask_agent` and `call`, `end`. `run` does all of it for
    a task of the queue."""

    def __init__(self, context: WorkerContext) -> None:
        self.trouble: Error | None = None  # why no attempt can be run here any more
        self._context = context
        self._loop = context.loop
        self._policy = context.policy
        self._next_look = clock.monotonic() + LOOK
        self._record: AttemptRecord | None = None  # of the one that runs
        self._process: RunningProcess | None = None  # what runs for it at this moment
        self._limits = context.settings.limits  # of the one that runs

    def run(self, assignment: Assignment) -> Result:
        """Run an attempt of a task of the queue to the end of its tree."""
        plan = plan_attempt(assignment, self._context.settings.roster)
        self.begin(plan, is_late=True)
        environment = self._context.environment_of(assignment.task, assignment.claim, plan.agent)
        task = assignment.task
        if task.command is not None:
            return self.end(self.ask_agent(task, plan, environment))
        from .agent_output import run_in_words  # what only runs commands does without

        ask = partial(self.ask_agent, task, environment=environment)
        return self.end(run_in_words(self._context.store, task, self.record, self, ask))

    @property
    def record(self) -> AttemptRecord:
        """Return what is written of the attempt that runs."""
        assert self._record
        return self._record

    def begin(self, plan: Plan, is_late: bool = False) -> AttemptRecord:
        """Begin an attempt: `AttemptRecord` says how."""
        context = self._context
        if context.executor is not context.local:  # the head of the report needs room for where it runs
            plan = plan._replace(header=plan.header._replace(place=QUEUED))
        self._record = AttemptRecord(context.store.home, plan, context.settings.cap, context.lock.write_note, is_late)
        return self._record

    def write(self, data: bytes) -> None:
        """Append to the report, while there is one."""
        if self._record:
            self._record.write(data)

    def ask_agent(
        self,
        task: Task,
        plan: Plan,
        environment: dict[bytes, bytes],
        sink: Sink | None = None,
        observe: Callable[[RunningProcess], None] = lambda process: None,
        errors: Sink | None = None,
    ) -> Result:
        """Run the agent to the end of its tree; the report stays open.

        sink: where output goes (the report). observe: called at each look at what was decided, about once a second.
        errors: where stderr goes instead.
        """
        executor, limits = self._context.executor, self._context.settings.limits.of(task)
        self._limits = limits
        leaves_daemons = plan.agent.daemons and task.command is None
        wait = StartWait(self._context)
        try:
            self.record.plan = plan
            invocation = self.record.prepare(task, environment)
            self._policy.judge()
            if self._policy.must_stop:
                return self._policy.result
            while True:
                try:
                    process = executor.start(
                        invocation, task.directory, sink or self, plan.header.attempt, limits, leaves_daemons,
                        task.slurm, errors,
                    )  # fmt: skip
                    break
                except NoRoomToStart as error:
                    self._bear(wait, error)
        except AttemptStopped as stop:
            return stop.result
        except CannotStart as error:
            return Result(UNSTARTABLE, duration=0.0, note=str(error))

        return self._guard(process, partial(self._watch_agent, process, observe))._replace(pid=process.pid)

    def _watch_agent(self, process: RunningProcess, observe: Callable[[RunningProcess], None]) -> None:
        """Watch it to its end; what recovery must know is noted once it has lasted a moment, and when that changes."""
        noted_at = clock.monotonic() + self._context.executor.note_after
        while process.result is None and clock.monotonic() < noted_at:
            self._turn(process, noted_at - clock.monotonic(), observe)
        if process.result is None:
            self.record.note_report(**process.note)
        noted = process.note
        while process.result is None:
            self._turn(process, LOOK, observe)
            if process.note != noted:  # it has started, waits for something else, or is silent
                noted = process.note
                self.record.note(**noted)
        if noted.get("silent"):
            self.record.note(silent="")

    def call(
        self,
        invocation: Invocation,
        directory: str,
        sink: Sink,
        timeout: float,
        interruptible: bool = True,
        is_here: bool = True,
    ) -> Result:
        """Run another command of the attempt, git or a gate, to the end of its tree; its result, without report.

        is_here: on this machine, wherever agents run. Where it is not interruptible, only KILL ends it. Raises
        AttemptStopped where somebody stopped the attempt.
        """
        if interruptible:
            self.check()
        limits = self._limits._replace(timeout=timeout, stall=None)
        if not interruptible:
            limits = limits._replace(max_memory=None)
        executor = self._context.local if is_here else self._context.executor
        leaves_daemons = self.record.plan.agent.daemons  # those of the agent, which are no part of this command
        wait = StartWait(self._context, interruptible)
        try:
            while True:
                try:
                    process = executor.start(
                        invocation, directory, sink, self.record.plan.header.attempt, limits, leaves_daemons
                    )
                    break
                except NoRoomToStart as error:
                    self._bear(wait, error)
        except CannotStart as error:
            return Result(UNSTARTABLE, duration=0.0, note=str(error))

        result = self._guard(process, partial(self._watch_command, process, interruptible))
        if result.outcome in (INTERRUPTED, CANCELLED):
            raise AttemptStopped(result)
        return result

    def _watch_command(self, process: RunningProcess, interruptible: bool) -> None:
        """Watch git or a gate to its end."""
        while process.result is None:
            if interruptible:
                self._turn(process, LOOK)
            else:
                self._turn_surely(process)

    def _bear(self, wait: StartWait, error: NoRoomToStart) -> None:
        """Wait for room before the next try. Raises AttemptStopped, CannotStart."""
        self.record.note_report()
        ended = wait.bear(error)
        self.trouble = self.trouble or wait.trouble
        if ended:
            raise AttemptStopped(ended)
        if wait.is_interruptible:
            self.check()

    def _guard(self, process: RunningProcess, watch: Callable[[], None]) -> Result:
        """Watch a process to its end, which comes first whatever is raised on the way."""
        self._process = process
        try:
            watch()
        except BaseException:
            self.end_process()
            raise
        self._process = None
        assert process.result
        if process.result.outcome == INTERRUPTED:  # by us, or by a signal to all of the run, of which we are told later
            self._policy.order(LEAVE)
        return process.result

    def end_process(self) -> None:
        """End what still runs because of an error of ours. Raises what keeps it from being ended, and can be called
        again; where nobody succeeds, the worker leaves its lock to recovery."""
        process = self._process
        if process is None:
            return
        process.stop(GIVING_UP)
        while process.result is None:
            process.advance(self._loop.wait(process.patience or 0.0, process.descriptors))
            if self._policy.must_kill:
                process.hasten()
        self._process = None

    def check(self) -> None:
        """Raise AttemptStopped if somebody stopped the attempt, or decided about its task."""
        self._policy.judge()
        if self._policy.must_stop:
            raise AttemptStopped(self._policy.result)
        if clock.monotonic() >= self._next_look:
            self._next_look = clock.monotonic() + LOOK
            reason = self._context.store.assignments.must_stop(self.record.plan.header.attempt)
            if reason:
                raise AttemptStopped(Result(CANCELLED, note=reason))

    def end(self, result: Result) -> Result:
        """End the report; return the result with what it adds. Raises what keeps a process from being ended: then the
        attempt goes on, and its end must not be recorded."""
        self.end_process()
        record, self._record = self._record, None
        if record is None:
            return result
        result = record.end(result, self._context.settings.max_attempts)
        self._context.executor.clear(record.plan.header.attempt)
        return result

    def _turn(
        self,
        process: RunningProcess,
        patience: float,
        observe: Callable[[RunningProcess], None] = lambda process: None,
    ) -> None:
        """One turn of the loop around a process that ends when somebody says so."""
        if process.patience is not None:
            patience = min(process.patience, patience)
        bell = self._context.bell
        readable = self._loop.wait(patience, [*process.descriptors, bell.descriptor])
        if self._policy.must_stop:
            self._stop(process)
        if bell.descriptor in readable or clock.monotonic() >= self._next_look:
            self._next_look = clock.monotonic() + LOOK
            bell.drain()
            self._heed_verdict(process)
            observe(process)
        process.advance(readable)

    def _turn_surely(self, process: RunningProcess) -> None:
        """One turn around a process that must come to its end: no order, and nobody's word, reaches it, but for the
        last."""
        if self._policy.must_kill:
            process.stop(Result(FAILED, note="it was killed"))
            process.hasten()
        patience = LOOK if process.patience is None else process.patience
        process.advance(self._loop.wait(patience, process.descriptors))

    def _stop(self, process: RunningProcess) -> None:
        process.stop(self._policy.result)
        if self._policy.must_kill:
            process.hasten()

    def _heed_verdict(self, process: RunningProcess) -> None:
        """Stop the agent if somebody decided about its task meanwhile."""
        try:
            reason = self._context.store.assignments.must_stop(self.record.plan.header.attempt)
        except StoreUnavailable:
            return  # no reason to lose the agent's work: the next look may succeed
        if reason:
            process.stop(Result(CANCELLED, note=reason))
