"""What became of a loop: as lines or one object, and the page about it.

Used by the commands `ralph`, when its loop ends and for --report, and `page`.
"""

from __future__ import annotations

import os
import shlex
import sys

from ..errors import StoreUnavailable
from ..model import SHOWN_STATES, describe_agent
from ..ralph.loop import PAGES
from ..ralph.page.document import render
from ..ralph.summary import seconds
from ..system import clock
from ..system.atomic_file import AtomicFile
from ..text import count, duration, printable
from .attempts import print_prompt
from .fitted_table import Column, print_fitted
from .json_output import print_json
from .loop_needs import name_file, say_what_needs_a_person, say_wrapped
from .objects.loops import summary_object
from .table import print_table
from .tasks import in_words
from .terminal import say, say_aside, width

ROWS = 20  # tasks that a terminal shows
TITLE = 20  # columns of their titles, at the least

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Task
    from ..ralph.summary import Entry, Summary


def show_summary(found: Summary, as_json: bool) -> None:
    """Print what became of it, and write its page; where that cannot be, say so, and print the rest all the same."""
    page = _try_page(found)
    if as_json:
        print_json(summary_object(found, page))
        return
    first = found.loops[-1]
    took = duration(seconds(found.started, found.ended))
    when = f"{first.agent}, {_describe_time(found.started, found.ended)} ({took})"
    why = printable(first.reason or "goes on")
    if len(when) + len(why) + 2 < width():
        say(f"{when}: {why}")
    else:
        say_wrapped(f"{when}:", "")
        say_wrapped(why, others="  ")
    _print_entries([_row(entry, first.agent) for entry in found.entries], found.cost.known is not None, page)
    say_what_needs_a_person(found)
    counts = found.shown_counts
    say(", ".join(f"{counts[state]:,} {in_words(state)}" for state in SHOWN_STATES if state in counts) or "no tasks")
    cost = found.cost
    if cost.known is not None or any(loop.max_cost for loop in found.loops):
        say(f"cost: {cost.tell()}")
    if page:
        say(f"page: {name_file(page)}")


def _try_page(found: Summary) -> str | None:
    try:
        return write_page(found)
    except StoreUnavailable as error:  # a full disk, of which the summary tells
        say_aside(str(error))
    return None


def _describe_time(started: str, ended: str | None) -> str:
    """From when to when, the offset and, where it is one, the day told once."""
    begin, end = clock.to_local(started), clock.to_local(ended) if ended else "now"
    if begin[-6:] != end[-6:]:
        return f"from {begin} to {end}"
    return f"from {begin[:-6]} to {end[11:] if begin[:11] == end[:11] else end}"


def _row(entry: Entry, agent: str) -> tuple[str, ...]:
    attempts, by = count(len(entry.tries), "attempt"), describe_agent(entry.tries[-1].agent, entry.tries[-1].level)
    attempts += f", {by}" if by != agent else ""
    cells = (entry.state, entry.task, attempts, duration(entry.duration), entry.cost.tell(), (entry.commit or "")[:10])
    return (*map(printable, cells), printable(entry.title))


def _print_entries(rows: list[tuple[str, ...]], tells_cost: bool, page: str | None) -> None:
    """Print a line for each task; on a terminal those that have room, of very many the first."""
    if not rows or not sys.stdout.isatty():
        print_table(row if tells_cost else (*row[:4], *row[5:]) for row in rows)
        return
    states, ids, attempts, times, costs, commits, titles = zip(*rows[:ROWS])
    print_fitted([
        Column("", states), Column("", ids), Column("", attempts, 2), Column("", times, 3),
        Column("", costs if tells_cost else [""] * len(costs), 4), Column("", commits, 1),
        Column("", titles, least=TITLE),
    ])  # fmt: skip
    if len(rows) > ROWS:
        say(f"and {len(rows) - ROWS:,} more: " + ("the page has them" if page else "`txlite list --all`"))


def write_page(found: Summary) -> str:
    """Write the page about it, named after its beginning; return its path. Raises StoreUnavailable."""
    directory = os.path.join(found.home, PAGES)
    path = os.path.join(directory, f"{clock.stamp(found.started)}.html")
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        with AtomicFile(path, replace=True) as new, open(new.draft, "w", encoding="utf-8") as file:
            file.write(render(found))
    except OSError as error:
        raise StoreUnavailable(f"{path} could not be written: {error.strerror}") from error
    return path


def print_plan(task: Task, argv: list[str], gate: str | None, passed: str, prompt: str) -> None:
    """Print what a loop would start for a task; `passed`: how its agent gets the prompt."""
    print(f"task: {task.id}  {printable(task.title)}\ndirectory: {printable(task.directory or '')}")
    print(f"argv: {printable(shlex.join(argv))}\ngate: {printable(gate or 'none')}")
    if task.command is None:
        print_prompt(passed, prompt)
