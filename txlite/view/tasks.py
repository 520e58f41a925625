"""Tasks as lines: a row of the lists, the words for what became of them, what one waits for.

Used by the commands that show or change tasks, and by `one_task`.
"""

from __future__ import annotations

from .. import text
from .table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Attempt, Task
    from ..store.history import Finished


HEADINGS = ("ID", "STATE", "SCORE", "TASK")


def print_tasks(tasks: Iterable[Task], headings: Sequence[str] = ()) -> None:
    """Print a line for each task: id, state, score, title; below their headings, where they are given."""
    print_table([(task.id, task.state, number(task.score), task.title) for task in tasks], headings=headings)


def number(value: object) -> str:
    """Return a number without needless figures; what is none (a row edited by hand) as it is."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


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
        print(f"{'  ' * depth}{mark} {task.id}  {task.state}  {text.printable(task.title)}{more}")
