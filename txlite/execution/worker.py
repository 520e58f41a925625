"""A worker: claims tasks and runs their attempts, one at a time, until it is told to leave.

It is the guard of its agent: single-threaded, one loop over the agent, its output, the wake-up and the control
connection, with a deadline for everything. It holds the lock on its file for as long as it lives. Orders come
from the supervisor through the connection, never by signal, because terminals, `timeout`, systemd and Slurm
signal the whole group; at the end of the connection (the supervisor died) it finishes what it runs and leaves.
Started by `supervisor` (and, in a process of its own, by `launcher`).
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from ..agents.agent import SHELL, Agent
from ..agents.environment import Environment, Invocation, build_command
from ..errors import Error, StoreLost, StoreUnavailable, record_bug
from ..model import CANCELLED, INTERRUPTED, UNSTARTABLE, WORKERS, WorkerRecord, format_lanes
from ..reports import report
from ..reports.header import Header
from ..store.assignments import Assignment
from ..store.attempts import Result
from ..store.store import open_store
from ..system import clock, liveness, process
from ..system import wakeup as wake
from ..system.event_loop import handle_quietly
from ..system.named_tuple import NamedTuple
from . import presence
from .control import FINISHED, IDLE, Control
from .guarded_process import Limits, Run
from .stop_policy import KILL, LEAVE, STOP, STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..agents.results import Sink

HEARTBEAT = 30.0  # seconds
LOOK = 1.0  # seconds between looks at the change counter, in case a wake-up was lost
WORD = 0.1  # seconds between words about finished attempts, at the least
SHORT = 0.02  # seconds: an attempt that takes longer has its agent noted in the lock file
NEEDS_NOTE = not process.HAS_PROC  # where there are no marks to find it by, it is noted at once
STORE_PATIENCE = 60.0  # seconds for which a database that cannot be used is waited for


class Plan(NamedTuple):
    """How an attempt is to be run."""

    agent: Agent
    heading: Header
    stamp: str  # of the report's name
    directory: str  # of the report, below home
    prompt: str
    level: str = ""
    in_loop: bool = False  # as RALPH runs it
    search: bool = False  # whether the agent may search the web


class WorkerSettings(NamedTuple):
    """All that a worker must know, as one record that can be pickled."""

    database: str
    id: str
    name: str
    supervisor: str | None
    agent: Agent
    max_attempts: int
    limits: Limits
    cap: int
    policy: object = None  # what a loop's workers must know besides


def main(settings: WorkerSettings, control: Connection, kind: type[Worker] | None = None) -> None:
    """The body of a worker process, of this kind or a plain one."""
    handle_quietly((*STOPPING, signal.SIGCHLD))
    try:
        _work(settings, control, kind or Worker)
    except Error as error:
        if not Control(control).tell_trouble(error):
            print(f"txlite: {settings.id}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _work(settings: WorkerSettings, control: Connection, kind: type[Worker]) -> None:
    try:
        worker = kind(settings, control)
        try:
            worker.run()
        finally:
            worker.close()
    except Error:
        raise
    except Exception:
        raise record_bug(f"worker {settings.id}") from None


class Worker:
    """The state of one worker process."""

    _claims_at_once = True  # the next task, as it records the end of one

    def __init__(self, settings: WorkerSettings, control: Connection | None) -> None:
        self._settings = settings
        self._control = control
        if control:
            os.set_blocking(control.fileno(), False)
        self._is_leaving = self._must_stop = self._must_hasten = False
        self._run: Run | None = None
        self._assignment: Assignment | None = None  # what we hold
        self._wakeup, wakeup = os.pipe()
        for end in (self._wakeup, wakeup):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        self._is_subreaper = process.become_subreaper()
        self._store = open_store(settings.database)
        self._uuid = self._store.uuid
        self._lanes = settings.agent.lanes
        self._environment = Environment(settings.agent, self._store.home)
        self._liveness = liveness.Liveness(self._store.lock_path(settings.id))
        self._listener = wake.Listener(self._store.wake_directory, settings.id)
        self._heartbeat = clock.monotonic() + HEARTBEAT
        self._next_look = clock.monotonic() + LOOK
        self._next_word = 0.0
        self._paper: report.Report | None = None  # of the attempt that we run
        try:
            self._register()
        except BaseException:
            self._listener.close()
            self._liveness.release()
            raise

    def _register(self) -> None:
        self._store.workers.register(self._describe())

    def _describe(self) -> WorkerRecord:
        """Who we are."""
        settings, moment = self._settings, clock.now()
        return WorkerRecord(
            settings.id,
            settings.name,
            settings.supervisor,
            format_lanes(self._lanes),
            clock.host(),
            str(process.identify(os.getpid())),
            settings.limits.kill_after,
            moment,
            moment,
            None,
        )

    def run(self) -> None:
        """Work until told to leave."""
        self._wait(0.0, [])  # orders may have come before we were ready
        while self._assignment or not self._is_leaving:
            if self._assignment:
                self._record(self._assignment, self._try(self._assignment))
            else:
                self._wait_for_work()

    def close(self) -> None:
        """Sign off. Where something went wrong before, the agent is ended first, and its task given back; if that
        fails, too, nothing is signed off, and recovery takes the case."""
        self._listener.close()
        self._end_agent()
        if self._assignment:
            result = self._complete(Result(INTERRUPTED, note="its worker had to give up"))
            self._store.assignments.finish(self._assignment.claim.token, result, self._settings.max_attempts)
        self._store.workers.retire(self._settings.id)
        self._store.close()
        self._liveness.release()

    def _end_agent(self) -> None:
        if self._run:
            self._run.stop(Result(INTERRUPTED, note="its worker had to give up"))
        while self._run and not self._run.result:
            self._run.advance(self._wait(self._run.patience or 0.0, self._run.descriptors))
        self._run = None

    def _wait_for_work(self) -> None:
        """Claim a task, sleeping until there is one or it is time to leave. A database that cannot be used for a
        while (somebody holds its lock, the disk is full) is waited for, too."""
        deadline = clock.monotonic() + STORE_PATIENCE
        while not self._is_leaving and not self._assignment:
            self._listener.show()
            try:
                changes = self._store.changes()
                self._assignment = self._claim()
                if not self._assignment:
                    self._tell(IDLE)
                    self._sleep(changes)
                deadline = clock.monotonic() + STORE_PATIENCE
            except StoreUnavailable as error:
                self._bear(error, deadline)
            self._listener.hide()

    def _claim(self) -> Assignment | None:
        return self._store.assignments.claim_next(self._settings.id, self._lanes, self._settings.agent.name)

    def _bear(self, error: StoreUnavailable, deadline: float) -> None:
        """Wait a moment for a database that cannot be used; raise where waiting does not help, or was long enough."""
        if isinstance(error, StoreLost) or clock.monotonic() > deadline:
            raise error
        self._wait(LOOK, [])

    def _sleep(self, changes: int) -> None:
        """Until we are rung, or the database changes, or a task's time comes, or we have to leave."""
        due = self._next_due()
        while not self._is_leaving:
            patience = min(LOOK, max(clock.to_seconds(due) - time.time(), 0.0) + 0.001) if due else LOOK
            rung = self._listener.descriptor in self._wait(patience, [self._listener.descriptor])
            self._keep_alive()
            if rung or (due and due <= clock.now()) or self._store.changes() != changes:
                break

    def _next_due(self) -> str | None:
        due = self._store.assignments.next_due()
        try:
            return due if due and clock.to_seconds(due) else None
        except ValueError:
            return None  # a date that no calendar has: edited by hand

    def _try(self, assignment: Assignment) -> Result:
        """Run an attempt; a bug of ours that only this task brings about is its failure, not the worker's."""
        try:
            return self._attempt(assignment)
        except Error:
            raise
        except Exception:
            bug = record_bug(f"worker {self._settings.id}, task {assignment.task.id}")
            self._end_agent()
            return self._complete(Result(UNSTARTABLE, note=str(bug)))

    def _attempt(self, assignment: Assignment) -> Result:
        """Run the agent for a task, to the end of its tree."""
        plan = self._plan(assignment)
        self._open_report(plan)
        return self._execute(assignment, plan)

    def _plan(self, assignment: Assignment) -> Plan:
        name = SHELL if assignment.task.command is not None else self._settings.agent.name
        heading = Header.of(assignment.task, assignment.claim.token, name, clock.now())
        return Plan(self._settings.agent, heading, clock.stamp(), WORKERS, heading.prompt)

    def _open_report(self, plan: Plan) -> report.Report:
        """Begin the report; first note what recovery must know to end it."""
        self._note(plan)
        directory = os.path.join(self._store.home, plan.directory)
        self._paper = report.Report(directory, plan.stamp, plan.heading, self._settings.cap)
        return self._paper

    def _note(self, plan: Plan, **more: object) -> None:
        heading = plan.heading
        note = {"attempt": heading.attempt, "stamp": plan.stamp, "started": heading.started, "name": heading.agent}
        if plan.directory != WORKERS:
            note["directory"] = plan.directory
        self._liveness.write_note({**note, **more})

    def _execute(self, assignment: Assignment, plan: Plan) -> Result:
        return self._complete(self._run_agent(assignment, plan))

    def _run_agent(self, assignment: Assignment, plan: Plan) -> Result:
        """The agent's own end; its report is still open."""
        task, claim, paper = assignment.task, assignment.claim, self._paper
        assert paper
        file = report.prompt_file(os.path.join(self._store.home, plan.directory), claim.token)
        argv, stdin = build_command(plan.agent, task, plan.prompt, file, plan.level, plan.search, plan.in_loop)
        try:
            if file in argv:
                report.write_prompt(file, plan.prompt)
        except OSError as error:
            return Result(UNSTARTABLE, note=f"its prompt could not be written: {error.strerror}")
        invocation = Invocation(argv, stdin, self._environment_of(assignment))
        leaves_daemons = self._settings.agent.daemons and task.command is None
        run = self._start(invocation, task.directory, claim.token, paper, self._settings.limits, leaves_daemons)
        if run.result is None:
            self._guard(run, claim.token, 0.0 if NEEDS_NOTE else SHORT)
        if run.result is None:  # for a shorter one the marks on its processes would do
            self._note(plan, agent=str(run.agent), report=paper.name)
        while run.result is None:
            self._guard(run, claim.token)
        self._run = None
        return run.result._replace(pid=run.pid)

    def _environment_of(self, assignment: Assignment) -> dict[bytes, bytes]:
        return self._environment.of(assignment.task, assignment.claim, self._uuid)

    def _start(
        self,
        invocation: Invocation,
        directory: str | None,
        token: int,
        sink: Sink,
        limits: Limits,
        leaves_daemons: bool = False,
    ) -> Run:
        """Start a process of the attempt with this token; what it writes goes to `sink`."""
        self._run = Run(
            invocation, directory, sink, (self._uuid, token), limits, lambda: presence.live_pids(self._store),
            leaves_daemons, self._is_subreaper,
        )  # fmt: skip
        return self._run

    def _complete(self, result: Result) -> Result:
        """End the report of the attempt that we run; the result with what it adds."""
        paper, self._paper = self._paper, None
        if paper is None:
            return result
        pid = paper.pid or result.pid or os.getpid()
        return paper.finish(result._replace(pid=pid), pid)

    def _guard(self, run: Run, token: int, patience: float = LOOK) -> None:
        """One turn of the loop around a running agent."""
        if run.patience is not None:
            patience = min(run.patience, patience)
        readable = self._wait(patience, [*run.descriptors, self._listener.descriptor])
        if self._listener.descriptor in readable or clock.monotonic() >= self._next_look:
            self._next_look = clock.monotonic() + LOOK
            self._listener.drain()
            self._keep_alive(token)
            self._heed_verdict(run, token)
        run.advance(readable)

    def _heed_verdict(self, run: Run, token: int) -> None:
        """Stop the agent if somebody decided about its task meanwhile."""
        try:
            reason = self._store.assignments.must_stop(token)
        except StoreUnavailable:
            return  # no reason to lose the agent's work: the next look may succeed
        if reason:
            run.stop(Result(CANCELLED, note=reason))

    def _record(self, assignment: Assignment, result: Result) -> None:
        """Write the end of the attempt down, and claim the next in the same transaction."""
        settings = self._settings
        deadline = clock.monotonic() + STORE_PATIENCE
        while True:
            lanes = self._lanes if self._claims_at_once and not self._is_leaving else ()
            try:
                self._assignment = self._store.assignments.finish(
                    assignment.claim.token, result, settings.max_attempts, settings.id, lanes, settings.agent.name
                )
                break
            except StoreUnavailable as error:
                self._bear(error, deadline)
        if clock.monotonic() >= self._next_word:
            self._next_word = clock.monotonic() + WORD
            self._tell(FINISHED)

    def _keep_alive(self, token: int | None = None) -> None:
        """Heartbeat, and the lease with it."""
        if clock.monotonic() >= self._heartbeat:
            self._heartbeat = clock.monotonic() + HEARTBEAT
            try:
                self._store.workers.heartbeat(self._settings.id, token)
            except StoreUnavailable:
                pass  # the lock on our file says that we live; the next one may come through

    def _wait(self, seconds: float, descriptors: list[int]) -> set[int]:
        """Those that became readable within `seconds`; orders are obeyed on the way."""
        poll = select.poll()
        control = -1 if self._control is None or self._control.closed else self._control.fileno()
        for descriptor in (self._wakeup, control, *descriptors):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        readable = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
        if self._wakeup in readable:
            os.read(self._wakeup, 4096)
        self._heed_signals()
        if control in readable:
            self._obey()
        return readable - {self._wakeup, control}

    def _heed_signals(self) -> None:
        """For a worker without a supervisor: others count none."""

    def _obey(self) -> None:
        assert self._control
        try:
            order = int(self._control.recv_bytes())
        except BlockingIOError:
            return
        except (EOFError, OSError):
            order = LEAVE
            self._control.close()
        self._is_leaving = True
        self._must_stop = self._must_stop or order in (STOP, KILL)
        self._must_hasten = self._must_hasten or order == KILL
        if self._run and order in (STOP, KILL):
            self._run.stop(Result(INTERRUPTED, note="it was stopped"))
            if order == KILL:
                self._run.hasten()

    def _tell(self, what: bytes) -> None:
        try:
            if self._control and not self._control.closed:
                self._control.send_bytes(what)
        except OSError:
            pass  # the supervisor is gone or does not read: the database tells it all the same
