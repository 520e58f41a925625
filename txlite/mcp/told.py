"""What the tools tell: objects that are short, with all that others wrote under `data`, cut where it is long.

Used by the tools.
"""

from __future__ import annotations

from .. import text
from ..model import COMMAND
from ..reports.costs import describe_spent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Attempt, Task, Verdict
    from ..view.one_task import TaskStory

    Told = dict[str, object]

TITLE = 200  # characters of a title
WORDS = 20_000  # characters of a description or a command
SHORT = 2_000  # characters of anything else
NAMED = 20  # ids of a relation
ATTEMPTS = 5  # the newest


def cut(words: str, most: int) -> str:
    """Return the beginning of a text, and how much of it is missing."""
    return words if len(words) <= most else f"{words[:most]}\n[{len(words) - most} more characters]"


def cut_front(words: str, most: int) -> str:
    """Return the end of a text, and how much of it is missing."""
    return words if len(words) <= most else f"[{len(words) - most} more characters]\n{words[-most:]}"


def row(task: Task) -> Told:
    """Return a task in a list."""
    kind = {"kind": COMMAND} if task.kind == COMMAND else {}
    score = {"score": task.score} if task.score else {}
    return {"id": task.id, "state": task.state, **kind, **score, "data": {"title": cut(task.title, TITLE)}}


def rows(tasks: Sequence[Task], limit: int) -> Told:
    """Return a list, and that there is more where there is."""
    found: Told = {"tasks": [row(task) for task in tasks[:limit]]}
    return {**found, "more": "narrow it, or give a higher limit"} if len(tasks) > limit else found


def words_of(task: Task) -> Told:
    """Return what a task says: all that was written by others."""
    said = {"title": task.title, "description": task.description, "command": task.command, "gate": task.verify}
    return {name: cut(value, WORDS) for name, value in said.items() if value}


def whole(story: TaskStory, seen: Iterable[str] | None) -> Told:
    """Return all about one task; of the tasks around it those that are `seen` (None: all of them)."""
    task, known = story.task, None if seen is None else set(seen)
    facts: Told = {"id": task.id, "state": task.state, "score": task.score}
    around = ([task.parent] if task.parent else [], *story.relations)
    for name, ids in zip(("parent", "waitsFor", "blocks", "children"), around):
        facts[name] = [id for id in ids if known is None or id in known][:NAMED]
    facts.update(agent=task.agent, level=task.level, cost=describe_spent(story.spent))
    facts["attempts"] = [_attempt(one) for one in story.attempts[-ATTEMPTS:]]
    return {**_given(facts), "data": {**words_of(task), **_given(_came_of(story))}}


def _came_of(story: TaskStory) -> Told:
    """What others wrote when it was worked on."""
    reason, attempts = story.reason, story.attempts[-ATTEMPTS:]
    return {
        "gateSaid": cut_front(reason.gate, SHORT) if reason else "",
        "lastWords": cut_front(reason.words, SHORT) if reason else "",
        "notes": [text.shorten(one.note, TITLE) for one in attempts if one.note],
        "verdicts": [_verdict(one) for one in story.verdicts[-ATTEMPTS:]],
        "aPersonSaid": [cut(one.words, SHORT) for one in story.messages[-ATTEMPTS:]],
    }


def _verdict(one: Verdict) -> str:
    said = f": {cut(one.reason, SHORT)}" if one.reason else ""
    return f"{one.by} {one.verdict} it{said}"


def _given(values: Told) -> Told:
    """Without what says nothing."""
    return {name: value for name, value in values.items() if value}


def _attempt(attempt: Attempt) -> Told:
    took = None if attempt.duration is None else text.duration(attempt.duration)
    facts = {"agent": attempt.agent, "outcome": attempt.outcome or "goes on", "exit": attempt.exit_code, "took": took}
    return {name: value for name, value in facts.items() if value not in (None, "")}
