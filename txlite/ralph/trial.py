"""The worker of a loop: a fresh agent for each task, judged by a gate before its work counts.

What an agent says decides nothing by itself: the task is done when the agent exited with 0, or said done itself, and
the gate passed, and its work is where it belongs (`workplace`). Then, and only then, its attempt is recorded as done.
What a provider refuses (`provider`) costs the task nothing. All that is run for an attempt, git and the gate too, is
run under its guard: with its mark, in a session of its own, to the end of its tree. Started by `loop` through
`supervisor`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import time

from ..agents.environment import Invocation
from ..agents.results import LIMITED, ResultParser
from ..errors import Error, Refused, StoreUnavailable
from ..execution import worker
from ..execution.guarded_process import Limits
from ..git import command as git
from ..model import CANCELLED, DONE, FAILED, INTERRUPTED, UNKILLABLE, UNSTARTABLE
from ..store.attempts import Result
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import prompt as briefing
from .in_place import InPlace
from .workspace import PlainDirectory, Rules, WorkRejected, WorkspaceUnusable, below
from .worktree import Worktree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from ..agents.results import Sink
    from ..execution.guarded_process import Run
    from ..model import Task
    from ..store.assignments import Assignment
    from .workspace import Workspace, WorkspaceKind

SET_UP = 1800.0  # seconds for the setup command
LOCK_PATIENCE = 30.0  # seconds to wait for somebody else's git
DAY = 86400.0
STALE = 10.0  # seconds after which a lock that our own killed git left is one
LOCK_LOOK = 0.01  # seconds between looks at a lock
DONE_FILE = ".txlite-done-"  # with the attempt's number: in the task's directory
COMMANDS = "commands"  # below home: where agents find `txlite`
_LOCK = re.compile(r"(?:'|file )([^'\n]+\.(?:lock|new))'?: File exists")


class Policy(NamedTuple):
    """What the workers of a loop must know."""

    loop: str  # its id
    rules: Rules
    template: str
    level: str
    verify: str | None  # the gate, for tasks that have none of their own
    verify_timeout: float  # seconds
    settle: float  # seconds for an agent to exit after its result


class Stopped(Exception):
    """Somebody stopped the attempt."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.note)
        self.result = result


class Memory:
    """The end of what a short command wrote."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        """Keep the end of it."""
        self.data = (self.data + data)[-(1 << 16) :]


def main(settings: worker.WorkerSettings, control: Connection) -> None:
    """The body of a worker process of a loop."""
    worker.main(settings, control, RalphWorker)


class RalphWorker(worker.Worker):
    """Also the host of the places in which its agents work (`workplace.Host`)."""

    _claims_at_once = False  # the loop has a word in what comes next

    def __init__(self, settings: worker.WorkerSettings, control: Connection | None) -> None:
        assert isinstance(settings.policy, Policy)
        self._policy = settings.policy
        self._trouble: Error | None = None  # why this loop cannot go on
        self._ear: ResultParser | None = None  # of the agent that runs
        self._is_settling = False  # it has reported its result
        self._done_file = ""
        self._token = 0
        self._top: str | None = None
        self._surroundings: dict[bytes, bytes] = {}
        super().__init__(settings, control)

    def _claim(self) -> Assignment | None:
        return self._store.loop_attempts.claim_next(
            self._settings.id, self._lanes, self._settings.agent.name, self._policy.loop
        )  # fmt: skip

    def _next_due(self) -> str | None:
        """What is waited for may be the provider, too."""
        limit = self._store.loops.limit_of(self._settings.agent.name)
        return limit[0] if limit else super()._next_due()

    def _record(self, assignment: Assignment, result: Result) -> None:
        super()._record(assignment, result)
        if self._trouble:
            raise self._trouble

    def _attempt(self, assignment: Assignment) -> Result:
        task, self._token = assignment.task, assignment.claim.token
        self._surroundings = self._environment.of(task, assignment.claim, self._uuid, for_agent=False)
        place = self._choose(task)
        self._paper_plan = self._plan(_there(assignment, place))
        self._open_report(self._paper_plan)
        with contextlib.ExitStack() as alone:
            return self._complete(self._end(place, self._try_in(place, assignment, alone)))

    def _choose(self, task: Task) -> Workspace:
        """The place for an attempt of this task."""
        rules = self._policy.rules
        directory = os.path.realpath(task.directory or rules.repository or os.getcwd())
        kind: WorkspaceKind = InPlace
        if rules.worktrees:
            kind = Worktree
        if rules.repository is None or below(directory, os.path.realpath(rules.repository)) is None:
            kind = PlainDirectory
        return kind(self._store, self, rules, task, self._token)

    def _try_in(self, place: Workspace, assignment: Assignment, alone: contextlib.ExitStack) -> Result:
        """All that is done for the task, in a place that is ours alone where it cannot be shared."""
        try:
            if place.lock:
                alone.enter_context(self.locked(place.lock))
            return self._work(assignment, place)
        except Stopped as stop:
            return stop.result
        except WorkRejected as error:
            return Result(FAILED, note=str(error))
        except Refused as error:
            return self._give_up(error)
        except OSError as error:
            return self._give_up(_named(error))

    def _give_up(self, error: Error) -> Result:
        """The loop cannot go on; the task goes back at no cost."""
        self._trouble = error
        return Result(INTERRUPTED, note=str(error))

    def _work(self, assignment: Assignment, place: Workspace) -> Result:
        """From the start to the end of what is done for a task. Raises Stopped, Unfit, Hindered."""
        landed = place.enter()
        if landed:
            return Result(DONE, note=f"its work had landed as {landed[:12]} when the attempt before was cut off")
        result = self._ask_agent(assignment, place)
        if result.outcome != DONE:
            return result
        try:
            commit = place.keep()
        except WorkRejected as error:
            return result._replace(outcome=FAILED, note=str(error))
        except Stopped as stop:
            return stop.result._replace(exit_code=result.exit_code, pid=result.pid)
        if commit:
            self.remark(f"committed as {commit}")
        return result

    def _end(self, place: Workspace, result: Result) -> Result:
        """Leave the place as it must be after an attempt that did not pass."""
        if result.outcome == DONE:
            return result
        reason = result.note or result.outcome
        try:
            parked = place.leave(reason) if result.outcome == INTERRUPTED else place.set_aside(reason)
        except (Refused, OSError) as error:
            self._trouble = self._trouble or (_named(error) if isinstance(error, OSError) else error)
            self.remark(str(self._trouble))
            return result
        if parked:
            self.remark(f"what it changed is parked as {parked}")
        return result

    def _ask_agent(self, assignment: Assignment, place: Workspace) -> Result:
        """The agent's end, judged by itself: DONE if it exited with 0, or said so."""
        assignment = _there(assignment, place)
        task = assignment.task
        self._done_file = os.path.join(place.directory, f"{DONE_FILE}{self._token}")
        _remove_done_files(place.directory)
        self._top = place.top
        prompt = briefing.write(
            self._policy.template, self._store, task, self._gate, self._done_file, place.goes_on, place.commits
        )  # fmt: skip
        plan = self._paper_plan._replace(prompt=prompt, level=self._policy.level, in_loop=True)
        self._is_settling = False
        self._check()
        result = self._run_agent(assignment, plan)
        has_said_done = self._has_said_done()
        _remove_done_files(place.directory)
        word = self._ear.find_refusal() if self._ear else None
        self._ear = None
        if result.outcome in (CANCELLED, INTERRUPTED, UNKILLABLE):
            return result
        if has_said_done or result.outcome == DONE and not word:
            return result._replace(outcome=DONE, note=result.note if result.outcome == DONE else "it had said done")
        if word and word.kind == LIMITED:
            self._store.loops.limit_agent(self._settings.agent.name, word.until, word.reason)
            return result._replace(outcome=INTERRUPTED, note=f"{word.reason} (no more before {word.until})")
        if word:
            return self._give_up(Refused(f"agent {self._settings.agent.name}: {word.reason}: mend that first"))
        is_ours = os.access(place.directory, os.X_OK) and os.strerror(errno.E2BIG) not in (result.note or "")
        if result.outcome == UNSTARTABLE and task.command is None and is_ours:  # no task could be worked on
            return self._give_up(Refused(f"agent {self._settings.agent.name}: {result.note}"))
        return result

    @property
    def _gate(self) -> str | None:
        assert self._assignment
        return self._assignment.task.verify or self._policy.verify

    def _has_said_done(self) -> bool:
        return os.path.lexists(self._done_file) or self._store.loop_attempts.has_said_done(self._token)

    def _environment_of(self, assignment: Assignment) -> dict[bytes, bytes]:
        """What the agent sees: where to find `txlite`, and the file that says done where that may not be run."""
        environment = git.confined(super()._environment_of(assignment), self._top)
        path = environment.get(b"PATH", os.fsencode(os.defpath))
        environment[b"PATH"] = os.fsencode(os.path.join(self._store.home, COMMANDS)) + b":" + path
        environment[b"TXLITE_DONE_FILE"] = os.fsencode(self._done_file)
        return environment

    def _start(
        self,
        invocation: Invocation,
        directory: str | None,
        token: int,
        sink: Sink,
        limits: Limits,
        leaves_daemons: bool = False,
    ) -> Run:
        is_prompt = self._assignment and self._assignment.task.command is None
        if is_prompt and sink is self._paper and limits is self._settings.limits:  # the agent, and no gate
            agent = self._settings.agent
            sink = self._ear = ResultParser(sink, agent.results, agent.limit, agent.unusable)
        return super()._start(invocation, directory, token, sink, limits, leaves_daemons)

    def _heed_verdict(self, run: Run, token: int) -> None:
        super()._heed_verdict(run, token)
        if self._ear is None:
            return
        is_over = self._ear.has_result or self._has_said_done()
        if is_over and not self._is_settling:
            note = f"it had ended its work, and was stopped {self._policy.settle:g} s later"
            run.bound(self._policy.settle, Result(DONE, note=note))
        elif self._is_settling and not is_over:
            run.unbind()
        self._is_settling = is_over

    # What a place asks of us.

    def verify(self, directory: str) -> str | None:
        """Run the gate there; return why it did not pass, or None."""
        gate = self._gate
        return self._command("the gate", gate, directory, self._policy.verify_timeout) if gate else None

    def set_up(self, command: str, directory: str) -> str | None:
        """Run the setup command there; return why it failed, or None."""
        return self._command("the setup command", command, directory, SET_UP)

    def _command(self, what: str, command: str, directory: str, timeout: float) -> str | None:
        """Run a configured command, its output in the report; why it failed, or None."""
        assert self._paper
        self.remark(f"{what}: {command}")
        result = self._call(["/bin/sh", "-c", command], directory, self._paper, timeout)
        if result.outcome == DONE:
            return None
        return f"{what} failed: {result.note or f'exit {result.exit_code}'}"

    def act(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
        """Run git, until somebody stops it; return its exit code and output."""
        return self._act(argv, directory, stdin, surely=False)

    def act_surely(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
        """Run git that must come to its end."""
        return self._act(argv, directory, stdin, surely=True)

    def _act(self, argv: list[str], directory: str, stdin: bytes | None, surely: bool) -> tuple[int | None, str]:
        """Run git; a lock that somebody else's git holds is waited for."""
        deadline = clock.monotonic() + LOCK_PATIENCE
        while True:
            sink = Memory()
            result = self._call(argv, directory, sink, git.ACTED, stdin, surely)
            output = sink.data.decode("utf-8", "replace")
            if result.outcome == DONE:
                return 0, output
            lock = _LOCK.search(output)
            if not lock or result.outcome != FAILED:
                self._paper_write(output)
                return result.exit_code or 1, output or result.note or ""
            if clock.monotonic() > deadline:
                raise WorkspaceUnusable(
                    f"{lock[1]} has been there for {LOCK_PATIENCE:g} s: if no git works there, remove it"
                )
            self._break(lock[1])
            self._wait(0.1, [])

    def _break(self, lock: str) -> None:
        """Remove a lock that our own git left when it was killed: one made while an attempt of ours was cut off."""
        try:
            made = os.stat(lock).st_mtime
        except OSError:
            return
        if time.time() - made > STALE and any(begin <= made <= end for begin, end in self._cut_off_times()):
            self.remark(f"{lock} was left by an attempt that was cut off, and is removed")
            _remove(lock)

    def _cut_off_times(self) -> Iterator[tuple[float, float]]:
        """When the attempts ran that were cut off in the last day, seconds since the epoch."""
        for started, ended in self._store.loop_attempts.cut_off_since(clock.now(-DAY)):
            yield clock.to_seconds(started), clock.to_seconds(ended)

    def _call(
        self,
        argv: list[str],
        directory: str,
        sink: Sink,
        timeout: float,
        stdin: bytes | None = None,
        surely: bool = False,
    ) -> Result:
        """Run a command of the attempt to the end of its tree. Raises Stopped, unless it must come to its end."""
        if not surely:
            self._check()
        if argv[0] == "git":
            environment = git.environment(self._surroundings, directory)
        else:
            environment = git.confined(self._surroundings, self._top)
        limits = Limits(timeout, self._settings.limits.kill_after)
        leaves_daemons = self._settings.agent.daemons  # those of the agent, which are no part of this command
        run = self._start(
            Invocation(argv, stdin, environment), directory, self._token, sink, limits, leaves_daemons
        )  # fmt: skip
        while run.result is None:
            if surely:
                self._run = None  # no order, and nobody's word, reaches it, but for the last
                if self._must_hasten:
                    run.stop(Result(FAILED, note="it was killed"))
                    run.hasten()
                run.advance(self._wait(worker.LOOK if run.patience is None else run.patience, run.descriptors))
            else:
                self._guard(run, self._token)
        self._run = None
        if run.result.outcome in (INTERRUPTED, CANCELLED):
            raise Stopped(run.result)
        return run.result

    @contextlib.contextmanager
    def locked(self, path: str, surely: bool = False) -> Iterator[None]:
        """Hold the lock on a file; waited for until somebody stops the attempt, or surely."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _try_lock(file):
                self._wait(LOCK_LOOK, [])
                self._keep_alive(self._token)
                if not surely:
                    self._check()
            yield
        finally:
            os.close(file)

    def rest(self) -> None:
        """Wait a moment. Raises Stopped."""
        self._wait(0.1, [])
        self._check()

    def _check(self) -> None:
        """Raise Stopped if somebody stopped the attempt, or decided about its task."""
        if self._must_stop:
            raise Stopped(Result(INTERRUPTED, note="it was stopped"))
        if clock.monotonic() >= self._next_look:
            self._next_look = clock.monotonic() + worker.LOOK
            reason = self._store.assignments.must_stop(self._token)
            if reason:
                raise Stopped(Result(CANCELLED, note=reason))

    def free(self, lock: str) -> None:
        """Wait until a lock of git's is gone, and remove it if a kill has left it."""
        deadline = clock.monotonic() + LOCK_PATIENCE
        while os.path.lexists(lock) and clock.monotonic() < deadline:
            self._break(lock)
            self.rest()

    def remark(self, text: str) -> None:
        """Write a line of ours into the report."""
        self._paper_write(f"\n[txlite] {text}\n")

    def _paper_write(self, text: str) -> None:
        if self._paper:
            self._paper.write(text.encode("utf-8", "replace"))


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _there(assignment: Assignment, place: Workspace) -> Assignment:
    """The same task, with the directory in which it is worked on."""
    return assignment._replace(task=assignment.task._replace(directory=place.directory))


def _named(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"{error.filename or 'a file'}: {error.strerror}")


def _remove_done_files(directory: str) -> None:
    """Ours, and those of attempts that were cut off here: nobody commits them."""
    with contextlib.suppress(OSError):  # a directory that cannot be read: the agent will not start there
        for name in os.listdir(directory):
            if name.startswith(DONE_FILE):
                _remove(os.path.join(directory, name))


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
