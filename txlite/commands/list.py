"""list and ready: many tasks, a line each."""

from __future__ import annotations

from ..errors import UsageError
from ..model import KINDS, Lane
from ..view import output
from . import open_reading, open_writing, value_of
from .claim import add_lease, claim_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.assignments import Assignment
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    if verb == "list":
        parser.add_argument("--status", metavar="A,B", help="only tasks in these states; also ready, waiting, later")
    else:
        parser.add_argument("--claim", metavar="WORKER", help="take the best one, in the name of WORKER, and print it")
        parser.add_argument("--capabilities", metavar="A,B", help="only what needs one of these, or nothing")
        add_lease(parser)
    parser.add_argument("--limit", "-n", type=value_of(count), metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise UsageError(f"{value!r} is not a whole number")
    return int(value)


def run(args: Namespace) -> int:
    if args.verb == "ready" and args.claim is not None:
        return _claim(args)
    with open_reading(args) as store:
        if args.verb == "ready":
            tasks = store.ready(args.limit, _needs(args))
        else:
            tasks = store.list(args.status.split(",") if args.status is not None else None, args.limit)
        if args.json:
            relations = store.relations(tasks)
            more = [{"failedAttemptCount": task.failures} if args.verb == "ready" else {} for task in tasks]
            output.print_json(
                [{**output.task_object(task, relations[task.id]), **extra} for task, extra in zip(tasks, more)]
            )
        else:
            output.print_table(map(output.task_row, tasks))
    return 0


def _needs(args: Namespace) -> list[str] | None:
    if args.capabilities is None:
        return None
    return ["", *(name.strip() for name in args.capabilities.split(",") if name.strip())]


def _claim(args: Namespace) -> int:
    """Take the best ready task: nobody comes between the look and the claim."""
    needs = _needs(args)
    lanes = None if needs is None else [Lane(kind, need) for kind in KINDS for need in needs]
    with open_writing(args) as store:
        found = store.claim_best(args.claim, args.lease, lanes)
        if args.json:
            output.print_json([_claimed_object(store, found)] if found else [])
        elif found:
            output.print_table([output.task_row(found.task)])
        else:
            print("nothing is ready")
    return 0


def _claimed_object(store: Store, found: Assignment) -> dict[str, object]:
    task = output.task_object(found.task, store.relations([found.task])[found.task.id])
    return {**task, "claim": claim_object(store, found.claim)}
