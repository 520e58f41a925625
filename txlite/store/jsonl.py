"""The lines of an export: what they hold, how they are written, and how each is checked when it comes back.

JSON Lines in UTF-8. The first line names the format and its version; after it come tasks in the order of arrival, then
attempts by number. A line has its keys in a fixed order and leaves out what is null or empty, and says nothing about
the moment or the machine it was written on, so that version control sees a line change when its task does.

Read are also the lines that tx writes about tasks: {"op": "upsert", …} and {"op": "dep_add", …}. Used by `arrivals` and
`transfer`; nothing here reads files or the database.
"""

from __future__ import annotations

import json
import re

from ..errors import InvalidValue
from ..model import COMMAND, KINDS, OUTCOMES, PROMPT, STATES
from ..system.named_tuple import NamedTuple
from ..text import check_line, check_name, check_plain_name, check_text, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import NoReturn

VERSION = 1
FORMAT = {"format": "txlite", "version": VERSION}

TASK_KEYS = ("id", "title", "description", "status", "parentId", "score", "createdAt", "updatedAt", "completedAt",
             "after", "kind", "command", "directory", "verify", "needs", "notBefore", "failures", "launch")  # fmt: skip
LAUNCH_KEYS = ("agent", "type", "level", "template", "timeout", "killAfter", "width")
ATTEMPT_KEYS = ("attempt", "task", "worker", "agent", "startedAt", "endedAt", "outcome", "exitCode", "duration", "pid",
                "report", "note", "tail")  # fmt: skip

# What tx calls a task that somebody works on is ready again here, and what it keeps for a person is blocked. Its own
# "blocked" is both a person's word and a task that waits for others: `arrivals` decides, which knows the dependencies.
TX_WAITS = "waits"
TX_STATES = {"backlog": "backlog", "ready": "backlog", "planning": "backlog", "active": "backlog", "done": "done",
             "review": "blocked", "needs_review": "blocked", "human_needs_to_review": "blocked",
             "blocked": TX_WAITS}  # fmt: skip

LARGEST_SCORE = 1e15
LARGEST_NUMBER = 1 << 53  # what any reader of JSON holds exactly; and room for as many tokens after it

_ID = re.compile(r"tx-[a-z0-9]{8,}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z", re.ASCII)
# What `text` escapes, less the control characters that JSON escapes anyway: the same on every Python.
_HIDDEN = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_REPORT = re.compile(r"(?!\.\.?/)[^/\0]+/[^/\0]+\.md")

_encode = json.JSONEncoder(ensure_ascii=False).encode


class TaskLine(NamedTuple):
    """A task of an import, checked. Its blockers and its parent stand beside it."""

    id: str
    title: str
    kind: str
    needs: str
    score: float
    status: str  # one of STATES, or TX_WAITS
    not_before: str | None
    failures: int
    created: str
    updated: str
    completed: str | None
    description: str
    command: str | None
    directory: str | None
    verify: str | None
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
    note: str | None
    tail: str | None


class Waits(NamedTuple):
    """A task that waits for another, by a line of its own."""

    task: str
    blocker: str


class Arrival(NamedTuple):
    """What one line says."""

    record: TaskLine | AttemptLine | Waits
    parent: str | None = None
    after: Sequence[str] = ()


def write(keys: Iterable[str], values: Iterable[object]) -> str:
    """A line, with its end. Characters that a terminal could act on are escaped, as JSON allows anywhere."""
    line = _encode({key: value for key, value in zip(keys, values) if value is not None and value != ""})
    return (line if line.isascii() and "\x7f" not in line else _HIDDEN.sub(_escape, line)) + "\n"


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def parse(line: bytes) -> dict[str, object]:
    """The object of a line; raises InvalidValue."""
    try:
        found = _decoder.decode(line.decode())
    except UnicodeDecodeError as error:
        raise InvalidValue(f"it is not valid UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise InvalidValue(f"it is not JSON at character {error.pos + 1} ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"it holds what cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise InvalidValue("it is not an object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue(f"{name} is not a number")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def is_first(fields: dict[str, object]) -> bool:
    """Whether this is the first line of an export; raises InvalidValue for one that is not understood."""
    if "format" not in fields:
        return False
    version = fields.get("version")
    if fields["format"] != "txlite" or type(version) is not int or version < 1:
        raise InvalidValue(f"its format is not txlite's: an export begins with {_encode(FORMAT)}")
    if version > VERSION:
        raise InvalidValue(f"its version is {version}, this txlite knows {VERSION}: use a newer txlite")
    return True


def check(fields: dict[str, object], directory: str) -> Arrival:
    """What a line after the first says; `directory` is where tasks of tx run. Raises InvalidValue."""
    if "op" in fields:
        return _check_tx(fields, directory)
    return _check_attempt(fields) if "attempt" in fields else _check_task(fields)


def _check_task(fields: dict[str, object]) -> Arrival:
    take = fields.pop
    task, status, launch = _id(take("id", None), "id"), take("status", None), take("launch", None)
    command, kind = take("command", None), take("kind", None)
    if status not in STATES:
        raise InvalidValue(f"unknown status {_shown(status)}: it is one of {', '.join(STATES)}")
    if kind not in KINDS or (kind == COMMAND) != (command is not None):
        raise InvalidValue(f"kind {_shown(kind)}: it is command where there is a command, else prompt")
    needs = take("needs", "")
    parent, after = take("parentId", None), take("after", [])
    if not isinstance(after, list):
        raise InvalidValue(f"after {_shown(after)} is not a list of ids")
    record = TaskLine._make(
        (
            task,
            _line(take("title", None), "the title"),
            kind,
            check_name(_text(needs, "the capability"), "the capability") if needs else "",
            _score(take("score", None)),
            "backlog" if status == "active" and not launch else status,  # nobody holds it here
            _optional_time(take("notBefore", None), "notBefore"),
            _count(take("failures", 0), "failures", 1 << 31),
            _time(take("createdAt", None), "createdAt"),
            _time(take("updatedAt", None), "updatedAt"),
            _optional_time(take("completedAt", None), "completedAt"),
            _text(take("description", ""), "the description"),
            None if command is None else _line(command, "the command"),
            _optional_text(take("directory", None), "the directory"),
            _optional_text(take("verify", None), "the gate"),
            *(_check_launch(launch, status) if launch is not None else _NO_LAUNCH),
            False,
        )
    )
    _refuse_rest(fields)
    return Arrival._make((record, *_relations(task, parent, after)))


def _relations(task: str, parent: object, after: list) -> tuple[str | None, list[str]]:
    if parent is not None and _id(parent, "parentId") == task:
        raise InvalidValue(f"{task} cannot be its own parent")
    for blocker in after:
        if _id(blocker, "after") == task:
            raise InvalidValue(f"{task} cannot wait for itself")
    return parent, after  # type: ignore[return-value]  # an id, as was just checked


_NO_LAUNCH = (None,) * len(LAUNCH_KEYS)


def _check_launch(launch: object, status: object) -> tuple[object, ...]:
    if not isinstance(launch, dict):
        raise InvalidValue(f"launch {_shown(launch)} is not an object")
    if status in ("backlog", "active"):
        raise InvalidValue(f"a launched task is never {status}: give it another status, or take its launch away")
    take = launch.pop
    timeout, width = take("timeout", None), take("width", None)
    facts = (
        check_plain_name(_text(take("agent", None), "launch agent"), "launch agent"),
        check_plain_name(_text(take("type", None), "launch type"), "launch type"),
        _text(take("level", ""), "launch level"),
        _text(take("template", ""), "launch template"),
        None if timeout is None else _seconds(timeout, "launch timeout"),
        _seconds(take("killAfter", None), "launch killAfter"),
        None if width is None else _count(width, "launch width", 1 << 31, 1),
    )
    _refuse_rest(launch)
    return facts


def _check_attempt(fields: dict[str, object]) -> Arrival:
    take = fields.pop
    outcome, duration, report = take("outcome", None), take("duration", None), take("report", None)
    if outcome not in OUTCOMES:
        raise InvalidValue(f"unknown outcome {_shown(outcome)}: it is one of {', '.join(OUTCOMES)}")
    if report is not None and not (isinstance(report, str) and _REPORT.fullmatch(report)):
        raise InvalidValue(f"report {_shown(report)} is not a path of the form TYPE/NAME.md")
    exit_code, pid = take("exitCode", None), take("pid", None)
    tail = take("tail", None)
    record = AttemptLine._make(
        (
            _count(take("attempt", None), "attempt", LARGEST_NUMBER, 1),
            _id(take("task", None), "task"),
            check_name(_text(take("worker", None), "the worker"), "the worker"),
            _text(take("agent", ""), "the agent"),
            _time(take("startedAt", None), "startedAt"),
            _time(take("endedAt", None), "endedAt"),
            outcome,
            None if exit_code is None else _count(exit_code, "exitCode", 1 << 31, -(1 << 31)),
            None if duration is None else _seconds(duration, "duration"),
            None if pid is None else _count(pid, "pid", 1 << 31, 1),
            _optional_text(report, "the report"),
            _optional_text(take("note", None), "the note"),
            None if tail is None else _tail(tail),
        )
    )
    _refuse_rest(fields)
    return Arrival(record)


def _check_tx(fields: dict[str, object], directory: str) -> Arrival:
    operation, data = fields["op"], fields.get("data")
    if operation == "dep_add":
        return _check_tx_dependency(fields)
    if operation == "upsert" and isinstance(data, dict):
        return _check_tx_task(fields, data, directory)
    raise InvalidValue(
        f"op {_shown(operation)} is not taken: of tx's lines those with upsert and data, or dep_add, are"
    )


def _check_tx_dependency(fields: dict[str, object]) -> Arrival:
    task = _id(fields.get("blockedId", fields.get("taskId")), "blockedId")
    blocker = _id(fields.get("blockerId"), "blockerId")
    _relations(task, None, [blocker])
    return Arrival(Waits(task, blocker))


def _check_tx_task(fields: dict[str, object], data: dict, directory: str) -> Arrival:
    task, status = _id(fields.get("id"), "id"), data.get("status")
    if not isinstance(status, str) or status not in TX_STATES:
        raise InvalidValue(f"unknown status {_shown(status)}: it is one of {', '.join(TX_STATES)}")
    updated = _time(fields.get("ts"), "ts")
    created = data.get("createdAt")
    record = TaskLine._make(
        (
            task,
            _line(data.get("title"), "the title"),
            PROMPT,
            "",
            _score(data.get("score", 0)),
            TX_STATES[status],
            None,
            0,
            updated if created is None else _time(created, "createdAt"),
            updated,
            _optional_time(data.get("completedAt"), "completedAt"),
            _text(data.get("description") or "", "the description"),
            None,
            directory,
            None,
            *_NO_LAUNCH,
            True,
        )
    )
    return Arrival(record, *_relations(task, data.get("parentId"), []))


def _id(value: object, what: str) -> str:
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise InvalidValue(f"{what} {_shown(value)} is not an id: tx- and 8 or more of a-z and 0-9")


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{what} is {_shown(value)} and not text")
    return check_text(value, what)


def _line(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{what} is {_shown(value)} and not text")
    return check_line(value, what)


def _optional_text(value: object, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _tail(value: object) -> str:
    """Output may hold anything, so its end may, too."""
    if not isinstance(value, str):
        raise InvalidValue(f"tail is {_shown(value)} and not text")
    check_text(value.replace("\0", ""), "tail")
    return value


def _score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST_SCORE:
        raise InvalidValue(f"score {_shown(value)} is not a number")
    return value


def _seconds(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < LARGEST_SCORE:
        raise InvalidValue(f"{what} {_shown(value)} is not a number of seconds")
    return value


def _count(value: object, what: str, limit: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value < limit:
        raise InvalidValue(f"{what} {_shown(value)} is not a whole number from {least} on")
    return value


_dates: set[str] = set()  # those found to be right: many lines have the same


def _time(value: object, what: str) -> str:
    """UTC text as `clock` writes it."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not _is_date(match[1]):
        raise InvalidValue(f"{what} {_shown(value)} is not a time as 2025-10-24T15:00:00.000Z")
    return value if match[2] and len(match[2]) == 4 else f"{match[0][:19]}{(match[2] or '.').ljust(4, '0')[:4]}Z"  # type: ignore[return-value]


def _optional_time(value: object, what: str) -> str | None:
    return None if value is None else _time(value, what)


def _is_date(text: str) -> bool:
    if text not in _dates:
        import calendar

        year, month, day = map(int, text.split("-"))
        if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
            return False
        _dates.add(text)
    return True


def _refuse_rest(fields: dict[str, object]) -> None:
    for name in fields:
        raise InvalidValue(f"unknown key {_shown(name)}")


def _shown(value: object) -> str:
    return "(missing)" if value is None else shorten(repr(value)[:200], 40)
