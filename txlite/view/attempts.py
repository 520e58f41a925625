"""How attempts are shown: the table of `status`, one line for what was launched or has ended, their JSON.

On a wide terminal, and where no terminal is, an attempt is one line; on a narrow one its report stands on a second.
Colour is for terminals only, and not where NO_COLOR is set (no-color.org).
"""

from __future__ import annotations

import os
import sys
import time

from .. import text
from ..model import CANCELLED, COMMAND, DONE, FAILED, LOST, RUNNING, WAITING
from ..reports import archive
from ..store.attempt_status import AttemptStatus
from ..system import clock
from . import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..execution.launch import Explanation, Launched
    from ..store.store import Store
    from .follow import Ended, Target

HEADINGS = ("STATE", "PID", "TYPE", "LEVEL", "AGE", "TOOK", "SIZE", "ID", "TASK", "REPORT")
COLOURS = {RUNNING: "36", WAITING: "33", DONE: "32", FAILED: "31", LOST: "31;1", CANCELLED: "2"}
NARROWEST = 20  # columns for a task's title on a line with its report


class Row:
    """An attempt with what its report's file says, at one moment."""

    def __init__(self, home: str, standing: AttemptStatus) -> None:
        moment = time.time()
        self.standing = standing
        named = standing.report and os.path.join(home, standing.report)
        self.report = (named and archive.find(named)) or None
        self.size = _size(self.report)
        self.age = max(moment - clock.to_seconds(standing.started), 0.0)
        running = standing.ended is None and standing.state == RUNNING
        self.duration = self.age if running else standing.duration

    def cells(self) -> list[str]:
        one = self.standing
        return [
            one.state,
            str(one.pid or ""),
            one.type,
            one.level,
            text.duration(self.age),
            "" if self.duration is None else text.duration(self.duration),
            "" if self.size is None else text.size(self.size),
            one.task,
            text.printable(one.title),
            _near(self.report) if self.report else "",
        ]

    def as_object(self) -> dict[str, object]:
        one = self.standing
        return {
            "id": one.task,
            "attempt": one.attempt,
            "status": one.state,
            "pid": one.pid,
            "type": one.type,
            "level": one.level or None,
            "agent": one.agent,
            "worker": one.worker,
            "launched": bool(one.launched),
            "startedAt": one.started,
            "endedAt": one.ended,
            "age": round(self.age, 3),
            "duration": self.duration if self.duration is None else round(self.duration, 3),
            "size": self.size,
            "exitCode": one.exit_code,
            "outcome": one.outcome,
            "note": one.note,
            "task": one.title,
            "report": self.report,
        }


def print_standings(home: str, standings: Iterable[AttemptStatus], as_json: bool) -> None:
    """A table, or an array of objects."""
    rows = [Row(home, standing) for standing in standings]
    if as_json:
        output.print_json([row.as_object() for row in rows])
    elif rows:
        _print_table([row.cells() for row in rows])


def _print_table(rows: list[list[str]]) -> None:
    lines = [list(HEADINGS), *rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    fixed = sum(widths[:8]) + 2 * 8
    room = output.width() - fixed - widths[9] - 2
    is_terminal = sys.stdout.isatty()
    is_narrow = is_terminal and room < min(NARROWEST, widths[8])
    if is_narrow:
        room = output.width() - (fixed - widths[7] - 2)
    for cells in lines:
        state = output.colour(cells[0].ljust(widths[0]), COLOURS.get(cells[0], "1"))
        columns = [cell.rjust(width) if place in (1, 4, 5, 6) else cell.ljust(width)
                   for place, (cell, width) in enumerate(zip(cells, widths))]  # fmt: skip
        title = text.shorten(cells[8], max(room, 10)) if is_terminal else cells[8]
        start = [state, *columns[1:7]]
        if is_narrow:
            print("  ".join([*start, title]).rstrip())
            if cells is not lines[0]:
                print(output.colour(f"  {cells[7]}  {cells[9]}".rstrip(), "2"))
        else:
            place = title.ljust(min(widths[8], max(room, 10)) if is_terminal else widths[8])
            print("  ".join([*start, columns[7], place, cells[9]]).rstrip())


def print_launched(launched: Launched, as_json: bool = False, quiet: bool = False) -> None:
    """What a launch tells, at once."""
    if as_json:
        output.print_json(
            {"id": launched.task, "attempt": launched.attempt, "pid": launched.pid, "report": launched.report}
        )
    elif quiet:
        print(launched.task)
    else:
        print(f"PID: {launched.pid}\nTask: {launched.task}\nReport: {launched.report}")
    sys.stdout.flush()


def print_ended(
    store: Store, found: Sequence[tuple[Target, Ended | None]], as_json: bool = False, quiet: bool = False
) -> None:
    """How each ended, or that it has not."""
    if as_json:
        output.print_json([_ended_object(store.home, target, ended) for target, ended in found])
        return
    for target, ended in [] if quiet else found:
        standing = ended.standing if ended else None
        words = describe(ended) if ended else "not ended"
        row = Row(store.home, standing) if standing else None
        took = text.duration(row.duration) if row and row.duration is not None else ""
        report = _near(row.report) if row and row.report else ""
        print("  ".join(part for part in (target.name, words, took, report) if part))


def _ended_object(home: str, target: Target, ended: Ended | None) -> dict[str, object]:
    found = Row(home, ended.standing).as_object() if ended and ended.standing else {"id": target.task}
    return {**found, "name": target.name, "status": ended.state if ended else None, "code": ended and ended.code}


def describe(ended: Ended) -> str:
    """How it ended, in words."""
    one = ended.standing
    words = ended.state
    if one and one.exit_code and not one.note:
        words += f", exit {one.exit_code}"
    if one and one.note and ended.state != DONE:
        words += f", {text.printable(one.note)}"
    return words if ended.state != LOST or (one and one.note) else words + ", its worker died"


def print_invocation(found: Explanation, as_json: bool) -> None:
    """What a launch would start."""
    import shlex

    launch = found.launch
    if as_json:
        facts = {"agent": launch.agent, "level": launch.level, "type": launch.type, "directory": found.directory}
        output.print_json({**facts, "argv": found.argv, "passed": found.passed, "prompt": found.prompt})
        return
    print(f"directory: {text.printable(found.directory)}")
    print(f"argv: {text.printable(shlex.join(found.argv))}")
    if found.passed != COMMAND:
        size = len(found.prompt.encode())
        print(f"prompt, as {found.passed}, {size:,} bytes:\n{text.printable_lines(found.prompt)}")


def _near(path: str) -> str:
    """A path from the working directory, if it lies below it."""
    here = os.getcwd().rstrip("/") + "/"
    return text.printable(path[len(here) :] if path.startswith(here) else path)


def _size(path: str | None) -> int | None:
    try:
        return os.path.getsize(path) if path else None
    except OSError:
        return None
