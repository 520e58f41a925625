"""Workers as they are at this moment, and how they are listed.

Used by `worker list`, `worker status`, `worker stop` and `status --stats`.
"""

from __future__ import annotations

from ..execution.known_workers import find_workers, worker_state
from ..model import named_agent, parse_lanes
from ..system.named_tuple import NamedTuple
from ..system.process import Identity
from ..text import printable
from .table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import WorkerRecord
    from ..store.store import Store


class WorkerStatus(NamedTuple):
    """A worker, and what it does."""

    id: str
    name: str
    state: str  # idle; busy; stalled: its process was stopped; lost: it is dead
    task: str | None  # id of the one that it holds
    pid: int | None  # None for a name that claims by hand
    host: str
    run: str | None
    capabilities: list[str]
    since: str
    heartbeat: str
    claims: int  # that it holds: more than one where its attempts are jobs


def look_at_workers(store: Store, names: Iterable[str] = ()) -> list[WorkerStatus]:
    """Return how the workers are that are here, or those with these ids or names. Raises NotFound."""
    return [look_at_worker(store, worker) for worker in find_workers(store, names)]


def look_at_worker(store: Store, worker: WorkerRecord) -> WorkerStatus:
    """Return how a worker is now."""
    claims = store.workers.claims_of(worker.id)
    identity = Identity.parse(worker.identity)
    needs = {lane.needs for lane in parse_lanes(worker.accepts)} - {""}
    capabilities = sorted(need for need in needs if not named_agent(need))
    return WorkerStatus(
        worker.id,
        worker.name,
        worker_state(store, worker, bool(claims)),
        claims[0].task if claims else None,
        identity.pid if identity else None,
        worker.host,
        worker.supervisor,
        capabilities,
        worker.started,
        worker.heartbeat,
        len(claims),
    )


def print_worker_list(workers: list[WorkerStatus]) -> None:
    """Print workers as tx lists them."""
    print("Workers:" if workers else "no workers")
    for one in workers:
        print(printable(f"  {one.id} [{one.state}] {one.name}" + (f" \u2192 {_held(one)}" if one.task else "")))


def print_worker_table(workers: list[WorkerStatus]) -> None:
    """Print workers with their processes and when they began."""
    print_table((one.id, f"[{one.state}]", one.pid or "", one.name, _held(one), one.since) for one in workers)


def _held(one: WorkerStatus) -> str:
    return (one.task or "") + (f" and {one.claims - 1} more" if one.claims > 1 else "")
