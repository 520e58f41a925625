"""What a user sees: aligned lines, tx's JSON, the progress of a run.

What agents and users wrote is shown with control characters escaped, always.
"""

from __future__ import annotations

import json
import os
import sys

from .. import text
from ..model import Attempt, Task
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..store.history import Finished
    from ..store.tasks import Relations


def print_json(value: object) -> None:
    """Print a value. What JSON has no word for (a row edited by hand can hold it) becomes text."""
    try:
        line = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=str)
    except ValueError:
        line = json.dumps(_without_infinity(value), ensure_ascii=False, indent=2, default=str)
    print(line)


def _without_infinity(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_infinity(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinity(part) for part in value]
    return str(value) if isinstance(value, float) and value - value != 0 else value


def task_object(task: Task, relations: Relations) -> dict[str, object]:
    """A task with tx's keys, and txlite's own after them."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "parentId": task.parent,
        "score": task.score,
        "createdAt": task.created,
        "updatedAt": task.updated,
        "completedAt": task.completed,
        "metadata": {},
        "blockedBy": relations.blocked_by,
        "blocks": relations.blocks,
        "children": relations.children,
        "isReady": task.is_ready,
        "kind": task.kind,
        "command": task.command,
        "directory": task.directory,
        "verify": task.verify,
        "needs": task.needs or None,
        "notBefore": task.not_before,
        "failures": task.failures,
    }


def attempt_object(attempt: Attempt) -> dict[str, object]:
    return {
        "attempt": attempt.id,
        "worker": attempt.worker,
        "agent": attempt.agent,
        "startedAt": attempt.started,
        "endedAt": attempt.ended,
        "outcome": attempt.outcome,
        "exitCode": attempt.exit_code,
        "duration": attempt.duration,
        "pid": attempt.pid,
        "report": attempt.report,
        "note": attempt.note,
        "tail": attempt.tail,
    }


def print_table(rows: Iterable[Sequence[object]], indent: str = "") -> None:
    """Aligned columns, two spaces apart; the last one is cut to the terminal's width, if there is one."""
    lines = [[text.printable(str(cell)) for cell in row] for row in rows]
    if not lines:
        return
    widths = [max(map(len, column)) for column in zip(*(line[:-1] for line in lines))]
    room = width() - len(indent) - sum(widths) - 2 * len(widths)
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths)]
        last = text.shorten(line[-1], max(room, 10)) if sys.stdout.isatty() else line[-1]
        print((indent + "  ".join([*cells, last])).rstrip())


def colour(cell: str, code: str) -> str:
    """`cell` with a colour (SGR codes) on a terminal that may have one."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return cell
    return f"\x1b[{code}m{cell}\x1b[0m"


class Raw:
    """Writes output byte for byte."""

    def write(self, data: bytes) -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class Safe(Raw):
    """Writes output with everything escaped that a terminal could act on."""

    def __init__(self) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        sys.stdout.write(text.printable_lines(self._decoder.decode(data)))
        sys.stdout.flush()


def width() -> int:
    """Columns of the terminal."""
    import shutil

    return shutil.get_terminal_size().columns or 80  # a terminal that does not know its size says 0


def task_row(task: Task) -> tuple[object, ...]:
    return task.id, state(task), number(task.score), task.title


def number(value: object) -> str:
    """A number without needless figures; what is none (a row edited by hand) as it is."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def state(task: Task) -> str:
    """The state as a person means it: what is in the backlog is ready, or waits, or is for later."""
    if task.status != "backlog":
        return task.status
    if task.open_blockers:
        return "waiting"
    return "later" if task.not_before else "ready"


def print_task(task: Task, relations: Relations, attempts: list[Attempt]) -> None:
    """All about one task."""
    print(f"{task.id}  {text.printable(task.title)}")
    facts: list[tuple[str, object]] = [("status", state(task)), ("score", number(task.score))]
    if task.command is not None:
        facts.append(("command", task.command))
    facts += [("directory", task.directory), ("verify", task.verify), ("needs", task.needs), ("parent", task.parent)]
    facts += [(name, ", ".join(ids)) for name, ids in zip(("waits for", "blocks", "children"), relations)]
    facts += [("not before", task.not_before), ("created", task.created), ("completed", task.completed)]
    for name, value in facts:
        if value:
            print(f"  {name + ':':<12} {text.printable(str(value))}")
    if task.description:
        print("\n" + text.printable_lines(task.description))
    if attempts:
        print("\nAttempts:")
        print_table(map(_attempt_row, attempts), "  ")
        last = attempts[-1]
        if last.tail:
            print("\nEnd of its output:\n" + text.printable_lines(last.tail).rstrip("\n"))


def _attempt_row(attempt: Attempt) -> tuple[object, ...]:
    took = "" if attempt.duration is None else text.duration(attempt.duration)
    return attempt.id, attempt.started, took, describe(attempt), attempt.report or ""


def describe(attempt: Attempt | Finished) -> str:
    """How an attempt ended, in words."""
    words: str = attempt.outcome or "running"
    if attempt.exit_code and not attempt.note:
        words += f", exit {attempt.exit_code}"
    return words + (f", {attempt.note}" if attempt.note else "")


def say(line: str) -> None:
    """Print a line at once. When nobody reads any more, nothing more is printed, and the work goes on."""
    try:
        print(line, flush=True)
    except OSError:
        mute()


def mute() -> None:
    """Send stdout to nowhere: nobody reads it, and Python would try, and complain, once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Progress:
    """The progress of a run: a live bar on a terminal, else a line for each finished task."""

    def __init__(self, total: int, done: int = 0, quiet: bool = False) -> None:
        self.total = total
        self.done = done
        self.failed = 0
        self._started = clock.monotonic()
        self._done_before = done
        self._quiet = quiet
        self._is_live = not quiet and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        if not self._quiet:
            say(f"\r\033[K{line}" if self._is_live else line)

    def finished(self, events: Iterable[Finished]) -> None:
        """Tasks that left the state active."""
        for event in events:
            self.done += event.to_status == "done"
            self.failed += event.to_status == "failed"
            if not self._is_live or event.to_status not in ("done", "cancelled"):
                self.say(self._line(event))

    def update(self, count_running: Callable[[], int]) -> None:
        """Draw the bar anew."""
        if not self._is_live:
            return
        running = count_running()
        over = self.done + self.failed
        self.total = max(self.total, over + running)
        passed = clock.monotonic() - self._started
        rate = (over - self._done_before) / passed if passed > 0 else 0.0
        facts = [f"{over}/{self.total}", f"{running} running"]
        facts += [f"{self.failed} failed"] if self.failed else []
        if rate > 0:
            left = (self.total - over) / rate
            facts += [f"{rate:.3g}/s", (text.duration(left) if left >= 60 else f"{left:.0f}s") + " left"]
        tail = "  ".join(facts)
        room = min(width() - len(tail) - 5, 40)
        filled = room * over // max(self.total, 1)
        bar = f"[{'#' * filled}{'.' * (room - filled)}]  " if room > 5 else ""
        self._draw(bar + tail)

    def end(self) -> None:
        """Take the bar away."""
        if self._is_live:
            self._draw("")

    def _draw(self, line: str) -> None:
        try:
            sys.stdout.write(f"\r\033[K{line[: width() - 1]}")
            sys.stdout.flush()
        except OSError:
            self._is_live, self._quiet = False, True

    def _line(self, event: Finished) -> str:
        word = "again" if event.to_status == "backlog" else event.to_status
        took = "" if event.duration is None else text.duration(event.duration)
        why = "" if event.to_status == "done" else f"  ({describe(event)})"
        room = width() - 31 - len(why) if self._is_live else 100
        title = text.shorten(event.title, max(room, 20))
        return f"{word:<9} {event.task}  {took:>6}  {title}{text.printable(why)}"
