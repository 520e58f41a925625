"""The PRDs of ralph loops: an object with `userStories`, or a bare array of stories, of which `passes` says which work.

A story has an id, a title (or only a description), acceptance criteria (or steps), a priority (the lower, the sooner),
what it depends on, and notes. Used by `reading`.
"""

from __future__ import annotations

import json
import re

from ..errors import InvalidValue
from ..model import BACKLOG, DONE
from . import json_places
from .entry import Change, Lines, ListEntry, TaskList, wrong
from .json_places import Placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STORIES = ("userStories", "user_stories", "stories", "features", "tasks")  # where they stand, the first that is there
PROJECT = ("branchName", "project", "projectName", "feature")  # what tells this PRD from the next in the same file
DEPENDS = ("dependsOn", "depends_on", "dependencies", "blockedBy")
TITLES = ("title", "name")
BOXES = ("passes", "completed", "done", "tested")  # yes or no; where there is none of them, its `status` says it
PARTS = (("details", ""), ("tasks", "Tasks"), ("acceptanceCriteria", "Acceptance criteria"),
         ("acceptance_criteria", "Acceptance criteria"), ("steps", "Steps"), ("notes", "Notes"))  # fmt: skip
DONE_WORDS = ("done", "complete", "completed", "closed", "passed", "passes", "passing")
DONE_WORD = "completed"
RANKS = {"critical": -1, "highest": -1, "high": -2, "medium": -3, "low": -4, "lowest": -5}


def has_stories(value: object) -> bool:
    """Say whether an object looks like such a PRD."""
    return isinstance(value, dict) and any(isinstance(value.get(key), list) for key in STORIES)


def read(text: str, name: str) -> TaskList:
    """Return what a PRD says; `name` is for messages. Raises UsageError."""
    value = _parse(text, name)
    lines, start, project = Lines(text), json_places.first(text), ""
    if has_stories(value):
        start, project = _find(text, start)
    elif not isinstance(value, list):
        raise wrong(name, lines.number(start), f"it has no {STORIES[0]}, and is no array of them")
    stories = list(json_places.elements(text, start))
    if not stories:
        raise wrong(name, lines.number(start), "it has no stories")
    word = next((said for said in map(_status, stories) if said.casefold() in DONE_WORDS), DONE_WORD)
    entries = []
    for story in stories:
        number = lines.number(story.start)
        try:
            entries.append(_entry(text, number, project, story, word))
        except InvalidValue as error:
            raise wrong(name, number, str(error)) from None
    return TaskList(entries, is_strict=True)


def _find(text: str, start: int) -> tuple[int, str]:
    """Where the stories of the object that begins at `start` stand, and what its project is called."""
    above = json_places.members(text, start)
    stories = next(above[key].start for key in STORIES if key in above and isinstance(above[key].value, list))
    return stories, next((str(above[key].value) for key in PROJECT if key in above and above[key].value), "")


def _parse(text: str, name: str) -> object:
    try:
        return json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise wrong(name, error.lineno, f"it is not JSON at character {error.colno} ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise wrong(name, 1, f"it holds what cannot be read: {error}") from None


def _status(story: Placed) -> str:
    said = story.value.get("status") if isinstance(story.value, dict) else ""
    return said if isinstance(said, str) else ""


def _entry(text: str, number: int, project: str, story: Placed, word: str) -> ListEntry:
    """word: by which this file says in a status that something is done."""
    facts = story.value
    if not isinstance(facts, dict):
        raise InvalidValue("a story is an object")
    title, description = _say(facts)
    whole = _join([description, *(_part(facts, *part) for part in PARTS)])
    own = label(facts.get("id"))
    is_done = any(facts.get(box) is True for box in BOXES) or _status(story).casefold() in DONE_WORDS
    return ListEntry(
        number,
        "\n".join((project, own or whole, title)),
        title,
        whole,
        [own or title],
        own,
        None,
        [(number, one) for one in _depends(facts)],
        status=DONE if is_done else BACKLOG,
        score=_score(facts.get("priority")),
        ticks=() if is_done else _ticks(text, story.start, word),
    )


def _say(facts: dict) -> tuple[str, str]:
    """Its title and its description; where it has no title, that is the first line of its description."""
    title = next((words(facts[key], key).strip() for key in TITLES if facts.get(key)), "")
    description = words(facts.get("description"), "description")
    if not title:
        title, _, description = description.strip().partition("\n")
    if not title:
        raise InvalidValue("a story has neither title nor description")
    return " ".join(title.split()), description


def _ticks(text: str, start: int, word: str) -> list[Change]:
    places = json_places.members(text, start)
    for box in BOXES:
        if box in places and isinstance(places[box].value, bool):
            return [Change(places[box].start, places[box].end, "true")]
    status = places.get("status")
    return [Change(status.start, status.end, json.dumps(word))] if status and isinstance(status.value, str) else []


def words(value: object, what: str) -> str:
    """Return text, which may be missing; raises InvalidValue."""
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"its {what} is not text")
    return value or ""


def label(value: object) -> str | None:
    """Return an id, which may be missing, or a number; raises InvalidValue."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InvalidValue("an id is neither text nor a number")
    return str(value)


def _depends(facts: dict) -> Sequence[str]:
    found: object = next((facts[key] for key in DEPENDS if facts.get(key)), [])
    if isinstance(found, dict):
        found = next((found[key] for key in DEPENDS if found.get(key)), [])
    many = found if isinstance(found, list) else [found]
    return [name for name in map(label, many) if name is not None]


def _score(priority: object) -> float:
    """The lower a priority, the sooner: so its negative."""
    if isinstance(priority, str):
        number = re.fullmatch(r"[Pp](\d)", priority.strip())
        return -int(number[1]) if number else RANKS.get(priority.strip().casefold(), 0)
    if isinstance(priority, (int, float)) and not isinstance(priority, bool) and abs(priority) < 1e12:
        return -priority
    return 0


def _part(facts: dict, key: str, title: str) -> str:
    value = facts.get(key)
    if isinstance(value, list):
        value = "\n".join(f"- {one}" for one in value if isinstance(one, (str, int, float)))
    if not isinstance(value, str) or not value.strip():
        return ""
    return f"{title}:\n{value}" if title else value


def _join(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())
