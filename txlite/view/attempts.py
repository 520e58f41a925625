"""How attempts are shown: the table of `status`, and one line for what was launched or has ended.

Each attempt is one line: on a terminal with the columns that have room, elsewhere with all of them.
Used by `status`, `stop`, `launch`, `wait` and `retry`.
"""

from __future__ import annotations

import sys
import time

from .. import text
from ..model import CANCELLED, COMMAND, DONE, FAILED, INTERRUPTED, LOST, QUEUED, REVIEW, RUNNING, WAITING, WORKERS
from ..system import clock
from .attempt_row import AttemptRow, describe_silence, shorten_path
from .json_output import print_json
from .objects.attempts import attempt_row_object, ended_object, explanation_object, launched_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..execution.launch_order import Explanation
    from ..execution.launched import Launched
    from ..execution.stopping import Ended, Target
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

HEADINGS = ("STATE", "PID", "TYPE", "LEVEL", "AGE", "TOOK", "SIZE", "ID", "TASK", "REPORT", "PLACE")
ID, TITLE, REPORT, PLACE = 7, 8, 9, 10  # their columns; the place stands behind the id, unless all ran here
TO_THE_RIGHT = (1, 4, 5, 6)  # these hold numbers
COLOURS = {RUNNING: "36", WAITING: "33", QUEUED: "33", DONE: "32", FAILED: "31", LOST: "31;1", CANCELLED: "2",
           INTERRUPTED: "2"}  # fmt: skip
ORDER = (LOST, RUNNING, QUEUED, WAITING, FAILED)  # what a person looks for first; then the others
NARROWEST = 28  # columns for a task's title, where there is more to say
LEAST = 10  # and for why it failed


def print_attempts(home: str, found: Iterable[AttemptStatus], as_json: bool) -> None:
    """Print a table, or an array of objects. On a terminal what runs stands above what failed, and that above the
    others; a pipe gets the newest first."""
    rows = [AttemptRow(home, status) for status in found]
    if as_json:
        print_json([attempt_row_object(row) for row in rows])
    elif rows and sys.stdout.isatty():
        _print_for_a_person(rows)
    elif rows:
        _print_table([list(HEADINGS), *(row.cells() for row in rows)])


def _print_for_a_person(rows: list[AttemptRow]) -> None:
    """Print what a person looks for first, in as many columns as the terminal has room for."""
    from .fitted_table import Column, print_fitted  # who has no terminal does without

    rows = sorted(rows, key=lambda row: ORDER.index(row.status.state) if row.status.state in ORDER else len(ORDER))
    cells = [row.cells() for row in rows]
    columns = dict(zip(HEADINGS, zip(*cells)))
    has_launched = any(row.status.launched for row in rows)
    has_types = any(row.status.type != WORKERS for row in rows)
    print_fitted([
        Column("STATE", columns["STATE"], colours=[COLOURS.get(state, "1") for state in columns["STATE"]]),
        Column("ID", columns["ID"], colours=["2"] * len(rows)),
        Column("TASK", columns["TASK"], least=NARROWEST),
        Column("WHY", [_why(row.status) for row in rows], 1, least=LEAST),
        Column("TOOK", columns["TOOK"], 2, is_number=True),
        Column("ENDED", [_ended(row.status) for row in rows], 2, is_number=True),
        Column("PID", columns["PID"], 3 if has_launched else 5, is_number=True),
        Column("TYPE", columns["TYPE"] if has_types else [""] * len(rows), 4),
        Column("LEVEL", columns["LEVEL"], 4),
        Column("SIZE", columns["SIZE"], 5, is_number=True),
        Column("PLACE", columns["PLACE"], 3, least=LEAST),
        Column("REPORT", columns["REPORT"], 6),
    ])  # fmt: skip


def _why(one: AttemptStatus) -> str:
    """Why an attempt ended as it did, where its state does not say it; that one is silent; in a word what became
    of work that was to be reviewed."""
    if one.ended is None:
        return ", ".join(filter(None, ("approved" * one.is_approval, describe_silence(one))))
    if one.state == DONE:
        waits = REVIEW if one.task_status == REVIEW else ""
        return ("landed" if one.has_landed else waits) if one.is_reviewed else ""
    words: list[str] = ["approved"] * one.is_approval
    words += [one.outcome] if one.outcome and one.outcome != one.state else []
    words += [one.note] if one.note else [f"exit {one.exit_code}"] if one.exit_code else []
    return text.printable(", ".join(words))


def _ended(one: AttemptStatus) -> str:
    try:
        return text.ago(time.time() - clock.to_seconds(one.ended)) if one.ended else ""
    except ValueError:
        return "?"  # edited by hand


def _print_table(lines: list[list[str]]) -> None:
    """Print lines of which the first one is the heading, all of each; where a place is, it stands behind the id."""
    has_places = any(cells[PLACE] for cells in lines[1:])
    order = [*range(ID + 1), *([PLACE] if has_places else []), TITLE, REPORT]
    widths = [max(map(text.columns, column)) for column in zip(*lines)]
    for cells in lines:
        shown = [cells[place].rjust(widths[place]) if place in TO_THE_RIGHT else text.pad(cells[place], widths[place])
                 for place in order]  # fmt: skip
        print("  ".join(shown).rstrip())


def print_launched(launched: Launched, as_json: bool = False, quiet: bool = False) -> None:
    """Print what a launch tells, at once."""
    if as_json:
        print_json(launched_object(launched))
    elif quiet:
        print(launched.task)
    else:
        print(f"PID: {launched.pid}\nTask: {launched.task}\nReport: {launched.report}")
    sys.stdout.flush()


def print_ended(
    store: Store, found: Sequence[tuple[Target, Ended | None]], as_json: bool = False, quiet: bool = False
) -> None:
    """Print how each ended, or that it has not."""
    rows = [AttemptRow(store.home, ended.status) if ended and ended.status else None for _, ended in found]
    if as_json:
        print_json([ended_object(target, ended, row) for (target, ended), row in zip(found, rows)])
        return
    for (target, ended), row in [] if quiet else zip(found, rows):
        words = describe_end(ended) if ended else "not ended"
        print("  ".join(part for part in (target.name, words, *_time_and_report(row)) if part))


def _time_and_report(row: AttemptRow | None) -> tuple[str, str]:
    took = text.duration(row.duration) if row and row.duration is not None else ""
    return took, shorten_path(row.report) if row and row.report else ""


def describe_end(ended: Ended) -> str:
    """Return how it ended, in words."""
    one = ended.status
    words = ended.state
    if one and one.exit_code and not one.note:
        words += f", exit {one.exit_code}"
    if one and one.note and ended.state != DONE:
        words += f", {text.printable(one.note)}"
    return words if ended.state != LOST or (one and one.note) else words + ", its worker died"


def print_explanation(found: Explanation, as_json: bool) -> None:
    """Print what a launch would start."""
    import shlex

    if as_json:
        print_json(explanation_object(found))
        return
    print(f"directory: {text.printable(found.directory)}")
    if found.others is not None:
        print_absence(found.launch.agent, found.others)
    print(f"argv: {text.printable(shlex.join(found.argv))}")
    if found.passed != COMMAND:
        print_prompt(found.passed, found.prompt)


def print_absence(agent: str, others: list[str]) -> None:
    """Print that an agent is not installed, and which are."""
    print(f"agent: {agent} is not installed, or not on PATH; these are: {', '.join(others)}")


def print_prompt(passed: str, prompt: str) -> None:
    """Print a prompt, and how an agent gets it."""
    print(f"prompt, as {passed}, {len(prompt.encode()):,} bytes:\n{text.printable_lines(prompt)}")
