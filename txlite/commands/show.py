"""show: one task with its attempts."""

from __future__ import annotations

from ..view import output
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("task", metavar="ID")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    with open_reading(args) as store:
        task = store.get(store.resolve(args.task))
        relations = store.relations([task])[task.id]
        attempts = store.attempts(task.id)
    if args.json:
        found = output.task_object(task, relations)
        output.print_json({**found, "attempts": list(map(output.attempt_object, attempts))})
    else:
        output.print_task(task, relations, attempts)
    return 0
