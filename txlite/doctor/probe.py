"""Findings, and the checks that make them, each asked in a child process with a deadline (`system.bounded_call`).

What blocks in a check, on a network mount that is gone, or dies, costs that check alone. Used by `diagnose` and by
the modules with checks.
"""

from __future__ import annotations

from ..system.bounded_call import PATIENCE, Failed, Late, call_bounded
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import Error

OK = "ok"  # all is promised
LIMITED = "limited"  # some of it is not
BROKEN = "broken"  # work cannot be done, or not be trusted


class Finding(NamedTuple):
    """What was found out about one thing, how bad that is, and what to do."""

    name: str
    level: str  # OK, LIMITED or BROKEN
    found: str  # the fact, and what it means for the promises
    advice: str = ""  # what to do; nothing where all is well


class Check(NamedTuple):
    """How to find out about one thing, and for how long an answer may be awaited."""

    name: str
    look: Callable[[], list[Finding]]
    patience: float = PATIENCE
    late: Finding | None = None  # what it means that no answer came, where that is not what `examine` says


def found_error(name: str, error: Error) -> Finding:
    """Return the finding that an error of ours makes: the last part of its message is what to do."""
    found, _, advice = str(error).rpartition(": ")
    return Finding(name, BROKEN, found or advice, advice)


def examine(check: Check) -> list[Finding]:
    """Return what a check finds. Never raises, and never blocks for longer than the check may take."""
    try:
        return [Finding._make(row) for row in call_bounded(check.look, check.patience)]
    except Late:
        said = f"no answer within {check.patience:g} s: every command that needs it would hang"
        advice = "see whether its file system answers (a network mount that is gone?)"
        return [check.late or Finding(check.name, BROKEN, said, advice)]
    except Failed as failure:
        return [Finding(check.name, LIMITED, f"could not be checked: {failure}", "see what it names; all else goes on")]
