"""The report of an attempt whose worker died, completed wherever it had come.

Under TEMP there is what the agent had said until then. Where the attempt had ended, its report may have its final name
already, whole or cut off, or may have been in memory alone, as that of an attempt in its first moment: then it is
written anew, and says that its output was lost.
Called by `execution.dead_worker`, and by `execution.remote_attempt`.
"""

from __future__ import annotations

import os

from .header import Header, Layout, find_output, read_layout, render_header
from .naming import draft_path, former_names_of, names_of, remove
from .report import TAIL, complete, decode_tail, prompt_file, read_tail, write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.attempts import Result


def salvage(
    directory: str, stamp: str, header: Header, result: Result, pid: int, output: bytes | None = None
) -> Result:
    """Complete the report of an attempt whose worker died.

    output: all of it, where it stands elsewhere: then the report is written anew. Where there is none, one is written,
    and says that its output was lost. Returns `result` with the report's path and
    the end of the output. Raises OSError.
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
            if start and output is not None and "TEMP" in os.path.basename(path):
                remove(path)
                continue
            if start:
                names = names_of(directory, stamp, str(pid), header)
                return _complete(file, start, header, result, pid, path, names)
            if not os.fstat(file).st_size:
                remove(path)  # made, and not written yet
        finally:
            os.close(file)
    result = result._replace(tail=decode_tail((output or b"")[-TAIL:]))
    path = write_whole(directory, stamp, header, result, pid, output or b"", is_lost=output is None)
    return result._replace(report=path)


def discard(directory: str, stamp: str, header: Header) -> None:
    """Remove the unfinished report of an attempt that goes on in other hands, which write it anew. Raises OSError."""
    remove(draft_path(directory, header))
    for path in names_of(directory, stamp, "TEMP", header):
        try:
            with open(path, "rb") as file:
                is_its = bool(find_output(file.read(), header.attempt))
        except FileNotFoundError:
            continue
        if is_its:
            remove(path)


def _complete(file: int, start: int, header: Header, result: Result, pid: int, path: str, names: list[str]) -> Result:
    layout = _layout(file, start)
    size = layout.size or 0
    os.ftruncate(file, start + size)  # it may have written another end
    result = result._replace(tail=read_tail(file, start))
    rendered = render_header(header, result, pid, start, layout)
    return result._replace(report=complete(file, rendered, size, result, path, names))


def _layout(file: int, start: int) -> Layout:
    """What a dead worker left: the size that it wrote down, or what there is, less a closing line of its own."""
    layout = read_layout(os.pread(file, start, 0))
    there = os.fstat(file).st_size - start
    if layout.size is None:
        return layout._replace(size=there, is_changing=False)
    return layout if layout.size <= there else layout._replace(size=there, is_lost=True)
