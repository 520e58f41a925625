"""What is to be launched, checked before anything is recorded: task, agent, level, type, template, bounds.

Guarantee: whatever can be known to be wrong is refused here, in one line, with nothing changed. Made by the commands
`launch` and `retry`, carried out by `launch`.
"""

from __future__ import annotations

import os

from ..agents.agent import SHELL, Agent, describe_agent, find_agent, find_others
from ..agents.environment import build_command
from ..errors import NotFound, UsageError
from ..home import config, location, prompt_templates
from ..model import COMMAND, LEVELS, WORKERS, Launch, Task
from ..reports import report
from ..reports.header import TASK, Header
from ..reports.naming import make_subject, subject_of
from ..store.new_tasks import check
from ..system import clock
from ..system.named_tuple import NamedTuple
from ..text import check_plain_name, check_text, shorten
from .bounds import read_limits
from .executor import Limits
from .hook_call import HookCommands
from .hooks import read_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.inserting import NewTask
    from ..store.store import Store

DEFAULT_LEVELS = {"research": "medium"}  # by type; any other is low
RESERVED_TYPES = (
    "aside",
    "bin",
    "commands",
    "config.ini",
    "events",
    "locks",
    "loops",
    "outputs",
    "templates",
    "tickets",
    "txlite",
    "wake",
    "worktrees",
)
TITLE_LENGTH = 200  # characters of a task's text that become its title
SEARCHING = "research"  # the type for which an agent may search the web


class LaunchOrder(NamedTuple):
    """What is to be launched: a new task, or one that was launched before."""

    new: NewTask | None
    task: str | None  # id
    launch: Launch
    agent: Agent
    cap: int  # bytes of output kept
    others: list[str] | None = None  # the agents that are installed, where its own is not
    subject: str = TASK  # the last word of the report's name
    limits: Limits = Limits()
    hooks: HookCommands = HookCommands()  # what is told of its end


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
    by_topic: bool = False,
    max_memory: int | None = None,
    nice: int | None = None,
) -> LaunchOrder:
    """Return what to launch for the text of a task, with all checked that can be, and nothing changed.

    `template`: its name; `width`: it waits until fewer than so many launched tasks run; `by_topic`: its report is named
    after its words. That its agent is not installed is noted: `launch` refuses it. Raises UsageError, StoreUnavailable.
    """
    if not words.strip():
        raise UsageError("the task is empty: say what is to be done")
    check_text(words, "the task")
    options = config.read(home)
    found = describe_agent(agent, options)
    level = DEFAULT_LEVELS.get(type, LEVELS[1]) if level is None else level
    found.check_level(level, " (a type of your own comes after --type)")
    _check_type(home, type)
    launch = Launch(agent, type, level, prompt_templates.read(home, type, template), timeout, kill_after, width)
    own = max_memory or None  # kept with the task, for when it is launched again
    is_command = agent == SHELL
    new = check("", words, max_memory=own) if is_command else check(_title(words), None, words, max_memory=own)
    subject = make_subject(words) if by_topic else TASK
    limits = read_limits(Limits(timeout, kill_after), {"max_memory": max_memory, "nice": nice}, options)
    others = find_others(found, options)
    wanted = LaunchOrder(new, None, launch, found, report.read_cap(options), others, subject, limits)
    found.check_prompt(explain(wanted).prompt)
    return wanted


def order_again(store: Store, task: str) -> LaunchOrder:
    """Return what to launch for a task that was launched before. Raises NotFound, UsageError."""
    launch = store.launches.of(task)
    if launch is None:
        raise NotFound(f"{task} was not launched")
    options = config.read(store.home)
    agent, before = find_agent(launch.agent, options), store.attempts(task)
    subject = subject_of(before[-1].report or "", launch.agent) if before else TASK
    limits = read_limits(Limits(launch.timeout, launch.kill_after), {}, options)
    hooks = read_hooks({}, options)
    return LaunchOrder(None, task, launch, agent, report.read_cap(options), None, subject, limits, hooks)


class Explanation(NamedTuple):
    """What would be started."""

    launch: Launch
    directory: str
    argv: list[str]
    passed: str  # how it gets the prompt: one of agents.options.PASSED, or as a command
    prompt: str
    others: list[str] | None  # the agents that are installed, where its own is not


def explain(wanted: LaunchOrder) -> Explanation:
    """Return what a new task would start, as far as it is known before the task is recorded."""
    assert wanted.new
    launch, new, moment = wanted.launch, wanted.new, clock.now()
    task = Task(
        0, "tx-", new.title, new.kind, new.needs, new.score, "active", 0, None, 0, 0, moment, moment, None, None,
        new.description, new.command, new.directory, new.verify,
    )  # fmt: skip
    prompt = Header.of(task, 0, launch.agent, moment, launch).prompt
    argv, _ = build_command(
        wanted.agent,
        task,
        prompt,
        "PROMPT-FILE",
        launch.level,
        launch.type == SEARCHING,
        listens=wanted.agent.listens(),
    )
    passed = wanted.agent.prompt if new.command is None else COMMAND
    return Explanation(launch, new.directory, argv, passed, prompt, wanted.others)


def _title(words: str) -> str:
    return shorten(words.strip().split("\n", 1)[0], TITLE_LENGTH)


def _check_type(home: str, type: str) -> None:
    check_plain_name(type, "the type")
    path = os.path.join(home, type)
    is_reserved = type in RESERVED_TYPES or type.startswith(location.DATABASE)
    if is_reserved or (os.path.lexists(path) and not os.path.isdir(path)):
        raise UsageError(f"the type {type!r} cannot name a directory of reports in {home}: choose another")
