"""show: one task with its attempts."""

from __future__ import annotations

from ..view.json_objects import attempts_object, print_json
from ..view.tasks import print_task
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Print a task with its attempts."""
    with open_reading(args) as store:
        task = store.get(store.resolve(args.task))
        relations = store.relations([task])[task.id]
        attempts = store.attempts(task.id)
    if args.json:
        print_json(attempts_object(task, relations, attempts))
    else:
        print_task(task, relations, attempts)
    return 0
