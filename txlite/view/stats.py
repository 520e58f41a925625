"""A home in figures: `status --stats`.

Used by the command `status`.
"""

from __future__ import annotations

from .. import text
from ..execution import presence
from ..execution.waiting import look_at_waiting
from ..model import BACKLOG, BLOCKED, REVIEW, STATES
from ..reports.costs import describe_total
from ..system import clock
from ..system.named_tuple import NamedTuple
from .attempt_row import AttemptRow
from .table import print_table
from .waiting import count_waiting, describe
from .worker_status import WorkerStatus, look_at_workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..execution.waiting import Waiting
    from ..store.store import Store
    from ..store.supervisors import SupervisorRecord
    from ..store.usages import Spent


class Stats(NamedTuple):
    """Counts of a home at one moment."""

    tasks: dict[str, int]  # by state, each of model.STATES
    attempts: dict[str, int]  # by what is shown of them; without approvals
    reports: int  # that exist
    bytes: int  # of them
    types: dict[str, int]  # attempts, by the type of their reports
    paused: str | None  # since when, as UTC text
    waiting: list[Waiting]  # tasks, by what they wait for
    runs: list[SupervisorRecord]  # that go on
    workers: list[WorkerStatus]  # that are here
    spent: Spent  # by all attempts that said what they cost, or could have


def collect_stats(store: Store, type: str | None) -> Stats:
    """Count what there is; with `type` only the attempts and reports of this type."""
    rows = [AttemptRow(store.home, one) for one in presence.newest_attempts(store, None, type)]
    made = [row.status for row in rows if not row.status.is_approval]
    tasks = store.count()
    return Stats(
        {state: tasks.get(state, 0) for state in STATES},
        _count(one.state for one in made),
        sum(row.report is not None for row in rows),
        sum(row.size or 0 for row in rows),
        _count(one.type for one in made),
        store.paused(),
        look_at_waiting(store),
        presence.live_supervisors(store),
        look_at_workers(store),
        store.usages.spent(),
    )


def _count(names: Iterable[str]) -> dict[str, int]:
    """How often each is there, in the order in which they come."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def print_stats(stats: Stats) -> None:
    """Print a line for each kind of thing that there is, and for each run and worker."""
    ended = {state: number for state, number in stats.tasks.items() if state not in (BACKLOG, REVIEW, BLOCKED)}
    rows = [
        ("tasks:", ", ".join([*_parts(ended), *count_waiting(stats.waiting)]) or "none"),
        ("attempts:", _join(stats.attempts)),
        ("types:", _join(stats.types)),
        ("reports:", f"{stats.reports} ({text.size(stats.bytes)})"),
        *([("cost:", describe_total(stats.spent))] if stats.spent.known + stats.spent.unknown else []),
        *([("paused:", f"since {clock.to_local(stats.paused)}")] if stats.paused else []),
        *((f"{one.state}:", describe(one)) for one in stats.waiting),
        *(("run:", _describe_run(one)) for one in stats.runs),
        *(("worker:", f"{one.id}  [{one.state}]  {one.task or ''}") for one in stats.workers),
    ]
    print_table(rows)


def _describe_run(one: SupervisorRecord) -> str:
    hold = f"  waits for {text.printable(one.hold)}" if one.hold else ""
    return f"{one.id}  {text.count(one.wanted, 'worker')}  since {clock.to_local(one.started)}{hold}"


def _join(counts: dict[str, int]) -> str:
    return ", ".join(_parts(counts)) or "none"


def _parts(counts: dict[str, int]) -> list[str]:
    return [f"{number:,} {name}" for name, number in counts.items() if number]
