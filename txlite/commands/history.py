"""history: changes of state."""

from __future__ import annotations

from ..errors import TaskNotFound
from ..view.history import print_history
from ..view.json_output import print_json
from ..view.objects.attempts import history_object
from . import open_reading
from .arguments import parse_limit, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.store import Store

LATEST = 20


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID", nargs="?", help="of this task, also if it was deleted, oldest first")
    parser.add_argument(
        "--limit", type=value_of(parse_limit), metavar="N", help=f"at most so many, the newest ({LATEST}; with ID: all)"
    )
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Print changes of state."""
    limit = LATEST if args.limit is None and args.task is None else args.limit
    with open_reading(args) as store:
        events = store.history.events(args.task and _resolve(store, args.task), limit)
        usages = [tuple(store.usages.of(event.token)) if event.outcome else () for event in events]
    if args.json:
        print_json([history_object(*one) for one in zip(events, usages)])
    else:
        print_history(events, usages)
    return 0


def _resolve(store: Store, name: str) -> str:
    try:
        return store.resolve(name)
    except TaskNotFound:
        return name  # one that was deleted is known by its whole id
