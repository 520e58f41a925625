"""tree, children: the hierarchy of tasks and those below them; and, for `dep tree`, of tasks and what they wait for."""

from __future__ import annotations

from ..view.json_output import print_json, print_tree_json
from ..view.objects.tasks import task_object, task_objects
from ..view.tasks import HEADINGS, print_tasks, print_tree
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..model import Task
    from ..store.store import Store
    from ..store.tasks import Relations

    Branch = tuple[int, Task, Relations, bool]  # depth, and whether its own branches stand above


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID")
    what = "print an object, with those below as `childTasks`" if verb == "tree" else "print an array of objects"
    parser.add_argument("--json", action="store_true", help=what)


def run(args: Namespace) -> int:
    """Show the tasks below one: all, or its children."""
    if args.verb == "tree":
        return show_tree(args, "children", "childTasks")
    with open_reading(args) as store:
        task = store.get(store.resolve(args.task))
        found = [store.get(id) for id in store.relations([task])[task.id].children]
        if args.json:
            print_json(task_objects(found, store.relations(found)))
            return 0
    print_tasks(found, HEADINGS)
    return 0


def show_tree(args: Namespace, relation: str, key: str) -> int:
    """Print a task and, as branches, those that `relation` names: its children, or what it is blocked_by."""
    with open_reading(args) as store:
        branches = _walk(store, store.get(store.resolve(args.task)), relation)
    if args.json:
        print_tree_json([(depth, task_object(task, relations)) for depth, task, relations, _ in branches], key)
    else:
        print_tree((depth, task, is_again) for depth, task, _, is_again in branches)
    return 0


def _walk(store: Store, root: Task, relation: str) -> list[Branch]:
    """Each with its depth, branches behind their stem; what stands twice is followed once."""
    found: list[Branch] = []
    seen: set[str] = set()
    pending = [(0, root)]
    while pending:
        depth, task = pending.pop()
        relations = store.relations([task])[task.id]
        ids = getattr(relations, relation)
        found.append((depth, task, relations, task.id in seen and bool(ids)))
        if task.id not in seen:
            seen.add(task.id)
            pending += [(depth + 1, store.get(id)) for id in reversed(ids)]
    return found
