"""What the file system promises on which home lies, or would be made.

What is claimed is tried, in a temporary directory that is removed again: in home, or in the nearest directory
around it that can be written and lies on the same file system. Called by `diagnose`.
"""

from __future__ import annotations

import errno
import fcntl
import os
from functools import partial

from .. import text
from ..system import clock, mounts
from ..system.locks import try_lock
from .probe import BROKEN, LIMITED, OK, Check, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

ELSEWHERE = "give a home on a local disk, as TXLITE_HOME=/var/tmp/$USER-txlite"
IN_MEMORY = ("tmpfs", "ramfs")
LITTLE_SPACE, NO_SPACE = 100 << 20, 10 << 20  # bytes
FEW_FILES, NO_FILES = 10_000, 100
SLOW_SYNC = 0.05  # seconds


def find_place(home: str) -> str | None:
    """Return where to try: home itself, or the nearest directory that can be written there.

    None where nothing can be written on its file system. Raises OSError.
    """
    place = nearest_directory(home)
    device = os.stat(place).st_dev
    while os.stat(place).st_dev == device:
        if _can_write(place):
            return place
        if place == os.path.dirname(place):
            break
        place = os.path.dirname(place)
    return None


def nearest_directory(path: str) -> str:
    """Return `path`, or the first directory above it that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _can_write(place: str) -> bool:
    try:
        with _scratch(place):
            return True
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)  # which is told as what it is


def checks(place: str) -> list[Check]:
    """Return the checks of the file system on which `place` lies, a directory that can be written."""
    looks = {
        "file system": check_kind,
        "space": check_space,
        "locks": check_locks,
        "links": check_links,
        "FIFOs": check_fifos,
        "sync": check_sync,
    }
    return [Check(name, partial(look, place), 10.0) for name, look in looks.items()]


def _scratch(place: str) -> TemporaryDirectory[str]:
    import tempfile

    return tempfile.TemporaryDirectory(prefix=".txlite-doctor-", dir=place)


def check_kind(place: str) -> list[Finding]:
    """Tell a network's file system and one in memory by its type."""
    kind = mounts.file_system(place)
    if kind in mounts.NETWORK_FILE_SYSTEMS:
        found = f"{kind}, a network file system: slower (no write-ahead log), and one host at a time"
        return [Finding("file system", LIMITED, found, ELSEWHERE)]
    if kind in IN_MEMORY:
        return [Finding("file system", LIMITED, f"{kind}: all is gone at the next boot", ELSEWHERE)]
    return [Finding("file system", OK, f"{kind or 'of unknown type'} at {place}")]


def check_space(place: str) -> list[Finding]:
    """Measure the room for bytes and for files (statvfs(3))."""
    status = os.statvfs(place)
    free, files = status.f_bavail * status.f_frsize, status.f_favail
    if not status.f_blocks:
        return [Finding("space", OK, "not bounded")]
    is_counted = bool(status.f_files)  # btrfs and others make room for files as they go
    found = f"{text.size(free)} free" + (f", and room for {files:,} files" if is_counted else "")
    if free < NO_SPACE or (is_counted and files < NO_FILES):
        return [Finding("space", BROKEN, found + ": reports and tasks cannot be written", "free some space")]
    if free < LITTLE_SPACE or (is_counted and files < FEW_FILES):
        return [Finding("space", LIMITED, found, "free some space: `txlite cleanup` compresses old reports")]
    return [Finding("space", OK, found)]


def check_locks(place: str) -> list[Finding]:
    """Lock one file by two descriptors, which must keep each other out; try SQLite's kind of lock (fcntl(2)), too."""
    with _scratch(place) as directory:
        path = os.path.join(directory, "lock")
        with open(path, "w") as first, open(path, "w") as second:
            try:
                try_lock(first.fileno())
                fcntl.lockf(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not try_lock(second.fileno()):
                    return [Finding("locks", OK, "flock keeps others out")]
            except OSError as error:
                return [Finding("locks", BROKEN, f"no file can be locked here: {error.strerror}", ELSEWHERE)]
    found = "flock gives one lock to two: workers would write at once, and all look alive"
    return [Finding("locks", BROKEN, found, ELSEWHERE)]


def check_links(place: str) -> list[Finding]:
    """Make a hard link (link(2))."""
    with _scratch(place) as directory:
        path = os.path.join(directory, "file")
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.link(path, path + "-link")
        except OSError as error:
            found = f"no hard link can be made: {error.strerror}; the database and reports need them"
            return [Finding("links", BROKEN, found, ELSEWHERE)]
    return [Finding("links", OK, "reports get their names in one step, and replace nothing")]


def check_fifos(place: str) -> list[Finding]:
    """Make a FIFO, and open it for reading and writing (fifo(7))."""
    with _scratch(place) as directory:
        path = os.path.join(directory, "fifo")
        try:
            os.mkfifo(path, 0o600)
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        except OSError as error:
            found = f"no FIFO can be made ({error.strerror}): idle workers see new tasks after a second or two"
            return [Finding("FIFOs", LIMITED, found, ELSEWHERE)]
    return [Finding("FIFOs", OK, "idle workers are woken at once")]


def check_sync(place: str) -> list[Finding]:
    """Measure how long the disk takes to confirm a small write (fsync(2)); the median of five."""
    taken = []
    with _scratch(place) as directory, open(os.path.join(directory, "file"), "wb", buffering=0) as file:
        for _ in range(5):
            file.write(b"x" * 4096)
            began = clock.monotonic()
            os.fsync(file.fileno())
            taken.append(clock.monotonic() - began)
    median = sorted(taken)[2]
    found = f"written to the disk within {median * 1000:.3g} ms"
    if median <= SLOW_SYNC:
        return [Finding("sync", OK, found)]
    advice = "`synchronous = NORMAL` in config.ini waits less often, and a power cut may then lose the last moments"
    return [Finding("sync", LIMITED, found + ": each change of a task waits for that", advice)]
