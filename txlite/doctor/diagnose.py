"""What this machine and this home can and cannot promise.

Nothing is changed, nothing raises, and nothing hangs: each check runs in a child process with a deadline (see
`finding`). `machine`, `limits`, `login` and `disk` look at what is around home, `premises` at home itself. Called
by the verb `doctor`.
"""

from __future__ import annotations

from ..home import config
from . import filesystem, limits, machine
from . import home as premises
from . import session as login
from .probe import BROKEN, Failed, Finding, Late, ask, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def diagnose(given: str | None = None, root: str = "/") -> Iterator[Finding]:
    """All findings, one after the other; of home: `given`, or the one that every command would use.

    root: where the system's files are looked up.
    """
    for check in [*machine.checks(root), *limits.checks(root), *login.checks(root)]:
        yield from examine(check)
    try:
        (home,) = ask(lambda: [config.locate(given)])
        (place,) = ask(lambda: [filesystem.find_place(home)])
    except Late:
        found = "its file system does not answer: every command would hang"
        yield Finding("home", BROKEN, found, "have it mounted again, or give another home with --home")
    except Failed as failure:
        yield Finding("home", BROKEN, f"cannot be found: {failure}", "give another with --home")
    else:
        yield from _diagnose_home(home, place)


def _diagnose_home(home: str, place: str | None) -> Iterator[Finding]:
    checks = filesystem.checks(place) if place else []
    for check in [*checks, *premises.checks(home, place)]:
        found = examine(check)
        yield from found
        if is_broken(found) and check.name in premises.FOUNDATIONS:
            return  # the rest would only say so once more
    if premises.has_database(home):
        for check in premises.database_checks(home):
            yield from examine(check)


def is_broken(findings: Iterable[Finding]) -> bool:
    """Whether anything of it is."""
    return any(finding.level == BROKEN for finding in findings)
