"""File locks, by flock(2): the one place that takes and gives them back.

    try_lock, unlock   on a descriptor, never waiting: what the other three, and `liveness`, are made of
    PolledLock         exclusive, asked for again and again by a loop that has other work meanwhile
    FileLock           exclusive between processes and threads, with a deadline
    HostLock           shared by the processes of one host, and exclusive between hosts

The kernel gives a lock back when its last descriptor is closed, whatever ended the process; every descriptor here is
closed in children that exec. `store` holds a FileLock around every write, checkpoint and close, `reports` around a
cleanup; `git` and `ralph` poll. A wait for a FileLock is a blocking flock, so that the kernel decides who is next
(polling gives fairness away), and a timer's signal ends it. Signals reach the main thread only (see `signal` in
Python's library reference); other threads of a program have to poll.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from _thread import allocate_lock  # threading.Lock, without importing threading

from ..errors import StoreUnavailable
from . import clock


def open_lock(path: str) -> int:
    """Return a descriptor of the lock file at `path`, which is made (0600) where it is missing. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(file: int, shared: bool = False) -> bool:
    """Lock an open file, exclusively or shared, if nobody is in the way; return whether that was so.

    file: a descriptor that was opened in this process: flock belongs to the open file, and one that came across a
    fork would share it. Turning one kind of lock into the other may lose both (flock(2)). Raises OSError where the
    file system has no flock.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(file: int) -> None:
    """Give the lock of an open file back, if there is one."""
    fcntl.flock(file, fcntl.LOCK_UN)


class PolledLock:
    """An exclusive lock on a file for a loop that must not block. A context manager that gives it back at its end."""

    def __init__(self, path: str) -> None:
        """Open the lock file; nothing is locked yet. Raises OSError."""
        self._file = open_lock(path)

    def try_acquire(self) -> bool:
        """Take the lock if it is free; return whether we hold it now. Never waits."""
        return try_lock(self._file)

    def close(self) -> None:
        """Give the lock back, if it was taken."""
        os.close(self._file)

    def __enter__(self) -> PolledLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Deadline(Exception):
    pass


class FileLock:
    """A lock that is exclusive between processes by flock, and between the threads of one by a threading.Lock.

    To be made in the process that uses it. Its holder writes its PID into the file, so that a wait that was too long
    can name whom it waited for.
    """

    def __init__(self, path: str, timeout: float) -> None:
        """Open the lock file; nothing is locked yet. timeout: seconds. Raises StoreUnavailable."""
        import signal

        self.path = path
        self.timeout = timeout
        self._threads = allocate_lock()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])  # a caller may have blocked it
        try:
            self._file = open_lock(path)
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write the lock file {path}: {error.strerror}: give a home that you can write with --home"
            ) from error

    def acquire(self) -> None:
        """Take the lock. Raises StoreUnavailable when `timeout` seconds pass, or where flock does not work."""
        deadline = clock.monotonic() + self.timeout
        if not self._threads.acquire(timeout=self.timeout):
            raise self._too_long("another thread of this process")
        try:
            if not self._try():
                self._wait(deadline) if _is_main_thread() else self._poll(deadline)
            self._sign()
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        """Give the lock back."""
        unlock(self._file)
        self._threads.release()

    def close(self) -> None:
        """Close the lock file, once the lock was given back."""
        os.close(self._file)

    def _sign(self) -> None:
        try:
            os.pwrite(self._file, b"%-11d\n" % os.getpid(), 0)
        except OSError:
            pass  # a full disk: only the message of somebody who waited too long suffers

    def _try(self) -> bool:
        try:
            return try_lock(self._file)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                raise
            raise StoreUnavailable(
                f"{self.path} cannot be locked ({error.strerror}): its file system has no flock; use a home on a "
                "local disk, as TXLITE_HOME=/var/tmp/$USER-txlite"
            ) from error

    def _wait(self, deadline: float) -> None:
        import signal

        is_waiting = True

        def end(signum: int, frame: object) -> None:
            nonlocal is_waiting
            if is_waiting:  # once: on a busy machine the next one comes while we deal with the first
                is_waiting = False
                raise _Deadline

        handler = signal.signal(signal.SIGALRM, end)
        started, earlier = clock.monotonic(), (0.0, 0.0)
        try:
            # It goes on firing: the first signal could fall between Python's last check and the system call.
            earlier = signal.setitimer(signal.ITIMER_REAL, max(deadline - started, 0.001), 0.05)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            is_waiting = False
        except _Deadline:
            unlock(self._file)  # it may have come through at the last moment
            raise self._too_long(self._holder()) from None
        finally:
            is_waiting = False
            _stop_timer(handler, earlier, clock.monotonic() - started)

    def _poll(self, deadline: float) -> None:
        pause = 0.001
        while not self._try():
            if clock.monotonic() >= deadline:
                raise self._too_long(self._holder())
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _holder(self) -> str:
        pid = os.pread(self._file, 11, 0).decode("ascii", "replace").strip()
        return f"process {pid}" if pid else "another process"

    def _too_long(self, holder: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.path} has been locked for {self.timeout:g} s by {holder}: see what it does, or stop it"
        )


class HostLock:
    """What keeps a second host off a home on a network file system, for as long as a process of the first lives.

    All processes of one host share the lock on a file that names their host; who finds nobody else there may put
    its own name in.
    """

    def __init__(self, path: str, host: str, patience: float = 5.0) -> None:
        """Take the lock within `patience` seconds. Raises StoreUnavailable, naming the other host; OSError."""
        self._file = open_lock(path)
        deadline = clock.monotonic() + patience
        while not self._enter(host):
            if clock.monotonic() > deadline:
                other = self._read()
                self.close()
                raise StoreUnavailable(
                    f"{path} says that host {other} works here: a home on a network file system is for one host at a "
                    "time; wait, or give another with --home"
                )
            time.sleep(0.05)

    def _enter(self, host: str) -> bool:
        if try_lock(self._file):  # else somebody is here: perhaps of our host
            os.pwrite(self._file, host.encode().ljust(255), 0)
        if not try_lock(self._file, shared=True):
            return False
        if self._read() == host:
            return True
        unlock(self._file)
        return False

    def _read(self) -> str:
        return os.pread(self._file, 255, 0).decode(errors="replace").strip()

    def close(self) -> None:
        """Give our share of the lock back."""
        os.close(self._file)


def _is_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _stop_timer(handler: object, earlier: tuple[float, float], passed: float) -> None:
    """End our use of the interval timer and give a program that embeds us its own back."""
    import signal

    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)  # type: ignore[arg-type]
    if earlier[0]:
        signal.setitimer(signal.ITIMER_REAL, max(earlier[0] - passed, 0.001), earlier[1])
