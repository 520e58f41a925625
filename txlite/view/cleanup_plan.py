"""What a cleanup would do, and what it did: reports and worktrees, as lines or one object.

Used by the command `cleanup`.
"""

from __future__ import annotations

import sys

from ..reports.retention import ACTIONS, COMPRESS, DELETE, REMOVE, Tally
from ..system import clock
from ..text import printable, size
from .json_output import print_json
from .objects.homes import directory_object, step_object, tally_object
from .table import print_table
from .terminal import say_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ralph.stale_worktrees import StaleWorktrees
    from ..reports.inventory import DirectorySummary
    from ..reports.retention import Cleanup, Step

SHOWN = 20  # files, before it asks
PAST = {DELETE: "deleted", COMPRESS: "compressed", REMOVE: "removed"}
LAST_MOMENT = 253402300799.0  # of the year 9999


class Complaints:
    """What could not be done: said at once, on stderr, and kept for the end."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []  # path below home, why

    def add(self, path: str, why: str) -> None:
        """Say, and keep, that something could not be done about a path."""
        self.all.append((path, why))
        say_aside(f"{path}: {why}")

    def objects(self) -> list[dict[str, str]]:
        """Return them for JSON."""
        return [{"path": path, "error": why} for path, why in self.all]


def confirm(cleanup: Cleanup, worktrees: StaleWorktrees, as_json: bool) -> bool:
    """Show what would be done, and ask on the terminal whether it shall; True where there is nothing to ask about."""
    plan = Tally()
    lines: list[str] = []
    steps = 0
    for step in cleanup.steps():
        steps += 1
        plan.add(step, step.size)
        if len(lines) < SHOWN:
            lines.append(_line(step))
    if not plan.counts[DELETE] and not plan.counts[COMPRESS] and not worktrees.finished:
        return True
    more = steps - len(lines)
    lines += [f"and {more} more"] if more else []
    lines += [f"remove   {printable(path)}" for path in worktrees.finished]
    stream = sys.stderr if as_json else sys.stdout
    print("\n".join([*lines, *_present(_summary(plan)), _question(plan, worktrees)]), end="", file=stream, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=stream)  # the end of file left the cursor behind the question
    return answer.strip().lower() in ("y", "yes")


def _present(line: str) -> list[str]:
    return [line] if line else []


def _question(plan: Tally, worktrees: StaleWorktrees) -> str:
    actions = [action for action in (DELETE, COMPRESS) if plan.counts[action]]
    parts = [f"{action} {plan.counts[action]}" for action in actions[:-1]]
    parts += [f"{action} {_count(plan.counts[action], 'report')}" for action in actions[-1:]]
    parts += [f"remove {_count(len(worktrees.finished), 'worktree')}"] if worktrees.finished else []
    return " and ".join(parts).capitalize() + "? [y/N] "


def _line(step: Step) -> str:
    return f"{step.action:<8}  {size(step.size):>7}  {printable(step.path)}"


def show_plan(cleanup: Cleanup, worktrees: StaleWorktrees, complaints: Complaints, as_json: bool) -> None:
    """Show what would be done, and change nothing."""
    if as_json:
        steps = list(cleanup.steps())
        plan = Tally()
        for step in steps:
            plan.add(step, step.size)
        more = {"worktrees": worktrees.finished, "files": list(map(step_object, steps))}
        print_json({**tally_object(plan, True), **more, "failed": complaints.objects()})
        return
    is_nothing = True
    for step in cleanup.steps():
        print(f"would {_line(step)}")
        is_nothing = False
    for line in _worktree_lines(worktrees):
        print(line)
        is_nothing = False
    if is_nothing and not complaints.all:
        print("nothing to clean up")


def _worktree_lines(worktrees: StaleWorktrees) -> list[str]:
    return [
        *(f"would remove   {printable(path)}" for path in worktrees.finished),
        *(f"stays          {printable(path)}: {printable(why)}" for path, why in worktrees.kept),
    ]


def show_tally(done: Tally, worktrees: int, complaints: Complaints, as_json: bool) -> None:
    """Show what was done; `worktrees`: how many were removed."""
    if as_json:
        print_json({**tally_object(done, False), "worktrees": worktrees, "failed": complaints.objects()})
        return
    parts = [_summary(done, True)] if done else []
    parts += [f"removed {_count(worktrees, 'worktree')}"] if worktrees else []
    parts += [f"{len(complaints.all)} failed"] if complaints.all else []
    print(", ".join(parts) or "nothing to clean up")


def _summary(tally: Tally, is_done: bool = False) -> str:
    """delete 3 reports (1.2 MB), compress 5 (3.4 MB); or deleted 3 reports (1.2 MB), compressed 5 (saved 2.9 MB)."""
    parts: list[str] = []
    for action in (action for action in ACTIONS if tally.counts[action] or tally.bytes[action]):
        noun = "unfinished file" if action == REMOVE else "" if parts else "report"
        verb = PAST[action] if is_done else action
        saved = "saved " if is_done and action == COMPRESS else ""
        volume = size(max(tally.bytes[action], 0))
        parts.append(f"{verb} {_count(tally.counts[action], noun)} ({saved}{volume})")
    return ", ".join(parts)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if noun else str(count)


def show_directories(found: list[DirectorySummary], as_json: bool) -> None:
    """Show what lies in each directory of reports."""
    if as_json:
        directories = [directory_object(one, _time(one.oldest), _time(one.newest)) for one in found]
        print_json({"directories": directories})
    elif not found:
        print("no reports")
    else:
        rows = [("directory", "reports", "plain", "size", "compressed", "size", "oldest", "newest")]
        print_table([*rows, *map(_directory_row, found)])


def _directory_row(one: DirectorySummary) -> tuple[object, ...]:
    plain, packed = size(one.plain_bytes), size(one.packed_bytes)
    oldest, newest = _time(one.oldest)[:10], _time(one.newest)[:10]
    return one.directory, one.reports, one.plain, plain, one.packed, packed, oldest, newest


def _time(seconds: float) -> str:
    """UTC text; a file's time can lie outside of any calendar."""
    return clock.to_text(min(max(seconds, 0.0), LAST_MOMENT))
