"""Tasks as lines: a row of the lists, the words for what became of them, what one waits for.

Used by the commands that show or change tasks, and by `one_task`.
"""

from __future__ import annotations

from .. import text
from ..model import ACTIVE, BLOCKED, CANCELLED, DONE, FAILED, QUEUED, REVIEW
from .table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..model import Attempt, Task
    from ..store.attempt_status import AttemptStatus
    from ..store.history import Event, Finished
    from ..store.recent import Failure
    from ..store.store import Store


HEADINGS = ("ID", "STATE", "SCORE", "TASK")
LIST_HEADINGS = ("ID", "STATE", "SCORE", "PLACE", "TASK")
COUNTED = (BLOCKED, REVIEW, FAILED, DONE, CANCELLED)  # states of tasks, in this order behind what goes on


def in_words(state: str) -> str:
    """Return a state of tasks as a sentence has it, behind a number or before an id."""
    return "to be reviewed" if state == REVIEW else state


def print_tasks(tasks: Iterable[Task], headings: Sequence[str] = ()) -> None:
    """Print a line for each task: id, state, score, title; below their headings, where they are given."""
    rows = [(task.id, task.state, number(task.score), task.title + describe_time(task)) for task in tasks]
    print_table(rows, headings=headings)


def find_current(store: Store, tasks: Iterable[Task]) -> dict[str, AttemptStatus]:
    """Return the attempts that tasks are in at this moment, by the ids of these."""
    if not any(task.status == ACTIVE for task in tasks):
        return {}
    from ..execution import presence

    return {one.task: one for one in presence.open_attempts(store)}


def print_list(tasks: Iterable[Task], current: Mapping[str, AttemptStatus]) -> None:
    """Print a line for each task below headings; with where those run that are in an attempt, unless all of them run
    here."""
    if not any(one.place or one.reason or one.silent or one.state == QUEUED for one in current.values()):
        print_tasks(tasks, HEADINGS)
        return
    from .attempt_row import describe_course

    rows = []
    for task in tasks:
        one = current.get(task.id)
        state = QUEUED if one and one.state == QUEUED else task.state
        rows.append(
            (task.id, state, number(task.score), describe_course(one) if one else "", task.title + describe_time(task))
        )
    print_table(rows, headings=LIST_HEADINGS)


def describe_time(task: Task) -> str:
    """Return when the time of a task that waits for it comes, and how often it comes again; "" for all others."""
    if task.state != "later" or not task.not_before:
        return ""
    from ..system.clock import to_local

    often = f", every {task.every}" if task.is_resting else ""
    try:
        return f"  (at {to_local(task.not_before)[:16]}{often})"
    except ValueError:
        return ""  # a time that was edited by hand


def number(value: object) -> str:
    """Return a number without needless figures; what is none (a row edited by hand) as it is."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def describe(attempt: Attempt | Event | Failure | Finished) -> str:
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
        print(f"{'  ' * depth}{mark} {task.id}  {task.state}  {text.printable(task.title)}{more}")
