"""Agents: which there are, how config.ini describes them, and what the exit code of one means.

The agent `shell` runs commands; every other is given prompts. `codex` and `claude` are built in; config.ini
changes their options, and adds agents:

    [agent NAME]
    command = tool {level} {search} {prompt}   ; split as a shell splits words; no shell runs it
    prompt = stdin                     ; or argument, or file: then {prompt}, or the end, is the prompt or its file
    levels = low=--effort low          ; the words in place of {level}, one level a line, the lowest first
    search = --web                     ; the words in place of {search}, for research
    set = NAME=value                   ; environment to add, one a line
    hide = AWS_* TOKEN                 ; environment to take away, names or patterns
    daemons = no                       ; yes: what it leaves running on purpose is left alone
    loop = --json                      ; the words in place of {loop}, in `txlite ralph`
    live = --json                      ; the words in place of {live}, everywhere else
    talk = --input-format stream-json  ; the words in place of {talk}, where it can be told more while it runs
    review = --output-schema {schema_file}  ; those in place of {loop} where it reviews work (see `verdict.py`)
    resume = tool --resume {session}   ; goes on with a session, in a terminal (`txlite attach`)
    results = claude                   ; or codex: the form of its results (see `results.py`)
    limit = try again at (?P<until>.+) ; a rule for its last lines: its provider refuses, until then
    unusable = please log in           ; the same: no attempt can work
    price = input=1.25 cached=0.125 output=10   ; US dollars for a million tokens, where it says no money
    budget = --max-budget {amount}     ; the words in place of {budget}, where it may cost so many US dollars

An option that is unknown or has no sense is an error that names it (see `options.py`). Called by the commands
that name an agent, by `execution` and `ralph`, and by `doctor`.
"""

from __future__ import annotations

from ..errors import Error, UsageError
from ..home import config
from ..model import COMMAND, DONE, FAILED, LEVELS, PROMPT, Lane, agent_need
from ..system.named_tuple import NamedTuple
from ..text import dollars, shorten
from .results import CLAUDE, CODEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..home.config import Settings
    from ..model import Outcome
    from .usage import Price

SHELL = "shell"
ARGUMENT_BYTES = 131_071  # Linux's MAX_ARG_STRLEN (execve(2)), less the closing NUL
# As `codex exec --help` (0.171) and `claude --help` (2.1) have it.
BUILT_IN = {
    "codex": {
        "command": "codex exec --sandbox workspace-write {level} {search} {loop} -",
        "levels": "\n".join(f"{level}=-c model_reasoning_effort={level}" for level in LEVELS),
        "search": "-c web_search=live -c tools.web_search=true",  # the second for older versions
        "loop": "--json -c allow_login_shell=false",  # a login shell would not find `txlite`
        "review": "--json -c allow_login_shell=false --output-schema {schema_file}",
        "resume": "codex resume {session}",
        "results": CODEX,
    },
    "claude": {
        "command": "claude --print --permission-mode acceptEdits {budget} {level} {search} {live} {loop} {talk}",
        "levels": "minimal=--effort low\nlow=--effort low\nmedium=--effort medium\nhigh=--effort high",
        "search": "--allowedTools WebSearch WebFetch",
        "live": "--output-format stream-json --verbose",  # as text, all of it would come at the end
        "loop": "--output-format stream-json --verbose --allowedTools 'Bash(txlite show:*)' 'Bash(txlite done:*)' "
        "mcp__txlite",  # the tools of `txlite mcp`, which see the task and its children alone
        "talk": "--input-format stream-json",
        "review": "--output-format stream-json --verbose --json-schema {schema} "
        "--disallowedTools Edit,Write,NotebookEdit --allowedTools 'Bash(txlite show:*)' 'Bash(git diff:*)' "
        "'Bash(git log:*)' 'Bash(git show:*)'",
        "resume": "claude --resume {session}",
        "results": CLAUDE,
        "budget": "--max-budget-usd {amount}",
        "hide": "CLAUDECODE CLAUDE_CODE_ENTRYPOINT",  # else it refuses to start inside another claude
    },
}


class Agent(NamedTuple):
    """One agent: the command that a worker runs for a task, and how it gets its prompt."""

    name: str
    argv: tuple[str, ...] = ()
    prompt: str = "stdin"  # one of options.PASSED
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    search: tuple[str, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    daemons: bool = False
    loop: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    talk: tuple[str, ...] = ()
    review: tuple[str, ...] = ()  # in place of `loop`, with its own places
    resume: tuple[str, ...] = ()  # all of its argv
    results: str = ""  # one of results.FORMATS
    limit: str = ""  # a regular expression
    unusable: str = ""  # a regular expression
    price: Price | None = None
    budget: tuple[str, ...] = ()  # with {amount} in one of them
    meets: tuple[str, ...] = ()  # needs of tasks that are met where it runs

    @property
    def lanes(self) -> list[Lane]:
        """Return what a worker with this agent accepts: an agent for prompts does not keep commands waiting."""
        kinds = (COMMAND,) if self.name == SHELL else (PROMPT, COMMAND)
        lanes = [Lane(kind, need) for need in ("", *self.meets) for kind in kinds]
        return lanes if self.name == SHELL else [*lanes, self.own_lane]

    @property
    def own_lane(self) -> Lane:
        """Return the lane of the prompts that name it."""
        return Lane(PROMPT, agent_need(self.name))

    @property
    def known_levels(self) -> list[str]:
        """Return the levels that it knows, the lowest first."""
        return [name for name, _ in self.levels] or list(LEVELS)

    @property
    def tells_cost(self) -> bool:
        """Whether what it costs is known: it says so, or says how many tokens it used, and has a price."""
        return self.results == CLAUDE or bool(self.results and self.price)

    @property
    def why_no_cost(self) -> str:
        """Why a bound of money cannot be kept with it, and what to do."""
        price = "price = input=1.25 cached=0.125 output=10"
        where = f"[agent {self.name}] of config.ini (dollars a million tokens)"
        return f"agent {self.name} does not say what it costs: set a price as `{price}` in {where}"

    def build_argv(
        self,
        level: str = "",
        search: bool = False,
        prompt: str | None = None,
        in_loop: bool = False,
        budget: int | None = None,
        listens: bool = False,
    ) -> list[str]:
        """Return its argv; `prompt` is what stands for {prompt}, or comes last; `budget`: what it may cost, in
        millionths of a US dollar; listens: it reads messages."""
        places = {
            "{level}": dict(self.levels).get(level, ()),
            "{search}": self.search if search else (),
            "{loop}": self.loop if in_loop else (),
            "{live}": () if in_loop else self.live,
            "{talk}": self.talk if listens else (),
            "{budget}": self._build_budget(budget) if budget else (),
        }
        if prompt is not None:
            places["{prompt}"] = (prompt,)
        argv = [part for word in self.argv for part in places.get(word, (word,))]
        return argv if prompt is None or "{prompt}" in self.argv else [*argv, prompt]

    def _build_budget(self, budget: int) -> list[str]:
        return [word.replace("{amount}", dollars(budget)) for word in self.budget]

    def listens(self, in_loop: bool = False) -> bool:
        """Return whether it can be told more while it runs: messages, which claude takes where it writes events."""
        if not self.talk or self.prompt != "stdin" or "{talk}" not in self.argv or self.results != CLAUDE:
            return False
        return "stream-json" in self.build_argv(in_loop=in_loop)

    def check_level(self, level: str, hint: str = "") -> None:
        """Raise UsageError for a level that it does not know; hint: what else may have been meant."""
        known = self.known_levels
        if level not in known:
            raise UsageError(f"unknown level {shorten(level, 40)!r}: {self.name} knows {', '.join(known)}{hint}")

    def check_prompt(self, prompt: str) -> None:
        """Raise UsageError for a prompt that the system would not take as an argument."""
        if self.prompt != "argument":
            return
        size = len(prompt.encode())
        if size > ARGUMENT_BYTES:
            raise UsageError(
                f"the prompt is {size:,} bytes long and the system takes {ARGUMENT_BYTES:,} as an argument: set "
                f"`prompt = stdin` or `prompt = file` in [agent {self.name}] of config.ini"
            )


def find_agent(name: str, settings: Settings) -> Agent:
    """Return the agent of this name. Raises UsageError where it is unknown, badly configured or not installed."""
    found = describe_agent(name, settings)
    others = find_others(found, settings)
    if others is not None:
        raise UsageError(describe_absence(found, others))
    return found


def find_others(agent: Agent, settings: Settings) -> list[str] | None:
    """Return the names of the agents that are installed, where this one is not; else None."""
    if is_installed(agent):
        return None
    return [SHELL, *(one.name for one in describe_all(settings) if is_installed(one))]


def describe_absence(agent: Agent, others: Iterable[str]) -> str:
    """Return what is to be said and done where an agent is not installed."""
    return (
        f"agent {agent.name}: {agent.argv[0]!r} is not installed, or not on PATH: install it, or set `command` in "
        f"[agent {agent.name}] of config.ini, or give another with --agent (on PATH: {', '.join(others)})"
    )


def describe_agent(name: str, settings: Settings) -> Agent:
    """Return the agent of this name, installed or not. Raises UsageError where it is unknown or badly configured."""
    own_agents = config.agents(settings)
    if name == SHELL:
        if SHELL in own_agents:
            raise UsageError(f"{settings.where('agent ' + SHELL)} has no effect: it runs commands, and has no options")
        return Agent(SHELL)
    known = dict(BUILT_IN)
    for own, options in own_agents.items():
        known[own] = {**known.get(own, {}), **options}
    if name not in known:
        names = ", ".join([SHELL, *sorted(known)])
        raise UsageError(
            f"unknown agent {shorten(name, 60)!r}: known here are {names}; [agent NAME] in config.ini adds one"
        )
    from .options import read_options  # what only runs commands does without

    return Agent(name, **read_options(name, known[name], settings))


def describe_all(settings: Settings) -> Iterator[Agent]:
    """Yield the agents for prompts that are known, installed or not, by their names."""
    for name in sorted({*BUILT_IN, *config.agents(settings)} - {SHELL}):
        try:
            yield describe_agent(name, settings)
        except UsageError:
            continue  # badly configured: `doctor` says so, and whoever names it


def recall_agent(name: str, home: str) -> Agent | None:
    """Return the agent of an attempt, by its name, as it is configured now; None where it is not any more."""
    try:
        return describe_agent(name, config.read(home))
    except Error:
        return None


def is_installed(agent: Agent) -> bool:
    """Return whether the command of an agent is on PATH."""
    if agent.name == SHELL:
        return True
    import shutil

    return shutil.which(agent.argv[0]) is not None


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
