"""What attempts wrote, whole, for as long as the run that was asked for it has not printed it.

    outputs/N.out  N.err    stdout and stderr of attempt N, each made only when there is something

A report keeps the two mixed, and no more than its cap. These files are complete before the end of their attempt is
noted anywhere, so that whoever goes on after a kill finds them; they go when they are printed, when their task goes
back to the queue, or by `cleanup`. Written by workers, read by `view.task_output`.
"""

from __future__ import annotations

import errno
import os

from ..model import DONE, FAILED
from .naming import create_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..store.attempts import Result

DIRECTORY = "outputs"  # below home
OUT, ERR = ".out", ".err"
HELD = 1 << 16  # bytes that wait for the end of the attempt: a short one writes once
SPARED = 1 << 20  # bytes that are given up where there was no room for all


def output_path(home: str, attempt: int, kind: str) -> str:
    """Return the path of what an attempt wrote; kind: OUT or ERR."""
    return os.path.join(home, DIRECTORY, f"{attempt}{kind}")


def remove_output(home: str, attempt: int) -> None:
    """Remove what is kept of an attempt, if anything is."""
    for kind in (OUT, ERR):
        try:
            os.unlink(output_path(home, attempt, kind))
        except OSError:
            pass  # there is none; or it is for `cleanup`, which complains


def kept_attempts(home: str) -> list[int]:
    """Return the numbers of the attempts of which something is kept, in order."""
    try:
        names = os.listdir(os.path.join(home, DIRECTORY))
    except OSError:
        return []  # nothing was ever kept
    stems = {name[: -len(OUT)] for name in names if name.endswith((OUT, ERR))}
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def close_kept(streams: Iterable[KeptStream], result: Result) -> Result:
    """Have all of an attempt's output in its files, before its end is noted; return the result with what that adds: one
    whose output is not whole did not succeed."""
    for stream in streams:
        stream.close()
        if stream.trouble:
            outcome = FAILED if result.outcome == DONE else result.outcome
            result = result._replace(outcome=outcome).add_reason(f"its output is not whole: {stream.trouble}")
    return result


class KeptStream:
    """What an attempt writes to stdout, or to stderr: a sink that keeps all of it, and passes it on to another one.

    A full disk ends what is kept, and not the attempt. trouble: why something of it is missing, once that is so.
    """

    def __init__(self, path: str, pass_on: Callable[[bytes], None]) -> None:
        self.trouble: str | None = None
        self._path = path
        self._pass_on = pass_on
        self._held: list[bytes] = []  # until there is a file
        self._size = 0  # of what is held
        self._file = -1

    def write(self, data: bytes) -> None:
        """Keep it, and pass it on."""
        self._pass_on(data)
        self._held.append(data)
        self._size += len(data)
        if self._size > HELD:
            self._save()

    def close(self) -> None:
        """Have all of it in its file."""
        if self._held:
            self._save()
        if self._file >= 0:
            if self.trouble:  # the disk is full, and how this ended is still to be written down
                os.ftruncate(self._file, max(os.fstat(self._file).st_size - SPARED, 0))
            os.close(self._file)
            self._file = -1

    def _save(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if self.trouble:
            return
        try:
            if self._file < 0:
                self._file = create_first([self._path])[1]
            data = held[0] if len(held) == 1 else b"".join(held)
            while data:
                written = os.write(self._file, data)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                data = data[written:]
        except OSError as error:
            self.trouble = error.strerror or str(error)
