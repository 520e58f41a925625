"""What becomes of the tasks while a run or a loop goes on, and how the run ended.

Read from the history, which tells each end once, whoever recorded it. Used by the commands `run` and `ralph`, which
hand `RunProgress.look` to their supervisor.
"""

from __future__ import annotations

import os

from .. import text
from ..execution.presence import live_supervisors
from ..execution.waiting import look_at_waiting
from ..model import ACTIVE, CANCELLED, DONE, FAILED, LOST, QUEUED
from ..system import clock
from ..system.named_tuple import NamedTuple
from ..system.process import Identity
from .attempt_row import shorten_path
from .objects.attempts import attempts_object
from .objects.runs import run_object
from .objects.tasks import waiting_object
from .outlook import Outlook
from .progress import Progress
from .tasks import describe
from .terminal import room_for, say
from .waiting import FEW, INDENT, count_waiting, print_waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..agents.roster import Roster
    from ..execution.waiting import Waiting
    from ..model import Task
    from ..store.batches import Batch
    from ..store.history import Finished
    from ..store.store import Store

ENDED = (ACTIVE, DONE, FAILED, CANCELLED)  # the states that are counted; what waits is counted by what it waits for
DRAW = 0.1  # seconds between two drawings, at the least
MOST = 10  # times as long as one took: notes of jobs may lie on a slow file system
PATIENCE = 3.0  # seconds that a task has run before a terminal shows it
FULLY = 10  # tasks that failed, of which the end of the output is shown
LINES = 5  # of it


class RunProgress:
    """The run as it goes on: shows what it has finished, and tells its listeners of it, in order.

    listeners: each is called with what left the status active since it was called last, of what is for this run to
    show; not with nothing. workers: the ids of the run's own, as its supervisor keeps them. lacks_room: whether it
    cannot start what it wants, find_hold: for what it waits before it begins anything, as it says itself. loop: the id
    of a loop, each of whose tasks is shown from its beginning on a terminal, not after some seconds, and which begins
    nothing with an agent while its provider refuses to work; "" for a run. reviewer: the name of the agent that
    reviews what a loop does, "" for none.
    """

    def __init__(
        self,
        store: Store,
        progress: Progress,
        roster: Roster,
        batch: Batch | None = None,
        loop: str = "",
        reviewer: str = "",
    ) -> None:
        self.workers: set[str] = set()
        self.listeners: list[Callable[[Sequence[Finished]], None]] = []
        self.last_workers: dict[str, str | None] = {}  # task -> worker of its last attempt
        self._last_statuses: dict[str, str] = {}  # task -> what it came to with that
        self._store = store
        self._progress = progress
        self._is_loop = bool(loop)
        self._batch = batch
        self._outlook = Outlook(store, roster, progress.say, loop, reviewer)
        self._event = store.history.last_event()
        self.lacks_room: Callable[[], bool] = lambda: False
        self.find_hold: Callable[[], str] = lambda: ""
        self._is_told = False  # that it is stopping
        self._is_told_of_room = False
        self._next_drawing = 0.0

    def look(self, is_interrupted: bool = False) -> None:
        """Show and hand on what has ended since the last look; `is_interrupted`: a signal came."""
        if is_interrupted and not self._is_told:
            self._is_told = True
            self._progress.say("stopping: what runs may finish; another Ctrl-C, or TERM, ends that, too")
        if not self._is_told_of_room and self.lacks_room():
            self._is_told_of_room = True
            self._progress.say("the system has no room for another process (`ulimit -u -n`): tasks wait for it")
        events = self._store.history.finished_since(self._event)
        self._hand_on(events)
        if clock.monotonic() >= self._next_drawing or (events and self._is_loop):
            began = clock.monotonic()
            self._draw()
            took = clock.monotonic() - began
            self._next_drawing = began + took + max(DRAW, MOST * took)

    def _hand_on(self, events: Sequence[Finished]) -> None:
        if not events:
            return
        self._event = events[-1].event
        self.last_workers.update((event.task, event.worker) for event in events)
        self._last_statuses.update((event.task, event.to_status) for event in events)
        ours = [event for event in events if self._is_ours(event)]
        self._progress.finished(ours)
        for listen in self.listeners if ours else ():
            listen(ours)

    def _is_ours(self, event: Finished) -> bool:
        """Whether it is for this run to show: its workers did it, or it is of its batch, or it was lost; what the
        workers of another run beside it did, that one shows."""
        is_known = event.worker in self.workers or event.outcome == LOST
        return is_known or (self._batch is not None and self._store.batches.has(self._batch, event.task))

    def tell(self, words: str) -> None:
        """Show a line."""
        self._progress.say(words)

    def end(self) -> None:
        """Take away what is drawn."""
        self._progress.end()

    def _draw(self) -> None:
        is_live = self._progress.is_live
        if self._outlook.look(self.workers, counts=is_live) and is_live:
            ended = self._store.history.finished_since(self._event)  # meanwhile, and no longer counted there
            self._hand_on([event for event in ended if event.event <= self._outlook.event])
            self._progress.expect(self._outlook.runnable, self._outlook.later)
        if is_live:
            self._progress.hold = self.find_hold().partition(":")[0]
            from .running import describe_running, find_own  # who has no terminal does without

            found = find_own(self._store, self.workers)
            details = describe_running(self._store.home, found, 0.0 if self._is_loop else PATIENCE)
            self._progress.draw(self._count_running(), details, sum(one.state == QUEUED for one in found))

    def _count_running(self) -> int:
        return sum(claim.worker in self.workers for claim in self._store.claims())

    def tasks(self, but_done: bool) -> list[Task]:
        """Return the tasks of which the run's own workers made the last attempt, or those that this did not do."""
        own = (task for task, worker in self.last_workers.items() if worker in self.workers)
        return [self._store.get(task) for task in own if not (but_done and self._last_statuses[task] == DONE)]


def show_run(store: Store, roster: Roster, batch: Batch | None = None, quiet: bool = False) -> RunProgress:
    """Begin to show a run by workers with these agents: of a batch, or of all that is queued."""
    done = store.batches.count(batch).get("done", 0) if batch else 0
    progress = Progress(done, quiet)
    known = [] if batch else [Identity.parse(one.identity) for one in live_supervisors(store)]
    if known:
        pids = ", ".join(str(identity.pid) for identity in known if identity)
        progress.say(f"joined the run of PID {pids}: both take from one queue")
    return RunProgress(store, progress, roster, batch)


def show_loop(store: Store, roster: Roster, loop: str, quiet: bool = False, reviewer: str = "") -> RunProgress:
    """Begin to show a loop: its tasks are long, so each is shown from its beginning, and has a line at its end."""
    progress = Progress(quiet=quiet, tells_all=True, agent=",".join(roster.names))
    return RunProgress(store, progress, roster, loop=loop, reviewer=reviewer)


class RunResult(NamedTuple):
    """How a run ended."""

    counts: dict[str, int]  # of the batch's tasks, or of those that the run touched, by status
    failed: list[Task]
    waiting: list[Waiting]  # what is left of the batch, or of the queue

    @property
    def is_complete(self) -> bool:
        """Whether nothing failed, and nothing is left that nobody here will run, though no person holds it back."""
        return not self.failed and not any(one.is_left for one in self.waiting)


def conclude(store: Store, batch: Batch | None, progress: RunProgress, limit: int = FEW) -> RunResult:
    """Return how a run ended: what its own workers touched, and what is left of its batch, or of the queue, with the
    first `limit` tasks for each cause."""
    own = progress.tasks(but_done=batch is not None)
    tasks = {task.id: task for task in (*own, *(store.batches.failed(batch) if batch else ()))}
    ends = {id: _find_end(store, task) for id, task in tasks.items()}
    failed = [task for id, task in tasks.items() if ends[id] == FAILED]
    counts = store.batches.count(batch) if batch else _count(ends.values())
    has_ended = batch is not None and counts.keys() <= {DONE, FAILED, CANCELLED}
    return RunResult(counts, failed, [] if has_ended else look_at_waiting(store, batch, limit))


def _find_end(store: Store, task: Task) -> str:
    """The status of a task; of one that comes again, how its last occurrence ended."""
    if not task.is_resting:
        return task.status
    return DONE if [one.outcome for one in store.attempts(task.id)[-1:]] == [DONE] else FAILED


def _count(ends: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for status in ends:
        counts[status] = counts.get(status, 0) + 1
    return counts


def print_result(store: Store, result: RunResult) -> None:
    """Print what failed, with the end of its output, what waits, and the counts."""
    for place, task in enumerate(result.failed):
        _print_failed(store, task, LINES if place < FULLY else 0)
    print_waiting(store, result.waiting)
    counts = [f"{result.counts[state]:,} {state}" for state in ENDED if result.counts.get(state)]
    if not counts and result.waiting:
        counts = ["nothing was run"]
    say(", ".join([*counts, *count_waiting(result.waiting)]) or "nothing to do")


def _print_failed(store: Store, task: Task, lines: int) -> None:
    """Print that a task failed, and of its last attempt where its report is, and the last lines of its output."""
    for attempt in store.attempts(task.id)[-1:]:
        how = f"  ({describe(attempt)})"
        say(f"failed:  {task.id}  {text.shorten(task.title, room_for(len(how) + 22))}{text.printable(how)}")
        if attempt.report:
            say(f"{INDENT}{shorten_path(os.path.join(store.home, attempt.report))}")
        for line in text.last_lines(attempt.tail or "", lines):
            say(f"{INDENT}| {text.shorten(line, room_for(len(INDENT) + 2))}")
        return
    say(f"failed:  {task.id}  {text.shorten(task.title, room_for(22))}")


def result_object(
    store: Store, result: RunResult, run: str | None, batch: Batch | None, is_interrupted: bool
) -> dict[str, object]:
    """Look up what `run --json` prints; `run`: the supervisor's id."""
    relations = store.relations([*result.failed, *(task for one in result.waiting for task in one.first)])
    failed = [attempts_object(task, relations[task.id], store.attempts(task.id)) for task in result.failed]
    waiting = [waiting_object(task, relations[task.id], one) for one in result.waiting for task in one.first]
    return run_object(run, batch and batch.id, is_interrupted, result.counts, failed, waiting, result.waiting)
