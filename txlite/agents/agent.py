"""From task to argv, prompt and environment; from exit to outcome.

The agent `shell` runs commands; every other is given prompts. `codex` and `claude` are built in; config.ini
changes their options, and adds agents:

    [agent NAME]
    command = tool {level} {search} {prompt}    ; split as a shell splits words; no shell runs it
    prompt = stdin                     ; or argument, or file: then {prompt}, or the end, is the prompt or its file
    levels = low=--effort low          ; the words in place of {level}, one level a line
    search = --web                     ; the words in place of {search}, for research
    set = NAME=value                   ; environment to add, one a line
    hide = AWS_* TOKEN                 ; environment to take away, names or patterns
    daemons = no                       ; yes: what it leaves running on purpose is left alone
    loop = --json                      ; the words in place of {loop}, in `txlite ralph`
    results = claude                   ; or codex: the form of its results, for `provider`
    limit = try again at (?P<until>.+) ; a rule for its last lines: its provider refuses, until then
    unusable = please log in           ; the same: no attempt can work

Used by `worker` and `launcher`, and by the commands that name an agent.
"""

from __future__ import annotations

import os

from ..errors import UsageError
from ..home import config
from ..model import COMMAND, DONE, FAILED, LEVELS, PROMPT, Claim, Lane, Task
from ..system.named_tuple import NamedTuple
from ..system.process_tree import MARK
from ..text import shorten
from . import results as provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import ConfigParser

SHELL = "shell"
PASSED = ("stdin", "argument", "file")  # how an agent gets its prompt
ARGUMENT_BYTES = 131_071  # Linux's MAX_ARG_STRLEN, less the closing NUL
OPTIONS = {"command", "prompt", "levels", "search", "set", "hide", "daemons", "loop", "results", "limit", "unusable"}
# As `codex exec --help` (0.169) and `claude --help` (2.1) have it.
BUILT_IN = {
    "codex": {
        "command": "codex exec --sandbox workspace-write {level} {search} {loop} -",
        "levels": "\n".join(f"{level}=-c model_reasoning_effort={level}" for level in LEVELS),
        "search": "-c web_search=live -c tools.web_search=true",  # the second for older versions
        "loop": "--json -c allow_login_shell=false",  # a login shell would not find `txlite`
        "results": provider.CODEX,
    },
    "claude": {
        "command": "claude --print --permission-mode acceptEdits {level} {search} {loop}",
        "levels": "minimal=--effort low\nlow=--effort low\nmedium=--effort medium\nhigh=--effort high",
        "search": "--allowedTools WebSearch WebFetch",
        "loop": "--output-format stream-json --verbose --allowedTools 'Bash(txlite show:*)' 'Bash(txlite done:*)'",
        "results": provider.CLAUDE,
        "hide": "CLAUDECODE CLAUDE_CODE_ENTRYPOINT",  # else it refuses to start inside another claude
    },
}


class Agent(NamedTuple):
    """How one agent is run."""

    name: str
    argv: tuple[str, ...] = ()
    prompt: str = "stdin"  # one of PASSED
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    search: tuple[str, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    daemons: bool = False
    loop: tuple[str, ...] = ()
    results: str = ""  # one of provider.FORMATS
    limit: str = ""  # a regular expression
    unusable: str = ""  # a regular expression

    @property
    def lanes(self) -> list[Lane]:
        """What a worker with this agent accepts: an agent for prompts does not keep commands waiting."""
        return [Lane(COMMAND)] if self.name == SHELL else [Lane(PROMPT), Lane(COMMAND)]

    def words(
        self, level: str = "", search: bool = False, prompt: str | None = None, in_loop: bool = False
    ) -> list[str]:
        """Its argv; `prompt` is what stands for {prompt}, or comes last."""
        places = {
            "{level}": dict(self.levels).get(level, ()),
            "{search}": self.search if search else (),
            "{loop}": self.loop if in_loop else (),
        }
        if prompt is not None:
            places["{prompt}"] = (prompt,)
        argv = [part for word in self.argv for part in places.get(word, (word,))]
        return argv if prompt is None or "{prompt}" in self.argv else [*argv, prompt]

    def check_level(self, level: str) -> None:
        """Raise UsageError for a level that it does not know."""
        known = [name for name, _ in self.levels] or LEVELS
        if level not in known:
            raise UsageError(
                f"unknown level {shorten(level, 40)!r}: {self.name} knows {', '.join(known)} "
                "(a type of your own comes after --type)"
            )

    def check_prompt(self, prompt: str) -> None:
        """Raise UsageError for a prompt that the system would not take as an argument."""
        size = len(prompt.encode())
        if self.prompt == "argument" and size > ARGUMENT_BYTES:
            raise UsageError(
                f"the prompt is {size:,} bytes long and the system takes {ARGUMENT_BYTES:,} as an argument: set "
                f"`prompt = stdin` or `prompt = file` in [agent {self.name}] of config.ini"
            )


class Invocation(NamedTuple):
    """What is to be started."""

    argv: list[str]
    stdin: bytes | None  # None: nothing, and end-of-file at once
    environment: dict[bytes, bytes]


def find(name: str, parser: ConfigParser) -> Agent:
    """The agent of this name. Raises UsageError where it is unknown, badly configured or not installed."""
    found = describe(name, parser)
    if not is_installed(found):
        raise UsageError(
            f"agent {name}: {found.argv[0]!r} is not installed, or not on PATH: install it, or set `command` in "
            f"[agent {name}] of config.ini"
        )
    return found


def describe(name: str, parser: ConfigParser) -> Agent:
    """The same, installed or not."""
    if name == SHELL:
        return Agent(SHELL)
    known = dict(BUILT_IN)
    for own, options in config.agents(parser).items():
        known[own] = {**known.get(own, {}), **options}
    if name not in known:
        names = ", ".join([SHELL, *sorted(known)])
        raise UsageError(
            f"unknown agent {shorten(name, 60)!r}: known here are {names}; [agent NAME] in config.ini adds one"
        )
    return _configured(name, known[name])


def is_installed(agent: Agent) -> bool:
    """Whether its command is there to be run."""
    import shutil

    return agent.name == SHELL or shutil.which(agent.argv[0]) is not None


def _configured(name: str, options: dict[str, str]) -> Agent:
    import shlex

    where = f"config.ini, [agent {name}]"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 64:
        raise UsageError(f"{where}: a name is made of at most 64 letters, digits, - and _")
    unknown = set(options) - OPTIONS
    if unknown:
        raise UsageError(f"{where}: unknown option {sorted(unknown)[0]!r}")

    def split(option: str, words: str) -> tuple[str, ...]:
        try:
            return tuple(shlex.split(words))
        except ValueError as error:
            raise UsageError(f"{where}: {option}: {error}") from error

    argv = split("command", options.get("command", ""))
    if not argv:
        raise UsageError(f"{where}: `command` is missing")
    if options.get("prompt", "stdin") not in PASSED:
        raise UsageError(f"{where}: prompt is {options['prompt']!r}: give stdin, argument or file")
    if options.get("daemons", "no") not in ("yes", "no"):
        raise UsageError(f"{where}: daemons is {options['daemons']!r}: give yes or no")
    if options.get("results", "") not in provider.FORMATS:
        raise UsageError(f"{where}: results is {options['results']!r}: give {' or '.join(provider.FORMATS[1:])}")
    for option in ("limit", "unusable"):
        _check_rule(f"{where}: {option}", options.get(option, ""))
    return Agent(
        name,
        argv,
        options.get("prompt", "stdin"),
        tuple((level, split("levels", words)) for level, words in _pairs(where, "levels", options)),
        split("search", options.get("search", "")),
        tuple(_pairs(where, "set", options)),
        tuple(options.get("hide", "").split()),
        options.get("daemons") == "yes",
        split("loop", options.get("loop", "")),
        options.get("results", ""),
        options.get("limit", ""),
        options.get("unusable", ""),
    )


def _check_rule(where: str, rule: str) -> None:
    import re

    try:
        re.compile(rule)
    except re.error as error:
        raise UsageError(f"{where}: {rule!r} is not a regular expression: {error}") from error


def _pairs(where: str, option: str, options: dict[str, str]) -> list[tuple[str, str]]:
    """The lines NAME=value of an option."""
    lines = [line.strip().partition("=") for line in options.get(option, "").splitlines() if line.strip()]
    if not all(name.strip() for name, _, _ in lines):
        raise UsageError(f"{where}: {option}: a line has no name before its =")
    return [(name.strip(), value.strip()) for name, _, value in lines]


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

    def of(self, task: Task, claim: Claim, uuid: str, for_agent: bool = True) -> dict[bytes, bytes]:
        """For the agent of a task, or for another command that belongs to the attempt."""
        is_prompt = for_agent and task.command is None
        environment = dict(self._for_prompts if is_prompt else self._for_commands)
        directory = os.fsencode(task.directory or "")
        environment[b"TXLITE_TASK"] = task.id.encode()
        environment[b"TXLITE_TOKEN"] = b"%d" % claim.token
        environment[b"TXLITE_DIRECTORY"] = environment[b"PWD"] = directory
        environment[MARK.encode()] = f"{uuid}:{claim.token}".encode()
        return environment


def prepare(
    agent: Agent, task: Task, prompt: str, file: str, level: str = "", search: bool = False, in_loop: bool = False
) -> tuple[list[str], bytes | None]:
    """argv and stdin for this task; None is no stdin: end-of-file at once. An agent that reads its prompt from a
    file is told the path `file`, which the caller writes."""
    if task.command is not None:
        return ["/bin/sh", "-c", task.command], None
    if agent.prompt == "stdin":
        return agent.words(level, search, None, in_loop), prompt.encode()
    return agent.words(level, search, prompt if agent.prompt == "argument" else file, in_loop), None


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
