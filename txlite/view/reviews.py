"""Work that waits for a person, as lines or objects: what there is, how much of it, who judged it so far; and what
became of it when it was approved or rejected.

Used by the commands `review`, `approve`, `reject` and `diff`, and by `loop_needs`.
"""

from __future__ import annotations

import shlex
import sys
import time

from .. import text
from ..model import APPROVED
from ..system import clock
from .fitted_table import Column, print_fitted
from .json_output import print_json
from .objects.attempts import verdict_object
from .table import print_table
from .terminal import colour, room_for, say, say_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..git.diff_stat import DiffStat
    from ..model import Task, Verdict
    from ..ralph.approval import Approved
    from ..ralph.work import WaitingWork, Work

GATE = 30  # characters of a gate's command
HEADINGS = ("ID", "CHANGES", "GATE", "VERDICT", "SINCE", "TASK")
RANKS = (0, 0, 3, 1, 2, 0)  # which of these a terminal has no room for: the highest first
LEAST = (0, 16, 10, 18, 0, 18)  # columns to which they may be cut; 0: none


def show_waiting(found: Sequence[WaitingWork], as_json: bool) -> None:
    """Print what waits for a review, and what a person types then."""
    if as_json:
        print_json(list(map(waiting_object, found)))
        return
    if not found:
        say("nothing waits for a review")
        return
    columns = list(zip(*map(_row, found)))
    if not sys.stdout.isatty():
        shown = [place for place in range(len(HEADINGS)) if HEADINGS[place] != "VERDICT" or any(columns[place])]
        print_table(zip(*(columns[place] for place in shown)), headings=[HEADINGS[place] for place in shown])
        return
    print_fitted([
        Column(heading, cells, rank, least=least)
        for heading, cells, rank, least in zip(HEADINGS, columns, RANKS, LEAST)
    ])  # fmt: skip
    first = found[0].task.id
    say(f"`txlite review {first}` shows one; then")
    say(f'`txlite approve {first}`, or `txlite reject {first} "why"`')


def _row(one: WaitingWork) -> tuple[str, ...]:
    gate = text.shorten(one.review.gate, GATE) if one.review.gate else "none"
    changes = describe_count(one.size) if one.size else text.shorten(one.trouble, 60)
    since = _ago(one.review.since) if sys.stdout.isatty() else clock.to_local(one.review.since)[:16]
    cells = (one.task.id, changes, gate, describe_last_verdict(one.verdicts) or one.unjudged, since, one.task.title)
    return tuple(map(text.printable, cells))


def _ago(since: str) -> str:
    try:
        return text.ago(time.time() - clock.to_seconds(since))
    except ValueError:
        return ""  # a time that was edited by hand


def describe_last_verdict(verdicts: Sequence[Verdict]) -> str:
    """Return the last verdict on what still waits: what a person approved has not landed then; "" for none."""
    if not verdicts:
        return ""
    last = verdicts[-1]
    return "not landed, " * (last.verdict == APPROVED and not last.reviewer) + last.in_words


def describe_count(found: DiffStat) -> str:
    """Return how much differs, in words: 3 files +10 -2."""
    return f"{text.count(found.files, 'file')} +{found.added} -{found.deleted}"


def waiting_object(one: WaitingWork) -> dict[str, object]:
    """Build the object of what waits for a review."""
    review = one.review
    return {
        "id": one.task.id,
        "title": one.task.title,
        "attempt": review.attempt,
        "repository": review.repository,
        "base": review.base,
        "branch": review.branch,
        "commit": review.work,
        "gate": review.gate,
        "since": review.since,
        "changes": one.size._asdict() if one.size else None,
        "trouble": one.trouble or None,
        "verdicts": list(map(verdict_object, one.verdicts)),
        "unjudged": one.unjudged or None,
    }


def say_head(one: WaitingWork) -> None:
    """Print, on a terminal, what a person should know before the changes of a task that waits for a review."""
    if not sys.stdout.isatty():
        return
    review = one.review
    gate = f"it passed `{review.gate}`" if review.gate else "no gate judged it"
    say(text.printable(f"{one.task.id}  {one.task.title}"))
    say(text.printable(f"{gate}, and it waits since {clock.to_local(review.since)[:16]} for {review.base}"))
    for said in one.verdicts:
        say(text.printable(f"{said.in_words}{f': {said.reason}' if said.reason else ''}"))
    if one.unjudged:
        say(text.printable(one.unjudged))
    say(f"`txlite approve {one.task.id}` lands it;")
    say(f'`txlite reject {one.task.id} "why"` gives it back')
    say("")


def say_what(task: Task, work: Work) -> None:
    """Print, on a terminal, what the changes are that follow."""
    if sys.stdout.isatty():
        say(text.printable(f"{task.id}  {task.title}: {work.what}"))
        say("")


def approved_object(one: Approved) -> dict[str, object]:
    """Build the object of what became of a task that was approved."""
    return {
        "id": one.task,
        "landed": one.has_landed,
        "commit": one.commit,
        "base": one.base or None,
        "note": one.note or None,
    }


def say_landed(one: Approved) -> None:
    """Print that what was approved has landed, or is held back, and for what."""
    word, look = ("held back", "33") if one.note else ("landed", "32")
    commit = one.commit[:10] if one.commit else f"{one.base} had the same already"
    words = f"  {one.task}  {text.printable(commit)}  "
    title = text.printable(one.title)
    if sys.stdout.isatty():
        title = text.shorten(title, room_for(len(word + words)))
    say(f"{colour(word, look)}{words}{title}")
    if one.note:
        say(f"        {text.printable(one.note)}")


def say_rejected(task: Task) -> None:
    """Print that what was rejected is worked on again."""
    say(f"{task.id}  its next attempt is told why")


def describe_failure(one: Approved) -> str:
    """Return that what was approved has not landed, why, and what to do."""
    if not one.base:
        return one.note  # it was not to be reviewed
    if not one.is_waiting:  # somebody else's word, meanwhile
        return f"{one.task} did not land: {one.note}: its work stays on its branch"
    said = f"{one.task} did not land: {one.note}: it stays to be reviewed"
    why = shlex.quote(text.shorten(one.note, 60))
    return said + (f"; `txlite reject {one.task} {why}` has it mended" if one.is_faulty else "")


def say_course(task: str, words: str) -> None:
    """Print on stderr, where that is a terminal, what goes on with a task that was approved."""
    if sys.stderr is not None and sys.stderr.isatty():
        say_aside(f"{task}: {words}")
