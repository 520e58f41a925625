"""status: what runs now, and what ended last."""

from __future__ import annotations

from .. import output, text
from ..model import STATES
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..model import Worker
    from ..store import Store


def configure(parser: ArgumentParser, verb: str) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    with open_reading(args) as store:
        counts = {state: store.count().get(state, 0) for state in STATES}
        runs = store.supervisors()
        workers = [_worker_object(store, worker) for worker in store.workers()]
        latest = store.latest_attempts(10)
        titles = {one.task: store.get(one.task).title for one in latest}
    if args.json:
        runs_found = [{"run": one.id, "workers": one.wanted, "startedAt": one.started} for one in runs]
        ended = [{"task": attempt.task, **output.attempt_object(attempt)} for attempt in latest]
        output.print_json({"tasks": counts, "runs": runs_found, "workers": workers, "latest": ended})
        return 0
    print("tasks: " + (", ".join(f"{number} {state}" for state, number in counts.items() if number) or "none"))
    if runs:
        print("runs:")
        output.print_table([(one.id, f"{one.wanted} workers", f"since {one.started}") for one in runs], "  ")
    if workers:
        print("workers:")
        output.print_table([(one["id"], f"[{one['state']}]", one["task"] or "") for one in workers], "  ")
    if latest:
        print("ended last:")
        rows = [
            (one.task, output.describe(one), text.duration(one.duration or 0.0), titles[one.task]) for one in latest
        ]
        output.print_table(rows, "  ")
    return 0


def _worker_object(store: Store, worker: Worker) -> dict[str, object]:
    claim = store.claim_of(worker.id)
    state = "busy" if claim else "idle"
    return {
        "id": worker.id,
        "name": worker.name,
        "run": worker.supervisor,
        "state": state if store.is_alive(worker) else "lost",
        "task": claim.task if claim else None,
        "startedAt": worker.started,
    }
