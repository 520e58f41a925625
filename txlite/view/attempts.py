"""How attempts are shown: the table of `status`, and one line for what was launched or has ended.

On a wide terminal, and where no terminal is, an attempt is one line; on a narrow one its report stands on a second.
Used by `status`, `stop`, `launch`, `wait` and `retry`.
"""

from __future__ import annotations

import sys

from .. import text
from ..model import CANCELLED, COMMAND, DONE, FAILED, INTERRUPTED, LOST, QUEUED, RUNNING, WAITING
from .attempt_row import AttemptRow, shorten_path
from .json_objects import attempt_row_object, ended_object, explanation_object, launched_object, print_json
from .terminal import colour, width

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
NARROWEST = 20  # columns for a task's title on a line with its report
LEAST = 10  # and on any line


def print_attempts(home: str, found: Iterable[AttemptStatus], as_json: bool) -> None:
    """Print a table, or an array of objects."""
    rows = [AttemptRow(home, status) for status in found]
    if as_json:
        print_json([attempt_row_object(row) for row in rows])
    elif rows:
        _print_table([list(HEADINGS), *(row.cells() for row in rows)])


def _print_table(lines: list[list[str]]) -> None:
    """Print lines of which the first one is the heading."""
    widths = [max(map(text.columns, column)) for column in zip(*lines)]
    before = sum(widths[:ID]) + 2 * ID  # of the columns that come first, with what parts them
    has_places = any(cells[PLACE] for cells in lines[1:])
    room = width() - before - widths[ID] - widths[REPORT] - 4 - (widths[PLACE] + 2) * has_places
    is_terminal = sys.stdout.isatty()
    if is_terminal and room < min(NARROWEST, widths[TITLE]):
        _print_in_two(lines, widths, max(width() - before, LEAST))
        return
    for cells in lines:
        title = text.pad(cells[TITLE], widths[TITLE])
        if is_terminal:
            most = max(room, LEAST)
            title = text.pad(text.shorten(cells[TITLE], most), min(widths[TITLE], most))
        names = [cells[ID].ljust(widths[ID]), *([text.pad(cells[PLACE], widths[PLACE])] if has_places else [])]
        print("  ".join([*_first_columns(cells, widths), *names, title, cells[REPORT]]).rstrip())


def _print_in_two(lines: list[list[str]], widths: list[int], room: int) -> None:
    """Print each attempt on two lines, its title cut to `room` columns."""
    for cells in lines:
        print("  ".join([*_first_columns(cells, widths), text.shorten(cells[TITLE], room)]).rstrip())
        if cells is not lines[0]:
            print(colour("  " + "  ".join(filter(None, (cells[ID], cells[PLACE], cells[REPORT]))), "2"))


def _first_columns(cells: list[str], widths: list[int]) -> list[str]:
    state = colour(cells[0].ljust(widths[0]), COLOURS.get(cells[0], "1"))
    return [state, *(
        cells[place].rjust(widths[place]) if place in TO_THE_RIGHT else cells[place].ljust(widths[place])
        for place in range(1, ID)
    )]  # fmt: skip


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
