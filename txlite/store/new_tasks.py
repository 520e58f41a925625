"""New tasks: what they may say, and how they enter the queue.

All of what is added together is checked before the database is locked, and enters in one transaction, or not at all.
Used by the store's façade, and by what adds tasks together with something else (`batches`, `launches`).
"""

from __future__ import annotations

import functools
import os

from .. import text
from ..errors import InvalidValue
from ..home import location
from ..model import COMMAND, PROMPT, SLURM, Lane, Task, agent_need, format_environment, named_agent
from . import tasks
from .inserting import NewTask, insert, insert_one
from .spool import Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .database import Database
    from .waking import Waking

TITLE_LENGTH = 200  # characters of a command that become its title
COMMAND_BYTES = 131_071  # Linux's MAX_ARG_STRLEN, less the closing NUL: `sh -c` takes no longer argument


class NewTasks:
    """The tasks that come into the queue of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def add(self, new: NewTask) -> Task:
        """Add one task. Raises TaskNotFound for a parent or a blocker that does not exist."""
        with self._database.writing() as connection:
            task = tasks.select(connection, insert_one(connection, new))
        self._waking.wake_for({Lane(new.kind, new.needs)})
        return task

    def add_many(self, many: Iterable[Mapping[str, object] | str]) -> Sequence[str]:
        """Add many in one transaction: all of them, or none. Their ids, in order."""
        ids: list[str] = []
        with Spool(os.path.dirname(self._database.path)) as checked:
            check_many(many, checked)
            with self._database.writing() as connection:
                insert(connection, checked, len(checked), ids.extend)
            self._waking.wake_for(checked.lanes)
        return ids


def check(
    title: str,
    command: str | None = None,
    description: str = "",
    score: float = 0,
    parent: Task | str | None = None,
    needs: str = "",
    not_before: str | None = None,
    directory: str | None = None,
    after: Iterable[Task | str] | Task | str = (),
    verify: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
    environment: Mapping[str, str] | None = None,
    slurm: str | None = None,
    group: str = "",
    every: str | None = None,
    arguments: Iterable[str] | None = None,
    max_memory: int | None = None,
    agent: str | None = None,
    level: str | None = None,
    max_cost: int | None = None,
) -> NewTask:
    """Check what `Store.add` takes, and return it as one record; raises InvalidValue."""
    if command is not None:
        command = check_command(command)
    agent = check_agent(agent)
    needs = _check_needs(needs, agent, command, slurm)
    check_score(score)
    every, planned, not_before = _plan(every, not_before)
    return NewTask._make(
        (
            text.check_line(title, "the title") if title or command is None else title_of(command),
            PROMPT if command is None else COMMAND,
            needs,
            score,
            not_before,
            check_max_attempts(max_attempts),
            check_group(group),
            every,
            text.check_text(description, "the description"),
            command,
            _check_directory(directory or location.working_directory()),
            _check_gate(verify),
            check_timeout(timeout),
            check_environment(environment) if environment else None,
            check_slurm(slurm),
            planned,
            check_arguments(arguments),
            check_memory(max_memory),
            agent,
            check_level(level),
            check_cost(max_cost),
            None if parent is None else tasks.id_of(parent, "parent"),
            _ids(after),
        )
    )


def _check_needs(needs: str, agent: str | None, command: str | None, slurm: str | None) -> str:
    """What it needs: a capability, or its agent. Raises InvalidValue for what contradicts that."""
    if needs:
        text.check_name(needs, "the capability")
    if named_agent(needs):
        raise InvalidValue(f"{text.shorten(needs, 60)!r} is no capability: give --agent {named_agent(needs)[:60]}")
    needs = needs or (SLURM if slurm is not None else "")
    if not agent:
        return needs
    check_agent_alone(agent, command, needs)
    return agent_need(agent)


def check_agent_alone(agent: str, command: str | None, needs: str) -> None:
    """Raise InvalidValue where a task cannot have an agent of its own: it is a command, or needs something else."""
    if command is not None:
        raise InvalidValue(f"a command is run by the shell: leave --agent {agent} away, or give a title alone")
    if needs:
        raise InvalidValue(f"a task needs either an agent or a capability, not both: {agent}, {needs}")


def _check_directory(path: str) -> str:
    return _check_absolute(path) if os.path.isabs(path) else text.check_text(os.path.abspath(path), "the directory")


@functools.lru_cache(maxsize=8)
def _check_absolute(path: str) -> str:
    """The same one again and again, for most of those that are added together."""
    return text.check_text(os.path.normpath(path), "the directory")


def title_of(command: str) -> str:
    """Return the title of a command that was given none: the beginning of its first line."""
    return command.strip().split("\n", 1)[0][:TITLE_LENGTH]


def _ids(after: Iterable[Task | str] | Task | str) -> tuple[str, ...]:
    """Those that it waits for; a single one stands for itself."""
    if after == ():
        return ()
    many = (after,) if isinstance(after, (str, Task)) else after
    try:
        return tuple(tasks.id_of(task, "after") for task in many)
    except TypeError:
        raise InvalidValue(f"after: {text.shorten(repr(after), 60)} is neither ids nor Tasks") from None


def check_score(score: float) -> None:
    """Raise InvalidValue for what is no number below 1e15 in size."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not abs(score) < 1e15:
        raise InvalidValue(f"score {score!r} is not a number")


def check_timeout(seconds: float | None) -> float | None:
    """Return a time limit; raises InvalidValue for what is no number of seconds above 0."""
    if seconds is None or (type(seconds) in (int, float) and 0 < seconds < 1e9):
        return seconds
    raise InvalidValue(f"timeout {seconds!r} is not a number of seconds above 0")


def check_max_attempts(count: int | None) -> int | None:
    """Return a number of attempts; raises InvalidValue for what is no whole number from 1 to 1,000,000."""
    if count is None or (type(count) is int and 1 <= count <= 1_000_000):
        return count
    raise InvalidValue(f"max_attempts {count!r} is not a whole number from 1")


def check_slurm(options: str | None) -> str | None:
    """Return options for Slurm, which may be none at all; raises InvalidValue for what is not one line of text. (What
    they say is not the store's to judge.)"""
    return text.check_name(options, "the options for Slurm") if options else options


def _check_gate(command: str | None) -> str | None:
    return None if command is None else check_command(command, "the gate")


def check_group(name: str) -> str:
    """Return the name of a group, or "" for none; raises InvalidValue."""
    return text.check_name(name, "the group") if name else ""


def check_every(every: str | None) -> str | None:
    """Return when a task comes again, None for never; raises InvalidValue for what is no period, and no line of
    cron's."""
    if not every:
        return None
    from .schedule import check_schedule

    return check_schedule(every)


def _plan(every: str | None, not_before: str | None) -> tuple[str | None, str | None, str | None]:
    """When it comes again, for when its first occurrence is planned, and how long it waits."""
    every = check_every(every)
    if every is None:
        return None, None, not_before
    from .schedule import plan_first

    return (every, *plan_first(every, not_before))


def check_arguments(arguments: Iterable[str] | None) -> str | None:
    """Return what a template was filled with, as a task keeps it; raises InvalidValue for what is not text."""
    if arguments is None:
        return None
    if isinstance(arguments, str):
        raise InvalidValue(f"arguments {text.shorten(arguments, 40)!r}: give a list of texts")
    return _encoder()([text.check_text(one, "an argument") for one in arguments])


@functools.cache
def _encoder() -> Callable[[object], str]:
    """One for all: to make one takes longer than to use it."""
    import json

    return json.JSONEncoder(ensure_ascii=False).encode


def check_memory(size: int | None) -> int | None:
    """Return a bound of memory; raises InvalidValue for what is no whole number of bytes above 0."""
    if size is None or (type(size) is int and 0 < size < 1 << 60):
        return size
    raise InvalidValue(f"max_memory {size!r} is not a number of bytes above 0")


def check_agent(name: str | None) -> str | None:
    """Return the name of an agent, None for ""; raises InvalidValue for what is none. (Whether it is known is not the
    store's to judge.)"""
    return text.check_plain_name(name, "the agent") if name else None


def check_level(level: str | None) -> str | None:
    """Return a level of reasoning, None for ""; raises InvalidValue for what is not one line of text."""
    return text.check_name(level, "the level") if level else None


def check_cost(cost: int | None) -> int | None:
    """Return a bound of money; raises InvalidValue for what is no whole number of millionths of a dollar above 0."""
    if cost is None or (type(cost) is int and 0 < cost < 1 << 60):
        return cost
    raise InvalidValue(f"max_cost {cost!r} is not a number of millionths of a US dollar above 0")


def check_environment(variables: Mapping[str, str]) -> bytes:
    """Return variables as a task keeps them; raises InvalidValue for what no environment can hold, or what txlite sets
    itself."""
    for name, value in variables.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise InvalidValue(f"{text.shorten(str(name), 40)!r} is not the name of a variable")
        if name.startswith("TXLITE_"):
            raise InvalidValue(f"{name} is set by txlite itself for each attempt: choose another name")
        if not isinstance(value, str) or "\0" in value:
            raise InvalidValue(f"the value of {text.shorten(name, 40)} is not text without NUL")
    try:
        return format_environment(variables)
    except UnicodeEncodeError:
        raise InvalidValue("a variable holds characters that the system cannot encode") from None


def check_command(command: str, what: str = "the command") -> str:
    """Return a command; raises InvalidValue for what `sh -c` would not take."""
    command = text.check_line(command, what)
    size = len(command.encode())
    if size > COMMAND_BYTES:
        raise InvalidValue(
            f"{what} is {size:,} bytes long and the system takes {COMMAND_BYTES:,}: put it into a script"
        )
    return command


def check_many(many: Iterable[Mapping[str, object] | str], checked: Spool) -> None:
    """Check many, titles or mappings, and keep them; the message of InvalidValue names the position, from 1."""
    directory = location.working_directory()
    for position, task in enumerate(many, 1):
        values = {"title": task} if isinstance(task, str) else task
        try:
            checked.append(check(**{"title": "", "directory": directory, **values}))  # type: ignore[arg-type]
        except (InvalidValue, TypeError) as error:
            raise InvalidValue(f"task {position}: {error}") from error
