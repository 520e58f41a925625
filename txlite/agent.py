"""From task to argv, prompt and environment; from exit to outcome.

The agent `shell` runs commands; every other is configured and is given prompts:

    [agent NAME]
    command = tool --flag {prompt}     ; split as a shell splits words; no shell runs it
    prompt = stdin                     ; or argument: then {prompt} in the command, or its end, is the prompt
    set = NAME=value                   ; environment to add, one a line
    hide = AWS_* TOKEN                 ; environment to take away, names or patterns
    daemons = no                       ; yes: what it leaves running on purpose is left alone

Used by `worker`, and by the commands that name an agent.
"""

from __future__ import annotations

import os

from . import config
from .errors import UsageError
from .model import COMMAND, DONE, FAILED, PROMPT, Claim, Lane, Task
from .record import NamedTuple
from .text import shorten
from .tree import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import ConfigParser

SHELL = "shell"


class Agent(NamedTuple):
    """How one agent is run."""

    name: str
    argv: tuple[str, ...] = ()
    prompt: str = "stdin"  # how it gets its prompt: stdin or argument
    added: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    daemons: bool = False

    @property
    def lanes(self) -> list[Lane]:
        """What a worker with this agent accepts: an agent for prompts does not keep commands waiting."""
        return [Lane(COMMAND)] if self.name == SHELL else [Lane(PROMPT), Lane(COMMAND)]


class Invocation(NamedTuple):
    """What is to be started."""

    argv: list[str]
    stdin: bytes | None  # None: nothing, and end-of-file at once
    environment: dict[bytes, bytes]


def find(name: str, parser: ConfigParser) -> Agent:
    """The agent of this name. Raises UsageError where it is unknown, badly configured or not installed."""
    known = config.agents(parser)
    if name == SHELL:
        return Agent(SHELL)
    if name not in known:
        names = ", ".join([SHELL, *sorted(known)])
        raise UsageError(
            f"unknown agent {shorten(name, 60)!r}: known here are {names}; [agent NAME] in config.ini adds one"
        )
    found = _configured(name, known[name])
    import shutil

    if not shutil.which(found.argv[0]):
        raise UsageError(
            f"agent {name}: {found.argv[0]!r} is not installed, or not on PATH: set `command` in config.ini"
        )
    return found


def _configured(name: str, options: dict[str, str]) -> Agent:
    import shlex

    where = f"config.ini, [agent {name}]"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise UsageError(f"{where}: a name is made of letters, digits, - and _")
    unknown = set(options) - {"command", "prompt", "set", "hide", "daemons"}
    if unknown:
        raise UsageError(f"{where}: unknown option {sorted(unknown)[0]!r}")
    try:
        argv = tuple(shlex.split(options.get("command", "")))
    except ValueError as error:
        raise UsageError(f"{where}: command: {error}") from error
    if not argv:
        raise UsageError(f"{where}: `command` is missing")
    if options.get("prompt", "stdin") not in ("stdin", "argument"):
        raise UsageError(f"{where}: prompt is {options['prompt']!r}: give stdin or argument")
    if options.get("daemons", "no") not in ("yes", "no"):
        raise UsageError(f"{where}: daemons is {options['daemons']!r}: give yes or no")
    added = [line.strip().partition("=") for line in options.get("set", "").splitlines() if line.strip()]
    if not all(key.strip() for key, _, _ in added):
        raise UsageError(f"{where}: set: a line has no name before its =")
    return Agent(
        name,
        argv,
        options.get("prompt", "stdin"),
        tuple((key.strip(), value.strip()) for key, _, value in added),
        tuple(options.get("hide", "").split()),
        options.get("daemons") == "yes",
    )


class Environment:
    """What agents inherit from the worker: made once, as bytes, because each start would encode it again."""

    def __init__(self, agent: Agent, home: str) -> None:
        from fnmatch import fnmatchcase

        self._for_commands = dict(os.environb)
        self._for_commands[b"TXLITE_HOME"] = os.fsencode(home)
        self._for_prompts = {
            name: value
            for name, value in self._for_commands.items()
            if not any(fnmatchcase(os.fsdecode(name), pattern) for pattern in agent.hidden)
        }
        self._for_prompts.update((os.fsencode(name), os.fsencode(value)) for name, value in agent.added)

    def of(self, task: Task, claim: Claim, uuid: str) -> dict[bytes, bytes]:
        environment = dict(self._for_prompts if task.command is None else self._for_commands)
        directory = os.fsencode(task.directory or "")
        environment[b"TXLITE_TASK"] = task.id.encode()
        environment[b"TXLITE_TOKEN"] = b"%d" % claim.token
        environment[b"TXLITE_DIRECTORY"] = environment[b"PWD"] = directory
        environment[MARK.encode()] = f"{uuid}:{claim.token}".encode()
        return environment


def prepare(agent: Agent, task: Task) -> tuple[list[str], bytes | None]:
    """argv and stdin for this task; None is no stdin: end-of-file at once."""
    if task.command is not None:
        return ["/bin/sh", "-c", task.command], None
    prompt = task.title + ("\n\n" + task.description if task.description else "")
    if agent.prompt == "stdin":
        return list(agent.argv), prompt.encode()
    argv = [prompt if word == "{prompt}" else word for word in agent.argv]
    return (argv if "{prompt}" in agent.argv else [*argv, prompt]), None


def judge(code: int) -> tuple[str, int, str | None]:
    """Outcome, exit code as a shell counts, and a note, for the return code of a process."""
    if code >= 0:
        return (FAILED if code else DONE), code, None
    import signal

    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return FAILED, 128 - code, f"killed by {name}"
