"""scale: the number of workers of a run that goes on."""

from __future__ import annotations

from ..execution import presence
from ..view import output
from . import open_writing, value_of
from .run import workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("workers", type=value_of(workers), metavar="N")
    parser.add_argument("--run", metavar="ID", help="which run, where several go on (`txlite status` names them)")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    with open_writing(args) as store:
        supervisor = presence.scale(store, args.workers, args.run)
    if args.json:
        output.print_json({"run": supervisor.id, "workers": supervisor.wanted})
    else:
        print(f"{supervisor.id} has {supervisor.wanted} workers from now on; those that are too many finish their task")
    return 0
