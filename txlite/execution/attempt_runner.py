"""From an assignment to a result: note, report, prompt, agent, the guarded process, until its tree is gone.

All that is started for an attempt, the agent, git and a gate, is started here, through the executor, and guarded in the
worker's loop. What recovery must know is noted in the worker's lock file before it is needed. Guarantee: whatever is
raised on the way, what was started is ended first. Used by the worker; the launched one and the loop compose it.
"""

from __future__ import annotations

import os
from functools import partial

from ..agents.agent import SHELL
from ..agents.environment import Invocation, build_command
from ..errors import StoreUnavailable
from ..model import CANCELLED, FAILED, INTERRUPTED, UNSTARTABLE, WORKERS
from ..reports import report
from ..reports.header import TASK, Header
from ..reports.naming import remove
from ..store.attempts import Result
from ..system import clock
from ..system.named_tuple import NamedTuple
from .ended import describe
from .executor import CannotStart, Limits, NoRoomToStart
from .starting import StartWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..agents.results import Sink
    from ..errors import Error
    from ..model import Task
    from ..store.assignments import Assignment
    from .executor import RunningProcess
    from .worker_context import WorkerContext

LOOK = 1.0  # seconds between looks at what was decided about the task, in case the bell was lost
GIVING_UP = Result(INTERRUPTED, note="its worker had to give up")


class Plan(NamedTuple):
    """How an attempt is to be run."""

    agent: Agent
    header: Header
    stamp: str  # of the report's name
    directory: str  # of the report, below home
    prompt: str
    level: str = ""
    in_loop: bool = False  # as RALPH runs it
    search: bool = False  # whether the agent may search the web


class AttemptStopped(Exception):
    """Somebody stopped the attempt, or decided about its task."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.note)
        self.result = result


def plan_attempt(assignment: Assignment, agent: Agent) -> Plan:
    """Return the plan of an attempt of the queue, which begins now."""
    name = SHELL if assignment.task.command is not None else agent.name
    header = Header.of(assignment.task, assignment.claim.token, name, clock.now())
    return Plan(agent, header, clock.stamp(), WORKERS, header.prompt)


class AttemptRunner:
    """Runs the attempts of one worker, one at a time: `begin`, `ask_agent` and `call`, `end`. `run` does all of it for
    a task of the queue."""

    def __init__(self, context: WorkerContext) -> None:
        self.trouble: Error | None = None  # why no attempt can be run here any more
        self._context = context
        self._home = context.store.home
        self._loop = context.loop
        self._policy = context.policy
        self._next_look = clock.monotonic() + LOOK
        self._attempt = 0  # the number of the one that runs
        self._noted: dict[str, object] = {}  # of the one that runs, beside its plan
        self._report: report.Report | None = None  # of the one that runs
        self._plan: Plan | None = None  # of the one that runs
        self._prompt_file = ""  # of the one that runs, if there is one
        self._process: RunningProcess | None = None  # what runs for it at this moment

    def run(self, assignment: Assignment) -> Result:
        """Run an attempt of a task of the queue to the end of its tree."""
        plan = plan_attempt(assignment, self._context.settings.agent)
        self.begin(plan, is_late=True)
        environment = self._context.environment_of(assignment.task, assignment.claim)
        ask = partial(self.ask_agent, assignment.task, plan, environment)
        if assignment.task.command is not None:
            return self.end(ask())
        from .agent_output import run_in_words  # what only runs commands does without

        return self.end(run_in_words(plan.agent, self, ask))

    @property
    def plan(self) -> Plan:
        """Return the plan of the attempt that runs."""
        assert self._plan
        return self._plan

    def begin(self, plan: Plan, is_late: bool = False) -> report.Report:
        """Begin the report; before it is made, note what recovery must know to end it. Where it is late, both wait
        until the attempt has lasted a moment: nearly none of a thousand short ones needs them."""
        self._attempt, self._plan, self._noted = plan.header.attempt, plan, {}
        directory, cap = os.path.join(self._home, plan.directory), self._context.settings.cap
        self._report = report.Report(directory, plan.stamp, plan.header, cap, is_late, partial(self._note, plan))
        return self._report

    def restart(self, plan: Plan) -> None:
        """Write down that the attempt, which had waited, starts at another time than was said."""
        if self._report:
            self._report.restart(plan.header.started)
            self._note(plan, report=self._report.name)

    def note_report(self, plan: Plan, **more: object) -> None:
        """Make the report if it was late, and note its name, which somebody may be told."""
        if self._report:
            self._report.make()
            self._note(plan, report=self._report.name, **more)

    def write(self, data: bytes) -> None:
        """Append to the report."""
        if self._report:
            self._report.write(data)

    def ask_agent(
        self,
        task: Task,
        plan: Plan,
        environment: dict[bytes, bytes],
        sink: Sink | None = None,
        observe: Callable[[RunningProcess], None] = lambda process: None,
    ) -> Result:
        """Run the agent to the end of its tree; the report stays open.

        sink: where output goes (the report). observe: called at each look at what was decided, about once a second.
        """
        executor, limits = self._context.executor, self._context.settings.limits
        if task.timeout is not None:
            limits = limits._replace(timeout=task.timeout)
        leaves_daemons = plan.agent.daemons and task.command is None
        wait = StartWait(self._context)
        try:
            invocation = self._prepare(task, plan, environment)
            self._policy.judge()
            if self._policy.must_stop:
                return self._policy.result
            while True:
                try:
                    process = executor.start(
                        invocation, task.directory, sink or self, self._attempt, limits, leaves_daemons
                    )
                    break
                except NoRoomToStart as error:
                    self._bear(wait, error)
        except AttemptStopped as stop:
            return stop.result
        except CannotStart as error:
            return Result(UNSTARTABLE, duration=0.0, note=str(error))

        def watch() -> None:
            noted_at = clock.monotonic() + executor.note_after
            while process.result is None and clock.monotonic() < noted_at:
                self._turn(process, noted_at - clock.monotonic(), observe)
            if process.result is None:
                self.note_report(plan, **process.note)
            while process.result is None:
                self._turn(process, LOOK, observe)

        return self._guard(process, watch)._replace(pid=process.pid)

    def _prepare(self, task: Task, plan: Plan, environment: dict[bytes, bytes]) -> Invocation:
        """What is started for a task; its prompt is written where the agent reads it. Raises CannotStart."""
        file = report.prompt_file(os.path.join(self._home, plan.directory), self._attempt)
        argv, stdin = build_command(plan.agent, task, plan.prompt, file, plan.level, plan.search, plan.in_loop)
        try:
            if file in argv:
                self._prompt_file = file
                report.write_prompt(file, plan.prompt)
        except OSError as error:
            raise CannotStart(f"its prompt could not be written: {error.strerror}") from error
        return Invocation(argv, stdin, environment)

    def call(
        self,
        invocation: Invocation,
        directory: str,
        sink: Sink,
        timeout: float,
        interruptible: bool = True,
    ) -> Result:
        """Run another command of the attempt, git or a gate, to the end of its tree; its result, without report.

        Where it is not interruptible, only KILL ends it. Raises AttemptStopped where somebody stopped the attempt.
        """
        if interruptible:
            self.check()
        settings = self._context.settings
        limits = Limits(timeout, settings.limits.kill_after)
        leaves_daemons = settings.agent.daemons  # those of the agent, which are no part of this command
        wait = StartWait(self._context, interruptible)
        try:
            while True:
                try:
                    process = self._context.executor.start(
                        invocation, directory, sink, self._attempt, limits, leaves_daemons
                    )
                    break
                except NoRoomToStart as error:
                    self._bear(wait, error)
        except CannotStart as error:
            return Result(UNSTARTABLE, duration=0.0, note=str(error))

        def watch() -> None:
            while process.result is None:
                if interruptible:
                    self._turn(process, LOOK)
                else:
                    self._turn_surely(process)

        result = self._guard(process, watch)
        if result.outcome in (INTERRUPTED, CANCELLED):
            raise AttemptStopped(result)
        return result

    def _bear(self, wait: StartWait, error: NoRoomToStart) -> None:
        """Wait for room before the next try. Raises AttemptStopped, CannotStart."""
        self.note_report(self.plan)
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
            reason = self._context.store.assignments.must_stop(self._attempt)
            if reason:
                raise AttemptStopped(Result(CANCELLED, note=reason))

    def end(self, result: Result) -> Result:
        """End the report; return the result with what it adds. Raises what keeps a process from being ended: then the
        attempt goes on, and its end must not be recorded."""
        self.end_process()
        if self._prompt_file:
            remove(self._prompt_file)
            self._prompt_file = ""
        paper, self._report = self._report, None
        if paper is None:
            return result
        pid = paper.pid or result.pid or os.getpid()
        result = result._replace(pid=pid)
        if not self.plan.in_loop:  # that one is judged by others
            self._note(self.plan, end=describe(result, self._context.settings.max_attempts))
        return paper.finish(result, pid)

    def _note(self, plan: Plan, **more: object) -> None:
        header = plan.header
        note = {"attempt": header.attempt, "stamp": plan.stamp, "started": header.started, "name": header.agent}
        if plan.directory != WORKERS:
            note["directory"] = plan.directory
        if header.subject != TASK:
            note["subject"] = header.subject
        self._noted.update(more)  # who looks while it ends is still told of its report and its agent
        self._context.lock.write_note({**note, **self._noted})

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
            reason = self._context.store.assignments.must_stop(self._attempt)
        except StoreUnavailable:
            return  # no reason to lose the agent's work: the next look may succeed
        if reason:
            process.stop(Result(CANCELLED, note=reason))
