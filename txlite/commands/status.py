"""status: what waits, runs, and has ended."""

from __future__ import annotations

from ..errors import UsageError
from ..execution import presence
from ..execution.waiting import look_at_waiting
from ..model import WORKERS
from ..view.attempts import print_attempts
from ..view.json_output import print_json
from ..view.objects.homes import stats_object
from ..view.standing import ENDED, count_ended, count_shown, print_advice, print_counts, print_runs
from ..view.waiting import FEW, print_waiting, say_paused
from . import open_recovered
from .arguments import parse_limit, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        f"Shows what runs, the {ENDED} attempts that ended last ({ENDED // 2} on a terminal of few lines), and what "
        "waits, and for what (`txlite help states`). "
        "With --json it prints all attempts; what waits is then in --stats, and in `list`."
    )
    types = parser.add_mutually_exclusive_group()
    types.add_argument("--workers", "-w", dest="type", action="store_const", const=WORKERS, help="type workers only")
    types.add_argument(
        "--research", "-r", dest="type", action="store_const", const="research", help="type research only"
    )
    types.add_argument("--type", metavar="TYPE", help="this type only")
    amounts = parser.add_mutually_exclusive_group()
    amounts.add_argument("--latest", "-l", type=value_of(parse_limit), metavar="N", help="the newest N, and no more")
    amounts.add_argument("--all", "-a", action="store_true", help="all there ever were")
    parser.add_argument("--stats", "-s", action="store_true", help="counts, reports, runs and workers")
    parser.add_argument("--json", action="store_true", help="print an array of objects (with --stats an object)")
    parser.add_argument("--watch", action="store_true", help="follow all of it on the whole terminal, as `top` does")


def run(args: Namespace) -> int:
    """Print attempts and runs, or counts."""
    if args.latest == 0:
        raise UsageError("--latest 0: give 1 or more")
    if args.watch:
        return _watch(args)
    if args.stats:
        return _show_stats(args)
    with open_recovered(args) as store:
        found = _find(store, args)
        if args.json:
            print_attempts(store.home, found, as_json=True)
        else:
            _print(store, found, args)
    return 0


def _watch(args: Namespace) -> int:
    if args.json or args.stats or args.type or args.latest or args.all:
        raise UsageError("--watch follows all that goes on here: give it alone")
    from . import top

    return top.run(args)


def _print(store: Store, found: list[AttemptStatus], args: Namespace) -> None:
    """Print attempts, the runs that go on and, unless only some attempts are asked for, what waits."""
    say_paused(store)
    runs = presence.live_supervisors(store)
    is_all = not (args.type or args.latest)
    waiting = look_at_waiting(store, limit=FEW) if is_all else []
    counts = count_shown(store, found, waiting)
    if is_all:
        print_counts(counts, bool(found))
    print_attempts(store.home, found, as_json=False)
    print_runs(store, runs, found)
    print_waiting(store, waiting)
    print_advice(found, counts)
    if not (found or runs or waiting):
        print("nothing was run here yet")


def _find(store: Store, args: Namespace) -> list[AttemptStatus]:
    """What is asked for, the newest first; what has not ended is among it however old it is."""
    limit = args.latest if args.latest else None if args.all or args.json else count_ended()
    found = {one.attempt: one for one in presence.newest_attempts(store, limit, args.type, args.json)}
    if not args.latest:
        found.update((one.attempt, one) for one in presence.open_attempts(store) if args.type in (None, one.type))
    return [found[attempt] for attempt in sorted(found, reverse=True)]


def _show_stats(args: Namespace) -> int:
    from ..view.stats import collect_stats, print_stats

    with open_recovered(args) as store:
        stats = collect_stats(store, args.type)
    if args.json:
        print_json(stats_object(stats))
    else:
        print_stats(stats)
    return 0
