"""Work that waits for a person, as lines or objects: what there is, how much of it, who judged it so far; and what
became of it when it was approved or rejected.

Used by the commands `review`, `approve`, `reject` and `diff`.
"""

from __future__ import annotations

import shlex
import sys

from .. import text
from ..model import APPROVED
from ..system import clock
from .json_objects import print_json
from .table import print_table
from .terminal import colour, say, say_aside
from .verdicts import describe_verdict, verdict_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..git.diff_stat import DiffStat
    from ..model import Task, Verdict
    from ..ralph.approval import Approved
    from ..ralph.work import WaitingWork, Work

GATE = 30  # characters of a gate's command
COLOURS = {"approved": "32", "rejected": "31"}


def show_waiting(found: Sequence[WaitingWork], as_json: bool) -> None:
    """Print what waits for a review, and what a person types then."""
    if as_json:
        print_json(list(map(waiting_object, found)))
        return
    if not found:
        say("nothing waits for a review")
        return
    has_verdicts = any(one.verdicts for one in found)
    headings = ("ID", "CHANGES", "GATE", *(("VERDICT",) if has_verdicts else ()), "SINCE", "TASK")
    print_table([_row(one, has_verdicts) for one in found], headings=headings)
    if sys.stdout.isatty():
        first = found[0].task.id
        say(f'`txlite review {first}` shows one; then `txlite approve {first}`, or `txlite reject {first} "why"`')


def _row(one: WaitingWork, has_verdicts: bool) -> tuple[object, ...]:
    verdict = (_describe_last(one.verdicts),) if has_verdicts else ()
    gate = text.shorten(one.review.gate, GATE) if one.review.gate else "none"
    changes = describe_count(one.size) if one.size else text.shorten(one.trouble, 60)
    return one.task.id, changes, gate, *verdict, clock.to_local(one.review.since)[:16], one.task.title


def _describe_last(verdicts: Sequence[Verdict]) -> str:
    """The last verdict on what still waits: what a person approved has not landed then."""
    if not verdicts:
        return ""
    last = verdicts[-1]
    return describe_verdict(last) + (", not landed" if last.verdict == APPROVED and not last.reviewer else "")


def describe_count(found: DiffStat) -> str:
    """Return how much differs, in words: 3 files +10 -2."""
    return f"{found.files} file{'' if found.files == 1 else 's'} +{found.added} -{found.deleted}"


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
    }


def say_head(one: WaitingWork) -> None:
    """Print, on a terminal, what a person should know before the changes of a task that waits for a review."""
    if not sys.stdout.isatty():
        return
    review = one.review
    gate = f"it passed `{review.gate}`" if review.gate else "no gate judged it"
    say(text.printable(f"{one.task.id}  {one.task.title}"))
    say(text.printable(f"{gate}, and waits since {clock.to_local(review.since)[:16]} for {review.base}"))
    for said in one.verdicts:
        say(text.printable(f"{describe_verdict(said)}{f': {said.reason}' if said.reason else ''}"))
    say(f'`txlite approve {one.task.id}` lands it, `txlite reject {one.task.id} "why"` gives it back')
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
    """Print that what was approved has landed."""
    commit = one.commit[:10] if one.commit else f"{one.base} had the same already"
    say(f"{colour('landed', '32')}  {one.task}  {text.printable(commit)}  {text.printable(one.title)}")
    if one.note:
        say(f"        {text.printable(one.note)}")


def describe_failure(one: Approved) -> str:
    """Return that what was approved has not landed, why, and what to do."""
    if not one.base:
        return one.note  # it was not to be reviewed
    said = f"{one.task} did not land: {one.note}: it stays to be reviewed"
    why = shlex.quote(text.shorten(one.note, 60))
    return said + (f"; `txlite reject {one.task} {why}` has it mended" if one.is_faulty else "")


def say_course(task: str, words: str) -> None:
    """Print on stderr, where that is a terminal, what goes on with a task that was approved."""
    if sys.stderr is not None and sys.stderr.isatty():
        say_aside(f"{task}: {words}")
