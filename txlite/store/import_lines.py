"""What the lines of an export say when they come back, each checked by itself: tasks and attempts.

Used by `staging`; nothing here reads files or the database. Lines of tx's are checked in `tx_lines`.
"""

from __future__ import annotations

import re

from ..errors import InvalidValue
from ..model import ACTIVE, BACKLOG, COMMAND, KINDS, OUTCOMES, STATES, agent_need, named_agent
from ..system.named_tuple import NamedTuple
from ..text import check_name, check_plain_name
from . import groups
from .import_values import (
    LARGEST_NUMBER,
    count,
    line,
    moment,
    optional_moment,
    optional_text,
    refuse_rest,
    score,
    seconds,
    shown,
    tail,
    task_id,
    text,
)
from .jsonl import LAUNCH_KEYS
from .new_tasks import (
    check_agent,
    check_arguments,
    check_cost,
    check_environment,
    check_every,
    check_group,
    check_level,
    check_max_attempts,
    check_memory,
    check_slurm,
    check_timeout,
)
from .usage_lines import check_usages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Usage

_REPORT = re.compile(r"(?!\.\.?/)[^/\0]+/[^/\0]+\.md")


class TaskLine(NamedTuple):
    """A task of an import, checked. Its blockers and its parent stand beside it."""

    id: str
    title: str
    kind: str
    needs: str
    score: float
    status: str  # one of STATES, or, of tx's, TX_WAITS
    not_before: str | None
    failures: int
    created: str
    updated: str
    completed: str | None
    description: str
    command: str | None
    directory: str | None
    verify: str | None
    time_limit: float | None
    max_attempts: int | None
    environment: bytes | None
    slurm: str | None
    in_group: str
    every: str | None
    planned: str | None
    arguments: str | None  # as JSON
    max_memory: int | None
    own_agent: str | None
    own_level: str | None
    max_cost: int | None
    agent: str | None  # the first of seven facts about how it is launched; None for a task of the queue
    type: str | None
    level: str | None
    template: str | None
    timeout: float | None
    kill_after: float | None
    width: int | None
    of_tx: bool  # it says nothing about what only txlite knows


class AttemptLine(NamedTuple):
    """An attempt of an import, checked."""

    id: int
    task: str
    worker: str
    agent: str
    started: str
    ended: str
    outcome: str
    exit_code: int | None
    duration: float | None
    pid: int | None
    report: str | None
    place: str | None
    note: str | None
    level: str | None
    tail: str | None


class GroupLine(NamedTuple):
    """A group of an import, checked."""

    name: str
    limit: int | None


class Waits(NamedTuple):
    """A task that waits for another, by a line of its own."""

    task: str
    blocker: str


class ImportLine(NamedTuple):
    """What one line says."""

    record: TaskLine | AttemptLine | GroupLine | Waits
    parent: str | None = None
    after: Sequence[str] = ()
    usages: Sequence[Usage] = ()


def check(fields: dict[str, object]) -> ImportLine:
    """Check a line after the first; what it says. Raises InvalidValue."""
    if "attempt" in fields:
        return _check_attempt(fields)
    return _check_group(fields) if "group" in fields and "id" not in fields else _check_task(fields)


def _check_group(fields: dict[str, object]) -> ImportLine:
    name, limit = text(fields.pop("group"), "the group"), fields.pop("limit", None)
    groups.check_limit(limit)  # type: ignore[arg-type]
    refuse_rest(fields)
    return ImportLine(GroupLine(groups.check_name(name), limit))  # type: ignore[arg-type]  # as was just checked


def _check_task(fields: dict[str, object]) -> ImportLine:
    """What it is, then what it says, and what stands beside it."""
    take = fields.pop
    task, status, launch = task_id(take("id", None), "id"), take("status", None), take("launch", None)
    parent, after, kind = take("parentId", None), take("after", []), fields.get("kind")
    if status not in STATES:
        raise InvalidValue(f"unknown status {shown(status)}: it is one of {', '.join(STATES)}")
    if kind not in KINDS or (kind == COMMAND) != (fields.get("command") is not None):
        raise InvalidValue(f"kind {shown(kind)}: it is command where there is a command, else prompt")
    if not isinstance(after, list):
        raise InvalidValue(f"after {shown(after)} is not a list of ids")
    here = BACKLOG if status == ACTIVE and not launch else status  # nobody holds it here
    values = _check_values(task, here, fields)
    launched = _check_launch(launch, status) if launch is not None else NO_LAUNCH
    refuse_rest(fields)
    return ImportLine._make((TaskLine._make((*values, *launched, False)), *check_relations(task, parent, after), ()))


def _check_values(task: str, status: object, fields: dict[str, object]) -> tuple[object, ...]:
    """What the line of a task says of it, in the order of TaskLine."""
    take = fields.pop
    command, kind = take("command", None), take("kind")
    agent = check_agent(optional_text(take("agent", None), "the agent"))
    needs = _check_needs(take("needs", ""), agent, kind == COMMAND)
    return (
        task,
        line(take("title", None), "the title"),
        kind,
        needs,
        score(take("score", None)),
        status,
        optional_moment(take("notBefore", None), "notBefore"),
        count(take("failures", 0), "failures", 1 << 31),
        moment(take("createdAt", None), "createdAt"),
        moment(take("updatedAt", None), "updatedAt"),
        optional_moment(take("completedAt", None), "completedAt"),
        text(take("description", ""), "the description"),
        None if command is None else line(command, "the command"),
        optional_text(take("directory", None), "the directory"),
        optional_text(take("verify", None), "the gate"),
        check_timeout(take("timeout", None)),  # type: ignore[arg-type]
        check_max_attempts(take("maxAttempts", None)),  # type: ignore[arg-type]
        _check_environment(take("environment", None)),
        check_slurm(take("slurm", None)),  # type: ignore[arg-type]
        check_group(take("group", "")),  # type: ignore[arg-type]
        check_every(take("every", None)),  # type: ignore[arg-type]
        optional_moment(take("planned", None), "planned"),
        _check_arguments(take("arguments", None)),
        check_memory(take("maxMemory", None)),  # type: ignore[arg-type]
        agent,
        check_level(optional_text(take("level", None), "the level")),
        check_cost(take("maxCost", None)),  # type: ignore[arg-type]
    )


def _check_needs(needs: object, agent: str | None, is_command: bool) -> str:
    """What a task needs: a capability, or its agent (see `agent_need`)."""
    named = check_name(text(needs, "the capability"), "the capability") if needs else ""
    named = "" if named_agent(named) else named
    if agent and (named or is_command):
        raise InvalidValue(f"agent {shown(agent)}: a command has none, nor has what needs a capability")
    return agent_need(agent) if agent else named


def check_relations(task: str, parent: object, after: list) -> tuple[str | None, list[str]]:
    """Return the parent and the blockers of a task; raises InvalidValue."""
    if parent is not None and task_id(parent, "parentId") == task:
        raise InvalidValue(f"{task} cannot be its own parent")
    for blocker in after:
        if task_id(blocker, "after") == task:
            raise InvalidValue(f"{task} cannot wait for itself")
    return parent, after  # type: ignore[return-value]  # an id, as was just checked


def _check_environment(value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidValue(f"environment {shown(value)} is not an object")
    return check_environment(value) or None


def _check_arguments(value: object) -> str | None:
    if value is not None and not isinstance(value, list):
        raise InvalidValue(f"arguments {shown(value)} is not a list")
    return check_arguments(value)


NO_LAUNCH = (None,) * len(LAUNCH_KEYS)


def _check_launch(launch: object, status: object) -> tuple[object, ...]:
    if not isinstance(launch, dict):
        raise InvalidValue(f"launch {shown(launch)} is not an object")
    if status in (BACKLOG, ACTIVE):
        raise InvalidValue(f"a launched task is never {status}: give it another status, or take its launch away")
    take = launch.pop
    timeout, width = take("timeout", None), take("width", None)
    facts = (
        check_plain_name(text(take("agent", None), "launch agent"), "launch agent"),
        check_plain_name(text(take("type", None), "launch type"), "launch type"),
        text(take("level", ""), "launch level"),
        text(take("template", ""), "launch template"),
        None if timeout is None else seconds(timeout, "launch timeout"),
        seconds(take("killAfter", None), "launch killAfter"),
        None if width is None else count(width, "launch width", 1 << 31, 1),
    )
    refuse_rest(launch)
    return facts


def _check_attempt(fields: dict[str, object]) -> ImportLine:
    take = fields.pop
    outcome, duration, report = take("outcome", None), take("duration", None), take("report", None)
    if outcome not in OUTCOMES:
        raise InvalidValue(f"unknown outcome {shown(outcome)}: it is one of {', '.join(OUTCOMES)}")
    if report is not None and not (isinstance(report, str) and _REPORT.fullmatch(report)):
        raise InvalidValue(f"report {shown(report)} is not a path of the form TYPE/NAME.md")
    exit_code, pid = take("exitCode", None), take("pid", None)
    output, usages = take("tail", None), take("usages", [])
    record = AttemptLine._make(
        (
            count(take("attempt", None), "attempt", LARGEST_NUMBER, 1),
            task_id(take("task", None), "task"),
            check_name(text(take("worker", None), "the worker"), "the worker"),
            text(take("agent", ""), "the agent"),
            moment(take("startedAt", None), "startedAt"),
            moment(take("endedAt", None), "endedAt"),
            outcome,
            None if exit_code is None else count(exit_code, "exitCode", 1 << 31, -(1 << 31)),
            None if duration is None else seconds(duration, "duration"),
            None if pid is None else count(pid, "pid", 1 << 31, 1),
            optional_text(report, "the report"),
            optional_text(take("place", None), "the place"),
            optional_text(take("note", None), "the note"),
            optional_text(take("level", None), "the level"),
            None if output is None else tail(output),
        )
    )
    refuse_rest(fields)
    return ImportLine(record, usages=check_usages(usages))
