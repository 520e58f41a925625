"""What a task may say about who works on it: an agent and a level that are known here.

Guarantee: what no run could do is refused where it is typed, with what is known instead. (That an agent is installed is
not asked: it may be where the task is run.) Used by the commands that add and change tasks.
"""

from __future__ import annotations

from ..errors import UsageError
from ..model import LEVELS
from ..text import shorten
from .agent import SHELL, describe_agent, describe_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..home.config import Settings


def check_wanted(agent: str | None, level: str | None, settings: Settings) -> None:
    """Raise UsageError for an agent that is unknown or for commands, and for a level that it, or none, knows.

    None and "" say nothing.
    """
    if agent == SHELL:
        raise UsageError(f"--agent: {SHELL} runs commands: give an agent that reads prompts, or none")
    if agent:
        found = describe_agent(agent, settings)
        if level:
            found.check_level(level)
    elif level and level not in _list_levels(settings):
        raise UsageError(f"unknown level {shorten(level, 40)!r}: known here are {', '.join(_list_levels(settings))}")


def _list_levels(settings: Settings) -> list[str]:
    """All that some agent knows."""
    known = dict.fromkeys(LEVELS)
    for agent in describe_all(settings):
        known.update(dict.fromkeys(agent.known_levels))
    return list(known)
