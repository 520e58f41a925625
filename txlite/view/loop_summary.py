"""What became of a loop: as lines or one object, and the page about it.

Used by the commands `ralph`, when its loop ends and for --report, and `page`.
"""

from __future__ import annotations

import os
import re
import shlex

from ..errors import StoreUnavailable
from ..model import REVIEW, SHOWN_STATES, describe_agent
from ..ralph.loop import PAGES
from ..ralph.page.document import render
from ..ralph.summary import seconds
from ..system import clock
from ..system.atomic_file import AtomicFile
from ..text import count, duration, printable, shorten
from .attempts import print_prompt
from .json_output import print_json
from .objects.loops import summary_object
from .table import print_table
from .tasks import in_words
from .terminal import say, say_aside, width

LINES = 4  # of what was written last

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
    say(f"{when}: {why}" if len(when) + len(why) + 2 < width() else f"{when}:\n  {why}")
    print_table(_row(entry, first.agent, found.cost.known is not None) for entry in found.entries)
    _say_what_needs_a_person(found)
    counts = found.shown_counts
    say(", ".join(f"{counts[state]:,} {in_words(state)}" for state in SHOWN_STATES if state in counts) or "no tasks")
    cost = found.cost
    if cost.known is not None or any(loop.max_cost for loop in found.loops):
        say(f"cost: {cost.tell()}")
    if page:
        say(f"page: {page}")


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


def _row(entry: Entry, agent: str, tells_cost: bool) -> tuple[object, ...]:
    attempts, by = count(len(entry.tries), "attempt"), describe_agent(entry.tries[-1].agent, entry.tries[-1].level)
    attempts += f", {by}" if by != agent else ""
    cost = (entry.cost.tell(),) if tells_cost else ()
    return entry.state, entry.task, attempts, duration(entry.duration), *cost, (entry.commit or "")[:10], entry.title


def _say_what_needs_a_person(found: Summary) -> None:
    if any(entry.needs for entry in found.entries) or found.remarks:
        say("needs a person:")
    for entry in found.entries:
        if entry.needs:
            say(printable(f"  {entry.task}  {shorten(entry.title, 60)}: {entry.needs}"))
            _say_why(found.home, entry)
    for remark in found.remarks:
        _say_remark(remark)


def _say_remark(remark: str) -> None:
    """Print a remark, and the commands in it on lines of their own, as they are pasted."""
    from textwrap import wrap

    for line in wrap(printable(remark.split("`")[0].rstrip(" :,")), 76, break_long_words=False, break_on_hyphens=False):
        say(f"  {line}")
    for command in re.findall("`([^`]+)`", remark):
        say(printable(f"    {command}"))


def _say_why(home: str, entry: Entry) -> None:
    """Print what was written last, and what to type."""
    for heading, words in entry.reason.parts if entry.reason else ():
        say(f"    {heading}:")
        for line in words.split("\n")[-LINES:]:
            say(f"      {shorten(line, 74)}")
    if entry.tries[-1].report and entry.status != REVIEW:
        say(f"    {home}/{entry.tries[-1].report}")
    for command in entry.commands:
        say(printable(f"    {command}"))


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
