"""The session in which an agent worked on a task, to be gone on with by a person in a terminal.

Guarantee: the loop begins nothing for the task meanwhile, and gets it back at the end, however that comes. Used by the
command `attach`.
"""

from __future__ import annotations

import contextlib
import os

from ..agents.agent import describe_agent
from ..agents.environment import Environment
from ..agents.last_words import parse_event
from ..agents.usage import CostMeter
from ..errors import NotFound, Refused, UsageError
from ..home import config
from ..model import ACTIVE, AGENT_PART, BACKLOG
from ..reports import events
from ..system.named_tuple import NamedTuple
from .presence import last_attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..agents.agent import Agent
    from ..model import Attempt, Task
    from ..store.store import Store

HOLDER = "attach"  # who holds the task meanwhile
OF_ATTEMPT = (b"TXLITE_TASK", b"TXLITE_TOKEN", b"TXLITE_DIRECTORY", b"TXLITE_ATTEMPT", b"TXLITE_DONE_FILE")
BEGINNING = 1 << 20  # bytes of its events in which an agent says what its session is
NOBODY_BUT_US = ("waiting", "later", "reserved")  # states of a task that no loop begins, and nobody can claim


class AgentSession(NamedTuple):
    """A session that can be gone on with."""

    task: str  # id
    attempt: int
    agent: Agent
    session: str
    directory: str

    @property
    def argv(self) -> list[str]:
        """Return what goes on with it."""
        return [word.replace("{session}", self.session) for word in self.agent.resume]

    def environment(self, home: str) -> dict[bytes, bytes]:
        """Return what its agent sees: as it would in an attempt, but for what tells which that is."""
        seen = Environment(home).of_agent(self.agent)
        return {name: value for name, value in seen.items() if name not in OF_ATTEMPT}


def find_session(store: Store, id: str) -> AgentSession:
    """Return the last session of the task with this id. Raises TaskNotFound; NotFound where there is none; Refused
    where it cannot be gone on with."""
    task = store.get(id)
    if task.status == ACTIVE:
        raise Refused(_explain_running(store, id))
    for attempt in reversed(store.attempts(id)):
        session, place = _read_session(store, attempt)
        if session:
            agent = describe_agent(attempt.agent, config.read(store.home))
            if not agent.resume:
                words = f"set `resume = COMMAND {{session}}` in [agent {agent.name}] of config.ini"
                raise Refused(f"how a session of {agent.name} is gone on with is not known: {words}")
            directory = place or _find_directory(store, task, attempt.id)
            if not os.path.isdir(directory):
                raise Refused(_explain_gone(store, attempt.id, directory))
            return AgentSession(id, attempt.id, agent, session, directory)
    raise NotFound(f"no agent of {id} has said what its session is: claude and codex say it, where they write events")


def hold(store: Store, id: str) -> AbstractContextManager[object]:
    """Keep the task with this id from all others for as long as a `with` block runs. Raises as `Store.claim`."""
    task = store.get(id)
    if task.status != BACKLOG or task.state in NOBODY_BUT_US:
        return contextlib.nullcontext()
    return store.claimed(id, HOLDER)


def run_in_terminal(session: AgentSession, home: str) -> int:
    """Go on with a session in this terminal, to its end; return its exit code, as a shell counts. Raises Refused where
    it cannot be started."""
    import signal
    import subprocess

    # They are for the agent; were they ignored, it would ignore them, too.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        code = subprocess.call(session.argv, cwd=session.directory, env=session.environment(home))
    except OSError as error:
        raise Refused(f"{session.argv[0]} could not be started: {error.strerror}") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _read_session(store: Store, attempt: Attempt) -> tuple[str | None, str]:
    """What was recorded as its session or, where its end was not, what it said itself; and where that was."""
    said, place = _read_events(store, attempt)
    known = [usage.session for usage in store.usages.of(attempt.id) if usage.part == AGENT_PART and usage.session]
    return (known[0] if known else said), place


def _read_events(store: Store, attempt: Attempt) -> tuple[str | None, str]:
    if not events.has_events(store.home, attempt.id):
        return None, ""
    try:
        data = next(events.read_events(store.home, attempt.id), b"")[:BEGINNING]
        results = describe_agent(attempt.agent, config.read(store.home)).results
    except (OSError, UsageError):
        return None, ""
    meter, place = CostMeter(results), ""
    for line in data.decode("utf-8", "replace").split("\n"):
        event = parse_event(line)
        if event is not None:
            meter.read(event)
            said = event.get("cwd")
            place = place or (said if isinstance(said, str) and event["type"] == "system" else "")
    return meter.tell(attempt.id, AGENT_PART, attempt.agent).session, place


def _find_directory(store: Store, task: Task, attempt: int) -> str:
    """Where it worked: in a worktree of its own below it, where the task's directory is below the repository."""
    directory, trial = task.directory or os.getcwd(), store.loop_attempts.get(attempt)
    if not trial or not trial.worktree:
        return directory
    below = os.path.relpath(directory, trial.repository) if trial.repository else os.curdir
    found = trial.worktree if below.startswith(os.pardir) else os.path.normpath(os.path.join(trial.worktree, below))
    return found if os.path.isdir(found) or below == os.curdir else trial.worktree


def _explain_running(store: Store, id: str) -> str:
    attempt = last_attempt(store, id)
    if attempt is None or not attempt.agent:
        return f"{id} was claimed by hand: `txlite claims` says by whom"
    return (
        f"{id} runs: `txlite say {id} WORDS` tells its agent something, and so that you can go on instead, "
        f"`txlite stop {id}` ends it"
    )


def _explain_gone(store: Store, attempt: int, directory: str) -> str:
    import shlex

    trial = store.loop_attempts.get(attempt)
    words = f"{directory}, where attempt {attempt} worked, is gone"
    if trial and trial.landed:
        return f"{words}: its work landed as {trial.landed[:12]}, which `txlite diff` shows"
    if not trial or not trial.parked or not trial.repository or not trial.worktree:
        return words
    again = ["git", "-C", trial.repository, "worktree", "add", "--detach", trial.worktree, trial.parked]
    return f"{words}: its work is parked, and `{shlex.join(again)}` brings it back"
