"""dep block, dep unblock: dependencies."""

from __future__ import annotations

from .. import output
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("action", choices=("block", "unblock"), help="block: ID waits for BLOCKER; unblock: no longer")
    parser.add_argument("task", metavar="ID")
    parser.add_argument("blocker", metavar="BLOCKER")
    parser.add_argument("--json", action="store_true", help="print the task as an object")


def run(args: Namespace) -> int:
    with open_writing(args) as store:
        if args.action == "block":
            store.add_dependency(args.task, args.blocker)
        else:
            store.remove_dependency(args.task, args.blocker)
        task = store.get(args.task)
        relations = store.relations([task])[task.id]
    if args.json:
        output.print_json(output.task_object(task, relations))
    else:
        waits = ", ".join(relations.blocked_by) or "nothing"
        print(f"{task.id} waits for {waits}")
    return 0
