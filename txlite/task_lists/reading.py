"""Which form a file has, and what its tasks are. Used by the commands `import` and `export --list`."""

from __future__ import annotations

import json
import os

from ..errors import UsageError
from . import beads, markdown, prd
from .entry import wrong
from .settled import settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from .entry import TaskList
    from .settled import ListedTask

EXPORT, MARKDOWN, PRD, BEADS = "an export", "a Markdown list", "a PRD", "beads' issues"
ENDINGS = (".md", ".markdown", ".mdown")
LIMIT = 64 << 20  # bytes of a task list


class Arriving:
    """A file that is looked at before it is read: its form, and then all of its lines.

    name: of the file, for messages.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        self._seen: list[bytes] = []  # what the look took, the last line first
        self.form = self._look()

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, as a file does; of one that was looked at, all."""
        return self._seen.pop() if self._seen else self._file.readline(size)

    def text(self) -> str:
        """Return all that is left. Raises UsageError for what is too large, and for what is not text."""
        whole = b"".join(reversed(self._seen)) + self._file.read(LIMIT + 1)
        if len(whole) > LIMIT:
            raise UsageError(f"{self.name} has more than {LIMIT >> 20} MB: it is no task list")
        try:
            return whole.decode()
        except UnicodeDecodeError as error:
            raise wrong(self.name, whole.count(b"\n", 0, error.start) + 1, "it is not valid UTF-8") from None

    def _look(self) -> str:
        lines = []
        line = self._file.readline(LIMIT + 1)
        while line:
            lines.append(line)
            if line.strip(b"\xef\xbb\xbf \t\r\n"):
                break
            line = self._file.readline(LIMIT + 1)
        self._seen = lines[::-1]
        return recognise(line, self.name)


def recognise(line: bytes, name: str) -> str:
    """Return the form of a file with this name, of which this is the first line that says something; one that says
    nothing has the form of an export."""
    if os.path.splitext(name)[1].lower() in ENDINGS:
        return MARKDOWN
    said = line.lstrip(b"\xef\xbb\xbf \t")
    if said[:1] not in (b"{", b"["):
        return MARKDOWN if said.strip() else EXPORT
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return PRD  # it goes on in the lines below
    if prd.has_stories(value) or isinstance(value, list):
        return PRD
    return BEADS if beads.is_issue(value) else EXPORT


def read(text: str, form: str, name: str, place: str, resolve: Callable[[str], str]) -> list[ListedTask]:
    """Return the tasks of a list that has this form. `place`: what tells its file from others; `resolve`: returns the
    id of a task that is here already, or raises. Raises UsageError, naming a line."""
    return settle(_read(text, form, name), name, place, resolve)


def _read(text: str, form: str, name: str) -> TaskList:
    if form == MARKDOWN:
        return markdown.read(text, name)
    return prd.read(text, name) if form == PRD else beads.read(text, name)


def place_of(path: str, home: str) -> str:
    """Return what tells a file from others: its path below the directory in which home lies, so that it stays the same
    when all of that moves; else its whole path."""
    real, above = os.path.realpath(path), os.path.dirname(os.path.realpath(home))
    below = os.path.relpath(real, above)
    return real if below == os.pardir or below.startswith(os.pardir + os.sep) else below
