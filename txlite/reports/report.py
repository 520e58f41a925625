"""A report's life: TEMP name, live output, final name.

    workers/20251024_150000_TEMP_shell_task.md    while the attempt runs; output is appended as it comes
    workers/20251024_150000_54321_shell_task.md   when it ended, however it ended

One that is late is made only when its attempt has lasted a moment, or has more to say than one write takes; until then
it is kept in memory, and where the attempt ends meanwhile, it is written once, under its final name. The attempt's
number behind TEMP or the PID (TEMP-6) tells names apart that would be the same. At the end the result is written over
the room left for it in the header, the file is synced (unless the database holds all of its output) and linked under
its final name without clobbering; then the TEMP name goes. It is one file all along: before it makes a new file, ext4
looks at each inode that was deleted in the last seconds, so that deleting one for each attempt slows a thousand of them
down tenfold. Output beyond the cap keeps its beginning and its end, with a mark between. Called by the workers; what is
left to do for one that died, `salvage` does.
"""

from __future__ import annotations

import errno
import os

from .. import text
from ..home import config
from .header import FENCE, MARK, MARK_LENGTH, Header, Layout, render_end, render_header
from .naming import below_home, create, create_first, draft_path, link_first, names_of, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..home.config import Settings
    from ..store.attempts import Result

ONE_WRITE = 1 << 16  # bytes of output that wait for a late report
CAP = 10 << 20  # bytes of output kept, by default
SMALLEST_CAP = 1024
TAIL = 2000  # bytes of output that go into the database


def read_cap(settings: Settings) -> int:
    """Return how many bytes of output are kept, as home's config.ini says. Raises UsageError."""
    return config.parse_option(settings, "output_cap", str(CAP), text.parse_size)


class Report:
    """The report of one running attempt.

    A full disk ends the report, not the attempt: the result's note says so.
    """

    def __init__(
        self,
        directory: str,
        stamp: str,
        header: Header,
        cap: int = CAP,
        is_late: bool = False,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the report under its first name, with its header, unless it is late; nothing is raised where that fails
        (see `trouble`).

        directory: where it lies (absolute). stamp: as `clock.stamp` writes it. cap: bytes of output kept on disk.
        announce: called before there is any file, so that one whose maker dies is found.
        """
        self._header = header
        self._directory = directory
        self._stamp = stamp
        self._cap = max(cap, SMALLEST_CAP)
        self._size = 0  # bytes of output in the file
        self._cut = 0
        self._file = -1
        self._announce = announce
        self._trouble: str | None = None
        self._start = 0  # of the output in the file
        self._path = ""  # "" until it is made
        self._held = b""  # output, until then
        if not is_late:
            self.make()

    def make(self) -> None:
        """Make the report now, if that was not done."""
        if self._path:
            return
        self._announce()
        rendered = render_header(self._header)
        self._start = len(rendered)
        self._path = draft_path(self._directory, self._header)
        try:
            self._open(rendered)
        except OSError as error:
            self._trouble = f"it has no report: {error.strerror}"
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        remove(draft_path(self._directory, self._header))
        self.write(self._held)

    def _open(self, rendered: bytes) -> None:
        self._file = create(self._path)
        if os.write(self._file, rendered) < len(rendered):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        names = names_of(self._directory, self._stamp, "TEMP", self._header)
        if self._header.pid and any(name.startswith(self._stamp) for name in os.listdir(self._directory)):
            names = names[1:]  # the shorter name was told to somebody else, in this second, though it is free again
        self._path = link_first(self._path, names)

    @property
    def name(self) -> str | None:
        """Return its path below home, at this moment; None where there is none."""
        return below_home(self._path) if self._file >= 0 else None

    @property
    def pid(self) -> int | None:
        """Return the PID that its name will carry, where that is known from the start."""
        return self._header.pid

    @property
    def trouble(self) -> str | None:
        """Return what went wrong with it so far."""
        return self._trouble

    def restart(self, started: str) -> None:
        """Write down another time of the start than was written before."""
        self._header = self._header._replace(started=started)
        self._write_layout()

    def move(self, place: str) -> None:
        """Write down another place than was written before; one that runs elsewhere has had some from the start."""
        if place != self._header.place:
            self._header = self._header._replace(place=place)
            self._write_layout()

    def write(self, data: bytes) -> None:
        """Append output."""
        if not self._path:
            if len(self._held) + len(data) <= min(ONE_WRITE, self._cap):
                self._held += data
                return
            self.make()
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
        """Give the report its final name, and return `result` with the report's path and the end of the output."""
        if not self._path:
            return self._write_once(result, pid)
        if self._trouble:
            result = result.add_reason(self._trouble)
        if self._file < 0:
            return result
        try:
            result = result._replace(tail=read_tail(self._file, self._start))
            return result._replace(report=self._give_final_name(result, pid))
        except OSError as error:
            return result._replace(note=f"its report could not be completed: {error.strerror}")
        finally:
            os.close(self._file)
            self._file = -1

    def _write_once(self, result: Result, pid: int) -> Result:
        """Make the report of an attempt that is over, in one write."""
        result = result._replace(tail=decode_tail(self._held[-TAIL:]))
        try:
            path = write_whole(self._directory, self._stamp, self._header, result, pid, self._held)
            return result._replace(report=path)
        except OSError as error:
            return result.add_reason(f"it has no report: {error.strerror}")

    def _give_final_name(self, result: Result, pid: int) -> str:
        names = names_of(self._directory, self._stamp, str(pid), self._header)
        layout = self._layout._replace(size=self._size, is_lost=bool(self._trouble))
        rendered = render_header(self._header, result, pid, self._start, layout)
        return complete(self._file, rendered, self._size, result, self._path, names)

    @property
    def _layout(self) -> Layout:
        return Layout(None, self._cut, self._cap // 2 if self._cut else 0)

    def _write_layout(self, is_changing: bool = False) -> None:
        if self._file >= 0:
            layout = self._layout._replace(is_changing=is_changing)
            os.pwrite(self._file, render_header(self._header, size=self._start, layout=layout), 0)

    def _cut_middle(self) -> None:
        self._write_layout(is_changing=True)
        head, tail = self._cap // 2, self._cap // 4
        kept = os.pread(self._file, tail, self._start + self._size - tail)
        self._cut += self._size - head - tail - (MARK_LENGTH if self._cut else 0)
        os.ftruncate(self._file, self._start + head)
        self._size = head
        for part in (MARK % self._cut, kept):
            self._size += os.pwrite(self._file, part, self._start + self._size)
        self._write_layout()


def prompt_file(directory: str, attempt: int) -> str:
    """Return the path, beside the report, of a prompt that the agent reads from a file."""
    return os.path.join(directory, f".attempt-{attempt}.prompt")


def write_prompt(path: str, prompt: str) -> None:
    """Write the prompt for an agent that reads it from a file; it is removed when the attempt has ended.

    Raises OSError.
    """
    file = create(path)
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(prompt.encode())
    finally:
        os.close(file)


def write_whole(
    directory: str, stamp: str, header: Header, result: Result, pid: int, output: bytes, is_lost: bool = False
) -> str:
    """Write the report of an attempt that has ended under the first of its names that is free; return that, below home.
    Raises OSError."""
    layout = Layout(len(output), is_lost=is_lost)
    data = render_header(header, result, pid, 0, layout) + output + _closing(output) + render_end(result).encode()
    path, file = create_first(names_of(directory, stamp, str(pid), header))
    try:
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(output) > TAIL:  # a shorter output stands in the database, which is synced, from end to end
            os.fsync(file)
    finally:
        os.close(file)
    return below_home(path)


def complete(file: int, header: bytes, size: int, result: Result, path: str, names: list[str]) -> str:
    """Write the result into the header, close the output and say why it ended, sync, and move from `path` to the first
    of `names` that is free; that name below home. Readers rely on the header's coming first."""
    try:
        os.pwrite(file, header, 0)
        end = len(header) + size
        os.pwrite(file, _closing(os.pread(file, 1, end - 1) if size else b"") + render_end(result).encode(), end)
    except OSError:
        pass  # a full disk, or a limit: it may take the name, though it does not take the last line
    if size > TAIL:
        os.fsync(file)
    final = link_first(path, names)
    if final != path:
        os.unlink(path)
    return below_home(final)


def _closing(output: bytes) -> bytes:
    return FENCE if not output or output.endswith(b"\n") else b"\n" + FENCE


def read_tail(file: int, start: int) -> str:
    """Return the end of the output that begins at `start`, as the database keeps it."""
    size = os.fstat(file).st_size
    return decode_tail(os.pread(file, TAIL, max(start, size - TAIL)))


def decode_tail(output: bytes) -> str:
    """Return the end of an output as the database keeps it."""
    return output.decode("utf-8", "replace").replace("\0", "\ufffd")
