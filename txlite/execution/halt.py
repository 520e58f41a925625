"""When a run ends before all is done: once so many tasks, or so large a part of them, have failed, succeeded or ended.

It gives orders to the supervisor, as a signal would: what is left stays in the queue, and what is ended costs no
attempt. Used by the command `run`.
"""

from __future__ import annotations

import re

from .. import text
from ..errors import UsageError
from ..model import ACTIVE, BACKLOG, DONE, FAILED, OUTCOMES
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import Outcome
    from ..store.batches import Batch
    from ..store.history import Finished
    from ..store.store import Store
    from .supervisor import Supervisor

NOW = "now"
FAIL, SUCCESS, ANY_END = "fail", "success", "done"
COUNTED = {FAIL: (FAILED,), SUCCESS: (DONE,), ANY_END: (DONE, FAILED)}  # by statuses
WORDS = {FAIL: "failed", SUCCESS: "succeeded", ANY_END: "ended"}
NEVER = "never"
SHORT = {"0": NEVER, "1": "soon,fail=1", "2": "now,fail=1", "-1": "soon,success=1", "-2": "now,success=1"}


class HaltRule(NamedTuple):
    """When to end. written: as it was given."""

    written: str
    when: str  # NOW: end what runs; "soon": let it finish
    why: str  # FAIL, SUCCESS or ANY_END
    bound: float
    is_share: bool  # the bound is in per cent of all tasks

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return those of attempts with which a task can come to an end that counts."""
        return tuple(one for one in OUTCOMES if self.why == ANY_END or (one == DONE) == (self.why == SUCCESS))


def parse_halt(value: str) -> HaltRule | None:
    """Return the rule that is written so: now|soon,fail|success|done=N|N%, or one of GNU parallel's short forms; None
    for never. Raises UsageError."""
    found = re.fullmatch(r"(now|soon),(fail|success|done)=(\d{1,9}(?:\.\d+)?)(%?)", _spell_out(value), re.ASCII)
    if _spell_out(value) == NEVER:
        return None
    if found:
        when, why, bound, share = found.groups()
        if 0 < float(bound) <= (100 if share else 1e9) and (share or bound.isdigit()):
            return HaltRule(value, when, why, float(bound), bool(share))
    raise UsageError(f"{text.shorten(value, 40)!r}: give now,fail=1, soon,fail=3, soon,done=10%, or never")


def _spell_out(value: str) -> str:
    if value.endswith("%") and "=" not in value:
        return f"soon,fail={value}"
    return SHORT.get(value, value)


class Halt:
    """The rule of one run, and how far it has come. That the run ends by it is no failure where it was meant to
    `succeed`."""

    def __init__(
        self, rule: HaltRule, store: Store, supervisor: Supervisor, batch: Batch | None, say: Callable[[str], None]
    ) -> None:
        self._reached = ""  # in words, once the run ends by it
        self._rule = rule
        self._store = store
        self._supervisor = supervisor
        self._batch = batch
        self._say = say
        self._count = 0
        self._ended: set[str] = set()  # tasks of this run

    @property
    def succeeds(self) -> bool:
        """Whether the run has ended by it as it was meant to."""
        return bool(self._reached) and self._rule.why == SUCCESS

    def heed(self, events: Sequence[Finished]) -> None:
        """Count what has ended: a listener of `RunProgress`."""
        ours = [event for event in events if self._is_ours(event.task)]
        counted = sum(event.to_status in COUNTED[self._rule.why] for event in ours)
        self._count += counted
        self._ended.update(event.task for event in ours if event.to_status != BACKLOG)
        if not counted or self._reached or self._count < self._bound():
            return
        rule = self._rule
        self._reached = f"halted, as {text.count(self._count, 'task')} {WORDS[rule.why]} (--halt {rule.written})"
        self._say(
            f"{self._reached}: the same command goes on with what is left" if self._is_any_left() else self._reached
        )
        self._supervisor.leave(at_once=rule.when == NOW)

    def _is_ours(self, task: str) -> bool:
        return self._batch is None or self._store.batches.has(self._batch, task)

    def _bound(self) -> float:
        """How many tasks it takes."""
        if not self._rule.is_share:
            return self._rule.bound
        counts = self._counts()
        known = sum(counts.values()) if self._batch else len(self._ended) + _count_open(counts)
        return max(known * self._rule.bound / 100, 1)

    def _is_any_left(self) -> bool:
        return _count_open(self._counts()) > 0

    def _counts(self) -> dict[str, int]:
        return self._store.batches.count(self._batch) if self._batch else self._store.count()


def _count_open(counts: dict[str, int]) -> int:
    return counts.get(BACKLOG, 0) + counts.get(ACTIVE, 0)
