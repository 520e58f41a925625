"""What agents that write events wrote, as it came; their reports hold it in words.

    events/N.jsonl    what the agent of attempt N wrote, from its first byte

No more is kept than a report keeps of output: beyond the cap beginning and end stay, cut where lines end, with one line
between them (CUT) that says how much is missing. Then it is another file under the same name: so whoever follows reads
the old one to its end, and goes on in the new one, and nobody is ever in the midst of a change. A full disk ends what
is kept, and not the attempt. They go with their reports, by `cleanup`. Written by workers, read by `view`.
"""

from __future__ import annotations

import errno
import os
import re

from .archive import SUFFIX as PACKED
from .archive import find, open_report
from .naming import create, remove
from .report import SMALLEST_CAP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

DIRECTORY = "events"  # below home
SUFFIX = ".jsonl"
CHUNK = 1 << 20  # bytes
CUT = b'{"type": "txlite", "cut": %15d}\n'  # with the bytes that are missing
CUT_LENGTH = len(CUT % 0)
_CUT = re.compile(rb'(?m)^\{"type": "txlite", "cut": +(\d+)\}\n')


def events_path(home: str, attempt: int) -> str:
    """Return the path of the events of an attempt."""
    return os.path.join(home, DIRECTORY, f"{attempt}{SUFFIX}")


def kept_events(home: str) -> list[str]:
    """Return the names of the files with events that there are, compressed or not, without the end that says so."""
    try:
        names = os.listdir(os.path.join(home, DIRECTORY))
    except OSError:
        return []  # nothing was ever kept
    stems = {name.partition(SUFFIX)[0] for name in names if name.endswith((SUFFIX, SUFFIX + PACKED))}
    return [f"{stem}{SUFFIX}" for stem in sorted(stems) if stem.isdecimal()]


def attempt_of(name: str) -> int:
    """Return the number of the attempt whose events are in the file of this name."""
    return int(name[: -len(SUFFIX)])


class EventLog:
    """The events of one attempt that runs: a sink. trouble: why something is missing, once that is so."""

    def __init__(self, path: str, cap: int) -> None:
        """cap: bytes that are kept. Nothing is made before something comes."""
        self.trouble: str | None = None
        self._path = path
        self._cap = max(cap, SMALLEST_CAP)
        self._file = -1
        self._size = 0
        self._head = -1  # bytes before the line that says what was cut; -1 for none
        self._cut = 0

    def write(self, data: bytes) -> None:
        """Append what came."""
        try:
            if self._file < 0 and not self.trouble:
                self._file = create(self._path)
            while data and not self.trouble:
                if self._size + min(len(data), self._cap // 4) > self._cap:  # no line is cut for nothing
                    self._cut_middle()
                written = os.pwrite(self._file, data[: self._cap - self._size], self._size)
                self._size += written
                data = data[written:]
        except OSError as error:
            self.trouble = error.strerror or str(error)

    def close(self) -> None:
        """Let go of the file: nothing more comes."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _cut_middle(self) -> None:
        """Go on in a new file, which has the beginning and the end of this one."""
        if self._head < 0:
            self._head = os.pread(self._file, self._cap // 2, 0).rfind(b"\n") + 1
        tail = os.pread(self._file, self._cap // 4, self._size - self._cap // 4)
        tail = tail[tail.find(b"\n") + 1 :]
        behind = self._head + (CUT_LENGTH if self._cut else 0)
        self._cut += self._size - behind - len(tail)
        parts = os.pread(self._file, self._head, 0), CUT % self._cut, tail
        draft = self._path + ".new"
        file = create(draft)
        try:
            size = sum(os.write(file, part) for part in parts)
            if size < sum(map(len, parts)):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.rename(draft, self._path)
        except OSError:
            os.close(file)
            remove(draft)
            raise
        os.close(self._file)
        self._file, self._size = file, size


class EventReader:
    """The events of one attempt, as they come: each byte once and in order, but for what was cut before it was read."""

    def __init__(self, path: str) -> None:
        """Open nothing yet: there may be no events so far."""
        self._path = path
        self._file: FileIO | None = None
        self._is_inside = False  # of a line, which was read in part
        self._head, self._cut = 0, 0  # of the file that is open: where the line is that says what was cut; and how much

    def read(self) -> bytes:
        """Return what came since the last call, at most CHUNK bytes; b"" where that is nothing."""
        if self._file is None and not self._open():
            return b""
        data = self._read()
        if not data and self._is_replaced():
            data = self._read() or self._go_on()  # something may have come just before there was another
        self._is_inside = not data.endswith(b"\n") if data else self._is_inside
        return data

    def _read(self) -> bytes:
        return (self._file.read(CHUNK) if self._file else b"") or b""

    def read_all(self) -> Iterator[bytes]:
        """Yield all that there is now."""
        data = self.read()
        while data:
            yield data
            data = self.read()

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        try:
            self._file = open(self._path, "rb", buffering=0)
        except OSError:
            return False
        self._find_cut()
        return True

    def _find_cut(self) -> None:
        assert self._file
        data = self._file.read(os.fstat(self._file.fileno()).st_size) or b""
        found = _CUT.search(data)
        self._head, self._cut = (found.start(), int(found[1])) if found else (len(data), 0)
        self._file.seek(0)

    def _is_replaced(self) -> bool:
        assert self._file
        try:
            now = os.stat(self._path)
        except OSError:
            return False  # it was removed
        return not os.path.samestat(now, os.fstat(self._file.fileno()))

    def _go_on(self) -> bytes:
        """Open the file that has taken the place of the one that was read to its end, and read there from the same byte
        on; where that was cut, from the line that says so."""
        assert self._file
        place = self._file.tell()
        if self._cut and place > self._head:
            place += self._cut - CUT_LENGTH
        self.close()
        if not self._open():
            return b""
        is_missing = self._cut > 0 and place < self._head + self._cut
        shift = CUT_LENGTH - self._cut if self._cut else 0
        self._file.seek(min(place, self._head) if is_missing else place + shift)
        return (b"\n" if is_missing and self._is_inside else b"") + self._read()


def read_events(home: str, attempt: int) -> Iterator[bytes]:
    """Yield what is kept of the events of an attempt, also where they were compressed. Raises OSError."""
    with open_report(events_path(home, attempt)) as file:
        data = file.read(CHUNK)
        while data:
            yield data
            data = file.read(CHUNK)


def has_events(home: str, attempt: int) -> bool:
    """Return whether anything is kept of the events of an attempt."""
    return find(events_path(home, attempt)) is not None
