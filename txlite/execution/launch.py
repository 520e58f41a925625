"""One detached worker, a PID back.

`launch` forks twice (the interpreter is up already: a new one would double the time), and the grandchild becomes
a worker as in a run, for one task, with nothing left of its caller: session, streams and descriptors are its own.
The caller returns when the task is recorded and its report exists, or raises what went wrong. A launched worker
answers signals itself, since its PID is what people are told:

    TERM, INT   the agent is stopped (TERM, then KILL), the task is cancelled
    QUIT        the same, without waiting before KILL
    HUP         nothing: no terminal is missed

While it waits for its turn, and every half minute, it recovers dead workers. Used by `launch` and `retry`.
"""

from __future__ import annotations

import json
import os
import select
import signal

from ..agents.agent import SHELL, Agent, find_agent
from ..agents.environment import build_command
from ..errors import Bug, Error, Interrupted, NotFound, Refused, StoreUnavailable, UsageError, record_bug
from ..home import config, location
from ..home import prompt_templates as templates
from ..model import CANCELLED, COMMAND, LEVELS, UNSTARTABLE, WORKERS, Launch, Task
from ..reports import report
from ..reports.header import Header
from ..store.attempts import Result
from ..store.new_tasks import check
from ..store.workers import new_id
from ..system import clock
from ..system.event_loop import handle_quietly
from ..system.named_tuple import NamedTuple
from ..text import check_plain_name, check_text, shorten
from . import worker
from .guarded_process import Limits
from .persistent import Standalone
from .stop_policy import STOPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ..store.assignments import Assignment
    from ..store.new_tasks import NewTask
    from ..store.store import Store

PATIENCE = 90.0  # seconds for a launched worker to say that it is there: the database may be locked for 30
DEFAULT_LEVELS = {"research": "medium"}  # by type; any other is low
RESERVED_TYPES = (
    "aside",
    "bin",
    "commands",
    "config.ini",
    "locks",
    "loops",
    "templates",
    "txlite",
    "wake",
    "worktrees",
)
RECOVER = 30.0  # seconds between its looks for dead workers, while it runs: there may be a hundred like it
TITLE_LENGTH = 200  # characters of a task's text that become its title
SEARCHING = "research"  # the type for which an agent may search the web


class LaunchInterrupted(Interrupted):
    """Ctrl-C came when the worker was there already."""

    def __init__(self, launched: Launched) -> None:
        super().__init__(f"{launched.task} was launched all the same: `txlite stop {launched.task}` ends it")
        self.launched = launched


class Order(NamedTuple):
    """What is to be launched: a new task, or one that was launched before."""

    new: NewTask | None
    task: str | None  # id
    launch: Launch
    agent: Agent
    cap: int  # bytes of output kept


class Launched(NamedTuple):
    """What became of it."""

    task: str  # id
    attempt: int
    pid: int  # of its worker
    report: str  # path, absolute


def order(
    home: str,
    words: str,
    agent: str,
    level: str | None = None,
    type: str = WORKERS,
    template: str | None = None,
    timeout: float | None = None,
    kill_after: float = 10.0,
    width: int | None = None,
) -> Order:
    """What to launch for the text of a task, with all checked that can be, and nothing changed.

    `template`: its name; `width`: it waits until fewer than so many launched tasks run. Raises UsageError,
    StoreUnavailable.
    """
    if not words.strip():
        raise UsageError("the task is empty: say what is to be done")
    check_text(words, "the task")
    options = config.read(home)
    found = find_agent(agent, options)
    level = DEFAULT_LEVELS.get(type, LEVELS[1]) if level is None else level
    found.check_level(level)
    _check_type(home, type)
    launch = Launch(agent, type, level, templates.read(home, type, template), timeout, kill_after, width)
    new = check("", words) if agent == SHELL else check(_title(words), description=words)
    wanted = Order(new, None, launch, found, report.read_cap(options))
    found.check_prompt(explain(wanted).prompt)
    return wanted


def order_again(store: Store, task: str) -> Order:
    """What to launch for a task that was launched before. Raises NotFound, UsageError."""
    launch = store.launches.of(task)
    if launch is None:
        raise NotFound(f"{task} was not launched")
    options = config.read(store.home)
    return Order(None, task, launch, find_agent(launch.agent, options), report.read_cap(options))


class Explanation(NamedTuple):
    """What would be started."""

    launch: Launch
    directory: str
    argv: list[str]
    passed: str  # how it gets the prompt: one of agents.options.PASSED, or as a command
    prompt: str


def explain(wanted: Order) -> Explanation:
    """What a new task would start, as far as it is known before the task is recorded."""
    assert wanted.new
    launch, new, moment = wanted.launch, wanted.new, clock.now()
    task = Task(
        0, "tx-", new.title, new.kind, new.needs, new.score, "active", 0, None, 0, 0, moment, moment, None, None,
        new.description, new.command, new.directory, new.verify,
    )  # fmt: skip
    prompt = Header.of(task, 0, launch.agent, moment, launch).prompt
    argv, _ = build_command(wanted.agent, task, prompt, "PROMPT-FILE", launch.level, launch.type == SEARCHING)
    passed = wanted.agent.prompt if new.command is None else COMMAND
    return Explanation(launch, new.directory, argv, passed, prompt)


def launch(home: str, wanted: Order) -> Launched:
    """Start a detached worker for it; returns when its task is recorded and its report exists.

    Must be called by a process that has no database open and a single thread. Raises Error, with the exit code
    that tells why, where the worker could not begin.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise Refused(f"no process could be started ({error.strerror}): see `ulimit -u`") from error
    if not child:
        os.close(reading)
        _become_worker(home, wanted, writing)
    try:
        os.close(writing)
        _collect(child)
        return _hear(reading, PATIENCE)
    except KeyboardInterrupt:
        if not select.select([reading], [], [], 0)[0]:
            raise  # the worker finds nobody to tell that it is there, and does not begin
        raise LaunchInterrupted(_hear(reading, 0.0)) from None
    finally:
        os.close(reading)


def _collect(child: int) -> None:
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass  # our caller had SIGCHLD ignored: the kernel did it


def _hear(reading: int, patience: float) -> Launched:
    """What the worker says, once it is there."""
    said, deadline = b"", clock.monotonic() + patience
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while poll.poll(max(deadline - clock.monotonic(), 0.0) * 1000):
        part = os.read(reading, 65536)
        said += part
        if not part:
            break
    if not said:
        raise Refused("the launched worker died, or hangs, before it began: `txlite status` shows whether it did")
    message = json.loads(said)
    if "error" in message:
        error = Error(message["error"])
        error.exit_code = message["exit_code"]
        raise error
    return Launched(**message)


def _become_worker(home: str, wanted: Order, writing: int) -> NoReturn:
    """The rest of this process's life."""
    code = Bug.exit_code
    try:
        try:
            os.setsid()
            if os.fork():
                os._exit(0)
            _detach(writing)
        except OSError as error:
            raise Refused(f"no process could be detached ({error.strerror}): see `ulimit -u`") from error
        handle_quietly((*STOPPING, signal.SIGCHLD))
        try:
            _work(home, wanted, writing)
            code = 0
        except Error:
            raise
        except Exception:
            raise record_bug("a launched worker") from None
    except Error as error:
        code = error.exit_code
        _say(writing, {"error": str(error), "exit_code": code})
    finally:
        os._exit(code)


def _detach(kept: int) -> None:
    """Give up all that came from the caller: who reads its output to the end must not wait for us."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) != kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # the one that listed them


def _say(writing: int, message: dict[str, object]) -> bool:
    """Tell the caller, once; whether it was there to be told."""
    try:
        os.write(writing, json.dumps(message).encode())
        return True
    except OSError:
        return False
    finally:
        # The number stays taken: it must not come to stand for another file that is written to again.
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(null, writing, inheritable=False)
        os.close(null)


def _work(home: str, wanted: Order, writing: int) -> None:
    launch = wanted.launch
    name = new_id("worker")
    settings = worker.WorkerSettings(
        os.path.join(home, location.DATABASE), name, name, None, wanted.agent, 1,
        Limits(launch.timeout, launch.kill_after), wanted.cap,
    )  # fmt: skip
    launched = LaunchedWorker(settings, wanted)
    try:
        if not _say(writing, launched.begin()._asdict()):
            launched.refuse("its launch was interrupted")
        launched.run()
    finally:
        launched.close()


class LaunchedWorker(Standalone):
    """A worker of one task, on its own."""

    def __init__(self, settings: worker.WorkerSettings, wanted: Order) -> None:
        self._order = wanted
        self._refusal: Result | None = None
        super().__init__(settings, (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT), RECOVER)

    def _register(self) -> None:
        self._lanes = []
        self._is_leaving = True
        if self._order.new:
            self._assignment = self._store.launches.add(self._order.new, self._order.launch, self._describe())
        else:
            self._assignment = self._store.launches.claim_again(str(self._order.task), self._describe())

    def begin(self) -> Launched:
        """Make the report; what the caller is told. Raises StoreUnavailable where it cannot be made."""
        assert self._assignment
        task, claim, launch = self._assignment.task, self._assignment.claim, self._order.launch
        heading = Header.of(task, claim.token, launch.agent, clock.now(), launch, os.getpid())
        self._work = worker.Plan(
            self._order.agent, heading, clock.stamp(), launch.type, heading.prompt, launch.level,
            search=launch.type == SEARCHING,
        )  # fmt: skip
        paper = self._open_report(self._work)
        if paper.name is None:
            self._record(self._assignment, Result(UNSTARTABLE, pid=os.getpid(), note=paper.trouble))
            raise StoreUnavailable(f"{task.id} was not started: {paper.trouble}")
        self._note(self._work, report=paper.name)
        return Launched(task.id, claim.token, os.getpid(), os.path.join(self._store.home, paper.name))

    def refuse(self, reason: str) -> None:
        """Do not begin."""
        self._refusal = Result(CANCELLED, note=reason)

    def run(self) -> None:
        """Run the task, and wake those that wait for their turn."""
        super().run()
        self._store.launches.wake_waiting()

    def _attempt(self, assignment: Assignment) -> Result:
        refusal = self._refusal or self._await_turn(assignment.claim.token)
        if refusal:
            return self._complete(refusal._replace(duration=0.0))
        return self._execute(assignment, self._work)

    def _await_turn(self, token: int) -> Result | None:
        """Wait until it may run; or why it never will."""
        is_late = False
        deadline = clock.monotonic() + worker.STORE_PATIENCE
        while not self._signals:
            try:
                if self._store.launches.take_turn(token):
                    break
                reason = self._store.assignments.must_stop(token)
                if reason:
                    return Result(CANCELLED, note=reason)
                deadline = clock.monotonic() + worker.STORE_PATIENCE
            except StoreUnavailable as error:
                self._bear(error, deadline)
            if not is_late:
                is_late = True
                self.recover_every(worker.LOOK)  # a dead worker's turn must become free
            self._wait(worker.LOOK, [self._listener.descriptor])
            self._listener.drain()
            self._keep_alive(token)
        if is_late:
            moment = clock.now()
            heading = self._work.heading._replace(started=moment)
            self._work = self._work._replace(heading=heading, prompt=heading.prompt)
            if self._paper:
                self._paper.restart(moment)
                self._note(self._work, report=self._paper.name)
            self.recover_every(RECOVER)
        return self._stopped() if self._signals else None

    def _stopped(self) -> Result:
        return Result(CANCELLED, note=f"it was stopped by {signal.Signals(self._signals[0]).name}")

    def _heed_signals(self) -> None:
        if self._signals and self._run:
            self._run.stop(self._stopped())
            if signal.SIGQUIT in self._signals:
                self._run.hasten()


def _title(words: str) -> str:
    return shorten(words.strip().split("\n", 1)[0], TITLE_LENGTH)


def _check_type(home: str, type: str) -> None:
    check_plain_name(type, "the type")
    path = os.path.join(home, type)
    is_reserved = type in RESERVED_TYPES or type.startswith(location.DATABASE)
    if is_reserved or (os.path.lexists(path) and not os.path.isdir(path)):
        raise UsageError(f"the type {type!r} cannot name a directory of reports in {home}: choose another")
