"""The error tree. Each class carries the exit code that the command line gives it.

Raised everywhere, caught in one place (`cli`). A message is one line: what is wrong, with the name
of the thing, and what to do about it. The codes above 63 are those of BSD's sysexits(3).
"""

from __future__ import annotations


class Error(Exception):
    """Base of all that txlite raises on purpose."""

    exit_code = 1


class Refused(Error):
    """The request was understood and is not allowed now. Nothing was changed."""


class AlreadyClaimed(Refused):
    """Another worker holds the task."""


class NotReady(Refused):
    """The task cannot be claimed: its state, a blocker, its time or a reservation forbids it."""


class LeaseLost(Refused):
    """The caller no longer holds the claim that it speaks for."""


class InvalidMove(Refused):
    """The task's state does not allow the change."""


class DependencyCycle(Refused):
    """The dependency would make a task wait for itself."""


class NotFound(Error):
    """What was named does not exist."""

    exit_code = 2


class TaskNotFound(NotFound):
    """No task has this id."""


class UsageError(Error):
    """The request makes no sense: an unknown option, a value of the wrong form."""

    exit_code = 64


class InvalidValue(UsageError):
    """A value that no task, claim or worker can have."""


class StoreUnavailable(Error):
    """Home or its database cannot be used: missing rights, corrupt, full, newer, busy for too long."""

    exit_code = 69


class StoreLost(StoreUnavailable):
    """The database file is not the one that was opened, or a commit may not last: trying again will not help."""


class NoRoom(Error):
    """The system has no process, memory or descriptor left for us: a limit, and no fault of home or of a task."""

    exit_code = 69


class Interrupted(Error):
    """Stopped by a signal before the work was over."""

    exit_code = 130


class Bug(Error):
    """Something nobody raised on purpose: ours. The message names the file with the traceback."""

    exit_code = 70


def told(exit_code: int, message: str) -> Error:
    """Return the error that another process of ours told of, by its exit code and its line."""
    kinds = (Refused, NotFound, UsageError, StoreUnavailable, Bug, Interrupted)
    return {kind.exit_code: kind for kind in kinds}[exit_code](message)


def find_shortage(error: BaseException) -> NoRoom | None:
    """Return what to raise instead of an error that tells of a limit of the system; None for any other error."""
    import errno

    if isinstance(error, MemoryError):
        return NoRoom("there is no memory left: see `ulimit -v` and the machine's memory")
    if not isinstance(error, OSError):
        return None
    named = f"{error.filename}: " if error.filename else ""
    what = {
        errno.EAGAIN: "no process could be started, or the output takes no more: see `ulimit -u`",
        errno.ENOMEM: "there is no memory left: see `ulimit -v` and the machine's memory",
        errno.EMFILE: f"{named}too many files are open in one process: raise `ulimit -n`",
        errno.ENFILE: f"{named}too many files are open on this machine: end what holds them",
    }.get(error.errno or 0)
    return NoRoom(what) if what else None


def record_bug(context: str) -> Bug:
    """Write the traceback of the exception that is being handled into a file; what to raise instead."""
    import sys
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="txlite-bug-", suffix=".txt", delete=False) as file:
        file.write(f"{context}\nPython {sys.version}, {sys.platform}\n\n{traceback.format_exc()}")
    name = type(sys.exc_info()[1]).__name__
    return Bug(f"this is a bug in txlite ({name}): please report it with {file.name}")
