"""File locks: one that is exclusive, with a deadline; one that keeps other hosts out.

`db` holds the first around every write, checkpoint and close. The wait is a blocking flock, so that the kernel
decides who is next (polling gives fairness away), and a timer's signal ends it. Signals reach the main
thread only; other threads of a program have to poll. The holder writes its PID into the file: a wait that
was too long can name whom it waited for.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import threading
import time

from ..errors import StoreUnavailable
from . import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


class _Deadline(Exception):
    pass


def _raise(signum: int, frame: FrameType | None) -> None:
    raise _Deadline


class FileLock:
    """Exclusive between processes by flock, between the threads of one by a threading.Lock.

    Its descriptor must be opened in the process that uses it: flock belongs to the open file, and a
    descriptor that came across a fork would share the lock.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self.path = path
        self.timeout = timeout  # seconds
        self._threads = threading.Lock()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])  # a caller may have blocked it
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write the lock file {path}: {error.strerror}: give a home that you can write with --home"
            ) from error

    def acquire(self) -> None:
        """Take the lock; StoreUnavailable when `timeout` seconds pass, or where flock does not work."""
        deadline = clock.monotonic() + self.timeout
        if not self._threads.acquire(timeout=self.timeout):
            raise self._too_long("another thread of this process")
        try:
            if not self._try():
                if threading.current_thread() is threading.main_thread():
                    self._wait(deadline)
                else:
                    self._poll(deadline)
            self._sign()
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        os.close(self._file)

    def _sign(self) -> None:
        try:
            os.pwrite(self._file, b"%-11d\n" % os.getpid(), 0)
        except OSError:
            pass  # a full disk: only the message of somebody who waited too long suffers

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                raise
            raise StoreUnavailable(
                f"{self.path} cannot be locked ({error.strerror}): its file system has no flock; use a home on a "
                "local disk, as TXLITE_HOME=/var/tmp/$USER-txlite"
            ) from error
        return True

    def _wait(self, deadline: float) -> None:
        handler = signal.signal(signal.SIGALRM, _raise)
        started = clock.monotonic()
        # It goes on firing: the first signal could fall between Python's last check and the system call.
        earlier = signal.setitimer(signal.ITIMER_REAL, max(deadline - started, 0.001), 0.05)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except _Deadline:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # it may have come through at the last moment
            raise self._too_long(self._holder()) from None
        finally:
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
    """Keeps a second host off a home on a network file system, for as long as a process of the first lives.

    All processes of one host share the lock on a file that names their host; who finds nobody else there may put
    its own name in. Raises StoreUnavailable, naming the other host.
    """

    def __init__(self, path: str, host: str, patience: float = 5.0) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(self._file, host.encode().ljust(255), 0)
        except BlockingIOError:
            pass  # somebody is here: perhaps of our host
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if self._read() == host:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def _read(self) -> str:
        return os.pread(self._file, 255, 0).decode(errors="replace").strip()

    def close(self) -> None:
        os.close(self._file)


def _stop_timer(handler: object, earlier: tuple[float, float], passed: float) -> None:
    """End our use of the interval timer and give a program that embeds us its own back."""
    for _ in range(2):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)  # type: ignore[arg-type]
            break
        except _Deadline:
            continue
    if earlier[0]:
        signal.setitimer(signal.ITIMER_REAL, max(earlier[0] - passed, 0.001), earlier[1])
