"""beads' issues, one JSON object a line: `id title status priority issue_type dependencies …`.

What it deleted or only keeps to itself is no task. An issue that is blocked there by others waits here, too; one that a
person put aside is blocked. A dependency on an issue that is not in the file counts as met, as it does there. Used by
`reading`.
"""

from __future__ import annotations

import json

from ..errors import InvalidValue
from ..model import BACKLOG, BLOCKED, DONE
from . import json_places
from .entry import Change, ListEntry, TaskList, wrong
from .prd import label, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NO_WORK = ("message", "event", "agent", "role", "rig", "convoy", "slot", "gate", "molecule")  # issue types
OPEN = ("open", "in_progress", "hooked", "blocked", "")  # nobody holds it here; whom it waits for is told by itself
LOWEST = 4  # of priorities; 0 is the highest, and is also what is left out
WAITS = ("blocks", "conditional-blocks", "waits-for", "")
PARTS = (("description", ""), ("design", "Design"), ("acceptance_criteria", "Acceptance criteria"), ("notes", "Notes"))


def is_issue(value: object) -> bool:
    """Say whether an object looks like one of its issues."""
    return isinstance(value, dict) and {"id", "title"} <= set(value) and not {"op", "format", "kind"} & set(value)


def read(text: str, name: str) -> TaskList:
    """Return what a file of issues says; `name` is for messages. Raises UsageError."""
    entries, place = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip("\ufeff \t\r"):
            try:
                entries += _read_line(text, number, place, line)
            except InvalidValue as error:
                raise wrong(name, number, str(error)) from None
        place += len(line) + 1
    return TaskList(entries, is_strict=False)


def _read_line(text: str, number: int, place: int, line: str) -> list[ListEntry]:
    try:
        facts = json.loads(line.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise InvalidValue(f"it is not JSON at character {error.colno} ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"it holds what cannot be read: {error}") from None
    if not is_issue(facts):
        raise InvalidValue("it is not an issue with id and title")
    if facts.get("status") == "tombstone" or facts.get("issue_type") in NO_WORK:
        return []
    if facts.get("ephemeral") or facts.get("is_template"):
        return []
    return [_entry(text, number, place + line.index("{"), facts)]


def _entry(text: str, number: int, start: int, facts: dict) -> ListEntry:
    own, title = label(facts["id"]), words(facts["title"], "title")
    if not own or not title.strip():
        raise InvalidValue("its id or its title is empty")
    above, waits = _relations(facts.get("dependencies"))
    status = DONE if facts.get("status") == "closed" else BACKLOG if facts.get("status", "") in OPEN else BLOCKED
    if facts.get("status") == "blocked" and not waits:
        status = BLOCKED
    return ListEntry(
        number,
        own,
        " ".join(title.split()),
        _describe(facts),
        [own],
        own,
        above,
        [(number, one) for one in waits],
        status=status,
        score=_score(facts.get("priority", 0)),
        ticks=() if status == DONE else _ticks(text, start),
    )


def _relations(dependencies: object) -> tuple[str | None, Sequence[str]]:
    """What it is a part of, and what it waits for."""
    above, waits = None, []
    for one in dependencies if isinstance(dependencies, list) else ():
        name = label(one.get("depends_on_id")) if isinstance(one, dict) else None
        if name and one.get("type") == "parent-child":
            above = name
        elif name and one.get("type", "") in WAITS:
            waits.append(name)
    return above, waits


def _score(priority: object) -> float:
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise InvalidValue("its priority is no whole number")
    return LOWEST - priority if abs(priority) < 1 << 31 else 0


def _describe(facts: dict) -> str:
    parts = [(title, words(facts.get(key), key).strip()) for key, title in PARTS]
    return "\n\n".join(f"{title}:\n{said}" if title else said for title, said in parts if said)


def _ticks(text: str, start: int) -> Sequence[Change]:
    """It is closed, with the time at which it was."""
    facts = json_places.members(text, start)
    status = facts.get("status")
    if status is None:
        return ()
    closed = Change(status.start, status.end, '"closed"' + ("" if "closed_at" in facts else ',"closed_at":"{now}"'))
    times = [Change(facts[key].start, facts[key].end, '"{now}"') for key in ("closed_at", "updated_at") if key in facts]
    return [closed, *times]
