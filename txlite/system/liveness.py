"""Alive means holding a lock.

A worker or supervisor holds a lock on a file of its own for as long as it lives, in a descriptor that no child
inherits. The kernel gives it back whatever killed the process (flock(2)); nobody is fooled by a PID that was given
again. Used by workers, supervisors and loops for themselves, by `execution.recovery` and `doctor` for the dead, and
by everything that asks who is alive.
"""

from __future__ import annotations

import json
import os
import time

from ..errors import StoreUnavailable
from . import clock, wakeup
from .locks import open_lock, try_lock
from .named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NOTE_SIZE = 1024  # bytes
PATIENCE = 5.0  # seconds to wait for somebody who asks whether we live, or tidies


class Liveness:
    """The lock file that a process holds for as long as it lives, with a note for those who come after it."""

    def __init__(self, path: str) -> None:
        """Make and lock the file at `path`, and its directory. Raises StoreUnavailable."""
        self.path = path
        self._file = -1
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            deadline = clock.monotonic() + PATIENCE
            while not self._take():
                if clock.monotonic() > deadline:
                    raise StoreUnavailable(f"{path} is locked by another process")
                time.sleep(0.005)
            os.pwrite(self._file, b"{}".ljust(NOTE_SIZE), 0)  # the room for all that is noted later
        except OSError as error:
            raise StoreUnavailable(f"cannot make and lock {path}: {error.strerror}") from error

    def _take(self) -> bool:
        """Lock the file at our path, whether or not somebody is tidying it away at this moment."""
        self._file = open_lock(self.path)
        try:
            if try_lock(self._file) and os.path.samestat(os.stat(self.path), os.fstat(self._file)):
                return True
        except FileNotFoundError:
            pass
        os.close(self._file)
        return False

    def write_note(self, note: dict[str, object]) -> None:
        """Write down what those should know who come after us; at most NOTE_SIZE bytes as JSON."""
        data = json.dumps(note, ensure_ascii=False).encode(errors="backslashreplace")  # as JSON escapes, but shorter
        try:
            os.pwrite(self._file, data.ljust(NOTE_SIZE), 0)
        except OSError:
            pass  # a disk so full that even this fails: the marks on the processes must do

    def release(self) -> None:
        """Remove the file and give the lock back."""
        _unlink(self.path)
        os.close(self._file)


class OrphanedLock:
    """The lock of a process that may have died, taken if it has, so that no one else clears up after it meanwhile.

    is_taken: it is dead, and we hold its lock; is_missing: there is no such file. Neither: it is alive, or somebody
    else is looking.
    """

    def __init__(self, path: str) -> None:
        """Try to take the lock at `path`, without waiting. Raises OSError."""
        self.path = path
        self.is_taken = self.is_missing = False
        self._file = -1
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            self.is_missing = True
            return
        self.is_taken = try_lock(self._file)
        if not self.is_taken:
            os.close(self._file)

    @property
    def note(self) -> dict:
        """Return what the dead process last noted; nothing where the lock was not taken."""
        return _parse_note(self._file) if self.is_taken else {}

    def remove(self) -> None:
        """Clear the file away, if the lock was taken; the lock goes with it."""
        if self.is_taken:
            _unlink(self.path)
            self.close()

    def close(self) -> None:
        """Give the lock back, if it was taken, and leave the file to others."""
        if self.is_taken:
            self.is_taken = False
            os.close(self._file)


def read_note(path: str) -> dict:
    """Return what the process that holds, or held, the lock at `path` last noted there."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return _parse_note(file)
    finally:
        os.close(file)


def _parse_note(file: int) -> dict:
    try:
        return dict(json.loads(os.pread(file, NOTE_SIZE, 0)))
    except ValueError:
        return {}  # it died before it wrote one


def is_held(path: str) -> bool:
    """Return whether a living process holds the lock at `path`. Asks for a shared lock, so that askers do not meet."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(file, shared=True)
    finally:
        os.close(file)


class Leftovers(NamedTuple):
    """What processes left that died before they were registered, or after they had signed off."""

    locks: set[str]  # names of lock files that nobody holds
    fifos: set[str]  # names of FIFOs (see `wakeup`) without a lock file that somebody holds


def find_leftovers(locks: str, fifos: str, read_known: Callable[[], set[str]]) -> Leftovers:
    """Return what lies in the directories `locks` and `fifos` of processes that are gone.

    read_known: gives the names of those that are registered, and whose recovery takes care of what they left.
    """
    shown = wakeup.all_names(fifos)  # before the locks: who has a FIFO had a lock first
    names = set(os.listdir(locks)) if os.path.isdir(locks) else set()
    known = read_known()
    stale = {name for name in names - known if not is_held(os.path.join(locks, name))}
    left = {name for name in stale if os.path.lexists(os.path.join(locks, name))}  # else it has gone by itself
    return Leftovers(left, (shown - known - (names - stale)) & wakeup.all_names(fifos))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
