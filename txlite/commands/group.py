"""group: the groups of tasks, and how many of each may be in work at a time."""

from __future__ import annotations

from .. import text
from ..errors import UsageError
from ..view.json_output import print_json
from ..view.objects.tasks import group_object
from . import open_reading, open_writing
from .arguments import parse_group_limit, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

NEXT = 10  # tasks that are shown of those that wait


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "A group comes into being with its first task (`txlite add --group`, `txlite run --group`), and lets one be in "
        "work at a time until --workers says otherwise. `txlite pause GROUP` lets none begin."
    )
    parser.add_argument("group", nargs="?", metavar="GROUP", help="this one, with its tasks (all)")
    parser.add_argument(
        "--workers", "-w", "-j", type=value_of(parse_group_limit), metavar="N",
        help="how many of its tasks may be in work at a time; none: as many as there are workers",
    )  # fmt: skip
    parser.add_argument("--remove", action="store_true", help="forget it, when none of its tasks waits or runs")
    parser.add_argument("--json", action="store_true", help="print an array of objects; of one group an object")


def run(args: Namespace) -> int:
    """Print groups, or change one and print it."""
    if args.group is None and (args.workers is not None or args.remove):
        raise UsageError("which group? `txlite group GROUP` with --workers or --remove; `txlite group` lists them")
    if args.remove:
        return _remove(args)
    if args.workers is None:
        return _show(args)
    with open_writing(args) as store:
        found = store.groups.set_limit(args.group, args.workers or None)
    _print([found], args)
    return 0


def _remove(args: Namespace) -> int:
    if args.workers is not None:
        raise UsageError("--workers, or --remove: give one of the two")
    with open_writing(args) as store:
        store.groups.remove(args.group)
    if args.json:
        print_json({"group": args.group, "removed": True})
    else:
        print(f"removed: {text.printable(args.group)}")
    return 0


def _show(args: Namespace) -> int:
    with open_reading(args) as store:
        found = store.groups.all() if args.group is None else [store.groups.get(args.group)]
        tasks = [] if args.group is None or args.json else store.groups.tasks(args.group, NEXT)
    _print(found, args)
    if tasks:
        from ..view.tasks import print_tasks

        print()
        print_tasks(tasks)
    return 0


def _print(found: list, args: Namespace) -> None:
    if args.json:
        objects = list(map(group_object, found))
        print_json(objects if args.group is None else objects[0])
        return
    from ..view.groups import print_groups

    print_groups(found)
