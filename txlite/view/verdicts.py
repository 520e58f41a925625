"""Verdicts, in words and as objects: who said what of the work of an attempt.

Used for one task, and for what waits for a review.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Verdict


def describe_verdict(verdict: Verdict) -> str:
    """Return who said what of some work."""
    return f"{verdict.verdict} by {verdict.reviewer or 'a person'}"


def verdict_object(said: Verdict) -> dict[str, object]:
    """Build the object of a verdict."""
    by = said.reviewer or None
    return {"attempt": said.attempt, "by": by, "verdict": said.verdict, "reason": said.reason, "at": said.at}
