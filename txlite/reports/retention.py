"""Old reports: compressed, later deleted.

What counts as a report says `inventory`; nothing else is touched, but for events, which are part of them, and outputs
that nobody came to print. A crash at any moment loses nothing (see `archive`), and the next cleanup does what is left.
What is counted was done. Used by the command `cleanup`.
"""

from __future__ import annotations

import errno
import os
import time

from ..system import clock
from ..system.named_tuple import NamedTuple
from . import events
from .archive import SUFFIX, compress, room_of
from .inventory import Inventory
from .outputs import DIRECTORY, ERR, OUT, kept_attempts, output_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..system.locks import FileLock
    from .inventory import StoredReport

DELETE, COMPRESS, REMOVE = "delete", "compress", "remove"  # the last one: what a crash left unfinished
ACTIONS = (DELETE, COMPRESS, REMOVE)
LOCK = "tasks.db.cleanup.lock"  # the name's start keeps it out of version control
PATIENCE = 30.0  # seconds to wait for another cleanup
DAY = 86400.0

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: "change its rights, or its directory's",
    errno.EPERM: "change its rights, or its directory's",
}


class Step(NamedTuple):
    """What is to be done about one report."""

    action: str  # one of ACTIONS
    directory: str  # below home
    name: str  # of the report as recorded; for REMOVE, of the file
    files: tuple[str, ...]  # their names: two to be deleted where a crash left both forms
    size: int  # bytes: those that come free, and for COMPRESS those there are

    @property
    def path(self) -> str:
        """Return the path of its first file, below home."""
        return f"{self.directory}/{self.files[0]}"


class Tally:
    """How many reports, and how many bytes, by action; of what was compressed, the bytes that this saved. Events add to
    the bytes of their reports."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(ACTIONS, 0)
        self.bytes = dict.fromkeys(ACTIONS, 0)

    def add(self, step: Step, size: int) -> None:
        """Count one more, and its `size` in bytes."""
        self.counts[step.action] += step.directory != events.DIRECTORY
        self.bytes[step.action] += size

    def __bool__(self) -> bool:
        return any(self.counts.values()) or any(self.bytes.values())


class Cleanup:
    """One cleanup of a home, its ages counted from now. A context manager: at its end the lock is given back.

    records: gives the reports of the attempts that had ended at a time (UTC text), as paths below home.
    age, compress_age: days since a file's last change until it is deleted (None: never) or compressed; 0 is all
    that ended before now. complain: is told of each path that could not be dealt with, once, and why. is_open: says
    whether an attempt has not ended.
    """

    def __init__(
        self,
        home: str,
        records: Callable[[str], Iterable[str]],
        age: float | None,
        compress_age: float,
        complain: Callable[[str, str], None],
        is_open: Callable[[int], bool] = lambda attempt: False,
    ) -> None:
        now = time.time()
        until = clock.to_text(now)
        self._home = home
        self._delete_before = float("-inf") if age is None else _moment(now, age)
        self._compress_before = _moment(now, compress_age)
        self._complain = complain
        self._is_open = is_open
        self._lock: FileLock | None = None
        self.inventory = Inventory(home, lambda: records(until), self._fail)
        self.failed: set[str] = set()  # paths below home

    def __enter__(self) -> Cleanup:
        return self

    def __exit__(self, *_: object) -> None:
        self.inventory.close()
        if self._lock:
            self._lock.release()
            self._lock.close()
            self._lock = None

    def steps(self) -> Iterator[Step]:
        """Yield what is to be done, as it stands now; changes nothing."""
        for report in self.inventory.reports():
            step = self._choose(report)
            if step:
                yield step
        yield from self._steps_for_events()
        for directory, name, status in self.inventory.drafts():
            yield Step(REMOVE, directory, name, (name,), room_of(status))
        yield from self._steps_for_outputs()

    def _steps_for_events(self) -> Iterator[Step]:
        for name in events.kept_events(self._home):
            found = self.inventory.find(events.DIRECTORY, name)
            step = self._choose(found) if found else None
            if step and not self._is_open(events.attempt_of(name)):
                yield step

    def _steps_for_outputs(self) -> Iterator[Step]:
        for attempt in kept_attempts(self._home):
            for path in (output_path(self._home, attempt, kind) for kind in (OUT, ERR)):
                found = _status_of(path)
                if found and found.st_mtime <= self._delete_before and not self._is_open(attempt):
                    name = os.path.basename(path)
                    yield Step(REMOVE, DIRECTORY, name, (name,), room_of(found))

    def run(self) -> Tally:
        """Do it, and return what was done: delete first, which makes room to compress.

        What fails is complained of, and the rest goes on. Raises StoreUnavailable where another cleanup holds the lock
        for longer than PATIENCE.
        """
        done = Tally()
        to_compress = 0
        for step in self.steps():
            to_compress += step.action == COMPRESS
            if step.action != COMPRESS:
                self._do(step, done)
        for step in self.steps() if to_compress else ():
            if step.action == COMPRESS:
                self._do(step, done)
        return done

    def _choose(self, report: StoredReport) -> Step | None:
        forms = [(report.name, report.plain), (report.name + SUFFIX, report.packed)]
        old = [(name, status) for name, status in forms if status and status.st_mtime <= self._delete_before]
        if old:
            files = tuple(name for name, _ in old)
            return Step(DELETE, report.directory, report.name, files, sum(room_of(status) for _, status in old))
        if report.plain and report.plain.st_mtime <= self._compress_before:
            return Step(COMPRESS, report.directory, report.name, (report.name,), report.plain.st_size)
        return None

    def _do(self, step: Step, done: Tally) -> None:
        self._acquire_lock()
        try:
            size = self._act(step)
        except FileNotFoundError:
            return  # somebody else was quicker
        except OSError as error:
            self._fail(step.path, error)
        except ImportError:
            self._fail(step.path, OSError(errno.ENOSYS, "this Python has no zlib: use another"))
        else:
            done.add(step, size)

    def _act(self, step: Step) -> int:
        """The bytes that came free. What is to be done is chosen again: there was a lock to wait for."""
        if step.action != REMOVE:
            report = self.inventory.find(step.directory, step.name)
            now = self._choose(report) if report else None
            if not now or now.action != step.action:
                raise FileNotFoundError(step.path)
            step = now
        handle = self.inventory.open(step.directory)
        if handle is None:
            raise FileNotFoundError(step.path)
        if step.action == COMPRESS:
            return compress(handle, step.name)
        for name in step.files:
            os.unlink(name, dir_fd=handle)
        return step.size

    def _acquire_lock(self) -> None:
        """Take the lock, once: there is something to be changed."""
        if self._lock is None:
            from ..system.locks import FileLock  # what only reads does without

            lock = FileLock(os.path.join(self._home, LOCK), PATIENCE)
            lock.acquire()
            self._lock = lock

    def _fail(self, path: str, error: OSError) -> None:
        if path not in self.failed:
            self.failed.add(path)
            advice = _ADVICE.get(error.errno or 0)
            self._complain(path, (error.strerror or str(error)) + (f": {advice}" if advice else ""))


def _status_of(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _moment(now: float, age: float) -> float:
    """The latest change of what has this age in days."""
    return now - age * DAY if age else float("inf")
