"""Tickets: the right of one attempt to run somewhere else, and what is said there about how it went.

    N          the ticket, written before anything is submitted: what to run, as a shell reads it
    N.revoked  it was renamed away by who no longer wants the attempt to run: nothing will be run by it
    N.taken    it was renamed by the guard that runs it
    N.in       what it reads            N.out   what it wrote so far
    N.exit     written by rename when nothing of it is left on its node: exit code, node, how that came
    N.done     made by an agent that says it is done
    N.note     what its worker knows of it, for recovery and for who looks

N is the attempt's number, the files lie in home's tickets/, which its node must see. A rename decides who was first;
over NFS one that succeeded may be reported as failed: then both sides take it that the other one has the ticket, and
nothing runs. Used by the executors whose attempts run elsewhere, by `places` and by
`presence`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time

from ...errors import StoreUnavailable
from ...home import location
from ...system.named_tuple import NamedTuple
from .guard import PIPE, SCRIPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...agents.environment import Invocation

DIRECTORY = "tickets"
TAKEN, REVOKED, EXIT, OUTPUT, INPUT, DONE_FILE, NOTE = ".taken", ".revoked", ".exit", ".out", ".in", ".done", ".note"
# In the order in which they are removed: a guard's second process takes it that no end was written where there is none,
# but what was taken.
ENDINGS = ("", ".new", TAKEN, INPUT, DONE_FILE, OUTPUT, ".pipe", ".exit.new", EXIT, REVOKED, NOTE, NOTE + ".new")
NOTE_SIZE = 1024  # bytes that a note takes, at the least
KEPT = 10 << 20  # bytes
CHUNK = 1 << 18  # bytes of output that are read at once
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


class Exit(NamedTuple):
    """What a guard wrote about the end of its attempt."""

    code: int  # as the shell counts
    node: str
    manner: str  # "": by itself; "signalled": its guard was sent a TERM; "killed": it was killed; model.UNKILLABLE

    @property
    def is_plain(self) -> bool:
        """Whether it ended by itself, with 0."""
        return not self.code and not self.manner


class Ticket:
    """The ticket of one attempt, and the files beside it."""

    def __init__(self, home: str, attempt: int) -> None:
        """home: its directory."""
        self.attempt = attempt
        self._home = home
        self._path = os.path.join(home, DIRECTORY, str(attempt))

    @property
    def path(self) -> str:
        """Return the path of the ticket itself."""
        return self._path

    def write(self, invocation: Invocation, directory: str | None, inherited: Mapping[bytes, bytes]) -> None:
        """Write the ticket. inherited: variables that need not be set there. Raises OSError."""
        self.remove(but=NOTE)
        make_directory(self._home)
        if invocation.stdin is not None:
            self._write(INPUT, invocation.stdin)
        self._write(".new", _compose(invocation, directory, inherited))
        os.rename(self._path + ".new", self._path)

    def write_note(self, note: Mapping[str, object]) -> None:
        """Write down what recovery must know. Raises OSError.

        It is written over what was noted before, by one write with room to grow: any kill leaves it whole. To rename
        another file there costs ext4 milliseconds, for each of several notes of each attempt."""
        data = json.dumps(note).encode().ljust(NOTE_SIZE)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        try:
            file = os.open(self._path + NOTE, flags, 0o600)
        except FileNotFoundError:
            make_directory(self._home)
            file = os.open(self._path + NOTE, flags, 0o600)
        try:
            if os.pwrite(file, data, 0) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if os.fstat(file).st_size > len(data):
                os.ftruncate(file, len(data))  # one that was longer than there is room for
        finally:
            os.close(file)

    def revoke(self) -> bool:
        """Rename the ticket away; return whether nothing will be run by it, and nothing was: that succeeded, or there
        is none, as of an attempt whose worker died before it had written one."""
        try:
            os.rename(self._path, self._path + REVOKED)
        except OSError:
            return self._is_looked_for_again() and not self.is_taken and not os.path.exists(self._path)
        return True

    def _is_looked_for_again(self) -> bool:
        try:
            refresh(self._home)
        except FileNotFoundError:
            return True  # there is no directory
        except OSError:
            return False
        return True

    @property
    def is_revoked(self) -> bool:
        """Whether it was renamed away."""
        return os.path.exists(self._path + REVOKED)

    @property
    def is_taken(self) -> bool:
        """Whether a guard has renamed it."""
        return os.path.exists(self._path + TAKEN)

    @property
    def is_done_said(self) -> bool:
        """Whether the agent has made the file that says it is done."""
        return os.path.lexists(self._path + DONE_FILE)

    @property
    def done_file(self) -> str:
        """Return the path that an agent makes to say that it is done."""
        return self._path + DONE_FILE

    def read_exit(self) -> Exit | None:
        """Return what its guard wrote of the end, if it did."""
        try:
            with open(self._path + EXIT) as file:
                code, node, manner = file.read().split()
        except (OSError, ValueError):
            return None
        return Exit(int(code), node, "" if manner == "-" else manner)

    @property
    def age(self) -> float:
        """Return how many seconds ago it was taken, as far as the clocks of its file system and of this host agree."""
        try:
            return max(time.time() - os.stat(self._path + TAKEN).st_ctime, 0.0)
        except OSError:
            return 0.0

    def duration(self) -> float | None:
        """Return how many seconds passed from the moment it was taken to its end, by the clock of the file system."""
        try:
            taken, ended = os.stat(self._path + TAKEN), os.stat(self._path + EXIT)
        except OSError:
            return None
        return max(ended.st_mtime - taken.st_ctime, 0.0)

    def read_output(self, start: int) -> bytes:
        """Return the next part of what it wrote, from this offset; b"" where there is no more now."""
        try:
            with open(self._path + OUTPUT, "rb", buffering=0) as file:
                return os.pread(file.fileno(), CHUNK, start)
        except OSError:
            return b""

    def read_all(self) -> bytes | None:
        """Return all that it wrote, or the end of what is more than KEPT; None where it wrote nothing."""
        try:
            with open(self._path + OUTPUT, "rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - KEPT, 0))
                return file.read()
        except OSError:
            return None

    def remove(self, but: str = "") -> None:
        """Remove all files of the attempt, the ticket first; but: the ending of one that stays."""
        for ending in ENDINGS:
            if ending != but or not but:
                _remove(self._path + ending)

    def script(self, mark: str, kill_after: float, daemons: bool) -> bytes:
        """Return the script of a job that runs it: the guard, with what it must know.

        mark: the value of TXLITE_ATTEMPT. kill_after: seconds. daemons: what it leaves running is left on purpose."""
        arguments = (self._path, mark, str(max(int(kill_after + 0.5), 0)), "yes" if daemons else "no")
        given = b" ".join(map(_quote, map(os.fsencode, arguments)))
        return b"#!/bin/sh\nset -- " + given + SCRIPT.encode()

    def _write(self, ending: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with open(os.open(self._path + ending, flags, 0o600), "wb") as file:
            file.write(data)


def read_note(home: str, attempt: int) -> dict:
    """Return what its worker noted of an attempt that runs elsewhere; {} where that is nothing."""
    try:
        with open(os.path.join(home, DIRECTORY, f"{attempt}{NOTE}"), encoding="utf-8") as file:
            note = json.load(file)
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def is_there(home: str, attempt: int) -> bool:
    """Return whether there is a ticket of this attempt, whatever it is called now, or what was written about it."""
    path = os.path.join(home, DIRECTORY, str(attempt))
    return any(os.path.exists(path + ending) for ending in ("", TAKEN, EXIT, REVOKED, NOTE))


def scan(home: str) -> dict[int, set[str]]:
    """Return the endings of the files that there are of each attempt ("" of the ticket itself)."""
    found: dict[int, set[str]] = {}
    try:
        names = os.listdir(os.path.join(home, DIRECTORY))
    except OSError:  # it is not there, or its server does not answer
        return {}
    for name in names:
        number, dot, ending = name.partition(".")
        if number.isascii() and number.isdigit():
            found.setdefault(int(number), set()).add(dot + ending)
    return found


def refresh(home: str) -> None:
    """Have the next look at the tickets see what other hosts did: a client of NFS believes what it knows of a directory
    for up to a minute, unless it changes it itself. Raises OSError."""
    path = os.path.join(home, DIRECTORY, ".look")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.unlink(path)


def changed(home: str) -> int:
    """Return when the directory of the tickets was last changed, in nanoseconds; 0 where that is not known."""
    try:
        return os.stat(os.path.join(home, DIRECTORY)).st_mtime_ns
    except OSError:
        return 0


def make_directory(home: str) -> None:
    """Make the directory of the tickets, if it is not there. Raises OSError."""
    path = os.path.join(home, DIRECTORY)
    if not os.path.isdir(path):
        os.makedirs(path, 0o700, exist_ok=True)
        location.ignore(home, DIRECTORY)


def check_directory(home: str) -> None:
    """Make sure that tickets can be written. Raises StoreUnavailable."""
    path = os.path.join(home, DIRECTORY)
    try:
        make_directory(home)
        refresh(home)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):  # that passes, and is waited for
            raise StoreUnavailable(
                f"{path} cannot be written ({error.strerror}), and each attempt needs a ticket there: change its rights"
            ) from error


def _compose(invocation: Invocation, directory: str | None, inherited: Mapping[bytes, bytes]) -> bytes:
    """What a shell reads: the variables that are not inherited, the directory, and the command in its place."""
    own = {name: value for name, value in invocation.environment.items() if inherited.get(name) != value}
    lines = [b"export %s=%s" % (name, _quote(value)) for name, value in own.items() if _NAME.fullmatch(name)]
    if directory:
        place = _quote(os.fsencode(directory))
        lines.append(b"cd %s || { echo txlite: there is no directory %s on $(uname -n); exit 126; }" % (place, place))
    lines.append(b"exec " + b" ".join(_quote(os.fsencode(word)) for word in invocation.argv) + b" %d>&-" % PIPE)
    return b"\n".join(lines) + b"\n"


def _quote(word: bytes) -> bytes:
    """A word as a shell reads it, whatever bytes it is of."""
    return b"'" + word.replace(b"'", b"'\\''") + b"'"


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        import shutil  # every run would load it

        shutil.rmtree(path, ignore_errors=True)  # an agent made it one
