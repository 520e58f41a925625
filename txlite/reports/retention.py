"""Old reports: compressed, later deleted.

A report is what the database names for an attempt that has ended, and bears a report's name, and is a regular file of
ours in a real directory that lies directly in home. Nothing else is touched.

Guarantees: a crash at any moment loses nothing (see `archive`), and the next cleanup does what is left. What is
counted was done. Memory does not grow with the number of reports. Used by the command `cleanup`.
"""

from __future__ import annotations

import errno
import os
import re
import time

from ..system import clock
from ..system.named_tuple import NamedTuple
from .archive import SUFFIX, compress, draft_of, room_of, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..system.locks import FileLock

DELETE, COMPRESS, REMOVE = "delete", "compress", "remove"  # the last one: what a crash left unfinished
ACTIONS = (DELETE, COMPRESS, REMOVE)
LOCK = "tasks.db.cleanup.lock"  # the name's start keeps it out of version control
PATIENCE = 30.0  # seconds to wait for another cleanup
DAY = 86400.0
KEPT_OPEN = 64  # directories
LISTED = 100_000  # names in them, at most

_NAME = r"\d{8}_\d{6}_\d+_[^/\0]+_task(?:_\d+)?\.md"
_PATH = re.compile(rf"(?!\.\.?/)([^/\0]+)/({_NAME})", re.ASCII)
_DRAFT = re.compile(re.escape(draft_of("NAME")).replace("NAME", _NAME), re.ASCII)
_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: "change its rights, or its directory's",
    errno.EPERM: "change its rights, or its directory's",
}


class Report(NamedTuple):
    """A report that exists, in one form or, after a crash, in both."""

    directory: str  # below home
    name: str  # as recorded
    plain: os.stat_result | None
    packed: os.stat_result | None


class Step(NamedTuple):
    """What is to be done about one report."""

    action: str  # one of ACTIONS
    directory: str  # below home
    name: str  # of the report as recorded; for REMOVE, of the file
    files: tuple[str, ...]  # their names: two to be deleted where a crash left both forms
    size: int  # bytes: those that come free, and for COMPRESS those there are

    @property
    def path(self) -> str:
        return f"{self.directory}/{self.files[0]}"


class Tally:
    """How many reports, and how many bytes, by action; of what was compressed, the bytes that this saved."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(ACTIONS, 0)
        self.bytes = dict.fromkeys(ACTIONS, 0)

    def add(self, action: str, size: int) -> None:
        self.counts[action] += 1
        self.bytes[action] += size

    def __bool__(self) -> bool:
        return any(self.counts.values())


class Shelf:
    """What lies in one directory: counts, bytes, and when the oldest and the newest of it were changed last."""

    def __init__(self, directory: str) -> None:
        self.directory = directory  # below home
        self.reports = self.plain = self.plain_bytes = self.packed = self.packed_bytes = 0
        self.oldest = float("inf")  # seconds since the epoch
        self.newest = float("-inf")

    def add(self, report: Report) -> None:
        self.reports += 1
        if report.plain:
            self.plain += 1
            self.plain_bytes += report.plain.st_size
        if report.packed:
            self.packed += 1
            self.packed_bytes += report.packed.st_size
        for form in (report.plain, report.packed):
            if form:
                self.oldest = min(self.oldest, form.st_mtime)
                self.newest = max(self.newest, form.st_mtime)


class Cleanup:
    """One cleanup of a home, its ages counted from now. Use it as a context manager.

    records: gives the reports of the attempts that had ended at a time, as paths below home.
    age, compress_age: days since a file's last change until it is deleted (None: never) or compressed; 0 is all
    that ended before now. complain: is told of each path that could not be dealt with, once, and why.
    """

    def __init__(
        self,
        home: str,
        records: Callable[[str], Iterable[str]],
        age: float | None,
        compress_age: float,
        complain: Callable[[str, str], None],
    ) -> None:
        now = time.time()
        self._home = home
        self._records = records
        self._until = clock.to_text(now)
        self._delete_before = float("-inf") if age is None else _moment(now, age)
        self._compress_before = _moment(now, compress_age)
        self._complain = complain
        self._directories = _Directories(home)
        self._lock: FileLock | None = None
        self.failed: set[str] = set()  # paths below home

    def __enter__(self) -> Cleanup:
        return self

    def __exit__(self, *_: object) -> None:
        self._directories.close()
        if self._lock:
            self._lock.release()
            self._lock.close()
            self._lock = None

    def reports(self) -> Iterator[Report]:
        """All that exist."""
        self._directories.close()  # what was listed once is old by now
        for path in self._records(self._until):
            match = _PATH.fullmatch(path)
            report = self._look(match[1], match[2], True) if match else None
            if report:
                yield report

    def shelves(self) -> list[Shelf]:
        """What there is, by directory."""
        found: dict[str, Shelf] = {}
        for report in self.reports():
            found.setdefault(report.directory, Shelf(report.directory)).add(report)
        return [found[directory] for directory in sorted(found)]

    def steps(self) -> Iterator[Step]:
        """What is to be done, as it stands now; changes nothing."""
        for report in self.reports():
            step = self._judge(report)
            if step:
                yield step
        for directory in sorted(self._directories.seen):
            try:
                yield from self._leftovers(directory)
            except OSError as error:
                self._fail(directory, error)

    def run(self) -> Tally:
        """Do it: delete first, which makes room to compress. What fails is complained of, and the rest goes on."""
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

    def _look(self, directory: str, name: str, listed: bool = False) -> Report | None:
        """A report as it is now. `listed`: nothing that came since the directory was listed is of interest."""
        try:
            handle = self._directories.open(directory)
            if handle is None or (listed and self._directories.lacks(directory, name)):
                return None
            report = Report(directory, name, status_of(handle, name), status_of(handle, name + SUFFIX))
        except OSError as error:
            self._fail(directory, error)  # not each of its reports
            return None
        return report if report.plain or report.packed else None

    def _judge(self, report: Report) -> Step | None:
        forms = [(report.name, report.plain), (report.name + SUFFIX, report.packed)]
        old = [(name, status) for name, status in forms if status and status.st_mtime <= self._delete_before]
        if old:
            files = tuple(name for name, _ in old)
            return Step(DELETE, report.directory, report.name, files, sum(room_of(status) for _, status in old))
        if report.plain and report.plain.st_mtime <= self._compress_before:
            return Step(COMPRESS, report.directory, report.name, (report.name,), report.plain.st_size)
        return None

    def _leftovers(self, directory: str) -> Iterator[Step]:
        """Archives that a crash left unfinished (or that another cleanup is writing, unless we hold the lock)."""
        handle = self._directories.open(directory)
        if handle is None:
            return
        with os.scandir(handle) as entries:
            names = [entry.name for entry in entries if _DRAFT.fullmatch(entry.name)]
        for name in names:
            status = status_of(handle, name)
            if status:
                yield Step(REMOVE, directory, name, (name,), room_of(status))

    def _do(self, step: Step, done: Tally) -> None:
        self._hold()
        try:
            size = self._act(step)
        except FileNotFoundError:
            return  # somebody else was quicker
        except OSError as error:
            self._fail(step.path, error)
        except ImportError:
            self._fail(step.path, OSError(errno.ENOSYS, "this Python has no zlib: use another"))
        else:
            done.add(step.action, size)

    def _act(self, step: Step) -> int:
        """The bytes that came free. What is to be done is judged again: there was a lock to wait for."""
        if step.action != REMOVE:
            report = self._look(step.directory, step.name)
            now = self._judge(report) if report else None
            if not now or now.action != step.action:
                raise FileNotFoundError(step.path)
            step = now
        handle = self._directories.open(step.directory)
        if handle is None:
            raise FileNotFoundError(step.path)
        if step.action == COMPRESS:
            return compress(handle, step.name)
        for name in step.files:
            os.unlink(name, dir_fd=handle)
        return step.size

    def _hold(self) -> None:
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


class _Directories:
    """The directories with reports: real ones, directly in home, ours. The last ones that were used stay open, and
    are listed unless too much lies there: of a million reports on record, few may be left."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._handles: dict[str, int | None] = {}
        self._names: dict[str, set[str]] = {}
        self.seen: set[str] = set()  # all that there are

    def open(self, name: str) -> int | None:
        """Its descriptor, None where it is not such a directory."""
        if name not in self._handles:
            if len(self._handles) >= KEPT_OPEN:
                self.close()
            self._handles[name] = handle = self._enter(os.path.join(self._home, name))
            if handle is not None:
                self.seen.add(name)
        return self._handles[name]

    def lacks(self, directory: str, report: str) -> bool:
        """Whether an open directory held the report in neither form when it was listed."""
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = self._list(directory)
        return bool(names) and report not in names and report + SUFFIX not in names

    def _list(self, directory: str) -> set[str]:
        """The names in it; none where they are too many to be kept."""
        room = LISTED - sum(map(len, self._names.values()))
        names: set[str] = set()
        with os.scandir(self._handles[directory]) as entries:
            for entry in entries:
                names.add(entry.name)
                if len(names) > room:
                    return set()
        return names

    def _enter(self, path: str) -> int | None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise
        if os.fstat(handle).st_uid == os.geteuid():
            return handle
        os.close(handle)
        return None

    def close(self) -> None:
        for handle in self._handles.values():
            if handle is not None:
                os.close(handle)
        self._handles.clear()
        self._names.clear()


def _moment(now: float, age: float) -> float:
    """The latest change of what has this age in days."""
    return now - age * DAY if age else float("inf")
