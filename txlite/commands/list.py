"""list and ready: many tasks, a line each."""

from __future__ import annotations

from ..model import KINDS, Lane
from ..view.json_output import print_json
from ..view.objects.tasks import claim_object, listed_objects, ready_objects, task_object
from . import open_reading, open_writing
from .arguments import add_lease, parse_limit, parse_names, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable

    from ..model import Task
    from ..store.assignments import Assignment
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    if verb == "list":
        parser.add_argument(
            "--status", metavar="A,B", help="only tasks in these states; also ready, reserved, waiting, later"
        )
        parser.add_argument("--all", "-a", action="store_true", help="all of them, also on a terminal")
        parser.epilog = (
            "A terminal shows what runs, then what failed, what waits, and what is done; of more than a hundred tasks "
            "a screenful. With --all, or into a pipe or a file, all are listed in the order in which they were added."
        )
    else:
        parser.add_argument("--claim", metavar="WORKER", help="take the best one, in the name of WORKER, and print it")
        parser.add_argument("--capabilities", metavar="A,B", help="only what needs one of these, or nothing")
        add_lease(parser)
    parser.add_argument("--limit", "-n", type=value_of(parse_limit), metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    """Print tasks, or claim the best one."""
    if args.verb == "list":
        return _list(args)
    if args.claim is not None:
        return _claim(args)
    with open_reading(args) as store:
        tasks = store.ready(args.limit, _needs(args))
        if args.json:
            print_json(ready_objects(tasks, store.relations(tasks)))
        else:
            _print(tasks, is_list=True)
    return 0


def _list(args: Namespace) -> int:
    """Print tasks, with where those run that do; on a terminal no more than a person looks at."""
    from ..view.task_list import is_for_a_person, print_excerpt  # `ready` is in a hurry
    from ..view.tasks import find_current, print_list

    states = args.status.split(",") if args.status is not None else None
    with open_reading(args) as store:
        if is_for_a_person() and not args.json and not args.all and args.limit is None:
            print_excerpt(store, states)
            return 0
        tasks = store.list(states, args.limit)
        current = find_current(store, tasks)
        if args.json:
            print_json(listed_objects(tasks, store.relations(tasks), current))
        else:
            print_list(tasks, current)
    return 0


def _needs(args: Namespace) -> list[str] | None:
    return None if args.capabilities is None else ["", *parse_names(args.capabilities)]


def _claim(args: Namespace) -> int:
    """Take the best ready task: nobody comes between the look and the claim."""
    needs = _needs(args)
    lanes = None if needs is None else [Lane(kind, need) for kind in KINDS for need in needs]
    with open_writing(args) as store:
        found = store.claim_best(args.claim, args.lease, lanes)
        if args.json:
            print_json([_claimed_object(store, found)] if found else [])
        elif found:
            _print([found.task])
        else:
            print("nothing is ready")
    return 0


def _claimed_object(store: Store, found: Assignment) -> dict[str, object]:
    task = task_object(found.task, store.relations([found.task])[found.task.id])
    return {**task, "claim": claim_object(found.claim, store.started(found.claim))}


def _print(tasks: Iterable[Task], is_list: bool = False) -> None:
    from ..view.tasks import HEADINGS, print_tasks  # where JSON is wanted, it is not

    print_tasks(tasks, HEADINGS if is_list else ())
