"""logs: the output of one attempt."""

from __future__ import annotations

from ..errors import NotFound, UsageError
from ..execution.stopping import end_of, find_output, find_target
from ..model import QUEUED
from ..view.attempt_row import describe_place
from ..view.doing import FollowedLog, SilenceTeller, describe_doings, is_for_a_person, read_activity
from ..view.follow import follow, read_output
from ..view.json_output import print_json
from ..view.objects.attempts import output_object
from ..view.terminal import output_writer, say_aside
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..execution.stopping import Target
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite logs [-f] [--raw] ID|PID"
    parser.add_argument("name", nargs="?", metavar="ID|PID", help="a task (its last attempt), or an attempt by its PID")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until it has ended")
    parser.add_argument("--raw", action="store_true", help="as the agent wrote it: its events, byte for byte")
    parser.add_argument("--json", action="store_true", help="print an object, with the output as text")


def run(args: Namespace) -> int:
    """Print the output of an attempt."""
    if args.name is None:
        raise UsageError("of which task? `txlite logs ID`; `txlite status` names what runs and has ended")
    with open_reading(args) as store:
        target = find_target(store, args.name)
        attempt = find_output(store, target)
        if attempt and attempt.state == QUEUED:
            say_aside(f"{attempt.task} has not started: it is queued{_where(attempt)}")
        if args.follow and not args.json and not end_of(store, target):
            _follow(store, target, args.raw)
        elif attempt is None:
            raise NotFound(f"{target.task} has not run yet: `txlite logs -f {target.task}` waits for it")
        else:
            _print(args, store, attempt)
    return 0


def _print(args: Namespace, store: Store, attempt: AttemptStatus) -> None:
    """What there is now and, for a person or a program that asks, what was done so far."""
    data, remark = read_output(store, attempt, args.raw)
    if remark:
        say_aside(remark)
    if args.json:
        activity = read_activity(store, attempt)
        print_json(output_object(attempt, data.decode("utf-8", "replace"), activity))
        return
    output_writer(args.raw)(data)
    if not args.raw and is_for_a_person():
        doings = describe_doings(read_activity(store, attempt), attempt)
        if doings:
            say_aside(doings if attempt.is_over else f"so far: {doings}")


def _follow(store: Store, target: Target, is_raw: bool) -> None:
    if is_raw or not is_for_a_person():
        follow(store, target, output_writer(is_raw), is_raw, SilenceTeller().look)
        return
    log = FollowedLog(store)
    try:
        follow(store, target, log.write, look=log.look)
    finally:
        log.end()


def _where(attempt: AttemptStatus) -> str:
    place = describe_place(attempt)
    return f" as {place}" if place else ""
