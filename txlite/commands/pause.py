"""pause and resume: whether worker processes claim tasks, or those of a group. `resume` without a group lifts what
providers of agents refuse, too."""

from __future__ import annotations

from .. import text
from ..view.json_output import print_json
from ..view.objects.tasks import group_object
from ..view.waiting import describe_pause
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("group", nargs="?", metavar="GROUP", help="only tasks of this group (all that is queued)")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Pause or resume, and print which."""
    with open_writing(args) as store:
        if args.group is not None:
            return _run_group(store, args)
        if args.verb == "resume":
            store.resume()
            store.loops.lift_limits()
        since = store.pause() if args.verb == "pause" else None
        still = [one.name for one in store.groups.all() if one.paused] if args.verb == "resume" else []
    if args.json:
        print_json({"paused": since})
    elif since:
        print(describe_pause(since))
    else:
        print("workers claim tasks again")
    if still and not args.json:
        more = f" and {len(still) - 1} more" if still[1:] else ""
        print(f"group {text.printable(still[0])}{more} stays paused: `txlite resume GROUP` ends that")
    return 0


def _run_group(store: Store, args: Namespace) -> int:
    found = store.groups.pause(args.group) if args.verb == "pause" else store.groups.resume(args.group)
    if args.json:
        print_json(group_object(found))
        return 0
    name = text.printable(found.name)
    if found.paused:
        print(describe_pause(found.paused, f"of group {name} ", f" {name}"))
    else:
        print(f"workers claim tasks of group {name} again")
    return 0
