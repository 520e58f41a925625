"""stop: end what runs."""

from __future__ import annotations

from ..errors import UsageError
from ..execution import presence
from ..execution.stopping import find_attempt_to_stop, stop_attempts
from ..view.attempts import print_attempts
from ..view.terminal import say_aside
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite stop ID|PID ...   or   txlite stop --all"
    parser.epilog = "The agent gets TERM and, after its --kill-after, KILL, with all that it started."
    parser.add_argument("names", nargs="*", metavar="ID|PID", help="tasks, or attempts by their PID")
    parser.add_argument("--all", action="store_true", help="all that was launched and has not ended")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Stop attempts and print them; return 1 where one goes on."""
    if bool(args.names) == args.all:
        raise UsageError("give the tasks to stop, or --all: `txlite status` lists what runs")
    with open_writing(args) as store:
        if args.all:
            found = [attempt for attempt in presence.open_attempts(store) if attempt.launched]
        else:
            found = [find_attempt_to_stop(store, name) for name in args.names]
        stopped = stop_attempts(store, found, say_aside)
        print_attempts(store.home, stopped, args.json)
    return 0 if all(attempt.is_over for attempt in stopped) else 1
