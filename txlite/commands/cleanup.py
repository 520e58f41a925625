"""cleanup: old reports, compressed and later deleted; worktrees of loops that are finished."""

from __future__ import annotations

import re
import sys

from ..errors import Refused, UsageError
from ..ralph import stale_worktrees
from ..reports.retention import ACTIONS, COMPRESS, DELETE, REMOVE, Cleanup, Tally
from ..system import clock
from ..text import printable, shorten, size
from ..view import output
from . import open_reading, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from ..ralph.stale_worktrees import StaleWorktree
    from ..reports.inventory import DirectorySummary
    from ..reports.retention import Step
    from ..store.store import Store

SHOWN = 20  # files, before it asks
PAST = {DELETE: "deleted", COMPRESS: "compressed", REMOVE: "removed"}
LAST_MOMENT = 253402300799.0  # of the year 9999


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.epilog = (
        "Only reports of attempts that have ended are touched. On a terminal it asks first. A report's age is the "
        "time since its last change; 0 is all that ended, 0.5 is twelve hours. Worktrees of `txlite ralph` go when "
        "their tasks are finished and they hold nothing that is not committed."
    )
    parser.add_argument("--age", type=value_of(days), default=7.0, metavar="DAYS", help="delete what is older (7)")
    parser.add_argument(
        "--compress-age", type=value_of(days), default=3.0, metavar="DAYS", help="compress what is older (3)"
    )
    parser.add_argument("--compress-only", action="store_true", help="delete nothing")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done")
    parser.add_argument("--force", action="store_true", help="do not ask")
    parser.add_argument("--stats", action="store_true", help="show how many reports there are; change nothing")
    parser.add_argument("--json", action="store_true", help="print one object, and nothing else")


def days(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", value, re.ASCII):
        raise UsageError(f"{shorten(value, 40)!r} is not a number of days: give 0 or more, as 7 or 0.5")
    return float(value)


def run(args: Namespace) -> int:
    complaints = Complaints()
    age = None if args.compress_only else args.age
    with open_reading(args) as store:
        worktrees = Worktrees([] if args.compress_only else stale_worktrees.look(store), store, complaints.add)
        with Cleanup(
            store.home, store.attempt_statuses.ended_reports, age, args.compress_age, complaints.add
        ) as cleanup:
            if args.stats:
                _show_summaries(cleanup.inventory.summaries(), args.json)
            elif args.dry_run:
                _show_steps(cleanup, worktrees, complaints, args.json)
            elif _may_go_on(cleanup, worktrees, args):
                done = cleanup.run()
                _show_tally(done, worktrees.remove(), complaints, args.json)
            elif args.json:
                _show_tally(Tally(), 0, complaints, True)
            else:
                print("nothing was changed")
    return 1 if complaints.all else 0


class Worktrees:
    """Those of loops that are still there."""

    def __init__(self, found: list[StaleWorktree], store: Store, complain: Callable[[str, str], None]) -> None:
        self._all = found
        self._store = store
        self._complain = complain

    @property
    def finished(self) -> list[str]:
        """The paths of those that can go."""
        return [one.path for one in self._all if not one.why]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The paths of those that must stay, and why."""
        return [(one.path, one.why) for one in self._all if one.why]

    def remove(self) -> int:
        """Remove the finished ones; how many."""
        count = 0
        for one in self._all:
            try:
                if not one.why:
                    stale_worktrees.remove(self._store, one)
                    count += 1
            except Refused as error:
                self._complain(one.path, str(error))
        return count


class Complaints:
    """What could not be done: said at once, on stderr, and kept for the end."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []  # path below home, why

    def add(self, path: str, why: str) -> None:
        self.all.append((path, why))
        try:
            print(f"txlite: {printable(path)}: {printable(why)}", file=sys.stderr)
        except OSError:
            pass  # nobody is left to tell; the exit code says it

    def objects(self) -> list[dict[str, str]]:
        return [{"path": path, "error": why} for path, why in self.all]


def _may_go_on(cleanup: Cleanup, worktrees: Worktrees, args: Namespace) -> bool:
    """Ask, if somebody is there to be asked and there is something to ask."""
    if args.force or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    plan = Tally()
    lines: list[str] = []
    for step in cleanup.steps():
        plan.add(step.action, step.size)
        if len(lines) < SHOWN:
            lines.append(_line(step))
    if not plan.counts[DELETE] and not plan.counts[COMPRESS] and not worktrees.finished:
        return True
    more = sum(plan.counts.values()) - len(lines)
    lines += [f"and {more} more"] if more else []
    lines += [f"remove   {printable(path)}" for path in worktrees.finished]
    stream = sys.stderr if args.json else sys.stdout
    print("\n".join([*lines, *_present(_summary(plan)), _question(plan, worktrees)]), end="", file=stream, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=stream)  # the end of file left the cursor behind the question
    return answer.strip().lower() in ("y", "yes")


def _present(line: str) -> list[str]:
    return [line] if line else []


def _question(plan: Tally, worktrees: Worktrees) -> str:
    actions = [action for action in (DELETE, COMPRESS) if plan.counts[action]]
    parts = [f"{action} {plan.counts[action]}" for action in actions[:-1]]
    parts += [f"{action} {_count(plan.counts[action], 'report')}" for action in actions[-1:]]
    parts += [f"remove {_count(len(worktrees.finished), 'worktree')}"] if worktrees.finished else []
    return " and ".join(parts).capitalize() + "? [y/N] "


def _line(step: Step) -> str:
    return f"{step.action:<8}  {size(step.size):>7}  {printable(step.path)}"


def _show_steps(cleanup: Cleanup, worktrees: Worktrees, complaints: Complaints, as_json: bool) -> None:
    if as_json:
        steps = list(cleanup.steps())
        plan = Tally()
        for step in steps:
            plan.add(step.action, step.size)
        files = [{"action": step.action, "path": step.path, "bytes": step.size} for step in steps]
        more = {"worktrees": worktrees.finished, "files": files, "failed": complaints.objects()}
        output.print_json({**_object(plan, True), **more})
        return
    is_nothing = True
    for step in cleanup.steps():
        print(f"would {_line(step)}")
        is_nothing = False
    for path in worktrees.finished:
        print(f"would remove   {printable(path)}")
        is_nothing = False
    for path, why in worktrees.kept:
        print(f"stays          {printable(path)}: {printable(why)}")
        is_nothing = False
    if is_nothing and not complaints.all:
        print("nothing to clean up")


def _show_tally(done: Tally, worktrees: int, complaints: Complaints, as_json: bool) -> None:
    if as_json:
        output.print_json({**_object(done, False), "worktrees": worktrees, "failed": complaints.objects()})
        return
    parts = [_summary(done, True)] if done else []
    parts += [f"removed {_count(worktrees, 'worktree')}"] if worktrees else []
    parts += [f"{len(complaints.all)} failed"] if complaints.all else []
    print(", ".join(parts) or "nothing to clean up")


def _summary(tally: Tally, is_done: bool = False) -> str:
    """delete 3 reports (1.2 MB), compress 5 (3.4 MB); or deleted 3 reports (1.2 MB), compressed 5 (saved 2.9 MB)."""
    parts: list[str] = []
    for action in filter(tally.counts.get, ACTIONS):
        noun = "unfinished file" if action == REMOVE else "" if parts else "report"
        verb = PAST[action] if is_done else action
        saved = "saved " if is_done and action == COMPRESS else ""
        volume = size(max(tally.bytes[action], 0))
        parts.append(f"{verb} {_count(tally.counts[action], noun)} ({saved}{volume})")
    return ", ".join(parts)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}" if noun else str(count)


def _object(tally: Tally, is_dry: bool) -> dict[str, object]:
    return {
        "dryRun": is_dry,
        "deleted": tally.counts[DELETE],
        "deletedBytes": tally.bytes[DELETE],
        "compressed": tally.counts[COMPRESS],
        "savedBytes": None if is_dry else tally.bytes[COMPRESS],
        "removed": tally.counts[REMOVE],
        "removedBytes": tally.bytes[REMOVE],
    }


def _show_summaries(summaries: list[DirectorySummary], as_json: bool) -> None:
    if as_json:
        output.print_json({"directories": [_summary_object(summary) for summary in summaries]})
    elif not summaries:
        print("no reports")
    else:
        rows = [("directory", "reports", "plain", "size", "compressed", "size", "oldest", "newest")]
        output.print_table([*rows, *map(_summary_row, summaries)])


def _summary_object(summary: DirectorySummary) -> dict[str, object]:
    return {
        "directory": summary.directory,
        "reports": summary.reports,
        "plain": summary.plain,
        "plainBytes": summary.plain_bytes,
        "compressed": summary.packed,
        "compressedBytes": summary.packed_bytes,
        "oldest": _time(summary.oldest),
        "newest": _time(summary.newest),
    }


def _summary_row(summary: DirectorySummary) -> tuple[object, ...]:
    plain, packed = size(summary.plain_bytes), size(summary.packed_bytes)
    oldest, newest = _time(summary.oldest)[:10], _time(summary.newest)[:10]
    return summary.directory, summary.reports, summary.plain, plain, summary.packed, packed, oldest, newest


def _time(seconds: float) -> str:
    """UTC text; a file's time can lie outside of any calendar."""
    return clock.to_text(min(max(seconds, 0.0), LAST_MOMENT))
