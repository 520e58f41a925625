"""A task as a text that a person edits: a head of `key: value`, a line ---, then its command or its description.

It promises that what is written comes back as it was: only what a person has changed is a change. A value of several
lines goes on in lines that begin with two spaces; a line of the head that begins with # is a remark. Used by `edit`.
"""

from __future__ import annotations

import os
import re

from .. import text
from ..errors import UsageError
from ..execution.bounds import NONE, parse_memory
from .arguments import parse_attempts, parse_score, parse_slurm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Task

END = "---"  # of the head
MORE = "  "  # begins a line that continues a value
WRONG = "# WRONG: "  # begins the remark that says what could not be understood
UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
SIZES = ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"))


def _plain(value: str) -> str:
    return value


def _absolute(value: str) -> str:
    if not os.path.isabs(value):
        raise UsageError(f"{text.shorten(value, 40)!r} is no absolute path: give one that begins with /")
    return os.path.normpath(value)


def _or_zero(parse: Callable[[str], float]) -> Callable[[str], float]:
    """A bound: none where nothing stands."""
    return lambda value: parse(value) if value else 0


# key -> what it is called in `Store.update`, and what makes a value of its text
KEYS: dict[str, tuple[str, Callable[[str], object]]] = {
    "title": ("title", _plain),
    "score": ("score", lambda value: parse_score(value or "0")),
    "parent": ("parent", _plain),
    "agent": ("agent", _plain),
    "level": ("level", _plain),
    "group": ("group", _plain),
    "directory": ("directory", _absolute),
    "verify": ("verify", _plain),
    "timeout": ("timeout", _or_zero(text.parse_duration)),
    "max-attempts": ("max_attempts", _or_zero(parse_attempts)),
    "max-memory": ("max_memory", lambda value: parse_memory(value or NONE)),
    "max-cost": ("max_cost", _or_zero(text.parse_money)),
    "every": ("every", _plain),
    "slurm": ("slurm", parse_slurm),
}


def write_form(task: Task) -> str:
    """Return the text to be edited."""
    what, body = ("description", task.description) if task.command is None else ("command", task.command)
    values = {
        "title": task.title,
        "score": f"{task.score:.15g}",
        "parent": task.parent or "",
        **({} if task.command is not None else {"agent": task.agent or "", "level": task.level or ""}),
        "group": task.group,
        "directory": task.directory or "",
        "verify": task.verify or "",
        "timeout": _write_units(task.timeout, UNITS),
        "max-attempts": str(task.max_attempts or ""),
        "max-memory": _write_units(task.max_memory, SIZES),
        "max-cost": _write_dollars(task.max_cost),
        "every": task.every or "",
        **({} if task.slurm is None else {"slurm": task.slurm}),
    }
    head = [
        f"# {task.id}, {task.state}. What stands below {END} is its {what}.",
        "# Nothing behind a key is none. Leave without a change, and nothing is changed.",
        *(_write_line(key, value) for key, value in values.items()),
        END,
    ]
    return "\n".join(head) + f"\n{body}\n"


def _write_line(key: str, value: str) -> str:
    return f"{key}: {value}".rstrip(" ").replace("\n", "\n" + MORE)


def _write_units(value: float | None, units: tuple[tuple[int, str], ...]) -> str:
    """A number in the largest unit in which it is a whole one."""
    if value is None:
        return ""
    for size, unit in units:
        if value >= size and value % size == 0:
            return f"{value // size:g}{unit}"
    return f"{value:.15g}"


def _write_dollars(cost: int | None) -> str:
    return text.dollars(cost) if cost else ""


def mark_wrong(written: str, error: str) -> str:
    """Return the text with a remark before it that says what is wrong with it, instead of an earlier one."""
    lines = written.split("\n")
    if lines[0].startswith(WRONG):
        del lines[0]
    else:  # it takes a line itself
        error = re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + 1}", error)
    return "\n".join([WRONG + text.printable(error), *lines])


def read_form(written: bytes, task: Task) -> dict[str, object]:
    """Return what was changed, as `Store.update` takes it. Raises UsageError, which names the line."""
    try:
        now = written.decode()
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        raise UsageError(f"line {line} is not UTF-8: re-encode it") from None
    before, body_before = _split(write_form(task))
    head, body = _split(now)
    changes: dict[str, object] = {}
    for key, (line, value) in head.items():
        if key not in before or value != before[key][1]:
            name, parse = KEYS[key]
            changes[name] = _parse(line, key, value, parse)
    if body != body_before:
        changes["description" if task.command is None else "command"] = body
    return changes


def _parse(line: int, key: str, value: str, parse: Callable[[str], object]) -> object:
    try:
        return parse(value)
    except UsageError as error:
        raise UsageError(f"line {line}, {key}: {error}") from None


def _split(written: str) -> tuple[dict[str, tuple[int, str]], str]:
    """The head, as key -> number of its line and its value, and what stands below it."""
    lines = written.split("\n")
    ends = [number for number, line in enumerate(lines) if line.rstrip() == END]
    if not ends:
        raise UsageError(f"the line {END} is missing, which stands between the head and the rest")
    head: dict[str, tuple[int, str]] = {}
    last = ""
    for number, line in enumerate(lines[: ends[0]], 1):
        if line.startswith(MORE) and last:
            head[last] = (head[last][0], f"{head[last][1]}\n{line[len(MORE) :]}")
        elif line.strip() and not line.startswith("#"):
            last, value = _read_line(number, line)
            if last in head:
                raise UsageError(f"line {number}, {last}: it stands in line {head[last][0]}, too: remove one")
            head[last] = (number, value)
    body = lines[ends[0] + 1 :]
    return head, "\n".join(body[:-1] if body and not body[-1] else body)


def _read_line(number: int, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    key = key.strip()
    if not colon or key not in KEYS:
        near = text.find_nearest(key, KEYS)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(KEYS)}"
        raise UsageError(f"line {number}: {text.shorten(line.strip(), 40)!r} begins with no key ({hint})")
    return key, value.strip()
