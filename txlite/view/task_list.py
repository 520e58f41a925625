"""The tasks of a home for a person at a terminal: what runs first, then what failed and what waits, and what is done
last; of very many the first of these, and how many more there are. Used by `list`.
"""

from __future__ import annotations

import sys
import time

from .. import text
from ..model import ACTIVE, BACKLOG, BLOCKED, CANCELLED, DONE, FAILED, QUEUED, REVIEW
from ..system import clock
from . import terminal
from .attempt_row import describe_course
from .attempts import COLOURS
from .fitted_table import Column, print_fitted
from .tasks import find_current, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Task
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

MOST = 100  # tasks; of more than these as many as the terminal has lines for, but for
OTHERS = 3  # lines: the headings, how many more there are, and the next prompt; and not less than
FEWEST = 20  # tasks
NARROWEST = 28  # columns for a title, where there is more to say
STATE_COLOURS = {**COLOURS, ACTIVE: "36", REVIEW: "33", BLOCKED: "33", "later": "33", "waiting": "33", "reserved": "33"}


def is_for_a_person() -> bool:
    """Whether a person looks at it, and no program."""
    return sys.stdout.isatty()


def print_excerpt(store: Store, states: Sequence[str] | None) -> None:
    """Print the tasks in these states, in the order of arrival, or all, those first that a person looks for; of very
    many a screenful. Raises InvalidValue for a state that is none."""
    if states is not None:
        tasks = list(store.list(states, MOST + 1))
        has_more, rest = len(tasks) > MOST, "more: `--all` lists them, too"
    else:
        counts = store.count()
        tasks, size = find_first(store, counts), sum(counts.values())
        has_more, rest = size > MOST, "and {:,} more: `txlite list --all`, or `--status ready,later`"
    if has_more:
        tasks = tasks[: max(terminal.size().lines - OTHERS, FEWEST)]
    if tasks:
        print_for_a_person(tasks, find_current(store, tasks))
    else:
        print("no tasks yet: `txlite add`" if states is None else f"no task in the state {' or '.join(states)}")
    if has_more:
        print(terminal.colour(rest if states is not None else rest.format(size - len(tasks)), "2"))


def find_first(store: Store, counts: dict[str, int]) -> list[Task]:
    """Return the tasks that a person looks for first; counts: how many there are in each status."""
    found = [task for status in (ACTIVE, FAILED, REVIEW, BLOCKED) if counts.get(status)
             for task in store.recent.newest(status, MOST)]  # fmt: skip
    if counts.get(BACKLOG) and len(found) < MOST:
        ready = store.ready(MOST)
        found += ready
        if len(ready) < min(counts[BACKLOG], MOST):
            found += store.list(["waiting", "later"], MOST)
    for status in (DONE, CANCELLED):
        if counts.get(status) and len(found) < MOST:
            found += store.recent.newest(status, MOST)
    return found[:MOST]


def print_for_a_person(tasks: Sequence[Task], current: dict[str, AttemptStatus]) -> None:
    """Print a line for each, in as many columns as the terminal has room for."""
    rows = [_cells(task, current.get(task.id)) for task in tasks]
    states, ids, titles, times, scores, groups, places = zip(*rows)
    print_fitted([
        Column("STATE", states, colours=[STATE_COLOURS.get(state, "") for state in states]),
        Column("ID", ids, colours=["2"] * len(ids)),
        Column("TASK", titles, least=NARROWEST),
        Column("WHEN", times, 1, is_number=True),
        Column("SCORE", scores, 2, is_number=True),
        Column("GROUP", groups, 3, least=8),
        Column("PLACE", places, 4, least=10),
    ])  # fmt: skip


def _cells(task: Task, attempt: AttemptStatus | None) -> tuple[str, ...]:
    return (
        QUEUED if attempt and attempt.state == QUEUED else task.state,
        task.id,
        text.printable(task.title),
        _when(task, attempt, time.time()),
        number(task.score) if task.score else "",
        text.printable(task.group),
        describe_course(attempt) if attempt else "",
    )


def _when(task: Task, attempt: AttemptStatus | None, now: float) -> str:
    """How long it has run, how long ago it ended, or when its time comes."""
    try:
        if attempt:
            return text.age(now - clock.to_seconds(attempt.started))
        if task.status in (REVIEW, DONE, FAILED, CANCELLED):
            return text.ago(now - clock.to_seconds(task.completed or task.updated))
        return f"in {text.age(clock.to_seconds(task.not_before) - now)}" if task.not_before else ""
    except ValueError:
        return ""  # a time that was edited by hand
