"""From a task to what is started for it: argv, standard input and environment.

No shell sees a prompt, and what an agent's configuration hides does not reach it. Called by `execution` and `ralph`
for each attempt, and by the commands that only show what would be started.
"""

from __future__ import annotations

import os

from ..model import parse_environment
from ..system.named_tuple import NamedTuple
from ..system.process_tree import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Claim, Task
    from .agent import Agent
    from .open_input import OpenInput


class Invocation(NamedTuple):
    """What is to be started: its argv, its standard input and its environment."""

    argv: list[str]
    stdin: bytes | None  # None: nothing, and end-of-file at once
    environment: dict[bytes, bytes]
    words: OpenInput | None = None  # its standard input instead, where it can be told more while it runs


class Environment:
    """What agents inherit from the worker: made once, as bytes, because each start would encode it again."""

    def __init__(self, home: str) -> None:
        self._for_commands = dict(os.environb)
        self._for_commands[b"TXLITE_HOME"] = os.fsencode(home)
        self._for_prompts: dict[str, dict[bytes, bytes]] = {}  # by the agent's name

    def of(self, task: Task, claim: Claim, uuid: str, agent: Agent | None) -> dict[bytes, bytes]:
        """Return the environment for the agent of a task, or, with None, for another command of the attempt.

        uuid: of the home, for the mark on the attempt's processes (see `process_tree`).
        """
        environment = dict(self._for_commands if agent is None or task.command is not None else self.of_agent(agent))
        environment.update(parse_environment(task.environment))
        directory = os.fsencode(task.directory or "")
        environment[b"TXLITE_TASK"] = task.id.encode()
        environment[b"TXLITE_TOKEN"] = b"%d" % claim.token
        environment[b"TXLITE_DIRECTORY"] = environment[b"PWD"] = directory
        environment[MARK.encode()] = f"{uuid}:{claim.token}".encode()
        return environment

    def of_agent(self, agent: Agent) -> dict[bytes, bytes]:
        """Return what is the same for all tasks of an agent."""
        known = self._for_prompts.get(agent.name)
        if known is None:
            known = _without(agent.hidden, self._for_commands) if agent.hidden else dict(self._for_commands)
            known.update((os.fsencode(name), os.fsencode(value)) for name, value in agent.added)
            self._for_prompts[agent.name] = known
        return known


def _without(hidden: tuple[str, ...], environment: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What is not hidden by a pattern."""
    from fnmatch import fnmatchcase

    return {
        name: value
        for name, value in environment.items()
        if not any(fnmatchcase(os.fsdecode(name), pattern) for pattern in hidden)
    }


SECRETS = ("*TOKEN*", "*SECRET*", "*PASSW*", "*KEY*", "*CREDENTIAL*", "*AUTH*", "*PRIVATE*", "*COOKIE*")


def plain_environment() -> dict[str, str]:
    """Return what is set here, but for what looks secret by its name and what txlite sets itself."""
    from fnmatch import fnmatchcase

    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TXLITE_") and not any(fnmatchcase(name.upper(), pattern) for pattern in SECRETS)
    }


def build_command(
    agent: Agent,
    task: Task,
    prompt: str,
    file: str,
    level: str = "",
    search: bool = False,
    in_loop: bool = False,
    budget: int | None = None,
    listens: bool = False,
) -> tuple[list[str], bytes | None]:
    """Return argv and standard input for a task's agent; None is no input: end-of-file at once.

    file: the path that an agent is told which reads its prompt from a file; the caller writes it. budget: what it may
    cost, in millionths of a US dollar. listens: it gets its prompt as a message, and more of them.
    """
    if task.command is not None:
        return ["/bin/sh", "-c", task.command], None
    if agent.prompt == "stdin":
        return agent.build_argv(level, search, None, in_loop, budget, listens), prompt.encode()
    argument = prompt if agent.prompt == "argument" else file
    return agent.build_argv(level, search, argument, in_loop, budget), None
