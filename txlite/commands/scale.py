"""scale: the number of workers of a run that goes on."""

from __future__ import annotations

from ..execution import presence
from ..text import count
from ..view.json_output import print_json
from . import open_writing
from .arguments import parse_workers, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("workers", type=value_of(parse_workers), metavar="N")
    parser.add_argument("--run", metavar="ID", help="which run, where several go on (`txlite status` names them)")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Change a run's number of workers and print it."""
    with open_writing(args) as store:
        supervisor = presence.scale(store, args.workers, args.run)
    if args.json:
        print_json({"run": supervisor.id, "workers": supervisor.wanted})
    else:
        workers = count(supervisor.wanted, "worker")
        print(f"{supervisor.id} has {workers} from now on; those that are too many end their task first")
    return 0
