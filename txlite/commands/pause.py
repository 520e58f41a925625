"""pause and resume: whether worker processes claim tasks. `resume` lifts the limits of agents' providers, too."""

from __future__ import annotations

from ..view.json_objects import print_json
from ..view.waiting import describe_pause
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Pause or resume, and print which."""
    with open_writing(args) as store:
        if args.verb == "resume":
            store.resume()
            store.loops.lift_limits()
        since = store.pause() if args.verb == "pause" else None
    if args.json:
        print_json({"paused": since})
    elif since:
        print(describe_pause(since))
    else:
        print("workers claim tasks again")
    return 0
