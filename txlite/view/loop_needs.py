"""What needs a person after a loop, as lines: what was put aside, with why; what waits for a review; the remarks.

Each command stands on a line of its own, whole, as it is pasted. On a terminal no other line is wider than that; what
is there in great numbers is told of the first, and how to see the others. Used by `loop_summary`.
"""

from __future__ import annotations

import re
import sys

from ..model import REVIEW
from ..text import printable, shorten, wrap
from .attempt_row import shorten_path
from .fitted_table import Column, print_fitted
from .reviews import describe_count, describe_last_verdict
from .table import print_table
from .terminal import room_for, say, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ralph.summary import Entry, Summary

TITLE = 60  # columns of a title with more behind it
LINES = 4  # of what was written last
REVIEWS = 12  # that are listed
ASIDE = 20  # tasks that were put aside, or are blocked


def say_what_needs_a_person(found: Summary) -> None:
    """Print what needs a person, if there is anything."""
    needs = [entry for entry in found.entries if entry.needs]
    aside, reviews = ([one for one in needs if (one.status == REVIEW) == is_review] for is_review in (False, True))
    if needs or found.remarks:
        say("needs a person:")
    for entry in aside[:ASIDE]:
        _say_put_aside(found.home, entry)
    if len(aside) > ASIDE:
        say(f"  and {len(aside) - ASIDE:,} more:\n    txlite list --status failed,blocked")
    _say_reviews(reviews)
    for remark in found.remarks:
        _say_remark(remark)


def say_wrapped(line: str, first: str = "  ", others: str = "    ") -> None:
    """Print a line, on a terminal as several that fit; first, others: what stands before these."""
    lines = wrap(line, width() - len(others)) if sys.stdout.isatty() else [printable(line)]
    for place, part in enumerate(lines):
        say((others if place else first) + part)


def name_file(path: str) -> str:
    """Return a path as it is shown: on a terminal short, where it lies below the working directory."""
    return shorten_path(path) if sys.stdout.isatty() else printable(path)


def _say_put_aside(home: str, entry: Entry) -> None:
    """Print what was put aside, what was written last, and what to type."""
    title = shorten(entry.title, min(TITLE, room_for(len(entry.task) + 5)))
    say_wrapped(f"{entry.task}  {title}: {entry.needs}")
    for heading, words in entry.reason.parts if entry.reason else ():
        say(f"    {heading}:")
        for line in words.split("\n")[-LINES:]:
            say(f"      {shorten(line, room_for(6, elsewhere=74))}")
    if entry.tries[-1].report:
        say(f"    {name_file(f'{home}/{entry.tries[-1].report}')}")
    for command in entry.commands:
        say(f"    {printable(command)}")


def _say_reviews(reviews: Sequence[Entry]) -> None:
    """Print a line for each of the first, and what to type for one of them."""
    if not reviews:
        return
    say(f"  {len(reviews):,} to be reviewed:")
    rows = [_review_row(entry) for entry in reviews[:REVIEWS]]
    ids, sizes, verdicts, titles = zip(*rows)
    if sys.stdout.isatty():
        print_fitted([
            Column("", ids), Column("", sizes, 2), Column("", verdicts, 1, least=18), Column("", titles, least=24),
        ], "    ")  # fmt: skip
    else:
        print_table(rows if any(verdicts) else zip(ids, sizes, titles), "    ")
    if len(reviews) > REVIEWS:
        say(f"    and {len(reviews) - REVIEWS:,} more: txlite review")
    for command in reviews[0].commands:
        say(f"    {printable(command)}")


def _review_row(entry: Entry) -> tuple[str, ...]:
    said = describe_last_verdict([entry.last_verdict]) if entry.last_verdict else entry.unjudged
    changes = describe_count(entry.changes) if entry.changes else ""
    return entry.task, changes, printable(said), printable(entry.title)


def _say_remark(remark: str) -> None:
    """Print a remark, and the commands in it."""
    say_wrapped(remark.split("`")[0].rstrip(" :,"), others="  ")
    for command in re.findall("`([^`]+)`", remark):
        say(f"    {printable(command)}")
