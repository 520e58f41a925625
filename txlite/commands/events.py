"""events: changes of state as lines, from a number on, also as they come."""

from __future__ import annotations

from ..home import location
from ..view.event_stream import EventStream, print_events
from . import open_reading
from .arguments import parse_limit, value_of
from .history import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "Each line begins with the change's number. Who wrote down the last one goes on after it with --since, and "
        "neither misses a change nor is told one twice, whatever was killed meanwhile. With --follow it ends by "
        "Ctrl-C, when nobody reads its output any more, or when the database is deleted or replaced; a home that has "
        "none yet is waited for."
    )
    add = parser.add_argument
    add("--follow", "-f", action="store_true", help="go on with what comes; without --since, with that alone")
    add(
        "--since", type=value_of(parse_limit), metavar="N",
        help=f"after the change with this number, oldest first; 0: from the first one on (else the last {LATEST})",
    )  # fmt: skip
    add("--limit", type=value_of(parse_limit), metavar="N", help="at most so many, then it ends")
    add("--json", action="store_true", help="print an object a line")


def run(args: Namespace) -> int:
    """Print changes of state."""
    stream = EventStream(args.since, args.limit, args.json)
    if args.follow:
        stream.follow(location.locate(args.home))
        return 0
    with open_reading(args) as store:
        if args.since is not None:
            stream.tell(store)
        else:
            print_events(store.history.events(limit=LATEST if args.limit is None else args.limit)[::-1], args.json)
    return 0
