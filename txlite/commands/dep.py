"""dep block, dep unblock, dep tree; block, unblock: dependencies."""

from __future__ import annotations

from ..errors import UsageError
from ..view.json_objects import branch_object, print_json, task_object
from ..view.tasks import print_tree
from . import open_reading, open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..model import Task
    from ..store.store import Store


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
        print(f"{task.id} waits for {waits}")
    return 0


def _print_tree(args: Namespace) -> int:
    if args.blocker is not None:
        raise UsageError("dep tree takes one task: `txlite dep tree ID`")
    with open_reading(args) as store:
        tree = list(_walk(store, store.get(store.resolve(args.task))))
    if args.json:
        print_json([branch_object(task, depth) for depth, task, _ in tree])
    else:
        print_tree(tree)
    return 0


def _walk(store: Store, root: Task) -> list[tuple[int, Task, bool]]:
    """A task and what it waits for, each with its depth; what stands twice is followed once."""
    found: list[tuple[int, Task, bool]] = []
    seen: set[str] = set()
    pending = [(0, root)]
    while pending:
        depth, task = pending.pop()
        blockers = store.relations([task])[task.id].blocked_by
        found.append((depth, task, task.id in seen and bool(blockers)))
        if task.id not in seen:
            seen.add(task.id)
            pending += [(depth + 1, store.get(blocker)) for blocker in reversed(blockers)]
    return found
