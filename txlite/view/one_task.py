"""All about one task, with why its last attempt ended as it did, and what to type where it needs a person.

Used by the command `show`, and by the tool of that name.
"""

from __future__ import annotations

import sys

from .. import text
from ..execution import presence
from ..model import APPROVAL, BACKLOG, DONE, LOST, PROMPT, QUEUED, describe_agent
from ..ralph.reason import Reason, find_reason, ways_on
from ..reports.costs import describe_spent, describe_usages
from ..system import clock
from ..system.named_tuple import NamedTuple
from .attempt_row import describe_course
from .table import print_table
from .tasks import describe, number
from .terminal import room_for, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Attempt, Group, Message, Task, Usage, Verdict
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store
    from ..store.tasks import Relations
    from ..store.usages import Spent

NAMED = 20  # related tasks that are shown with their titles
TITLE = 42  # characters of these
WORDS = 1000  # characters of what a person, or a reviewer, said


class TaskStory(NamedTuple):
    """A task with what came of it."""

    task: Task
    relations: Relations
    attempts: list[Attempt]  # oldest first
    near: dict[str, Task]  # related tasks, by id
    reason: Reason | None  # what its last attempt wrote last; None where that runs, or there is none
    commands: tuple[str, ...]  # to be pasted where it needs a person
    current: AttemptStatus | None  # its last attempt, while that goes on
    group: Group | None  # in which it is
    usages: list[Usage]  # of its attempts, oldest first
    spent: Spent  # by all of them
    messages: list[Message]  # what a person has said to its agents
    verdicts: list[Verdict]  # on the work of its last attempts, oldest first


def tell(store: Store, id: str) -> TaskStory:
    """Return all about a task. Raises TaskNotFound."""
    task = store.get(id)
    relations, attempts = store.relations([task])[task.id], store.attempts(task.id)
    near = {other: store.get(other) for ids in relations for other in ids[:NAMED]}
    last = attempts[-1] if attempts else None
    reason = find_reason(store.home, last) if last and last.ended else None
    spent = store.usages.spent_on(task.id)
    commands = ways_on(task, _parked(store, last), spent.cost)
    if task.status == BACKLOG:
        commands += tuple(way for other in relations.blocked_by[:NAMED] for way in ways_on(near[other], None))
    current = presence.attempt(store, last.id) if last and last.ended is None else None
    return TaskStory(
        task, relations, attempts, near, reason, commands, current, store.groups.find(task.group),
        store.usages.of_task(task.id), spent, store.messages.of(task.id),
        _find_verdicts(store, attempts[-NAMED:]),
    )  # fmt: skip


def _find_verdicts(store: Store, attempts: list[Attempt]) -> list[Verdict]:
    return [said for one in attempts for said in store.reviews.verdicts(one.id)]


def _parked(store: Store, attempt: Attempt | None) -> str | None:
    """The ref of what did not pass, if there is one."""
    trial = store.loop_attempts.get(attempt.id) if attempt else None
    return trial.parked if trial else None


def print_story(story: TaskStory) -> None:
    """Print all about one task."""
    task = story.task
    print(f"{task.id}  {text.printable(task.title)}")
    for name, value in _facts(story):
        if value:
            print(f"  {name + ':':<12} {text.printable(str(value))}")
    for name, ids in zip(("waits for", "blocks", "children"), story.relations):
        _print_related(name, ids, story.near)
    if task.description:
        print("\n" + text.printable_lines(task.description))
    _print_rows("Attempts", [_attempt_row(one, story) for one in story.attempts if one.agent != APPROVAL], 4)
    _print_rows("Verdicts", list(map(_verdict_row, story.verdicts)), 3)
    _print_rows("Approvals", [_attempt_row(one, story) for one in story.attempts if one.agent == APPROVAL], 4)
    _print_rows("Said to its agents", list(map(_message_row, story.messages[-NAMED:])), 2)
    _print_reason(story.reason)
    if story.commands:
        print("\nTo go on:\n" + "\n".join(f"  {text.printable(command)}" for command in story.commands))


def _facts(story: TaskStory) -> list[tuple[str, object]]:
    task = story.task
    facts: list[tuple[str, object]] = [("status", _state(story)), ("score", number(task.score))]
    if task.command is not None:
        facts.append(("command", task.command))
    facts.append(("arguments", _list_arguments(task)))
    facts += [
        ("directory", task.directory),
        ("verify", task.verify),
        ("needs", task.capability),
        ("parent", task.parent),
    ]
    facts += [("agent", task.agent), ("level", task.level)]
    facts += [("timeout", task.timeout and text.duration(task.timeout)), ("attempts", task.max_attempts)]
    facts += [("slurm", "the run's options" if task.slurm == "" else task.slurm)]
    facts += [
        ("group", story.group and _describe_group(story.group)),
        ("every", _describe_schedule(task)),
        ("cost", _describe_cost(story)),
        ("memory", task.max_memory and text.size(task.max_memory)),
    ]
    facts += [("variables", ", ".join(task.variables)), ("reserved for", task.reserved_for)]
    return [*facts, ("not before", task.not_before), ("created", task.created), ("completed", task.completed)]


def _list_arguments(task: Task) -> str | None:
    if task.arguments is None:
        return None
    import shlex

    return shlex.join(task.arguments)


def _describe_schedule(task: Task) -> str | None:
    if task.every is None or task.planned is None or not task.is_resting:
        return task.every
    return f"{task.every}, next at {clock.to_local(task.planned)}"


def _describe_cost(story: TaskStory) -> str:
    spent, bound = describe_spent(story.spent), story.task.max_cost
    return ", ".join([*([spent] if spent else []), *([f"{text.money(bound)} at most"] if bound else [])])


def _describe_group(group: Group) -> str:
    return group.name + (f", which is {group.hold}" if group.hold else "")


def _state(story: TaskStory) -> str:
    return QUEUED if story.current and story.current.state == QUEUED else story.task.state


def _print_related(name: str, ids: list[str], near: dict[str, Task]) -> None:
    """A line for each related task, the first with the heading."""
    for place, id in enumerate(ids[:NAMED]):
        one = near[id]
        head = f"  {name + ':' if place == 0 else '':<12} {id}  {one.state:<9} "
        print(head + text.shorten(one.title, room_for(len(head), 20, TITLE)))
    if len(ids) > NAMED:
        print(f"  {'':<12} and {len(ids) - NAMED} more")


def _print_reason(reason: Reason | None) -> None:
    for heading, words in reason.parts if reason else ():
        print(f"\n{heading[0].upper()}{heading[1:]}:\n{words}")


def _verdict_row(verdict: Verdict) -> tuple[object, ...]:
    return verdict.attempt, verdict.at, verdict.in_words, text.shorten(verdict.reason, WORDS)


def _message_row(message: Message) -> tuple[object, ...]:
    told = f"told to {message.attempt}" if message.attempt else "waits for the next attempt"
    return message.at, told, text.shorten(message.words, WORDS)


def _print_rows(heading: str, rows: list[tuple[object, ...]], together: int) -> None:
    """A line for each; on a terminal, which is too narrow for it, one for its first cells, and one for each other.

    together: how many these are.
    """
    if rows:
        print(f"\n{heading}:")
    if not sys.stdout.isatty():
        print_table(rows, "  ")
        return
    for first, *cells in rows:
        head = f"  {first}  "
        others = cells[together - 1 :]
        for line in ("  ".join(map(str, filter(None, cells[: together - 1]))), *map(str, filter(None, others))):
            for part in text.wrap(line, max(width() - len(head), 20)):
                print(head + part)
                head = " " * len(head)


def _attempt_row(attempt: Attempt, story: TaskStory) -> tuple[object, ...]:
    current, by = story.current, _by(story, attempt)
    if current and current.attempt == attempt.id:
        return _row(attempt, current.state + by, describe_course(current), current.report)
    if attempt.agent == APPROVAL:
        return _row(attempt, _describe_landing(attempt), None, attempt.report)
    usages = tuple(one for one in story.usages if one.attempt == attempt.id)
    return _row(attempt, describe(attempt) + by, attempt.place, attempt.report, describe_usages(usages))


def _describe_landing(approval: Attempt) -> str:
    """How an approval that is over ended: nobody knows what became of the work where it was killed."""
    if approval.outcome in (DONE, LOST):
        return (approval.outcome == DONE and approval.note) or describe(approval)
    return f"did not land: {approval.note or approval.outcome}"


def _by(story: TaskStory, attempt: Attempt) -> str:
    """By whom it was made, where that was an agent that reads prompts."""
    is_known = story.task.kind == PROMPT and attempt.agent and attempt.agent != APPROVAL
    return text.printable(f", by {describe_agent(attempt.agent, attempt.level)}") if is_known else ""


def _row(attempt: Attempt, words: str, place: str | None, report: str | None, cost: str = "") -> tuple[object, ...]:
    took = "" if attempt.duration is None else text.duration(attempt.duration)
    return attempt.id, attempt.started, took, words + (f", {place}" if place else ""), report or "", cost
