"""A report's life: TEMP name, live output, final name.

    workers/20251024_150000_TEMP_shell_task.md    while the attempt runs; output is appended as it comes
    workers/20251024_150000_54321_shell_task.md   when it ended, however it ended

A further part, the attempt's number, makes a name unique where two would be the same. At the end the result is
written over the room left for it in the head, the file is synced (unless the database holds all of its output)
and linked under its final name without clobbering; then the TEMP name goes. `salvage` does what is left of that
for a worker that died at any point of it. It is one file all along: before it makes a new file, ext4 looks at
each inode that was deleted in the last seconds, so that deleting one for each attempt slows a thousand of them
down tenfold. Output beyond the cap keeps its head and its tail, with a mark between. Used by `worker` and
`recovery`.
"""

from __future__ import annotations

import errno
import os

from . import clock, text
from .record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .claims import Result
    from .model import Task

CAP = 10 << 20  # bytes of output kept, by default
SMALLEST_CAP = 1024
TAIL = 2000  # bytes of output that go into the database
FENCE = b"~" * 16 + b"\n"
OUTPUT = b"\n## Output\n\n" + FENCE
RESULT = b"**Outcome:** "
RESULT_ROOM = 400  # bytes
_MARK = b"\n[txlite: %15d bytes of output were cut here]\n"
_MARK_LENGTH = len(_MARK % 0)


class Heading(NamedTuple):
    """What a report says about its attempt from the start."""

    task: str
    title: str
    attempt: int
    agent: str
    started: str
    directory: str
    text: str  # the command, or the prompt

    @classmethod
    def of(cls, task: Task, attempt: int, agent: str) -> Heading:
        prompt = task.title + ("\n\n" + task.description if task.description else "")
        body = task.command if task.command is not None else prompt
        return cls(task.id, task.title, attempt, agent, clock.now(), task.directory or "", body)


class Report:
    """The report of one running attempt.

    directory: where it lies (absolute). stamp: as `clock.stamp` writes it. cap: bytes of output kept on disk.
    A full disk ends the report, not the attempt: the result's note says so.
    """

    def __init__(self, directory: str, stamp: str, heading: Heading, cap: int = CAP) -> None:
        self._heading = heading
        self._directory = directory
        self._stamp = stamp
        self._cap = max(cap, SMALLEST_CAP)
        self._size = 0  # bytes of output in the file
        self._cut = 0
        self._file = -1
        self._trouble: str | None = None
        head = _head(heading)
        self._start = len(head)
        self._path = _draft(directory, heading)
        try:
            self._file = _create(self._path)
            if os.write(self._file, head) < len(head):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._path = _link(self._path, _names(directory, stamp, "TEMP", heading))
        except OSError as error:
            self._trouble = f"it has no report: {error.strerror}"
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        _remove(_draft(directory, heading))

    def write(self, data: bytes) -> None:
        """Append output."""
        try:
            while data and not self._trouble:
                if self._size >= self._cap:
                    self._cut_middle()
                written = os.pwrite(self._file, data[: self._cap - self._size], self._start + self._size)
                self._size += written
                data = data[written:]
        except OSError as error:
            # No more output is written; what stands in the file stays, and it gets its final name all the same.
            self._trouble = f"output was lost: {error.strerror}"

    def finish(self, result: Result, pid: int) -> Result:
        """Give the report its final name; `result` with the report's path and the end of the output."""
        if self._trouble:
            result = result._replace(note=f"{result.note}; {self._trouble}" if result.note else self._trouble)
        if self._file < 0:
            return result
        try:
            result = result._replace(tail=_read_tail(self._file, self._start))
            return result._replace(report=self._complete(result, pid))
        except OSError as error:
            return result._replace(note=f"its report could not be completed: {error.strerror}")
        finally:
            os.close(self._file)
            self._file = -1

    def _complete(self, result: Result, pid: int) -> str:
        return _complete(self._file, self._start, self._path, self._directory, self._stamp, self._heading, result, pid)

    def _cut_middle(self) -> None:
        head, tail = self._cap // 2, self._cap // 4
        kept = os.pread(self._file, tail, self._start + self._size - tail)
        self._cut += self._size - head - tail - (_MARK_LENGTH if self._cut else 0)
        os.ftruncate(self._file, self._start + head)
        self._size = head
        for part in (_MARK % self._cut, kept):
            self._size += os.pwrite(self._file, part, self._start + self._size)


def salvage(directory: str, stamp: str, heading: Heading, result: Result, pid: int) -> Result:
    """Complete the report of an attempt whose worker died, wherever it had come; `result` with the report's path
    and the end of the output, if there is one."""
    _remove(_draft(directory, heading))
    for path in _names(directory, stamp, "TEMP", heading) + _names(directory, stamp, str(pid), heading):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            start = os.pread(file, os.fstat(file).st_size, 0).find(OUTPUT) + len(OUTPUT)
            if f"\n**Attempt:** {heading.attempt}  \n".encode() in os.pread(file, start, 0):
                result = result._replace(tail=_read_tail(file, start))
                return result._replace(report=_complete(file, start, path, directory, stamp, heading, result, pid))
        finally:
            os.close(file)
    return result


def _names(directory: str, stamp: str, middle: str, heading: Heading) -> list[str]:
    """The names that a report can have, the one to try first first."""
    stem = os.path.join(directory, f"{stamp}_{middle}_{heading.agent}_task")
    return [stem + ".md", f"{stem}_{heading.attempt}.md"]


def _create(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _draft(directory: str, heading: Heading) -> str:
    """The name of a report until its head is written, so that no report is ever without one."""
    return os.path.join(directory, f".attempt-{heading.attempt}.new")


def _complete(
    file: int, start: int, path: str, directory: str, stamp: str, heading: Heading, result: Result, pid: int
) -> str:
    """Write the result, sync, and move from `path` to the final name; that name below home."""
    size = os.fstat(file).st_size
    try:
        os.pwrite(file, _result(result, pid), os.pread(file, start, 0).index(b"\n" + RESULT) + 1)
        end = os.pread(file, len(FENCE) + 1, max(size - len(FENCE) - 1, 0))
        if size == start or end != b"\n" + FENCE:  # else a worker that died had come further than this
            os.pwrite(file, FENCE if end.endswith(b"\n") else b"\n" + FENCE, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise  # a full disk may take the name, though it does not take the last line
    if size - start > TAIL:  # a shorter output stands in the database, which is synced, from end to end
        os.fsync(file)
    final = _link(path, _names(directory, stamp, str(pid), heading))
    if final != path:
        os.unlink(path)
    return os.path.join(os.path.basename(directory), os.path.basename(final))


def _link(path: str, names: list[str]) -> str:
    """The first of these names that is, or can be made, a link to the file at `path`."""
    for name in names:
        try:
            os.link(path, name)
            return name
        except FileExistsError as error:
            if os.path.samefile(path, name):
                return name
            taken = error
    raise taken


def _head(heading: Heading) -> bytes:
    lines = [
        "# Worker Task Report",
        "",
        f"**Task:** {text.shorten(heading.title, 200)}  ",
        f"**ID:** {heading.task}  ",
        f"**Attempt:** {heading.attempt}  ",
        f"**Agent:** {heading.agent}  ",
        f"**Directory:** {text.printable(heading.directory)}  ",
        f"**Started:** {heading.started}  ",
        RESULT.decode() + "running".ljust(RESULT_ROOM - len(RESULT)),
        "",
        "## Task",
        "",
        *("    " + line for line in heading.text.split("\n")),
        "",
    ]
    return "\n".join(lines).encode() + OUTPUT


def _result(result: Result, pid: int) -> bytes:
    """The lines about the result, as long as the room that is left for them."""
    why = f" ({text.printable(result.note)})" if result.note else ""
    took = "unknown" if result.duration is None else text.duration(result.duration)
    code = "none" if result.exit_code is None else str(result.exit_code)
    facts = f"  \n**Ended:** {clock.now()}  \n**Duration:** {took}  \n**PID:** {pid}  \n**Exit code:** {code}  "
    first = RESULT + f"{result.outcome}{why}".encode()[: RESULT_ROOM - len(RESULT) - len(facts)]
    return (first.decode(errors="ignore") + facts).encode().ljust(RESULT_ROOM)


def _read_tail(file: int, start: int) -> str:
    size = os.fstat(file).st_size
    output = os.pread(file, TAIL, max(start, size - TAIL))
    return output.decode("utf-8", "replace").replace("\0", "\ufffd")
