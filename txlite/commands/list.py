"""list and ready: many tasks, a line each."""

from __future__ import annotations

from .. import output
from ..errors import UsageError
from . import open_reading, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    if verb == "list":
        parser.add_argument("--status", metavar="A,B", help="only tasks in these states")
    parser.add_argument("--limit", type=value_of(count), metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise UsageError(f"{value!r} is not a whole number")
    return int(value)


def run(args: Namespace) -> int:
    with open_reading(args) as store:
        if args.verb == "ready":
            tasks = store.ready(args.limit)
        else:
            tasks = store.list(args.status.split(",") if args.status else None, args.limit)
        if args.json:
            relations = store.relations(tasks)
            output.print_json([output.task_object(task, relations[task.id]) for task in tasks])
        else:
            output.print_table(map(output.task_row, tasks))
    return 0
