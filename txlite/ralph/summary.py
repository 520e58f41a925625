"""What became of a loop: its tasks, each with its attempts, and what needs a person.

Guarantees: a loop that was killed and those that went on after it are told as one. Called by the command `ralph`, which
shows it as text, as an object, or as a `page`.
"""

from __future__ import annotations

from ..execution import presence
from ..model import APPROVAL, COSTLY, CUT_OFF, DONE, FAILED, LOST, REVIEW
from ..system import clock
from ..system.named_tuple import NamedTuple
from .costs import Cost, sum_costs
from .judged import find_gate_of_review, find_verdicts, look_at_waiting
from .landed import look_at
from .nights import look_back, measure, skip_idle, split
from .reason import Reason, find_reason, tell_unjudged, ways_on
from .remarks import tell_beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..git.diff_stat import DiffStat
    from ..model import Attempt, LoopAttempt, LoopRecord, Task, Usage, Verdict
    from ..store.store import Store
    from .nights import Night

EXPLAINED = 100  # tasks that need a person of whose reports the end is read


class Try(NamedTuple):
    """One attempt of a task in these loops."""

    attempt: int
    worker: str  # id
    started: str  # UTC text, as everywhere
    ended: str | None  # None: it runs
    outcome: str | None  # one of model.OUTCOMES; None while it runs
    note: str | None  # why it ended so
    report: str | None  # path below home
    commit: str | None  # its work, on the base branch
    parked: str | None  # the ref of its work that did not pass
    agent: str = ""  # its name
    level: str | None = None  # at which it was to think; None: that was not said
    usages: tuple[Usage, ...] = ()  # what it cost, as far as that was said
    silent: str | None = None  # since when it has neither written nor computed, where it runs and that is long ago


class Entry(NamedTuple):
    """One task that these loops began."""

    task: str  # id
    title: str
    status: str  # as it is now: one of model.STATES
    state: str  # the same as it is shown: `Task.state`
    tries: list[Try]  # oldest first, never empty
    commit: str | None
    needs: str | None  # what a person has to look at; None where nothing is
    reason: Reason | None = None  # what was written last, where it needs a person
    commands: tuple[str, ...] = ()  # to be pasted by that person
    changes: DiffStat | None = None  # what its commit changes
    gate: str | None = None  # the one that its work has passed
    verdicts: tuple[Verdict, ...] = ()  # what persons and reviewers said of it, in order

    @property
    def last_verdict(self) -> Verdict | None:
        """What was said last of the work as it is now; None where nothing was."""
        if not self.verdicts:
            return None
        last = self.verdicts[-1]  # also on work that was there already when its attempt was cut off
        stands = any(one.attempt == last.attempt and one.outcome in (LOST, *CUT_OFF) for one in self.tries)
        return last if stands or last.attempt == self.tries[-1].attempt else None

    @property
    def unjudged(self) -> str:
        """Why the reviewer of that work gave no verdict; "" where it gave one, or there was none."""
        return tell_unjudged(self.tries[-1].note)

    @property
    def duration(self) -> float:
        """The seconds that its attempts took together."""
        return sum(seconds(one.started, one.ended) for one in self.tries)

    @property
    def cost(self) -> Cost:
        """What its attempts cost together."""
        return sum_costs([one.usages for one in self.tries])


class Summary(NamedTuple):
    """One loop, or several of which all but the last were killed."""

    home: str
    loops: list[LoopRecord]  # oldest first, never empty
    entries: list[Entry]  # in the order of their first attempts
    now: str  # UTC text of the moment for which all this is true
    remarks: list[str]  # what else a person should know, with commands between backticks
    night: Night | None = None  # all this in figures
    earlier: tuple[Night, ...] = ()  # nights before it, the newest first
    goes_on: bool = False
    limits: Mapping[str, tuple[str, str]] = {}  # agent -> until when its provider refuses to work, and why

    @property
    def started(self) -> str:
        """When the first loop began, as UTC text."""
        return self.loops[0].started

    @property
    def ended(self) -> str | None:
        """When the last loop ended, as UTC text; None while it goes on, or where it was killed."""
        return self.loops[-1].ended

    @property
    def until(self) -> str:
        """When its last loop ended, or was killed, as UTC text; now while it goes on."""
        if self.ended or self.goes_on:
            return self.ended or self.now
        return max([self.loops[-1].started, *(one.ended for each in self.entries for one in each.tries if one.ended)])

    @property
    def cost(self) -> Cost:
        """What all its attempts cost together."""
        return sum_costs([one.usages for entry in self.entries for one in entry.tries])

    @property
    def is_unfinished(self) -> bool:
        """Whether one of its tasks is neither done nor cancelled."""
        return any(entry.status not in ("done", "cancelled") for entry in self.entries)

    @property
    def counts(self) -> dict[str, int]:
        """The number of tasks in each status that has any."""
        return _count(entry.status for entry in self.entries)

    @property
    def shown_counts(self) -> dict[str, int]:
        """The number of tasks in each state, as it is shown, that has any."""
        return _count(entry.state for entry in self.entries)


def _count(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found


def seconds(started: str, ended: str | None) -> float:
    """Return how many seconds lie between two times (UTC text), or from one to now; never less than 0."""
    return max(clock.to_seconds(ended or clock.now()) - clock.to_seconds(started), 0.0)


def look(store: Store, newest: bool = False) -> Summary | None:
    """Return what became of the last loop of a home that began anything, or goes on; None where there was no loop.
    newest: of the very last one, whatever it began."""
    present = {one.id for one in presence.live_supervisors(store)}
    nights = list(split(store.loops.newest(), present))
    if not nights:
        return None
    loops, *before = nights if newest else skip_idle(store, nights, present)
    tries = _attempts_by_task(store, loops)
    entries = [_entry(store, store.get(task), records) for task, records in tries.items()]
    _explain(store, entries)
    _tell_work(store, entries, [record for several in tries.values() for record in several])
    cut_off = {one.attempt for entry in entries for one in entry.tries if one.outcome == LOST}
    remarks = tell_beside(store, loops, tries, cut_off)
    goes_on = loops[-1].ended is None and loops[-1].id in present
    limits = store.loops.limits_of(loops[-1].agent.split(",")) if goes_on else {}
    found = Summary(store.home, loops, entries, clock.now(), remarks, goes_on=goes_on, limits=limits)
    return found._replace(night=measure(store, loops, found.until), earlier=tuple(look_back(store, before)))


def _attempts_by_task(store: Store, loops: list[LoopRecord]) -> dict[str, list[LoopAttempt]]:
    found: dict[str, list[LoopAttempt]] = {}
    for loop in loops:
        for record in store.loop_attempts.of_loop(loop.id):
            found.setdefault(record.task, []).append(record)
    return found


def _bounded_cost(store: Store, task: Task) -> int:
    """What a task's attempts have cost, where that has a bound; in other loops, too."""
    return store.usages.spent_on(task.id).cost if task.max_cost else 0


def _entry(store: Store, task: Task, records: list[LoopAttempt]) -> Entry:
    attempts = store.attempts(task.id)
    known = {attempt.id: attempt for attempt in attempts if attempt.agent != APPROVAL}  # that is a person's word
    usages: dict[int, list[Usage]] = {}
    for usage in store.usages.of_task(task.id):
        usages.setdefault(usage.attempt, []).append(usage)
    tries = [
        _try(store, known[record.attempt], record, tuple(usages.get(record.attempt, ())))
        for record in records if record.attempt in known
    ]  # fmt: skip
    commits = [one.commit for one in tries if one.commit and one.outcome in (DONE, LOST)]
    if task.is_resting:  # it comes again: what counts is how it ended this time
        task = task._replace(status=DONE if tries[-1].outcome == DONE else FAILED)
    return Entry(
        task.id, task.title, task.status, task.state, tries, commits[-1] if commits else None, _needs(task, tries),
        commands=ways_on(task, tries[-1].parked, _bounded_cost(store, task)),
    )  # fmt: skip


def _explain(store: Store, entries: list[Entry]) -> None:
    """Add what was written last to those that need a person, those first that did not pass."""
    needing = [place for place, entry in enumerate(entries) if entry.needs]
    for place in sorted(needing, key=lambda place: entries[place].status == REVIEW)[:EXPLAINED]:
        entry = entries[place]
        last = {one.id: one for one in store.attempts(entry.task)}[entry.tries[-1].attempt]
        entries[place] = entry._replace(reason=find_reason(store.home, last))


def _tell_work(store: Store, entries: list[Entry], records: list[LoopAttempt]) -> None:
    """Add how much their work changes, where it landed or waits for a review, and which gate it passed."""
    commits = {entry.task: entry.commit for entry in entries if entry.commit}
    landed = [record for record in records if record.landed and commits.get(record.task) == record.landed]
    found = look_at(store, landed)
    found.update(look_at_waiting(store, [entry.task for entry in entries if entry.status == REVIEW]))
    for place, entry in enumerate(entries):
        changes, gate = found.get(entry.task, (None, None))
        verdicts = find_verdicts(store, [one.attempt for one in entry.tries])
        gate = gate or (find_gate_of_review(store, entry.task) if verdicts else None)
        entries[place] = entry._replace(changes=changes, gate=gate, verdicts=verdicts)


def _try(store: Store, attempt: Attempt, record: LoopAttempt, usages: tuple[Usage, ...]) -> Try:
    note = attempt.note or (f"exit {attempt.exit_code}" if attempt.exit_code and attempt.outcome in COSTLY else None)
    current = presence.attempt(store, attempt.id) if attempt.ended is None else None
    return Try(
        attempt.id, attempt.worker, attempt.started, attempt.ended, attempt.outcome, note,
        current.report if current else attempt.report, record.landed, record.parked, attempt.agent, attempt.level,
        usages, current.silent if current else None,
    )  # fmt: skip


def _needs(task: Task, tries: list[Try]) -> str | None:
    last = tries[-1]
    if task.status == "failed":
        count = sum(one.outcome in COSTLY for one in tries)
        after = f" after {count} attempts" if count > 1 else ""
        return f"put aside{after}: {last.note or last.outcome}"
    if task.status == "review":
        return f"to be reviewed: {tell_unjudged(last.note) or 'its work waits for your word'}"
    if task.status == "blocked":
        return "blocked by a person's word"
    return None
