"""A file that appears under its name complete, or not at all.

It is written under another name beside it, synced, and renamed, with mode 0600 from its first moment. Used by
`transfer` for exports and backups.
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
    """Use it as a context manager, and write to `draft`; at the end of the context the file is at `path`.

    replace: what is there may be replaced, if it is a regular file; else it is Refused.
    Raises StoreUnavailable where it cannot be written, UsageError for what is no file.
    """

    def __init__(self, path: str, replace: bool) -> None:
        self.path = os.path.realpath(path)  # the file that a symbolic link leads to is replaced, and not the link
        self.draft = f"{self.path}.{os.getpid()}.new"
        self._replace = replace

    def __enter__(self) -> AtomicFile:
        self._check()
        try:
            os.close(os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise self._unavailable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                _sync(self.draft)
                self._name()
                _sync(os.path.dirname(self.path))
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


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
