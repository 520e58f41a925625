"""done, fail, cancel, retry, reset: what a person, or an agent, decides about a task."""

from __future__ import annotations

import os

from ..errors import Error, UsageError
from ..model import ACTIVE, REVIEW
from ..view.json_output import print_json
from ..view.objects.attempts import launched_object
from ..view.objects.tasks import task_object
from ..view.tasks import print_tasks
from ..view.terminal import say_aside
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.launch_order import LaunchOrder
    from ..execution.launched import Launched
    from ..model import Task
    from ..store.store import Store
    from ..store.tasks import Relations


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("tasks", metavar="ID", nargs="*" if verb == "retry" else "+", help="one task, or several")
    if verb == "done":
        parser.add_argument("--force", action="store_true", help="even if a worker runs it: stop its agent")
    if verb == "fail":
        parser.add_argument("--reason", default="", metavar="TEXT", help="why, for who looks at it")
    if verb == "retry":
        parser.add_argument("--failed", action="store_true", help="all of the queue that failed")
        parser.add_argument("--all", action="store_true", help="all of the queue that failed or were cancelled")
    parser.add_argument("--json", action="store_true", help="print an object; for several tasks an array")


def run(args: Namespace) -> int:
    """Decide about tasks and print how they stand. What is wrong with one of several does not keep the others."""
    errors: list[Error] = []
    decided: list[tuple[Task, Relations, dict[str, object]]] = []
    launches: list[LaunchOrder] = []
    with open_writing(args) as store:
        home, ids = store.home, _chosen(store, args)
        for id in ids:
            try:
                if args.verb == "retry" and store.launches.of(id):
                    launches.append(_order_again(store, id))
                    continue
                more = _decide(store, id, args)
            except Error as error:
                errors.append(error)
                continue
            task = store.get(id)
            decided.append((task, store.relations([task])[id], more))
        _end_alone(store, [task.id for task, _, _ in decided if task.status == ACTIVE])
    # After the store is closed: a worker that is launched must not inherit an open database.
    launched = [_launch(home, order) for order in launches]
    if not ids:
        say_aside(f"nothing to retry: no task failed{' or was cancelled' if args.all else ''}")
    _print(args, decided, launched, len(ids) == 1)
    for other in errors[1:]:
        say_aside(str(other))
    if errors:
        raise errors[0]
    return 0


def _chosen(store: Store, args: Namespace) -> list[str]:
    """The ids that are meant; raises UsageError where none is given, or too much."""
    if args.verb != "retry" or args.tasks:
        if args.verb == "retry" and (args.failed or args.all):
            raise UsageError("give tasks, or --failed, or --all: one of the three")
        return list(dict.fromkeys(map(store.resolve, args.tasks)))
    if not (args.failed or args.all):
        raise UsageError("no task is given: `txlite retry ID ...`, or --failed, or --all")
    states = ["failed", "cancelled"] if args.all else ["failed"]
    return [task.id for task in store.list(states) if not store.launches.of(task.id)]


def _decide(store: Store, id: str, args: Namespace) -> dict[str, object]:
    """Carry out the verb for a task of the queue; what is to be told besides."""
    if args.verb == "done":
        _say_what_waited(store, id)
        return {"nowReady": store.done(id, token=own_token(id), force=args.force)}
    if args.verb == "fail":
        store.fail(id, args.reason, token=own_token(id))
        if args.reason and not store.attempts(id):
            say_aside("the reason was not kept: the task never ran")
    elif args.verb == "cancel":
        store.cancel(id)
    elif args.verb == "reset":
        _recover(store, id)
        return {"oldStatus": store.reset(id)}
    else:
        store.retry(id)
    return {}


def _say_what_waited(store: Store, id: str) -> None:
    """Say that a task is done without the work that waits for its review."""
    review = store.reviews.last(id) if store.get(id).status == REVIEW else None
    if review:
        say_aside(f"its work does not land: it stays on {review.branch} (`txlite approve {id}` would have landed it)")


def _print(
    args: Namespace,
    decided: list[tuple[Task, Relations, dict[str, object]]],
    launched: list[Launched],
    is_one: bool,
) -> None:
    if args.json:
        found: list[object] = []
        for task, relations, more in decided:
            one = task_object(task, relations)
            found.append({"task": one, **more} if more else one)
        found += map(launched_object, launched)
        if found or not is_one:
            print_json(found[0] if is_one else found)
        return
    print_tasks([task for task, _, _ in decided])
    ready = [id for _, _, more in decided for id in more.get("nowReady", ())]  # type: ignore[attr-defined]
    if ready:
        print("now ready: " + ", ".join(ready))
    for worker in launched:
        from ..view.attempts import print_launched

        print_launched(worker)


def _recover(store: Store, id: str) -> None:
    """Give back what a dead worker holds, so that a task that is stuck can be reset."""
    if any(claim.task == id and claim.held for claim in store.claims()):
        from ..execution.recovery import Recovery

        Recovery(store).run()


def _end_alone(store: Store, tasks: list[str]) -> None:
    """End what shall be stopped, where no worker is there to do it."""
    if tasks:
        from ..execution import presence, stopping

        attempts = [presence.last_attempt(store, task) for task in tasks]
        stopping.end_alone(store, filter(None, attempts), say_aside)


def _order_again(store: Store, id: str) -> LaunchOrder:
    """What launches a task once more: it is no other worker's, and gets one of its own."""
    from ..execution.launch_order import order_again
    from ..execution.recovery import Recovery

    Recovery(store).run()
    return order_again(store, id)


def _launch(home: str, order: LaunchOrder) -> Launched:
    from ..execution.launch import launch

    return launch(home, order)


def own_token(task: str) -> int | None:
    """The token of the attempt that we are called from, if it is an attempt of this task. It is the attempt's number:
    some agents hide what has TOKEN in its name."""
    token = os.environ.get("TXLITE_TOKEN") or os.environ.get("TXLITE_ATTEMPT", "").rpartition(":")[2]
    return int(token) if os.environ.get("TXLITE_TASK") == task and token.isdigit() else None
