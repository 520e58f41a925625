"""A report's life: TEMP name, live output, final name.

    workers/20251024_150000_TEMP_shell_task.md    while the attempt runs; output is appended as it comes
    workers/20251024_150000_54321_shell_task.md   when it ended, however it ended

The attempt's number behind TEMP or the PID (TEMP-6) tells names apart that would be the same. At the end the result is
written over the room left for it in the header, the file is synced (unless the database holds all of its output)
and linked under its final name without clobbering; then the TEMP name goes. `salvage` does what is left of that
for a worker that died at any point of it. It is one file all along: before it makes a new file, ext4 looks at
each inode that was deleted in the last seconds, so that deleting one for each attempt slows a thousand of them
down tenfold. Output beyond the cap keeps its beginning and its end, with a mark between. Called by the workers and
by `recovery`, both in `execution`.
"""

from __future__ import annotations

import errno
import os

from .. import text
from ..home import config
from .header import FENCE, MARK, MARK_LENGTH, Header, Layout, find_output, read_layout, render_end, render_header
from .naming import below_home, create, draft_path, former_names_of, link_first, names_of, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..home.config import Settings
    from ..store.attempts import Result

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

    def __init__(self, directory: str, stamp: str, header: Header, cap: int = CAP) -> None:
        """Make the report under its first name, with its header; nothing is raised where that fails (see `trouble`).

        directory: where it lies (absolute). stamp: as `clock.stamp` writes it. cap: bytes of output kept on disk.
        """
        self._header = header
        self._directory = directory
        self._stamp = stamp
        self._cap = max(cap, SMALLEST_CAP)
        self._size = 0  # bytes of output in the file
        self._cut = 0
        self._file = -1
        self._trouble: str | None = None
        rendered = render_header(header)
        self._start = len(rendered)
        self._path = draft_path(directory, header)
        try:
            self._open(rendered)
        except OSError as error:
            self._trouble = f"it has no report: {error.strerror}"
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        remove(draft_path(directory, header))

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
        """Give the report its final name, and return `result` with the report's path and the end of the output."""
        remove(prompt_file(self._directory, self._header.attempt))
        if self._trouble:
            result = result._replace(note=f"{result.note}; {self._trouble}" if result.note else self._trouble)
        if self._file < 0:
            return result
        try:
            result = result._replace(tail=_read_tail(self._file, self._start))
            return result._replace(report=self._give_final_name(result, pid))
        except OSError as error:
            return result._replace(note=f"its report could not be completed: {error.strerror}")
        finally:
            os.close(self._file)
            self._file = -1

    def _give_final_name(self, result: Result, pid: int) -> str:
        names = names_of(self._directory, self._stamp, str(pid), self._header)
        layout = self._layout._replace(size=self._size, is_lost=bool(self._trouble))
        rendered = render_header(self._header, result, pid, self._start, layout)
        return _complete(self._file, rendered, self._size, result.note, self._path, names)

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


def salvage(directory: str, stamp: str, header: Header, result: Result, pid: int) -> Result:
    """Complete the report of an attempt whose worker died, wherever it had come.

    Returns `result` with the report's path and the end of the output, if there is one. Raises OSError.
    """
    remove(draft_path(directory, header))
    remove(prompt_file(directory, header.attempt))
    for path in (path for part in ("TEMP", str(pid)) for path in former_names_of(directory, stamp, part, header)):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            start = find_output(os.pread(file, os.fstat(file).st_size, 0), header.attempt)
            if start:
                result = result._replace(tail=_read_tail(file, start))
                layout = _salvage_layout(file, start)
                rendered = render_header(header, result, pid, start, layout)
                names = names_of(directory, stamp, str(pid), header)
                os.ftruncate(file, start + (layout.size or 0))  # it may have written another end
                return result._replace(report=_complete(file, rendered, layout.size or 0, result.note, path, names))
        finally:
            os.close(file)
    return result


def _salvage_layout(file: int, start: int) -> Layout:
    """What a dead worker left: the size that it wrote down, or what there is, less a closing line of its own."""
    layout = read_layout(os.pread(file, start, 0))
    if layout.size is not None:
        return layout
    size = os.fstat(file).st_size - start
    return layout._replace(size=size, is_changing=False)


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


def _complete(file: int, header: bytes, size: int, note: str | None, path: str, names: list[str]) -> str:
    """Write the result into the header, close the output and say why it ended, sync, and move from `path` to the first
    of `names` that is free; that name below home. Readers rely on the header's coming first."""
    try:
        os.pwrite(file, header, 0)
        end = len(header) + size
        closing = FENCE if not size or os.pread(file, 1, end - 1) == b"\n" else b"\n" + FENCE
        os.pwrite(file, closing + render_end(note).encode(), end)
    except OSError:
        pass  # a full disk, or a limit: it may take the name, though it does not take the last line
    if size > TAIL:  # a shorter output stands in the database, which is synced, from end to end
        os.fsync(file)
    final = link_first(path, names)
    if final != path:
        os.unlink(path)
    return below_home(final)


def _read_tail(file: int, start: int) -> str:
    size = os.fstat(file).st_size
    output = os.pread(file, TAIL, max(start, size - TAIL))
    return output.decode("utf-8", "replace").replace("\0", "\ufffd")
