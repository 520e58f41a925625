"""switch: which task comes first."""

from __future__ import annotations

from ..view.json_output import print_json
from ..view.objects.tasks import task_objects
from ..view.tasks import print_tasks
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = "It changes scores, and nothing else: `txlite update ID --score N` gives any."
    parser.add_argument("task", metavar="ID", help="alone: it gets a score above all that wait")
    parser.add_argument("other", metavar="ID", nargs="?", help="with it: the two change places")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Change the order and print the tasks."""
    with open_writing(args) as store:
        task = store.resolve(args.task)
        if args.other is None:
            found = [store.ranking.put_first(task)]
        else:
            found = list(store.ranking.exchange(task, store.resolve(args.other)))
        relations = store.relations(found)
    if args.json:
        print_json(task_objects(found, relations))
    else:
        print_tasks(found)
    return 0
