"""What was said of the work of tasks, and what of it waits for a person.

Called by `summary`.
"""

from __future__ import annotations

from . import work
from .landed import Landed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Verdict
    from ..store.store import Store


def find_verdicts(store: Store, attempts: Iterable[int]) -> tuple[Verdict, ...]:
    """Return what persons and reviewers said of the work of these attempts, in order."""
    return tuple(verdict for attempt in attempts for verdict in store.reviews.verdicts(attempt))


def look_at_waiting(store: Store, tasks: Iterable[str]) -> dict[str, Landed]:
    """Return by task how much the work changes that waits for a review, and the gate that it has passed."""
    reviews = [review for review in map(store.reviews.last, tasks) if review]
    return {one.task.id: Landed(one.size, one.review.gate) for one in work.look_at_all(store, reviews)}


def find_gate_of_review(store: Store, task: str) -> str | None:
    """Return the gate that the work of a task had passed when a person was asked; None where nobody was."""
    review = store.reviews.last(task)
    return review.gate if review else None
