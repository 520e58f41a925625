"""status: what waits, runs, and has ended."""

from __future__ import annotations

from .. import text
from ..errors import UsageError
from ..execution import presence
from ..model import STATES, WORKERS
from ..view import attempts, output, worker_status
from . import open_reading, value_of
from .list import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store
    from ..view.worker_status import WorkerStatus

ENDED = 10  # attempts that have ended, shown unless told otherwise


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.epilog = f"Shows what waits and runs, and the {ENDED} attempts that ended last; --json shows all."
    types = parser.add_mutually_exclusive_group()
    types.add_argument("--workers", dest="type", action="store_const", const=WORKERS, help="type workers only")
    types.add_argument("--research", dest="type", action="store_const", const="research", help="type research only")
    types.add_argument("--type", metavar="TYPE", help="this type only")
    amounts = parser.add_mutually_exclusive_group()
    amounts.add_argument("--latest", type=value_of(count), metavar="N", help="the newest N, and no more")
    amounts.add_argument("--all", action="store_true", help="all there ever were")
    parser.add_argument("--stats", action="store_true", help="counts, reports, runs and workers")
    parser.add_argument("--json", action="store_true", help="print an array of objects (with --stats an object)")


def run(args: Namespace) -> int:
    if args.latest == 0:
        raise UsageError("--latest 0: give 1 or more")
    with open_reading(args) as store:
        if args.stats:
            _print_stats(_stats(store, args.type), args.json)
            return 0
        limit = args.latest if args.latest else None if args.all or args.json else ENDED
        found = {one.attempt: one for one in presence.newest_attempts(store, limit, args.type)}
        if not args.latest:
            found.update((one.attempt, one) for one in presence.open_attempts(store) if args.type in (None, one.type))
        standings = [found[attempt] for attempt in sorted(found, reverse=True)]
        attempts.print_standings(store.home, standings, args.json)
        runs = presence.live_supervisors(store)
    if not args.json:
        for one in runs:
            print(f"{one.id} goes on with {one.wanted} workers, since {one.started}")
        if not standings and not runs:
            print("nothing was run here yet")
    return 0


def _stats(store: Store, type: str | None) -> dict[str, object]:
    rows = [attempts.Row(store.home, one) for one in presence.newest_attempts(store, None, type)]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.standing.state] = counts.get(row.standing.state, 0) + 1
    tasks, runs = store.count(), presence.live_supervisors(store)
    return {
        "tasks": {state: tasks.get(state, 0) for state in STATES},
        "attempts": counts,
        "reports": {"count": sum(row.report is not None for row in rows), "bytes": sum(row.size or 0 for row in rows)},
        "types": _by_type([row.standing for row in rows]),
        "runs": [{"run": one.id, "workers": one.wanted, "startedAt": one.started} for one in runs],
        "workers": list(map(_worker_object, worker_status.look(store))),
    }


def _by_type(standings: list[AttemptStatus]) -> dict[str, int]:
    types: dict[str, int] = {}
    for one in standings:
        types[one.type] = types.get(one.type, 0) + 1
    return types


def _print_stats(stats: dict, as_json: bool) -> None:
    if as_json:
        output.print_json(stats)
        return
    reports = stats["reports"]
    rows = [
        ("tasks:", _join(stats["tasks"])),
        ("attempts:", _join(stats["attempts"])),
        ("types:", _join(stats["types"])),
        ("reports:", f"{reports['count']} ({text.size(reports['bytes'])})"),
        *(("run:", f"{one['run']}  {one['workers']} workers  since {one['startedAt']}") for one in stats["runs"]),
        *(("worker:", f"{one['id']}  [{one['state']}]  {one['task'] or ''}") for one in stats["workers"]),
    ]
    output.print_table(rows)


def _join(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none"


def _worker_object(one: WorkerStatus) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "run": one.run,
        "state": one.state,
        "task": one.task,
        "startedAt": one.since,
    }
