"""What else a person should know of a night, beside its tasks: in words, with commands between backticks.

Called by `summary`.
"""

from __future__ import annotations

import shlex

from ..git.landing import tell_held_back
from ..model import CANCELLED, REVIEW
from ..text import shorten
from .reason import ways_on
from .stale_worktrees import look as look_at_worktrees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ..model import LoopAttempt, LoopRecord, Task
    from ..store.store import Store

SHOWN = 20  # tasks that wait
OTHERS = 5  # reviews of nights before
TITLE = 60  # characters of a title beside its id


def tell_beside(
    store: Store, loops: Iterable[LoopRecord], tries: Mapping[str, list[LoopAttempt]], cut_off: Collection[int]
) -> list[str]:
    """Return why agents took no more part in these loops, what is held back for a base branch, what attempts left that
    were cut off, the worktrees that hold work, the tasks that no loop can begin, and the reviews of nights before.

    tries: the attempts of these loops, by task; cut_off: the numbers of those that were.
    """
    records = [record for several in tries.values() for record in several]
    left = [*_held_back(records), *_cut_off(store, records, cut_off), *_worktrees(store)]
    return [*_dropped(store, loops), *sorted(left), *_waiting(store), *_other_reviews(store, tries)]


def _dropped(store: Store, loops: Iterable[LoopRecord]) -> list[str]:
    found = [reason for loop in loops for reason in store.loops.dropped(loop.id).values() if reason != loop.reason]
    return list(dict.fromkeys(found))


def _held_back(records: Iterable[LoopAttempt]) -> list[str]:
    branches = {(record.repository, record.base) for record in records}
    told = [tell_held_back(repository, base) for repository, base in branches if repository and base]
    return [remark for remark in told if remark]


def _cut_off(store: Store, records: Iterable[LoopAttempt], cut_off: Collection[int]) -> list[str]:
    found = [one for one in records if one.parked and not one.worktree and one.attempt in cut_off]
    return [
        f"what attempt {one.attempt} of {_name(store.get(one.task))} left when it was cut off is {one.parked}: "
        f"`git show {shlex.quote(str(one.parked))}`"
        for one in found
    ]


def _worktrees(store: Store) -> list[str]:
    return [
        f"{one.path} is still there: {one.why}: `git -C {shlex.quote(one.path)} status`"
        for one in look_at_worktrees(store)
        if one.why and not one.is_in_use
    ]


def _waiting(store: Store) -> list[str]:
    stuck = store.batches.stuck()
    relations = store.relations(stuck[:SHOWN])
    lines = [_wait(one, [store.get(id) for id in relations[one.id].blocked_by[:5]]) for one in stuck[:SHOWN]]
    return lines + ([f"and {len(stuck) - SHOWN} more wait for tasks that were put aside"] if stuck[SHOWN:] else [])


def _wait(task: Task, blockers: list[Task]) -> str:
    """What a task waits for, and what lets that go on."""
    commands = [command for one in blockers for command in ways_on(one, None)]
    commands += [f"txlite unblock {task.id} {one.id}" for one in blockers if one.status == CANCELLED]
    names = [f"{'the review of ' * (one.status == REVIEW)}{_name(one)}" for one in blockers]
    told = f"{_name(task)} waits for {', '.join(names)}"
    return f"{told}: {', '.join(f'`{command}`' for command in commands)}" if commands else told


def _other_reviews(store: Store, known: Collection[str]) -> list[str]:
    """What else waits for a review, of nights before."""
    found = [review.task for review in store.reviews.open() if review.task not in known]
    told = [f"{_name(store.get(id))} waits for a review, too: `txlite review {id}`" for id in found[:OTHERS]]
    more = len(found) - OTHERS
    return told + ([f"and {more:,} more of nights before: `txlite review`"] if more > 0 else [])


def _name(task: Task) -> str:
    """A task's id with its title."""
    return f"{task.id} ({shorten(task.title, TITLE)})".replace("`", "'")
