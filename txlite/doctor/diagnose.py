"""What this machine and this home can and cannot promise.

Nothing is changed, nothing raises, and nothing hangs: each check runs in a child process with a deadline (see
`probe`). `machine`, `limits`, `session` and `filesystem` look at what is around home, `home` and `database` at
what it holds, `slurm` at both. Called by the verb `doctor`.
"""

from __future__ import annotations

from ..home import location
from ..system.bounded_call import Failed, Late, call_bounded
from . import database, filesystem, home, limits, machine, session, slurm
from .probe import BROKEN, Finding, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOUNDATIONS = ("home", "database")  # the checks without which the later ones say nothing


def diagnose(given: str | None = None, root: str = "/") -> Iterator[Finding]:
    """Yield all findings, one after the other; of home: `given`, or the one that every command would use.

    root: where the system's files are looked up.
    """
    for check in [*machine.checks(root), *limits.checks(root), *session.checks(root)]:
        yield from examine(check)
    try:
        (path,) = call_bounded(lambda: [location.locate(given)])
        (place,) = call_bounded(lambda: [filesystem.find_place(path)])
    except Late:
        found = "its file system does not answer: every command would hang"
        yield Finding("home", BROKEN, found, "have it mounted again, or give another home with --home")
    except Failed as failure:
        yield Finding("home", BROKEN, f"cannot be found: {failure}", "give another with --home")
    else:
        yield from _diagnose_home(path, place)


def _diagnose_home(path: str, place: str | None) -> Iterator[Finding]:
    checks = filesystem.checks(place) if place else []
    for check in [*checks, *slurm.checks(path), *home.checks(path, place), *database.checks(path)]:
        found = examine(check)
        yield from found
        if is_broken(found) and check.name in FOUNDATIONS:
            return  # the rest would only say so once more
    if database.has_database(path):
        for check in [*database.content_checks(path), *slurm.content_checks(path)]:
            yield from examine(check)


def is_broken(findings: Iterable[Finding]) -> bool:
    """Return whether any of these findings is BROKEN."""
    return any(finding.level == BROKEN for finding in findings)
