"""history: changes of state."""

from __future__ import annotations

from ..view import output
from . import open_reading, value_of
from .list import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.history import Event

LATEST = 20


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("task", metavar="ID", nargs="?", help="of this task, also if it was deleted, oldest first")
    parser.add_argument(
        "--limit", type=value_of(count), metavar="N", help=f"at most so many, the newest ({LATEST}; with ID: all)"
    )
    parser.add_argument("--json", action="store_true", help="print an array of objects")


def run(args: Namespace) -> int:
    limit = LATEST if args.limit is None and args.task is None else args.limit
    with open_reading(args) as store:
        events = store.history.events(args.task, limit)
    if args.json:
        output.print_json([_object(event) for event in events])
    else:
        output.print_table(map(_row, events))
    return 0


def _object(event: Event) -> dict[str, object]:
    return {
        "at": event.at,
        "task": event.task,
        "from": event.from_status,
        "to": event.to_status,
        "token": event.token or None,
        "worker": event.worker,
        "outcome": event.outcome,
    }


def _row(event: Event) -> tuple[object, ...]:
    change = f"{event.from_status or '(added)'} -> {event.to_status or '(deleted)'}"
    attempt = f"attempt {event.token}" if event.worker else ""
    return event.at, event.task, change, attempt, "  ".join(filter(None, (event.worker, event.outcome)))
