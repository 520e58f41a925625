"""A detached worker of one launched task: its report exists before its caller returns, and it waits for its turn.

Its PID is what people are told, so it answers signals itself (`stop_policy`): TERM and INT stop the agent and cancel
the task, QUIT does so without waiting before KILL, HUP is nothing, since no terminal is missed. While it waits for its
turn, and every half minute, it recovers dead workers. Run by `launch`, in the process that it detached.
"""

from __future__ import annotations

import os
import signal
from functools import partial

from ..agents.roster import Roster
from ..errors import StoreUnavailable
from ..home import location
from ..model import CANCELLED, UNSTARTABLE
from ..reports.header import Header
from ..store.attempts import Result
from ..store.workers import new_id
from ..system import clock
from ..system.event_loop import EventLoop
from ..system.named_tuple import NamedTuple
from .agent_output import run_in_words
from .attempt_record import Plan
from .attempt_runner import AttemptRunner
from .hook_teller import tell_launched
from .launch_order import SEARCHING
from .sources import LaunchSource
from .stop_policy import LEAVE, STOP, StopPolicy
from .worker import Worker
from .worker_context import WorkerContext, WorkerSettings
from .worker_loop import StoreWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import Error
    from ..store.assignments import Assignment
    from .launch_order import LaunchOrder

ANSWERED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
RECOVER = 30.0  # seconds between its looks for dead workers, while it runs: there may be a hundred like it
LOOK = 1.0  # seconds between looks whether it is its turn


class Launched(NamedTuple):
    """What became of a launch."""

    task: str  # id
    attempt: int
    pid: int  # of its worker
    report: str  # path, absolute


def work(home: str, wanted: LaunchOrder, say: Callable[[dict[str, object]], bool]) -> None:
    """Be the worker of this launch, to its end.

    say: tells the caller that it has begun (a `Launched` as a dictionary), and returns whether anybody was there.
    Raises Error.
    """
    launch, id = wanted.launch, new_id("worker")
    database = os.path.join(home, location.DATABASE)
    settings = WorkerSettings(database, id, id, None, Roster((wanted.agent,)), 1, wanted.limits, wanted.cap)
    events = EventLoop()
    events.open(ANSWERED)
    policy = StopPolicy(events.signals, first=STOP, stage=LEAVE, outcome=CANCELLED)
    context = WorkerContext(settings, events, policy, recovers_every=RECOVER)
    source = LaunchSource(context.store, wanted.new, wanted.task, launch)
    runner = LaunchRunner(context, source, wanted)
    worker = Worker(context, source, runner)
    worker.register()
    try:
        launched = _begin(worker, runner)
        if not say(launched._asdict()):
            runner.refuse("its launch was interrupted")
        worker.run()
        source.wake_waiting()
    finally:
        worker.close()
    tell_launched(settings.database, launched.task, launched.attempt, wanted.hooks, events)


def _begin(worker: Worker, runner: LaunchRunner) -> Launched:
    """Make the report; what the caller is told. Raises StoreUnavailable where it cannot be made."""
    assert worker.assignment
    task, token = worker.assignment.task.id, worker.assignment.claim.token
    path, trouble = runner.begin(worker.assignment)
    if path is None:
        worker.record(worker.assignment, Result(UNSTARTABLE, pid=os.getpid(), note=trouble))
        raise StoreUnavailable(f"{task} was not started: {trouble}")
    return Launched(task, token, os.getpid(), path)


class LaunchRunner:
    """Runs the one attempt of a launched task (a `worker.Runner`), when its turn has come."""

    def __init__(self, context: WorkerContext, source: LaunchSource, wanted: LaunchOrder) -> None:
        self._context = context
        self._source = source
        self._wanted = wanted
        self._runner = AttemptRunner(context)
        self._plan: Plan | None = None
        self._refusal: Result | None = None

    @property
    def trouble(self) -> Error | None:
        """Return None: there is no other attempt that could not be run."""
        return self._runner.trouble

    def begin(self, assignment: Assignment) -> tuple[str | None, str | None]:
        """Make the report; its path, absolute, or None and why there is none."""
        launch = self._wanted.launch
        header = Header.of(assignment.task, assignment.claim.token, launch.agent, clock.now(), launch, os.getpid())
        header = header._replace(subject=self._wanted.subject)
        self._plan = Plan(
            self._wanted.agent, header, clock.stamp(), launch.type, header.prompt, launch.level,
            search=launch.type == SEARCHING,
        )  # fmt: skip
        record = self._runner.begin(self._plan)
        if record.report.name is None:
            return None, record.report.trouble
        record.note_report()
        return os.path.join(self._context.store.home, record.report.name), None

    def refuse(self, reason: str) -> None:
        """Have `run` do nothing, and the task be cancelled."""
        self._refusal = Result(CANCELLED, note=reason)

    def run(self, assignment: Assignment) -> Result:
        """Wait for its turn, and run it."""
        assert self._plan
        refusal = self._refusal or self._await_turn(assignment)
        if refusal:
            return self._runner.end(refusal._replace(duration=0.0))
        environment = self._context.environment_of(assignment.task, assignment.claim, self._plan.agent)
        runner, task = self._runner, assignment.task
        if task.command is not None:
            return runner.end(runner.ask_agent(task, self._plan, environment))
        ask = partial(runner.ask_agent, task, environment=environment)
        return runner.end(run_in_words(self._context.store, task, runner.record, runner, ask))

    def end(self, result: Result) -> Result:
        """End the report; return the result with what it adds."""
        return self._runner.end(result)

    def _await_turn(self, assignment: Assignment) -> Result | None:
        """Wait until it may run; or why it never will."""
        context, is_late = self._context, False
        wait = StoreWait(context.loop)
        while not context.policy.must_stop:
            try:
                if self._source.take_turn(assignment):
                    break
                reason = context.store.assignments.must_stop(assignment.claim.token)
                if reason:
                    return Result(CANCELLED, note=reason)
                wait.begin_again()
            except StoreUnavailable as error:
                wait.bear(error)
            if not is_late:
                is_late = True
                context.loop.look_for_dead_every(LOOK)  # a dead worker's turn must become free
            context.loop.wait(LOOK, [context.bell.descriptor])
            context.bell.drain()
        if is_late:
            self._restart()
        context.policy.judge()  # a signal may have come while the database was waited for
        return context.policy.result if context.policy.must_stop else None

    def _restart(self) -> None:
        """The agent starts now, and not when it was launched."""
        assert self._plan
        header = self._plan.header._replace(started=clock.now())
        self._plan = self._plan._replace(header=header, prompt=header.prompt)
        self._runner.record.restart(self._plan)
        self._context.loop.look_for_dead_every(RECOVER)
