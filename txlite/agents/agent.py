"""Agents: which there are, how config.ini describes them, and what the exit code of one means.

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
    results = claude                   ; or codex: the form of its results, for `results`
    limit = try again at (?P<until>.+) ; a rule for its last lines: its provider refuses, until then
    unusable = please log in           ; the same: no attempt can work

An option that is unknown or has no sense is an error that names it. Called by the commands that name an agent, by
`execution` and `ralph`, and by `doctor`.
"""

from __future__ import annotations

from ..errors import UsageError
from ..home import config
from ..model import COMMAND, DONE, FAILED, LEVELS, PROMPT, Lane
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .results import CLAUDE, CODEX, FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from configparser import ConfigParser
    from typing import Any

    from ..model import Outcome

SHELL = "shell"
PASSED = ("stdin", "argument", "file")  # how an agent gets its prompt
ARGUMENT_BYTES = 131_071  # Linux's MAX_ARG_STRLEN (execve(2)), less the closing NUL
# As `codex exec --help` (0.169) and `claude --help` (2.1) have it.
BUILT_IN = {
    "codex": {
        "command": "codex exec --sandbox workspace-write {level} {search} {loop} -",
        "levels": "\n".join(f"{level}=-c model_reasoning_effort={level}" for level in LEVELS),
        "search": "-c web_search=live -c tools.web_search=true",  # the second for older versions
        "loop": "--json -c allow_login_shell=false",  # a login shell would not find `txlite`
        "results": CODEX,
    },
    "claude": {
        "command": "claude --print --permission-mode acceptEdits {level} {search} {loop}",
        "levels": "minimal=--effort low\nlow=--effort low\nmedium=--effort medium\nhigh=--effort high",
        "search": "--allowedTools WebSearch WebFetch",
        "loop": "--output-format stream-json --verbose --allowedTools 'Bash(txlite show:*)' 'Bash(txlite done:*)'",
        "results": CLAUDE,
        "hide": "CLAUDECODE CLAUDE_CODE_ENTRYPOINT",  # else it refuses to start inside another claude
    },
}


class Agent(NamedTuple):
    """One agent: the command that a worker runs for a task, and how it gets its prompt."""

    name: str
    argv: tuple[str, ...] = ()
    prompt: str = "stdin"  # one of PASSED
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    search: tuple[str, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    daemons: bool = False
    loop: tuple[str, ...] = ()
    results: str = ""  # one of results.FORMATS
    limit: str = ""  # a regular expression
    unusable: str = ""  # a regular expression

    @property
    def lanes(self) -> list[Lane]:
        """Return what a worker with this agent accepts: an agent for prompts does not keep commands waiting."""
        return [Lane(COMMAND)] if self.name == SHELL else [Lane(PROMPT), Lane(COMMAND)]

    def build_argv(
        self, level: str = "", search: bool = False, prompt: str | None = None, in_loop: bool = False
    ) -> list[str]:
        """Return its argv; `prompt` is what stands for {prompt}, or comes last."""
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


def find_agent(name: str, parser: ConfigParser) -> Agent:
    """Return the agent of this name. Raises UsageError where it is unknown, badly configured or not installed."""
    found = describe_agent(name, parser)
    if not is_installed(found):
        raise UsageError(
            f"agent {name}: {found.argv[0]!r} is not installed, or not on PATH: install it, or set `command` in "
            f"[agent {name}] of config.ini"
        )
    return found


def describe_agent(name: str, parser: ConfigParser) -> Agent:
    """Return the agent of this name, installed or not. Raises UsageError where it is unknown or badly configured."""
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
    return _configure(name, known[name])


def is_installed(agent: Agent) -> bool:
    """Return whether the command of an agent is on PATH."""
    import shutil

    return agent.name == SHELL or shutil.which(agent.argv[0]) is not None


def _configure(name: str, options: dict[str, str]) -> Agent:
    where = f"config.ini, [agent {name}]"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 64:
        raise UsageError(f"{where}: a name is made of at most 64 letters, digits, - and _")
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise UsageError(f"{where}: unknown option {unknown[0]!r}")
    fields: dict[str, Any] = {}
    for option, (field, read) in _OPTIONS.items():
        if option in options:
            try:
                fields[field] = read(option, options[option])
            except ValueError as error:
                raise UsageError(f"{where}: {error}") from error
    if not fields.get("argv"):
        raise UsageError(f"{where}: `command` is missing")
    return Agent(name, **fields)


def _read_words(option: str, value: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from error


def _read_pairs(option: str, value: str) -> tuple[tuple[str, str], ...]:
    """The lines NAME=value of an option."""
    lines = [line.strip().partition("=") for line in value.splitlines() if line.strip()]
    if not all(name.strip() for name, _, _ in lines):
        raise ValueError(f"{option}: a line has no name before its =")
    return tuple((name.strip(), rest.strip()) for name, _, rest in lines)


def _read_levels(option: str, value: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((level, _read_words(option, words)) for level, words in _read_pairs(option, value))


def _read_rule(option: str, value: str) -> str:
    import re

    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{option}: {value!r} is not a regular expression: {error}") from error
    return value


def _read_passed(option: str, value: str) -> str:
    if value not in PASSED:
        raise ValueError(f"{option} is {value!r}: give stdin, argument or file")
    return value


def _read_results(option: str, value: str) -> str:
    if value not in FORMATS:
        raise ValueError(f"{option} is {value!r}: give {' or '.join(FORMATS[1:])}")
    return value


def _read_yes(option: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError(f"{option} is {value!r}: give yes or no")
    return value == "yes"


# Each option of [agent NAME]: the field of Agent that it sets, and who reads its text (ValueError: what is wrong).
_OPTIONS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "command": ("argv", _read_words),
    "prompt": ("prompt", _read_passed),
    "levels": ("levels", _read_levels),
    "search": ("search", _read_words),
    "set": ("added", _read_pairs),
    "hide": ("hidden", lambda option, value: tuple(value.split())),
    "daemons": ("daemons", _read_yes),
    "loop": ("loop", _read_words),
    "results": ("results", _read_results),
    "limit": ("limit", _read_rule),
    "unusable": ("unusable", _read_rule),
}


def judge_exit(code: int) -> tuple[Outcome, int, str | None]:
    """Return outcome, exit code and a note for a process's return code, as `subprocess.Popen.returncode` has it.

    A process that a signal ended has 128 and the signal's number as its exit code, as a shell says it
    (POSIX, Shell Command Language, 2.8.2).
    """
    if code >= 0:
        return (FAILED if code else DONE), code, None
    import signal

    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return FAILED, 128 - code, f"killed by {name}"
