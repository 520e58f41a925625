"""done, fail, cancel, retry, reset: what a person, or an agent, decides about a task."""

from __future__ import annotations

import os
import sys

from ..view.json_objects import print_json, task_object
from ..view.tasks import print_tasks
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("task", metavar="ID")
    if verb == "done":
        parser.add_argument("--force", action="store_true", help="even if a worker runs it: stop its agent")
    if verb == "fail":
        parser.add_argument("--reason", default="", metavar="TEXT", help="why, for who looks at it")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Decide about a task and print how it stands."""
    with open_writing(args) as store:
        id = store.resolve(args.task)
        more: dict[str, object] = {}
        if args.verb == "done":
            more["nowReady"] = store.done(id, token=own_token(id), force=args.force)
        elif args.verb == "fail":
            store.fail(id, args.reason, token=own_token(id))
            if args.reason and not store.attempts(id):
                print("txlite: the reason was not kept: the task never ran", file=sys.stderr)
        elif args.verb == "cancel":
            store.cancel(id)
        elif args.verb == "reset":
            _recover(store, id)
            more["oldStatus"] = store.reset(id)
        elif store.launches.of(id):
            return _launch_again(store, id, args.json)
        else:
            store.retry(id)
        task = store.get(id)
        relations = store.relations([task])[task.id]
    if args.json:
        found = task_object(task, relations)
        print_json({"task": found, **more} if more else found)
    else:
        print_tasks([task])
        if more.get("nowReady"):
            print("now ready: " + ", ".join(map(str, more["nowReady"])))  # type: ignore[call-overload]
    return 0


def _recover(store: Store, id: str) -> None:
    """Give back what a dead worker holds, so that a task that is stuck can be reset."""
    if any(claim.task == id and claim.held for claim in store.claims()):
        from ..execution.recovery import Recovery

        Recovery(store).run()


def _launch_again(store: Store, id: str, as_json: bool) -> int:
    """A launched task is no other worker's: it gets one of its own once more."""
    from ..execution.launch import launch
    from ..execution.launch_order import order_again
    from ..execution.recovery import Recovery
    from ..view.attempts import print_launched

    Recovery(store).run()
    home, wanted = store.home, order_again(store, id)
    store.close()  # a worker that is launched must not inherit an open database
    print_launched(launch(home, wanted), as_json)
    return 0


def own_token(task: str) -> int | None:
    """The token of the attempt that we are called from, if it is an attempt of this task. It is the attempt's number:
    some agents hide what has TOKEN in its name."""
    token = os.environ.get("TXLITE_TOKEN") or os.environ.get("TXLITE_ATTEMPT", "").rpartition(":")[2]
    return int(token) if os.environ.get("TXLITE_TASK") == task and token.isdigit() else None
