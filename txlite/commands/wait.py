"""wait: until tasks have ended."""

from __future__ import annotations

from .. import text
from ..errors import NotFound, UsageError
from ..execution.stopping import end_of, find_target, open_targets, wait_for
from ..view.attempts import print_ended
from ..view.terminal import say_aside
from . import open_reading, open_recovered
from .arguments import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.stopping import Target
    from ..store.store import Store

TIMED_OUT = 124  # as timeout(1) has it
UNKNOWN = 125


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite wait [--timeout TIME] ID|PID ...   or   txlite wait [--timeout TIME] --all"
    parser.epilog = (
        "Exits with the task's own exit code, for several with 0 or 1; 124 where one ran out of its time, or waiting "
        "did; 125 where one was lost with its worker, or is unknown."
    )
    parser.add_argument("names", nargs="*", metavar="ID|PID", help="tasks, or attempts by their PID")
    parser.add_argument("--all", action="store_true", help="all that waits or runs now")
    parser.add_argument("--timeout", type=duration, metavar="TIME", help="wait no longer")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Wait, and return the code of what was waited for."""
    if bool(args.names) == args.all:
        raise UsageError("give the tasks to wait for, or --all: `txlite status` lists what runs")
    with open_reading(args) as store:
        targets = open_targets(store) if args.all else _find_named(store, args.names)
        ended = wait_for(store, targets, args.timeout)
    with open_recovered(args) as store:
        ended = {target: end_of(store, target) or found for target, found in ended.items()}
        print_ended(store, [(target, ended.get(target)) for target in targets], args.json)
    late = [target.name for target in targets if target not in ended]
    if late:
        say_aside(f"{', '.join(late)} still not ended after {text.duration(args.timeout)}")
        return TIMED_OUT
    codes = [ended[target].code for target in targets]
    return codes[0] if len(codes) == 1 else int(any(codes))


def _find_named(store: Store, names: list[str]) -> list[Target]:
    try:
        return [find_target(store, name) for name in names]
    except NotFound as error:
        error.exit_code = UNKNOWN
        raise
