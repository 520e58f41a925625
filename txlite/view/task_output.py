"""What tasks wrote, printed when each has ended: whole, byte for byte, and never two of them mixed.

It is read from the files that the workers keep (`reports.outputs`), a piece at a time beside the other work of a run,
and each goes when it is printed: so a run that goes on prints what a killed one left, and only what that one was
printing at that moment comes twice. One run prints the output of a batch, also of those of its tasks that another run's
workers took; a run without a batch prints what its own workers did. Used by the command `run`.
"""

from __future__ import annotations

import io
from collections import deque

from ..errors import StoreUnavailable
from ..execution import presence
from ..model import ACTIVE, BACKLOG
from ..reports.outputs import ERR, OUT, kept_attempts, output_path, remove_output
from ..system import clock
from ..system.liveness import Liveness, is_held
from ..system.named_tuple import NamedTuple
from .output_piece import LineForm, OutputPiece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import Lane
    from ..store.batches import Batch
    from ..store.ends import End
    from ..store.history import Finished
    from ..store.store import Store
    from .outlet import Outlet

SLICE = 0.05  # seconds that it prints, or waits for a reader, before the others have their turn
SLOW = 0.1  # seconds until it tries again where the reader took nothing
FINAL = 1.0  # the same, when there is nothing else to do


class OutputForm(NamedTuple):
    """How outputs are printed."""

    keeps_order: bool = False  # in that of the batch, or of the queue
    is_tagged: bool = False  # each line with what its task is about


class Unprinted(NamedTuple):
    """An attempt whose output is to be printed."""

    attempt: int
    is_elsewhere: bool  # its worker was another run's, which may have kept nothing but the report


class TaskOutput:
    """The outputs of one run. workers: the ids of its own, as its supervisor keeps them."""

    def __init__(
        self,
        store: Store,
        form: OutputForm,
        outlets: tuple[Outlet, Outlet],
        batch: Batch | None,
        lanes: Sequence[Lane],
        clear: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """outlets: for stdout and for stderr; clear: takes away what is drawn on the terminal; say: tells a person."""
        self.workers: set[str] = set()
        self._store = store
        self._form = form
        self._outlets = outlets
        self._batch = batch
        self._lanes = lanes
        self._clear = clear
        self._say = say
        self._held: dict[int, list[Unprinted]] = {}  # by the task's number: they wait for those before them
        self._after = 0  # all tasks before this one have ended
        self._has_more = False  # it is to be asked again how far they have
        self._queue: deque[Unprinted] = deque()
        self._pieces: deque[OutputPiece] = deque()  # of the one that is printed
        self._lock = self._take_batch(batch.id) if batch else None
        if batch and not self._lock:
            say("another run prints the output of this batch")
        self._look_for_left()

    def prepare(self) -> None:
        """Find out how far the tasks have ended, before it is read which: so none of those is missing then."""
        if self._form.keeps_order and self._held:
            self._after = self._store.ends.first_open(self._batch, self._lanes, self._after)

    def heed(self, events: Sequence[Finished]) -> None:
        """Take what has ended: a listener of `RunProgress`."""
        self._has_more = self._form.keeps_order
        for event in events:
            if event.to_status == BACKLOG:
                self._forget(event.seq)
                remove_output(self._store.home, event.attempt)
            elif self._is_wanted(event.seq):
                self._forget(event.seq)
                self._hold(event.seq, Unprinted(event.attempt, event.worker not in self.workers))
            elif self._store.ends.batch_of(event.seq) is None:
                remove_output(self._store.home, event.attempt)  # it came alone, and nobody asked for its output

    def _forget(self, seq: int) -> None:
        """Let go of what a task wrote before, as it was tried again; that of each occurrence is wanted."""
        if seq in self._held and not self._store.ends.comes_again(seq):
            del self._held[seq]

    def _hold(self, seq: int, unprinted: Unprinted) -> None:
        self._held.setdefault(seq, []).append(unprinted)

    def advance(self, seconds: float = SLICE) -> float | None:
        """Print for a moment; return the seconds until there is more to do, None where there is nothing."""
        self._release()
        until = clock.monotonic() + seconds
        while self._pieces or self._queue:
            if not self._pieces:
                self._pieces.extend(self._open(self._queue.popleft()))
                continue
            piece = self._pieces[0]
            if piece.outlet.is_terminal:
                self._clear()
            printed = piece.printed
            if not piece.step(until):
                return 0.0 if piece.printed > printed else SLOW
            self._pieces.popleft()
        has_more, self._has_more = self._has_more, False
        return 0.0 if has_more else None

    def finish(self) -> None:
        """Print all that is left, as the run is over."""
        self._release(is_over=True)
        self._print_all()
        if self._batch and not self._lock:
            self._lock = self._take_batch(self._batch.id)  # the other one may be gone
        self._look_for_left()
        self._release(is_over=True)
        self._print_all()
        if self._lock:
            self._lock.release()

    def _print_all(self) -> None:
        while self.advance(FINAL) is not None:
            pass

    def _take_batch(self, batch: int) -> Liveness | None:
        """The right to print a batch's output, for as long as we live; None where another has it."""
        path = _lock_path(self._store, batch)
        if is_held(path):
            return None
        try:
            return Liveness(path)
        except StoreUnavailable:
            return None  # another was quicker

    def _is_wanted(self, seq: int) -> bool:
        """Whether a task's output is ours to print."""
        batch = self._store.ends.batch_of(seq)
        if self._batch:
            return self._lock is not None and batch == self._batch.id
        return batch is None or not is_held(_lock_path(self._store, batch))

    def _look_for_left(self) -> None:
        """Take what others left, killed before they could print it, and remove what nobody will."""
        attempts = kept_attempts(self._store.home)
        living = {one.id for one in presence.live_supervisors(self._store)} if attempts else set()
        for attempt in attempts:
            end = self._store.ends.of(attempt)
            if end is None:
                if not self._store.ends.is_open(attempt):
                    remove_output(self._store.home, attempt)
            elif (not end.is_last or end.status in (BACKLOG, ACTIVE)) and not self._store.ends.is_occurrence(attempt):
                remove_output(self._store.home, attempt)
            elif self._is_wanted(end.seq) and (self._batch or self._supervisor_of(end) not in living):
                self._hold(end.seq, Unprinted(attempt, False))

    def _supervisor_of(self, end: End) -> str | None:
        return self._store.ends.supervisor_of(end.worker)

    def _release(self, is_over: bool = False) -> None:
        """Have printed what waits for nothing any more."""
        if not self._held:
            return
        if self._form.keeps_order and not is_over:
            ready = sorted(seq for seq in self._held if seq < self._after)
        else:
            ready = sorted(self._held) if is_over else list(self._held)
        for seq in ready:
            self._queue.extend(self._held.pop(seq))

    def _open(self, unprinted: Unprinted) -> list[OutputPiece]:
        """The pieces of an attempt's output."""
        pieces = []
        tag = self._tag_of(unprinted.attempt)
        for kind, outlet in zip((OUT, ERR), self._outlets):
            path = output_path(self._store.home, unprinted.attempt, kind)
            try:
                source = open(path, "rb", buffering=0)
            except (FileNotFoundError, NotADirectoryError):
                continue  # it wrote nothing there, or it could not be kept
            except OSError as error:
                self._say(f"{path} cannot be printed: {error.strerror}")
                continue
            pieces.append(OutputPiece(source, path, outlet, LineForm(tag, outlet.is_terminal)))
        if not pieces and unprinted.is_elsewhere:
            pieces += self._open_report(unprinted.attempt, tag)
        return pieces

    def _open_report(self, attempt: int, tag: bytes) -> list[OutputPiece]:
        """What the report of an attempt has of its output, where no more was kept."""
        from ..errors import NotFound
        from .follow import read_output

        status = self._store.attempt_statuses.get(attempt)
        try:
            data, remark = read_output(self._store, status) if status else (b"", None)
        except (NotFound, StoreUnavailable):
            return []
        if remark:
            self._say(remark)
        out = self._outlets[0]
        return [OutputPiece(io.BytesIO(data), "", out, LineForm(tag, out.is_terminal))] if data else []

    def _tag_of(self, attempt: int) -> bytes:
        """What stands before each line: what its task was filled with, or its title; and a TAB."""
        end = self._store.ends.of(attempt) if self._form.is_tagged else None
        if end is None:
            return b""
        words = end.title if end.arguments is None else " ".join(end.arguments)
        return words.encode() + b"\t"


def find_left(store: Store) -> set[int]:
    """Return the batches of which somebody who was killed had not printed all, and nobody else does."""
    left = set()
    for attempt in kept_attempts(store.home):
        end = store.ends.of(attempt)
        if end and end.is_last and end.status not in (BACKLOG, ACTIVE):
            batch = store.ends.batch_of(end.seq)
            if batch is not None and not is_held(_lock_path(store, batch)):
                left.add(batch)
    return left


def _lock_path(store: Store, batch: int) -> str:
    return store.lock_path(f"output-{batch}")
