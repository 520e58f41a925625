"""What the size of the queue costs: `ready` and a claim at 1,000,000 tasks against 1,000 (at most twice), also with
500,000 tasks in front that are for later or need a capability that nobody has; `done` on a task with 100,000
dependents (at most 2 s).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import homes
import pairs
from pairs import Measurement

ROUNDS = 300


def look(store: Any) -> float:
    return pairs.seconds(lambda: store.ready(limit=1))


def claim(store: Any) -> float:
    """Take the best task by hand and give it back."""
    from txlite.model import Lane

    lanes, taken = [Lane("command")], []
    took = pairs.seconds(lambda: taken.append(store.claim_best("me", lanes=lanes)))
    store.reset(taken[0].task.id)
    return took


def crowd(home: str, count: int) -> None:
    """Add tasks that nobody can claim, the best of all by score."""
    from txlite.store.store import open_store

    with open_store(home) as store:
        for done in range(0, count, homes.CHUNK):
            more = min(homes.CHUNK, count - done)
            later = {"title": "later", "command": "true", "score": 9, "not_before": "2999-01-01T00:00:00.000Z"}
            needy = {"title": "needy", "command": "true", "score": 9, "needs": "a capability that nobody has"}
            store.add_many(dict(later if number % 2 else needy) for number in range(more))


def compare(what: str, small: Any, large: Any, rounds: int) -> Iterator[Measurement]:
    for name, act in (("ready", look), ("claim", claim)):
        times = pairs.alternate(rounds, lambda: act(large), lambda: act(small))
        yield Measurement(f"{name}, {what}", pairs.ratios(*times), at_most=2)


def free(scratch: str, count: int) -> Measurement:
    """`done` on the task that so many wait for."""
    from txlite.store.store import open_store

    with open_store(tempfile.mkdtemp(prefix="home-", dir=scratch)) as store:
        blocker = store.add("blocker").id
        store.add_many({"title": "waiting", "after": (blocker,)} for _ in range(count))
        freed = []
        took = pairs.seconds(lambda: freed.append(store.done(blocker)))
        assert len(freed[0]) == count
    return Measurement(f"done, {count:,} dependents", [took], " s", at_most=2)


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    from txlite.store.store import open_store

    size, rounds = (10_000, 30) if args.short else (1_000_000, ROUNDS)
    homes_made = homes.make(args.scratch, 1000), homes.make(args.scratch, size)
    with open_store(homes_made[0]) as small, open_store(homes_made[1]) as large:
        yield from compare(f"{size:,} tasks : 1,000", small, large, rounds)
    crowd(homes_made[1], size // 2)
    with open_store(homes_made[0]) as small, open_store(homes_made[1]) as large:
        yield from compare(f"{size:,} tasks behind {size // 2:,} : 1,000", small, large, rounds)
    yield free(args.scratch, size // 10)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
