"""A file that appears under its name complete, or not at all.

It is written under another name beside it, synced (fsync(2): the file, then its directory), and renamed or linked,
with its mode from its first moment. Used for exports and backups, a loop's page, packed copies and commands.

Three others come into being their own way, because they promise more. A database is built by SQLite under a lock,
which also clears away what others left there (`store.create`). A report is read while it grows, and is linked to the
first of several names that is free (`reports.report`). An archive is read back and compared before it is linked, all
relative to the descriptor of a directory that may not be replaced meanwhile (`reports.archive`).
"""

from __future__ import annotations

import errno
import os
import stat

from ..errors import Refused, StoreUnavailable, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class AtomicFile:
    """A context manager: what is written to `draft` is at `path` when the context ends, unless it ends by an exception.

    replace: what is there may be replaced, if it is a regular file; else it is Refused. mode: as open(2) has it.
    Raises StoreUnavailable where it cannot be written, UsageError for what is no file.
    """

    def __init__(self, path: str, replace: bool, mode: int = 0o600) -> None:
        """Note what is to be written; nothing is made or looked at yet."""
        self.path = os.path.realpath(path)  # the file that a symbolic link leads to is replaced, and not the link
        self.draft = f"{self.path}.{os.getpid()}.new"
        self._replace = replace
        self._mode = mode

    def __enter__(self) -> AtomicFile:
        self._check()
        try:
            os.close(os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode))
        except OSError as error:
            raise self._unavailable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                sync(self.draft)
                self._name()
                sync(os.path.dirname(self.path))
        except OSError as trouble:
            error = trouble
        finally:
            if os.path.lexists(self.draft):
                os.unlink(self.draft)
        if isinstance(error, OSError):
            raise self._unavailable(error) from error

    def _check(self) -> None:
        try:
            mode = os.stat(self.path).st_mode
        except OSError:
            return  # nothing is there, or making it will tell what is wrong
        if not self._replace:
            raise self._refusal()
        if not stat.S_ISREG(mode):
            raise UsageError(f"{self.path} is not a regular file: give another name, or - for stdout")

    def _name(self) -> None:
        if self._replace:
            os.replace(self.draft, self.path)
            return
        try:
            os.link(self.draft, self.path)
        except FileExistsError:
            raise self._refusal() from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._check()  # a file system without links: somebody else's file of this moment would be lost
            os.rename(self.draft, self.path)

    def _refusal(self) -> Refused:
        return Refused(f"{self.path} exists already: give another name, or remove it")

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(f"{self.path} cannot be written: {error.strerror}")


def sync(path: str) -> None:
    """Wait until a file, or a directory's names, are on the disk (fsync(2)). Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
