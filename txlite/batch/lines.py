"""The lines of a file that are tasks as they stand: commands or prompts, one each. Used by `commands.run_batch`."""

from __future__ import annotations

import io

from ..errors import UsageError
from .sources import read_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class TaskLines:
    """Lines that are neither empty nor comments: read once, and decoded each time that they are gone through, because a
    million strings take three times the room of the file."""

    def __init__(self, source: str) -> None:
        """Raises UsageError where the source cannot be read."""
        self._source = source
        self._data = read_data(source, f"--from {source}")

    def __iter__(self) -> Iterator[str]:
        """Yield them. Raises UsageError, naming the line that is no text."""
        for number, line in enumerate(io.BytesIO(self._data), 1):
            try:
                decoded = line.rstrip(b"\r\n").decode()
            except UnicodeDecodeError:
                raise UsageError(f"--from {self._source}: line {number} is not UTF-8: re-encode it") from None
            if "\0" in decoded:
                raise UsageError(f"--from {self._source}: line {number} contains a NUL byte: remove it")
            if decoded.lstrip()[:1] not in ("", "#"):
                yield decoded
