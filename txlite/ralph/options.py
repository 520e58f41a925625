"""How a loop is to work: what the command line says, else config.ini in [ralph], else what is usual.

Guarantees: an option that nobody knows, a value that its reader refuses, and options that contradict each other are
refused before anything begins. Used by the command `ralph`, which hands in the readers of its command line.
"""

from __future__ import annotations

from ..agents.agent import SHELL, find_agent
from ..errors import UsageError
from ..home import config
from ..system.named_tuple import NamedTuple
from .loop_settings import Reviewer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..agents.agent import Agent
    from ..home.config import Settings

SECTION = "ralph"
FLAGS = ("forever", "worktrees", "no_commit", "review")  # yes or no in config.ini
TWO_WAYS = ("worktrees", "review")  # of them: the command line can say no, too


class LoopOptions(NamedTuple):
    """All that the user can say about a loop; times in seconds."""

    agent: str = "claude"
    reviewer: str | None = None  # AGENT or AGENT:LEVEL; "" for none
    level: str | None = None  # None: as the agent itself has it
    escalate: str | None = None  # a ladder: see `ladder`
    workers: int = 1
    verify: str | None = None  # the gate
    verify_timeout: float = 600.0
    max_attempts: int = 3
    max_failures: int = 5  # different tasks in a row
    max_tasks: int | None = None
    max_cost: int | None = None  # millionths of a US dollar
    max_hours: float | None = None  # in seconds, as all times here
    timeout: float = 7200.0
    stall: float = 1200.0
    settle: float = 60.0
    drain: float | None = None
    kill_after: float = 10.0
    idle_exit: float | None = None
    forever: bool = False
    worktrees: bool | None = None  # None: above one worker
    no_commit: bool = False
    review: bool = False  # what passed its gate waits for a person
    allow: tuple[str, ...] = ()  # patterns of files that may be committed though they look like secrets
    copy: tuple[str, ...] = ()  # paths that a worktree gets
    setup: str | None = None  # the command that makes a worktree ready


def merge_options(
    given: Mapping[str, object], settings: Settings, readers: Mapping[str, Callable[[str], object]]
) -> LoopOptions:
    """Return the options of a loop that is started with `given`, where None says nothing.

    readers: for each option with a value, what makes it of its text. Raises UsageError.
    """
    config.check_options(settings, SECTION)
    said = _complete(given, settings, readers)
    found = LoopOptions(
        **{name: value for name, value in said.items() if value is not None},  # type: ignore[arg-type]
        allow=(*_strip(given.get("allow") or ()), *_read_list(settings, "allow")),  # type: ignore[arg-type]
        copy=_read_list(settings, "copy"),
        setup=config.option(settings, "setup", "", SECTION) or None,
    )
    if found.forever and found.idle_exit is not None:
        raise UsageError("--forever and --idle-exit contradict each other: give one of them")
    return found


def find_reviewer(
    said: str | None, settings: Settings, template: str, move: Callable[[Agent], Agent]
) -> Reviewer | None:
    """Return the reviewer that AGENT or AGENT:LEVEL names, None for none. move: makes of an agent the one that runs
    where the loop's do. Raises UsageError."""
    if not said:
        return None
    name, _, level = said.partition(":")
    if name == SHELL:
        raise UsageError(f"--reviewer: {SHELL} runs commands: give an agent that reads prompts")
    agent = find_agent(name, settings)
    if level:
        agent.check_level(level)
    return Reviewer(move(agent), level, template)


def _complete(
    given: Mapping[str, object], settings: Settings, readers: Mapping[str, Callable[[str], object]]
) -> dict[str, object]:
    """What was given, and from config.ini what was not."""
    said = {name: given.get(name) for name in (*readers, *FLAGS)}
    for name, read in readers.items():
        if said[name] is None:
            said[name] = _read(settings, name, read)
    for name in FLAGS:
        if not said[name] and (name not in TWO_WAYS or said[name] is None):
            said[name] = _read_flag(settings, name)
    return said


def _read(settings: Settings, name: str, read: Callable[[str], object]) -> object:
    """The value of an option, None where it is not there."""
    return config.parse_option(settings, name, "", lambda said: read(said) if said else None, SECTION)


def _read_flag(settings: Settings, name: str) -> bool | None:
    return config.parse_option(settings, name, "", _parse_flag, SECTION)


def _parse_flag(said: str) -> bool | None:
    if said not in ("", "yes", "no"):
        raise UsageError(f"it is {said!r}: give yes or no")
    return said == "yes" if said else None


def _read_list(settings: Settings, name: str) -> tuple[str, ...]:
    return _strip(config.option(settings, name, "", SECTION).split("\n"))


def _strip(items: list[str]) -> tuple[str, ...]:
    return tuple(item.strip() for item in items if item.strip())
