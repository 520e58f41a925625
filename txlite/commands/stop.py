"""stop: end what runs."""

from __future__ import annotations

from ..errors import UsageError
from ..execution import presence
from ..view import attempts
from ..view import follow as watch
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.usage = "txlite stop ID|PID ...   or   txlite stop --all"
    parser.epilog = "The agent gets TERM and, after its --kill-after, KILL, with all that it started."
    parser.add_argument("names", nargs="*", metavar="ID|PID", help="tasks, or attempts by their PID")
    parser.add_argument("--all", action="store_true", help="all that was launched and has not ended")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    if bool(args.names) == args.all:
        raise UsageError("give the tasks to stop, or --all: `txlite status` lists what runs")
    with open_writing(args) as store:
        if args.all:
            found = [standing for standing in presence.open_attempts(store) if standing.launched]
        else:
            found = [watch.open_standing(store, watch.find(store, name)) for name in args.names]
        stopped = watch.stop(store, found)
        attempts.print_standings(store.home, stopped, args.json)
    return 0 if all(standing.is_over for standing in stopped) else 1
