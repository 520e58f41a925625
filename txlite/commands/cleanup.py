"""cleanup: old reports, compressed and later deleted; worktrees of loops that are finished."""

from __future__ import annotations

import sys

from ..ralph import stale_worktrees
from ..ralph.stale_worktrees import StaleWorktrees
from ..reports.retention import Cleanup, Tally
from ..view.cleanup_plan import Complaints, confirm, show_directories, show_plan, show_tally
from . import open_recovered
from .arguments import parse_days, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "Only reports of attempts that have ended are touched. On a terminal it asks first. A report's age is the "
        "time since its last change; 0 is all that ended, 0.5 is twelve hours. Worktrees of `txlite ralph` go when "
        "their tasks are finished and they hold nothing that is not committed."
    )
    days = value_of(parse_days)
    parser.add_argument("--age", "-a", type=days, default=7.0, metavar="DAYS", help="delete what is older (7)")
    parser.add_argument("--compress-age", type=days, default=3.0, metavar="DAYS", help="compress what is older (3)")
    parser.add_argument("--compress-only", "-c", action="store_true", help="delete nothing")
    parser.add_argument("--dry-run", "-d", action="store_true", help="show what would be done")
    parser.add_argument("--force", "-f", action="store_true", help="do not ask")
    parser.add_argument("--stats", "-s", action="store_true", help="show how many reports there are; change nothing")
    parser.add_argument("--json", action="store_true", help="print one object, and nothing else")


def run(args: Namespace) -> int:
    """Clean up, or show what would be; return 1 where something could not be done."""
    complaints = Complaints()
    age = None if args.compress_only else args.age
    with open_recovered(args) as store:
        found = [] if args.compress_only else stale_worktrees.look(store)
        worktrees = StaleWorktrees(store, found, complaints.add)
        with Cleanup(
            store.home,
            store.attempt_statuses.ended_reports,
            age,
            args.compress_age,
            complaints.add,
            store.ends.is_open,
        ) as cleanup:
            if args.stats:
                show_directories(cleanup.inventory.summaries(), args.json)
            elif args.dry_run:
                show_plan(cleanup, worktrees, complaints, args.json)
            elif _must_not_ask(args) or confirm(cleanup, worktrees, args.json):
                show_tally(cleanup.run(), worktrees.remove(), complaints, args.json)
            elif args.json:
                show_tally(Tally(), 0, complaints, True)
            else:
                print("nothing was changed")
    return 1 if complaints.all else 0


def _must_not_ask(args: Namespace) -> bool:
    """Whether nobody is there to be asked, or wants to be."""
    return args.force or not (sys.stdin.isatty() and sys.stdout.isatty())
