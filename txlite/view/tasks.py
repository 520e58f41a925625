"""Tasks as lines: a row of the lists, all about one, what it waits for.

Used by the commands that show or change tasks.
"""

from __future__ import annotations

from .. import text
from .table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Attempt, Task
    from ..store.history import Finished
    from ..store.tasks import Relations


HEADINGS = ("ID", "STATE", "SCORE", "TASK")


def print_tasks(tasks: Iterable[Task], headings: Sequence[str] = HEADINGS) -> None:
    """Print a line for each task: id, state, score, title."""
    print_table([(task.id, state_of(task), _number(task.score), task.title) for task in tasks], headings=headings)


def _number(value: object) -> str:
    """A number without needless figures; what is none (a row edited by hand) as it is."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def state_of(task: Task) -> str:
    """Return the state as a person means it: what is in the backlog is ready, or waits, is reserved, or for later."""
    if task.status != "backlog":
        return task.status
    if task.open_blockers:
        return "waiting"
    if task.is_reserved:
        return "reserved"
    return "later" if task.not_before else "ready"


def print_task(task: Task, relations: Relations, attempts: list[Attempt]) -> None:
    """Print all about one task."""
    print(f"{task.id}  {text.printable(task.title)}")
    for name, value in _facts(task, relations):
        if value:
            print(f"  {name + ':':<12} {text.printable(str(value))}")
    if task.description:
        print("\n" + text.printable_lines(task.description))
    if attempts:
        print("\nAttempts:")
        print_table(map(_attempt_row, attempts), "  ")
        last = attempts[-1]
        if last.tail:
            print("\nEnd of its output:\n" + text.printable_lines(last.tail).rstrip("\n"))


def _facts(task: Task, relations: Relations) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("status", state_of(task)), ("score", _number(task.score))]
    if task.command is not None:
        facts.append(("command", task.command))
    facts += [("directory", task.directory), ("verify", task.verify), ("needs", task.needs), ("parent", task.parent)]
    facts += [("timeout", task.timeout and text.duration(task.timeout)), ("attempts", task.max_attempts)]
    facts += [("variables", ", ".join(task.variables)), ("reserved for", task.reserved_for)]
    facts += [(name, ", ".join(ids)) for name, ids in zip(("waits for", "blocks", "children"), relations)]
    return [*facts, ("not before", task.not_before), ("created", task.created), ("completed", task.completed)]


def _attempt_row(attempt: Attempt) -> tuple[object, ...]:
    took = "" if attempt.duration is None else text.duration(attempt.duration)
    return attempt.id, attempt.started, took, describe(attempt), attempt.report or ""


def describe(attempt: Attempt | Finished) -> str:
    """Return how an attempt ended, in words."""
    words: str = attempt.outcome or "running"
    if attempt.exit_code and not attempt.note:
        words += f", exit {attempt.exit_code}"
    return words + (f", {attempt.note}" if attempt.note else "")


def print_tree(branches: Iterable[tuple[int, Task, bool]]) -> None:
    """Print a task and its branches, indented by depth, "+" before what is ready, as tx has it; the flag says that its
    own branches stand above."""
    for depth, task, is_again in branches:
        mark, more = "+" if task.is_ready else " ", "  (see above)" if is_again else ""
        print(f"{'  ' * depth}{mark} {task.id}  {state_of(task)}  {text.printable(task.title)}{more}")
