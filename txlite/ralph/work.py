"""Where the work of a task is, as two commits between which it lies: to be reviewed, unfinished, landed, or parked.

Nothing is changed by looking. Called by the commands `review` and `diff`, by `judged` for the summary of a night, and
by `reviewed_work`.
"""

from __future__ import annotations

import os

from ..errors import NotFound
from ..git.branch_stats import Branch, stat_branches
from ..git.changes import count, snapshot
from ..git.command import GitError, by_itself
from ..git.landing import find_tip
from ..git.rebase import find_start
from ..git.repository import Repository
from ..model import APPROVAL, CUT_OFF, LOST, REVIEW, SETTLED
from ..system.named_tuple import NamedTuple
from .reason import tell_unjudged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..git.diff_stat import DiffStat
    from ..model import LoopAttempt, Review, Task, Verdict
    from ..store.store import Store


class Work(NamedTuple):
    """What a task changed: all that differs between two commits, or trees."""

    top: str  # of a working tree of its repository
    old: str
    new: str
    what: str  # in words


class WaitingWork(NamedTuple):
    """Work that waits for a person."""

    task: Task
    review: Review
    size: DiffStat | None  # None where it cannot be told any more
    trouble: str  # why not; "" where it can
    verdicts: list[Verdict]  # of agents that reviewed it, and of persons
    unjudged: str = ""  # why its reviewer gave none


def find_waiting(store: Store) -> list[WaitingWork]:
    """Return what waits for a person's review, what has waited longest first."""
    return look_at_all(store, store.reviews.open())


def look_at_all(store: Store, reviews: Collection[Review]) -> list[WaitingWork]:
    """Return what is known of these reviews."""
    sizes = _measure(store, reviews)
    return [look_at(store, one, sizes.get(one.attempt)) for one in reviews]


def _measure(store: Store, reviews: Collection[Review]) -> dict[int, DiffStat]:
    """How much they change, by their attempts, as far as that is told of many at once."""
    branches: dict[str, dict[int, Branch]] = {}
    for one in reviews:
        branch = Branch(one.branch, one.work, one.base, find_began(store, one))
        branches.setdefault(one.repository, {})[one.attempt] = branch
    sizes: dict[int, DiffStat] = {}
    for top, several in branches.items():
        found = stat_branches(_at(store, top), list(several.values()))
        sizes.update((attempt, found[branch]) for attempt, branch in several.items() if branch in found)
    return sizes


def look_at(store: Store, review: Review, size: DiffStat | None = None) -> WaitingWork:
    """Return what is known of one review; size: how much it changes, where that is known already."""
    task, verdicts = store.get(review.task), store.reviews.verdicts(review.attempt)
    unjudged = "".join(tell_unjudged(one.note) for one in store.attempts(task.id) if one.id == review.attempt)
    trouble = ""
    try:
        if size is None:
            work = of_review(store, review)
            size = count(_at(store, work.top), work.old, work.new)
    except GitError as error:
        trouble = str(error)
    return WaitingWork(task, review, size, trouble, verdicts, unjudged)


def find_began(store: Store, review: Review) -> str | None:
    """Return the commit with which the work of a review began; None where that is not known."""
    record = store.loop_attempts.get(review.attempt)
    return record.start if record else None


def find_landed(store: Store, review: Review) -> str | None:
    """Return the commit as which the work of a review has landed all the same: its approval was killed then, and only
    that was not recorded; None where its repository is gone, too."""
    main = _at(store, review.repository)
    for attempt in reversed(store.attempts(review.task)):
        if attempt.agent != APPROVAL or attempt.outcome not in (LOST, *CUT_OFF):
            return None
        record = store.loop_attempts.get(attempt.id)
        if record and record.landed and _is_on(main, review.base, record.landed):
            return record.landed
    return None


def _is_on(main: Repository, base: str, commit: str) -> bool:
    try:
        return main.is_ancestor(commit, find_tip(main, base).commit)
    except GitError:
        return False


def of_review(store: Store, review: Review) -> Work:
    """Return what a review is about, with what a person committed on its branch since. Raises GitError."""
    main = _at(store, review.repository)
    head = main.commit_of(f"refs/heads/{review.branch}") or main.commit_of(review.work)
    base = main.commit_of(f"refs/heads/{review.base}")
    if not head or not base:
        gone = review.base if head else f"{review.branch} with its commit {review.work[:12]}"
        raise GitError(f"{gone} is gone from {review.repository}")
    old = find_start(main, head, base, find_began(store, review))
    return Work(review.repository, old, head, f"to be reviewed, for {review.base}")


def find(store: Store, task: Task) -> Work:
    """Return what a task changed, as far as it has come. Raises NotFound where nothing is known, GitError."""
    review = store.reviews.last(task.id)
    if review and task.status == REVIEW:
        return of_review(store, review)
    for attempt in reversed(store.attempts(task.id)):
        record = store.loop_attempts.get(attempt.id)
        found = _of_attempt(store, record) if record and record.repository and record.start else None
        if found:
            return found
    if review:  # it was rejected, and its worktree is gone since: its branch stays
        return of_review(store, review)._replace(what=f"on {review.branch}")
    raise NotFound(f"nothing of {task.id} is in a git repository: `txlite logs {task.id}` shows what it wrote")


def _of_attempt(store: Store, record: LoopAttempt) -> Work | None:
    top, start = str(record.repository), str(record.start)
    place = record.worktree or top
    if record.stage != SETTLED and os.path.isdir(place):
        return Work(place, start, snapshot(place, store.home), f"unfinished, in {place}")
    if record.landed:
        return Work(top, f"{record.landed}^", record.landed, f"landed on {record.base}")
    return Work(top, start, record.parked, "parked") if record.parked else None


def _at(store: Store, top: str) -> Repository:
    return Repository(top, store.home, by_itself)
