"""What one task wrote to stdout, or to stderr, on its way out: a part at a time, as it is, with a tag before each line,
or made safe for a terminal.

Used by `task_output`.
"""

from __future__ import annotations

from ..reports.naming import remove
from ..system import clock
from ..text import printable_lines
from .outlet import CHUNK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from .outlet import Outlet


class LineForm:
    """From what a task wrote to what is printed of it. tag: before each line; is_safe: for a terminal, which gets whole
    lines, so that nothing else comes between, and nothing that it could act on."""

    def __init__(self, tag: bytes, is_safe: bool) -> None:
        import codecs

        self._tag = tag
        self._is_safe = is_safe
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""  # a line, for a terminal
        self._is_at_start = True  # of a line

    def change(self, data: bytes) -> bytes:
        """Return the next part; b"" for `data` says that this was all."""
        is_over = not data
        if self._is_safe:
            data = self._whole_lines(self._decoder.decode(data, final=is_over), is_over)
        changed = self._tag_lines(data) if data else b""
        if is_over and not self._is_at_start and (self._tag or self._is_safe):
            changed += b"\n"  # else the next one would go on in its line
        return changed

    def _whole_lines(self, words: str, is_over: bool) -> bytes:
        words = self._begun + printable_lines(words)
        end = len(words) if is_over or len(words) > CHUNK else words.rfind("\n") + 1
        self._begun = words[end:]
        return words[:end].encode()

    def _tag_lines(self, data: bytes) -> bytes:
        was_at_start, self._is_at_start = self._is_at_start, data.endswith(b"\n")
        if not self._tag:
            return data
        body = data[:-1] if self._is_at_start else data
        tagged = body.replace(b"\n", b"\n" + self._tag)
        return (self._tag if was_at_start else b"") + tagged + (b"\n" if self._is_at_start else b"")


class OutputPiece:
    """One stream of one attempt on its way out, and the file that goes with it."""

    def __init__(self, source: BinaryIO, path: str, outlet: Outlet, form: LineForm) -> None:
        """path: of the file; "" for none."""
        self.outlet = outlet
        self.printed = 0  # bytes
        self._source = source
        self._path = path
        self._form = form
        self._left = memoryview(b"")  # of what was read
        self._is_read = False  # to its end

    def step(self, until: float) -> bool:
        """Print, until this monotonic time at the latest; return whether all of it is out."""
        while True:
            taken = self.outlet.put(self._left, until)
            self.printed += taken
            if taken < len(self._left):
                self._left = self._left[taken:]
                return False
            if self._is_read or self.outlet.is_lost:
                self._close()
                return True
            if clock.monotonic() >= until:
                self._left = memoryview(b"")
                return False
            data = self._source.read(CHUNK)
            self._is_read = not data
            self._left = memoryview(self._form.change(data))

    def _close(self) -> None:
        self._source.close()
        if self._path and not self.outlet.is_broken:
            remove(self._path)
