"""logs: the output of one attempt."""

from __future__ import annotations

import sys

from ..errors import NotFound
from ..view import follow as watch
from ..view import output
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.usage = "txlite logs [-f] [--raw] ID|PID"
    parser.add_argument("name", metavar="ID|PID", help="a task (its last attempt), or an attempt by its PID")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until it has ended")
    parser.add_argument("--raw", action="store_true", help="byte for byte, not only what is safe for a terminal")
    parser.add_argument("--json", action="store_true", help="print an object, with the output as text")


def run(args: Namespace) -> int:
    shown = output.Raw() if args.raw else output.Safe()
    with open_reading(args) as store:
        target = watch.find(store, args.name)
        standing = watch.look(store, target)
        if args.follow and not args.json and not watch.end_of(store, target):
            watch.follow(store, target, shown.write)
            return 0
        if standing is None:
            raise NotFound(f"{target.task} has not run yet: `txlite logs -f {target.task}` waits for it")
        data = _read(store, standing)
    if args.json:
        found = {"task": standing.task, "attempt": standing.attempt, "status": standing.state}
        output.print_json({**found, "output": data.decode("utf-8", "replace")})
    else:
        shown.write(data)
    return 0


def _read(store: Store, standing: AttemptStatus) -> bytes:
    if not standing.is_over:
        current = watch.Output(store, standing.attempt)
        data = current.read_so_far()
        current.close()
        return data
    try:
        return watch.read_output(store, standing)
    except NotFound as error:
        if not error.args[1]:
            raise NotFound(error.args[0]) from None
        print(f"txlite: {error.args[0]}", file=sys.stderr)
        return str(error.args[1]).encode()
