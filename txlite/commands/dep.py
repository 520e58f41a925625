"""dep block, dep unblock, dep tree; block, unblock: dependencies."""

from __future__ import annotations

from ..errors import UsageError
from ..view.json_output import print_json
from ..view.objects.tasks import task_object
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    if verb == "dep":
        parser.usage = "txlite dep block|unblock ID BLOCKER   or   txlite dep tree ID"
        parser.add_argument(
            "action", choices=("block", "unblock", "tree"), help="block: ID waits for BLOCKER; unblock: no longer"
        )
    parser.add_argument("task", metavar="ID")
    parser.add_argument("blocker", metavar="BLOCKER", nargs="?" if verb == "dep" else None)
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Change or show what a task waits for."""
    action = args.action if args.verb == "dep" else args.verb
    if action == "tree":
        return _print_tree(args)
    if args.blocker is None:
        raise UsageError(f"the task that it waits for is missing: `txlite dep {action} ID BLOCKER`")
    with open_writing(args) as store:
        id, blocker = store.resolve(args.task), store.resolve(args.blocker)
        if action == "block":
            store.add_dependency(id, blocker)
        else:
            store.remove_dependency(id, blocker)
        task = store.get(id)
        relations = store.relations([task])[task.id]
    if args.json:
        print_json({"success": True, "task": task_object(task, relations)})
    else:
        waits = ", ".join(relations.blocked_by) or "nothing"
        print(f"{blocker} {'now' if action == 'block' else 'no longer'} blocks {task.id}, which waits for {waits}")
    return 0


def _print_tree(args: Namespace) -> int:
    from .tree import show_tree

    if args.blocker is not None:
        raise UsageError("dep tree takes one task: `txlite dep tree ID`")
    return show_tree(args, "blocked_by", "deps")
