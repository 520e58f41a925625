"""done, cancel, retry: what a person decides about a task."""

from __future__ import annotations

import os

from .. import output
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("task", metavar="ID")
    if verb == "done":
        parser.add_argument("--force", action="store_true", help="even if a worker runs it: stop its agent")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    ready: list[str] = []
    with open_writing(args) as store:
        if args.verb == "done":
            ready = store.done(args.task, token=_own_token(args.task), force=args.force)
        elif args.verb == "cancel":
            store.cancel(args.task)
        elif not store.launch_of(args.task):
            store.retry(args.task)
        else:
            return _launch_again(store, args)
        task = store.get(args.task)
        relations = store.relations([task])[task.id]
    if args.json:
        found = output.task_object(task, relations)
        output.print_json({"task": found, "nowReady": ready} if args.verb == "done" else found)
    else:
        output.print_table([output.task_row(task)])
        if ready:
            print("now ready: " + ", ".join(ready))
    return 0


def _launch_again(store: Store, args: Namespace) -> int:
    """A launched task is no other worker's: it gets one of its own once more."""
    from .. import launcher, listing
    from ..recovery import Recovery

    Recovery(store).run()
    home, wanted = store.home, launcher.order_again(store, args.task)
    store.close()  # a worker that is launched must not inherit an open database
    listing.print_launched(launcher.launch(home, wanted), args.json)
    return 0


def _own_token(task: str) -> int | None:
    """The token of the attempt that we are called from, if it is an attempt of this task."""
    token = os.environ.get("TXLITE_TOKEN", "")
    return int(token) if os.environ.get("TXLITE_TASK") == task and token.isdigit() else None
