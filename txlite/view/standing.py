"""How a home stands, beside its attempts: counts, the runs that go on, and what to type next. For `status`."""

from __future__ import annotations

import sys
import time

from .. import text
from ..execution import presence
from ..model import BLOCKED, FAILED, LOST, QUEUED, RELEASED, REVIEW, RUNNING, WAITING
from ..system import clock
from .attempts import COLOURS
from .tasks import COUNTED, in_words
from .terminal import colour, size, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..execution.waiting import Waiting
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store
    from ..store.supervisors import SupervisorRecord

GAP = "   "
ENDED = 10  # attempts that have ended; half of them on a terminal of less than
HIGH = 40  # lines


def count_ended() -> int:
    """Return how many attempts that have ended are shown unless told otherwise: fewer on a terminal of few lines."""
    return ENDED if not sys.stdout.isatty() or size().lines >= HIGH else ENDED // 2


def print_counts(counts: Mapping[str, int], is_followed: bool) -> None:
    """Print, on a terminal, how many tasks there are in which state, what a person looks for first before others;
    is_followed: by a table."""
    room, shown = width() + len(GAP), []
    for state, number in counts.items():
        words = f"{number:,} {in_words(state)}"
        room -= len(words) + len(GAP) if number else 0
        if number and room >= 0:
            shown.append(colour(words, COLOURS[state]) if state in COLOURS else words)
    if shown:
        print(GAP.join(shown) + "\n" * is_followed)


def count_shown(store: Store, found: Iterable[AttemptStatus], waiting: Sequence[Waiting]) -> dict[str, int]:
    """Return how many tasks there are in each state as it is shown; nothing where no terminal is. found: what has not
    ended is among it."""
    if not sys.stdout.isatty():
        return {}
    counts = dict.fromkeys((LOST, RUNNING, QUEUED), 0)
    for one in found:
        if one.ended is None:
            state = "for its turn" if one.state == WAITING else one.state
            counts[state] = counts.get(state, 0) + 1
    for cause in waiting:
        if cause.state not in (BLOCKED, REVIEW):
            counts[cause.state] = counts.get(cause.state, 0) + cause.size
    by_status = store.count()
    return {**counts, **{status: by_status.get(status, 0) for status in COUNTED}}


def print_runs(store: Store, runs: Sequence[SupervisorRecord], found: Iterable[AttemptStatus]) -> None:
    """Print the runs that go on, and what goes on without one."""
    for one in runs:
        since = clock.to_local(one.started)
        if sys.stdout.isatty():
            since = text.age(time.time() - clock.to_seconds(one.started))
            print(f"\n{one.id} goes on with {text.count(one.wanted, 'worker')}, for {since}")
        else:
            print(f"{one.id} goes on with {text.count(one.wanted, 'worker')}, since {since}")
        if one.hold:
            print(f"{one.id} waits for {text.printable(one.hold)}")
    alone = sum(presence.is_alone(store, one) for one in found)
    if alone:
        print(
            f"{text.count(alone, 'attempt')} {'goes' if alone == 1 else 'go'} on as jobs without a run here: "
            "`txlite run --executor slurm` takes them over"
        )


def print_advice(found: Sequence[AttemptStatus], counts: Mapping[str, int]) -> None:
    """Print, on a terminal, what to type next, where something runs or failed."""
    if not counts:
        return
    words = _advise_on_failures(found, counts[FAILED])
    words += ["`txlite top` follows all of it"] if counts[RUNNING] else []
    if words:
        together = "; ".join(words)
        print("\n" + "\n".join(colour(line, "2") for line in _break([together] if len(together) <= width() else words)))


def _advise_on_failures(found: Sequence[AttemptStatus], count: int) -> list[str]:
    """count: how many tasks are failed; an attempt may have failed whose task is not."""
    failed = [one.task for one in found if one.state == FAILED and one.outcome != RELEASED]
    if failed:
        return [f"`txlite logs {failed[0]}` says why" + ("; `txlite retry --failed` tries again" if count else "")]
    return ["`txlite list --status failed` tells what failed"] if count else []


def _break(sentences: Iterable[str]) -> list[str]:
    from textwrap import wrap

    return [line for sentence in sentences for line in wrap(sentence, width(), break_on_hyphens=False)]
