"""Alive means holding a lock.

A worker or supervisor holds an flock on a file of its own for as long as it lives, in a descriptor that no child
inherits. The kernel lets go of it whatever killed the process; nobody is fooled by a PID that was given again.
Used by workers and supervisors, by `recovery`, and by everything that asks who is alive.
"""

from __future__ import annotations

import fcntl
import json
import os
import time

from ..errors import StoreUnavailable
from . import clock


class Liveness:
    """A lock file that its process holds for as long as it lives, with a note for those who come after.

    The kernel lets go of the lock whatever killed the process; nobody can be fooled by a PID given again.
    """

    _SIZE = 1024

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            deadline = clock.monotonic() + 5.0
            while not self._take():
                if clock.monotonic() > deadline:
                    raise StoreUnavailable(f"{path} is locked by another process")
                time.sleep(0.005)
            os.pwrite(self._file, b"{}".ljust(self._SIZE), 0)  # the room for all that is noted later
        except OSError as error:
            raise StoreUnavailable(f"cannot make and lock {path}: {error.strerror}") from error

    def _take(self) -> bool:
        """Lock the file at our path, whether or not somebody is tidying it away at this moment."""
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.stat(self.path), os.fstat(self._file)):
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(self._file)
        return False

    def write_note(self, note: dict[str, object]) -> None:
        try:
            os.pwrite(self._file, json.dumps(note).encode().ljust(self._SIZE), 0)
        except OSError:
            pass  # a disk so full that even this fails: the marks on the processes must do

    def release(self) -> None:
        """Remove the file and let go of the lock."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        os.close(self._file)


class OrphanedLock:
    """The lock of a process that may have died. `taken`: it is dead, and we hold its lock now, so that
    no one else clears up after it at the same time; `note`: what it left."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.taken = self.is_missing = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            self.is_missing = True
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.taken = True
        except BlockingIOError:
            os.close(self._file)

    @property
    def note(self) -> dict:
        return _parse_note(self._file) if self.taken else {}

    def remove(self) -> None:
        """Clear the file away, if the lock was taken; the lock goes with it."""
        if self.taken:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
            self.close()

    def close(self) -> None:
        if self.taken:
            self.taken = False
            os.close(self._file)


def read_note(path: str) -> dict:
    """What the process that holds, or held, the lock at `path` last noted there."""
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
        return dict(json.loads(os.pread(file, Liveness._SIZE, 0)))
    except ValueError:
        return {}  # it died before it wrote one


def is_held(path: str) -> bool:
    """Whether a living process holds the lock at `path`. Asks for a shared lock, so that askers do not meet."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
