"""What a home has, as objects: its counts, its files and what a cleanup does about them, and what `doctor` finds."""

from __future__ import annotations

from .runs import waiting_in_stats, worker_in_stats
from .tasks import dollars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...reports.inventory import DirectorySummary
    from ...reports.retention import Step, Tally
    from ...store.supervisors import SupervisorRecord
    from ...store.usages import Spent
    from ..stats import Stats

    Object = dict[str, object]  # with its keys in the order in which they are printed


def stats_object(stats: Stats) -> Object:
    """Build the counts of a home, by the states and types that there are."""
    return {
        "tasks": stats.tasks,
        "attempts": stats.attempts,
        "reports": {"count": stats.reports, "bytes": stats.bytes},
        "types": stats.types,
        "pausedSince": stats.paused,
        "waiting": list(map(waiting_in_stats, stats.waiting)),
        "runs": list(map(_run_in_stats, stats.runs)),
        "workers": list(map(worker_in_stats, stats.workers)),
        "cost": spent_object(stats.spent),
    }


def _run_in_stats(one: SupervisorRecord) -> dict[str, object]:
    found: dict[str, object] = {"run": one.id, "workers": one.wanted, "startedAt": one.started}
    return {**found, "waitsFor": one.hold} if one.hold else found


def spent_object(spent: Spent) -> Object:
    """Build what several attempts cost together; `unknown`: how many did not say it, so that it is more."""
    return {
        "cost": dollars(spent.cost) if spent.known else None,
        "unknown": spent.unknown,
        "inputTokens": spent.input_tokens,
        "outputTokens": spent.output_tokens,
    }


def findings_object(findings: list[Object], is_ok: bool) -> Object:
    """Build what `doctor` says, of the fields of what it found."""
    return {"ok": is_ok, "findings": findings}


def file_object(path: str, size: int) -> Object:
    """Build the object of a file that was written; `size` in bytes."""
    return {"file": path, "bytes": size}


def tally_object(tally: Tally, is_dry: bool) -> Object:
    """Build the counts of a cleanup; with `is_dry` of what it would do, when what it saves is not known."""
    return {
        "dryRun": is_dry,
        "deleted": tally.counts["delete"],
        "deletedBytes": tally.bytes["delete"],
        "compressed": tally.counts["compress"],
        "savedBytes": None if is_dry else tally.bytes["compress"],
        "removed": tally.counts["remove"],
        "removedBytes": tally.bytes["remove"],
    }


def step_object(step: Step) -> Object:
    """Build the object of what a cleanup would do about one report."""
    return {"action": step.action, "path": step.path, "bytes": step.size}


def directory_object(found: DirectorySummary, oldest: str, newest: str) -> Object:
    """Build the object of one directory of reports; `oldest` and `newest` as UTC text."""
    return {
        "directory": found.directory,
        "reports": found.reports,
        "plain": found.plain,
        "plainBytes": found.plain_bytes,
        "compressed": found.packed,
        "compressedBytes": found.packed_bytes,
        "oldest": oldest,
        "newest": newest,
    }
