"""claim, claim:release, claim:renew, claims: claims made by hand, and a look at all."""

from __future__ import annotations

from .. import text
from ..errors import UsageError
from ..system import clock
from ..view.json_output import print_json
from ..view.objects.tasks import claim_object
from ..view.table import print_table
from . import open_reading, open_writing
from .arguments import add_lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


ACTIONS = ("release", "renew")


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    if verb == "claims":
        parser.add_argument("--expired", action="store_true", help="only those whose lease has run out")
    elif verb == "claim":
        parser.usage = "txlite claim [--lease MINUTES] ID WORKER   or   txlite claim release|renew ID WORKER"
        parser.add_argument("words", nargs="+", metavar="ID WORKER", help="the task, and any name for who takes it")
        add_lease(parser)
    else:
        parser.add_argument("task", metavar="ID")
        parser.add_argument("worker", metavar="WORKER", help="who has it")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Take, renew or give back a claim, or list all."""
    if args.verb == "claims":
        return _list(args)
    action = args.verb.partition(":")[2]
    words = [args.task, args.worker] if action else args.words
    if not action and len(words) == 3 and words[0] in ACTIONS:
        action, *words = words
    if len(words) != 2:
        raise UsageError("give a task and a worker: `txlite claim ID WORKER`")
    with open_writing(args) as store:
        id, worker = store.resolve(words[0]), text.check_name(words[1], "the worker's name")
        if action == "release":
            store.release(id, worker)
            found: dict[str, object] = {"released": True, "taskId": id, "workerId": worker}
            line = f"{id} released by {worker}"
        else:
            claim = store.renew(id, worker) if action else store.claim(id, worker, args.lease)
            found = claim_object(claim, store.started(claim))
            line = f"{id} {'renewed' if action else 'claimed'} by {worker} until {claim.expires}"
    if args.json:
        print_json(found)
    else:
        print(text.printable(line))
    return 0


def _list(args: Namespace) -> int:
    with open_reading(args) as store:
        claims = store.expired() if args.expired else store.claims()
        if args.json:
            print_json([claim_object(claim, store.started(claim)) for claim in claims])
            return 0
    moment = clock.now()
    print_table(
        (claim.task, claim.worker, "expired" if args.expired or (not claim.held and claim.expires <= moment) else "",
         "worker" if claim.held else f"until {claim.expires}")
        for claim in claims
    )  # fmt: skip
    return 0
