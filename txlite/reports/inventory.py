"""Which reports there are, in which form.

A report is what the database names for an attempt that has ended, and bears a report's name, and is a regular file of
ours in a real directory that lies directly in home. Nothing else is found here. Memory does not grow with the number
of reports. Used by `retention`; the command `cleanup --stats` shows the summaries.
"""

from __future__ import annotations

import errno
import os
import re

from ..system.named_tuple import NamedTuple
from .archive import SUFFIX, draft_of, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

KEPT_OPEN = 64  # directories
LISTED = 100_000  # names in them, at most

_NAME = r"\d{8}_\d{6}_\d+(?:-\d+)?_[^/\0]+_[^/\0]+\.md"  # it ends with its agent, and `task` or its topic
_PATH = re.compile(rf"(?!\.\.?/)([^/\0]+)/({_NAME})", re.ASCII)
_DRAFT = re.compile(re.escape(draft_of("NAME")).replace("NAME", _NAME), re.ASCII)


class StoredReport(NamedTuple):
    """A report that exists, in one form or, after a crash, in both."""

    directory: str  # below home
    name: str  # as recorded
    plain: os.stat_result | None
    packed: os.stat_result | None


class DirectorySummary:
    """What lies in one directory: counts, bytes, and when the oldest and the newest of it were changed last."""

    def __init__(self, directory: str) -> None:
        self.directory = directory  # below home
        self.reports = self.plain = self.plain_bytes = self.packed = self.packed_bytes = 0
        self.oldest = float("inf")  # seconds since the epoch
        self.newest = float("-inf")

    def add(self, report: StoredReport) -> None:
        """Count one more report."""
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


class Inventory:
    """The reports of one home.

    records: gives the reports of attempts that have ended, as paths below home. complain: is told of each directory
    that cannot be read.
    """

    def __init__(
        self, home: str, records: Callable[[], Iterable[str]], complain: Callable[[str, OSError], None]
    ) -> None:
        self._records = records
        self._complain = complain
        self._directories = _Directories(home)

    def reports(self) -> Iterator[StoredReport]:
        """Yield all that exist."""
        self.close()  # what was listed once is old by now
        for path in self._records():
            match = _PATH.fullmatch(path)
            report = self.find(match[1], match[2], is_listed=True) if match else None
            if report:
                yield report

    def summaries(self) -> list[DirectorySummary]:
        """Return what there is, by directory."""
        found: dict[str, DirectorySummary] = {}
        for report in self.reports():
            found.setdefault(report.directory, DirectorySummary(report.directory)).add(report)
        return [found[directory] for directory in sorted(found)]

    def find(self, directory: str, name: str, is_listed: bool = False) -> StoredReport | None:
        """Return a report as it is now, None where it is gone.

        is_listed: what came since its directory was listed is of no interest.
        """
        try:
            handle = self.open(directory)
            if handle is None or (is_listed and self._directories.lacks(directory, name)):
                return None
            report = StoredReport(directory, name, status_of(handle, name), status_of(handle, name + SUFFIX))
        except OSError as error:
            self._complain(directory, error)  # not each of its reports
            return None
        return report if report.plain or report.packed else None

    def drafts(self) -> Iterator[tuple[str, str, os.stat_result]]:
        """Yield directory, name and status of each unfinished archive, in the directories that were seen so far.

        A crash left it, or another cleanup is writing it, unless we hold the lock.
        """
        for directory in sorted(self._directories.seen):
            try:
                yield from self._drafts_in(directory)
            except OSError as error:
                self._complain(directory, error)

    def _drafts_in(self, directory: str) -> Iterator[tuple[str, str, os.stat_result]]:
        handle = self.open(directory)
        if handle is None:
            return
        with os.scandir(handle) as entries:
            names = [entry.name for entry in entries if _DRAFT.fullmatch(entry.name)]
        for name in names:
            status = status_of(handle, name)
            if status:
                yield directory, name, status

    def open(self, directory: str) -> int | None:
        """Return a descriptor of a directory with reports, None where it is none of ours. Raises OSError."""
        return self._directories.open(directory)

    def close(self) -> None:
        """Close the directories; they are opened again when they are used again."""
        self._directories.close()


class _Directories:
    """The directories with reports: real ones, directly in home, ours. The last ones that were used stay open, and
    are listed unless too much lies there: of a million reports on record, few may be left."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._handles: dict[str, int | None] = {}
        self._names: dict[str, set[str]] = {}
        self.seen: set[str] = set()  # all that there are

    def open(self, name: str) -> int | None:
        """Return its descriptor, None where it is not such a directory."""
        if name not in self._handles:
            if len(self._handles) >= KEPT_OPEN:
                self.close()
            self._handles[name] = handle = self._enter(os.path.join(self._home, name))
            if handle is not None:
                self.seen.add(name)
        return self._handles[name]

    def lacks(self, directory: str, report: str) -> bool:
        """Return whether an open directory held the report in neither form when it was listed."""
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
        """Close them all."""
        for handle in self._handles.values():
            if handle is not None:
                os.close(handle)
        self._handles.clear()
        self._names.clear()
